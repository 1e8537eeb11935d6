"""Distributions that are made of gamma distributions: chi², its root in Student's t, ratios, and the inverse."""

from math import inf, log, nan, pi
from typing import Any, Self

import numpy as np

from minicnn.autograd.tensor import Tensor
from minicnn.distributions import constraints
from minicnn.distributions.distribution import Distribution, Shape, broadcast_all
from minicnn.distributions.gamma import Gamma, standard_gamma
from minicnn.ops.comparison import where
from minicnn.ops.create import full_like, ones_like
from minicnn.ops.exponentials import log1p
from minicnn.ops.gamma_functions import digamma, lgamma
from minicnn.ops.sampling import randn
from minicnn.ops.shape import broadcast_to

__all__ = ["Chi2", "FisherSnedecor", "InverseGamma", "StudentT"]


def _if(condition: Tensor, value: Tensor, other: float) -> Tensor:
    return where(condition, value, full_like(value, other))


class Chi2(Gamma):
    """The χ² distribution: of the sum of `df` squares of standard normal numbers.

    Parameters
    ----------
    df : Tensor or float
        The degrees of freedom.
    validate_args : bool, optional
    """

    arg_constraints = {"df": constraints.positive}  # noqa: RUF012

    def __init__(self, df: Any, validate_args: bool | None = None) -> None:
        super().__init__(0.5 * df, 0.5, validate_args)

    @property
    def df(self) -> Tensor:
        """The degrees of freedom."""
        return 2 * self.concentration

    def expand(self, batch_shape: Shape, _instance: Any = None) -> Self:
        new = self._like(batch_shape)
        new.concentration, new.rate = (broadcast_to(t, tuple(batch_shape)) for t in (self.concentration, self.rate))
        return new


class InverseGamma(Distribution):
    """The distribution of 1 / x, where x has a gamma distribution.

    Parameters
    ----------
    concentration, rate : Tensor or float
        Of x.
    validate_args : bool, optional
    """

    arg_constraints = {"concentration": constraints.positive, "rate": constraints.positive}  # noqa: RUF012
    support = constraints.positive
    has_rsample = True

    def __init__(self, concentration: Any, rate: Any, validate_args: bool | None = None) -> None:
        self.concentration, self.rate = broadcast_all(concentration, rate)
        super().__init__(self.rate.shape, validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        return _if(self.concentration > 1, self.rate / (self.concentration - 1), inf)

    @property
    def mode(self) -> Tensor:
        return self.rate / (self.concentration + 1)

    @property
    def variance(self) -> Tensor:
        c = self.concentration
        return _if(c > 2, self.rate.square() / ((c - 1).square() * (c - 2)), inf)

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        return self.rate / standard_gamma(self.concentration, self._extended_shape(sample_shape))

    def _log_prob(self, value: Tensor) -> Tensor:
        c = self.concentration
        return c * self.rate.log() - (c + 1) * value.log() - self.rate / value - lgamma(c)

    def entropy(self) -> Tensor:
        c = self.concentration
        return c + self.rate.log() + lgamma(c) - (1 + c) * digamma(c)


class FisherSnedecor(Distribution):
    """The F distribution: of the ratio of two means of squares of standard normal numbers.

    Parameters
    ----------
    df1, df2 : Tensor or float
        The degrees of freedom above and below.
    validate_args : bool, optional
    """

    arg_constraints = {"df1": constraints.positive, "df2": constraints.positive}  # noqa: RUF012
    support = constraints.positive
    has_rsample = True

    def __init__(self, df1: Any, df2: Any, validate_args: bool | None = None) -> None:
        self.df1, self.df2 = broadcast_all(df1, df2)
        super().__init__(self.df1.shape, validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        return _if(self.df2 > 2, self.df2 / (self.df2 - 2), nan)

    @property
    def mode(self) -> Tensor:
        return _if(self.df1 > 2, (self.df1 - 2) / self.df1 * self.df2 / (self.df2 + 2), nan)

    @property
    def variance(self) -> Tensor:
        a, b = self.df1, self.df2
        return _if(b > 4, 2 * b.square() * (a + b - 2) / (a * (b - 2).square() * (b - 4)), nan)

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        above, below = (standard_gamma(df / 2, shape) / df for df in (self.df1, self.df2))
        tiny = float(np.finfo(below.dtype).tiny)
        return (above / below.clamp(min=tiny)).clamp(min=tiny)

    def _log_prob(self, value: Tensor) -> Tensor:
        a, b, ratio = self.df1 / 2, self.df2 / 2, self.df1 / self.df2
        constant = lgamma(a + b) - lgamma(a) - lgamma(b) + a * ratio.log()
        return constant + (a - 1) * value.log() - (a + b) * log1p(ratio * value)


class StudentT(Distribution):
    """Student's t distribution: of loc + scale e / √(z / df) for a standard normal e, and z from χ² of `df`.

    Parameters
    ----------
    df : Tensor or float
        The degrees of freedom. For many it is the normal distribution, and for 1 it is Cauchy's.
    loc, scale : Tensor or float
    validate_args : bool, optional
    """

    arg_constraints = {  # noqa: RUF012
        "df": constraints.positive,
        "loc": constraints.real,
        "scale": constraints.positive,
    }
    support = constraints.real
    has_rsample = True

    def __init__(self, df: Any, loc: Any = 0.0, scale: Any = 1.0, validate_args: bool | None = None) -> None:
        self.df, self.loc, self.scale = broadcast_all(df, loc, scale)
        super().__init__(self.df.shape, validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        return _if(self.df > 1, self.loc, nan)

    @property
    def mode(self) -> Tensor:
        return self.loc

    @property
    def variance(self) -> Tensor:
        finite = self.df > 2
        df = where(finite, self.df, 3 * ones_like(self.df))
        return _if(self.df > 1, _if(finite, self.scale.square() * df / (df - 2), inf), nan)

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        noise = randn(shape, dtype=self.df.dtype, device=self.df.device)
        return self.loc + self.scale * noise * (2 * standard_gamma(self.df / 2, shape) / self.df).rsqrt()

    def _log_beta(self) -> Tensor:
        """Return log B(df / 2, 1 / 2)."""
        return lgamma(self.df / 2) + 0.5 * log(pi) - lgamma((self.df + 1) / 2)

    def _log_prob(self, value: Tensor) -> Tensor:
        y, df = (value - self.loc) / self.scale, self.df
        return -0.5 * (df + 1) * log1p(y.square() / df) - self.scale.log() - 0.5 * df.log() - self._log_beta()

    def entropy(self) -> Tensor:
        df = self.df
        difference = digamma((df + 1) / 2) - digamma(df / 2)
        return self.scale.log() + 0.5 * (df + 1) * difference + 0.5 * df.log() + self._log_beta()
