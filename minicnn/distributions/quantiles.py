"""Distributions whose quantiles have a formula. A sample is the quantile of a uniform number: `ByQuantile`."""

from math import inf, log, nan, pi, sqrt
from typing import Any

import numpy as np

from minicnn.autograd.tensor import Tensor
from minicnn.distributions import constraints
from minicnn.distributions.distribution import Distribution, Shape, broadcast_all
from minicnn.ops.comparison import where
from minicnn.ops.create import full_like, ones_like, zeros_like
from minicnn.ops.exponentials import exp, expm1, log1p
from minicnn.ops.gamma_functions import digamma, lgamma
from minicnn.ops.sampling import rand

__all__ = ["ByQuantile", "Cauchy", "GeneralizedPareto", "Gumbel", "Kumaraswamy", "Pareto", "Weibull"]

EULER = 0.57721566490153286  # Euler's constant


class ByQuantile(Distribution):
    """The base class of distributions whose samples are icdf(u) for uniform numbers u. They have gradients."""

    has_rsample = True

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        like: Tensor = getattr(self, next(iter(self.arg_constraints)))
        u = rand(self._extended_shape(sample_shape), dtype=like.dtype, device=like.device)
        return self.icdf(u.clamp(min=float(np.finfo(like.dtype).tiny)))


class Cauchy(ByQuantile):
    """The Cauchy distribution, with the density 1 / (π scale (1 + ((x - loc) / scale)²)). It has no mean.

    Parameters
    ----------
    loc, scale : Tensor or float
        The median, and half of the width at half of the height.
    validate_args : bool, optional
    """

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive}  # noqa: RUF012
    support = constraints.real

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        self.loc, self.scale = broadcast_all(loc, scale)
        super().__init__(self.loc.shape, validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        return full_like(self.loc, nan)

    @property
    def mode(self) -> Tensor:
        return self.loc

    @property
    def variance(self) -> Tensor:
        return full_like(self.loc, inf)

    def _log_prob(self, value: Tensor) -> Tensor:
        return -log(pi) - self.scale.log() - log1p(((value - self.loc) / self.scale).square())

    def _cdf(self, value: Tensor) -> Tensor:
        return ((value - self.loc) / self.scale).atan() / pi + 0.5

    def icdf(self, value: Tensor) -> Tensor:
        return (pi * (value - 0.5)).tan() * self.scale + self.loc

    def entropy(self) -> Tensor:
        return log(4 * pi) + self.scale.log()


class Gumbel(ByQuantile):
    """The Gumbel distribution, of the largest of many numbers: F(x) = exp(-exp(-(x - loc) / scale)).

    Parameters
    ----------
    loc, scale : Tensor or float
    validate_args : bool, optional
    """

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive}  # noqa: RUF012
    support = constraints.real

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        self.loc, self.scale = broadcast_all(loc, scale)
        super().__init__(self.loc.shape, validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        return self.loc + self.scale * EULER

    @property
    def mode(self) -> Tensor:
        return self.loc

    @property
    def stddev(self) -> Tensor:
        return (pi / sqrt(6)) * self.scale

    @property
    def variance(self) -> Tensor:
        return self.stddev.square()

    def _log_prob(self, value: Tensor) -> Tensor:
        y = (self.loc - value) / self.scale
        return y - exp(y) - self.scale.log()

    def _cdf(self, value: Tensor) -> Tensor:
        return exp(-exp((self.loc - value) / self.scale))

    def icdf(self, value: Tensor) -> Tensor:
        return self.loc - self.scale * (-value.log()).log()

    def entropy(self) -> Tensor:
        return self.scale.log() + (1 + EULER)


class Weibull(ByQuantile):
    """The Weibull distribution of lifetimes: F(x) = 1 - exp(-(x / scale)ᵏ) for x > 0 and k = concentration.

    Parameters
    ----------
    scale, concentration : Tensor or float
    validate_args : bool, optional
    """

    arg_constraints = {"scale": constraints.positive, "concentration": constraints.positive}  # noqa: RUF012
    support = constraints.positive

    def __init__(self, scale: Any, concentration: Any, validate_args: bool | None = None) -> None:
        self.scale, self.concentration = broadcast_all(scale, concentration)
        super().__init__(self.scale.shape, validate_args=validate_args)

    def _moment(self, n: int) -> Tensor:
        """Return the mean of (x / scale)ⁿ."""
        return exp(lgamma(1 + n / self.concentration))

    @property
    def mean(self) -> Tensor:
        return self.scale * self._moment(1)

    @property
    def mode(self) -> Tensor:
        k = self.concentration
        return self.scale * ((k - 1) / k) ** (1 / k)

    @property
    def variance(self) -> Tensor:
        return self.scale.square() * (self._moment(2) - self._moment(1).square())

    def _log_prob(self, value: Tensor) -> Tensor:
        x, k = value / self.scale, self.concentration
        return (k / self.scale).log() + (k - 1) * x.log() - x**k

    def _cdf(self, value: Tensor) -> Tensor:
        return -expm1(-((value / self.scale) ** self.concentration))

    def icdf(self, value: Tensor) -> Tensor:
        return self.scale * (-log1p(-value)) ** (1 / self.concentration)

    def entropy(self) -> Tensor:
        k = self.concentration
        return EULER * (1 - 1 / k) + (self.scale / k).log() + 1


class Pareto(ByQuantile):
    """The Pareto distribution of wealth: 1 - F(x) = (scale / x)^alpha for x >= scale.

    Parameters
    ----------
    scale, alpha : Tensor or float
    validate_args : bool, optional
    """

    arg_constraints = {"alpha": constraints.positive, "scale": constraints.positive}  # noqa: RUF012

    def __init__(self, scale: Any, alpha: Any, validate_args: bool | None = None) -> None:
        self.scale, self.alpha = broadcast_all(scale, alpha)
        super().__init__(self.scale.shape, validate_args=validate_args)

    @property
    def support(self) -> constraints.Constraint:
        return constraints.greater_than_eq(self.scale)

    @property
    def mean(self) -> Tensor:
        a = self.alpha.clamp(min=1)  # infinite up to there
        return a * self.scale / (a - 1)

    @property
    def mode(self) -> Tensor:
        return self.scale

    @property
    def variance(self) -> Tensor:
        a = self.alpha.clamp(min=2)
        return self.scale.square() * a / ((a - 1).square() * (a - 2))

    def _log_prob(self, value: Tensor) -> Tensor:
        return self.alpha.log() + self.alpha * self.scale.log() - (self.alpha + 1) * value.log()

    def _cdf(self, value: Tensor) -> Tensor:
        return 1 - (self.scale / value) ** self.alpha

    def icdf(self, value: Tensor) -> Tensor:
        return self.scale * exp(-log1p(-value) / self.alpha)

    def entropy(self) -> Tensor:
        return (self.scale / self.alpha).log() + (1 + 1 / self.alpha)


class GeneralizedPareto(ByQuantile):
    """The generalised Pareto distribution of values above a limit: 1 - F(x) = (1 + c z)^(-1 / c).

    Here z is (x - loc) / scale. For c = concentration = 0 it is exponential: 1 - F(x) = exp(-z).

    Parameters
    ----------
    loc, scale, concentration : Tensor or float
    validate_args : bool, optional
    """

    arg_constraints = {  # noqa: RUF012
        "loc": constraints.real,
        "scale": constraints.positive,
        "concentration": constraints.real,
    }

    def __init__(self, loc: Any, scale: Any, concentration: Any, validate_args: bool | None = None) -> None:
        self.loc, self.scale, self.concentration = broadcast_all(loc, scale, concentration)
        super().__init__(self.loc.shape, validate_args=validate_args)

    @property
    def support(self) -> constraints.Constraint:
        finite = self.concentration < 0
        end = self.loc - self.scale / where(finite, self.concentration, -ones_like(self.loc))
        return constraints.interval(self.loc, where(finite, end, full_like(end, inf)))

    @property
    def _shape(self) -> tuple[Tensor, Tensor]:
        """Where the concentration is 0, and the concentration, with 1 there."""
        zero = self.concentration.abs() <= 1e-8
        return zero, where(zero, ones_like(self.concentration), self.concentration)

    @property
    def mean(self) -> Tensor:
        valid = self.concentration < 1
        c = where(valid, self.concentration, zeros_like(self.loc))
        return where(valid, self.loc + self.scale / (1 - c), full_like(self.loc, nan))

    @property
    def mode(self) -> Tensor:
        return self.loc

    @property
    def variance(self) -> Tensor:
        valid = self.concentration < 0.5
        c = where(valid, self.concentration, zeros_like(self.loc))
        return where(valid, self.scale.square() / ((1 - c).square() * (1 - 2 * c)), full_like(self.loc, nan))

    def _log_prob(self, value: Tensor) -> Tensor:
        (zero, c), z = self._shape, (value - self.loc) / self.scale
        power = 1 + 1 / c
        falls = where(power == 0, zeros_like(z), power * log1p(c * z))
        return -self.scale.log() - where(zero, z, falls)

    def log_survival_function(self, value: Tensor) -> Tensor:
        """Return log(1 - F(x))."""
        (zero, c), z = self._shape, (value - self.loc) / self.scale
        return where(zero, -z, -log1p(c * z) / c)

    def log_cdf(self, value: Tensor) -> Tensor:
        """Return log F(x)."""
        return log1p(-exp(self.log_survival_function(value)))

    def _cdf(self, value: Tensor) -> Tensor:
        return -expm1(self.log_survival_function(value))

    def icdf(self, value: Tensor) -> Tensor:
        (zero, c), rest = self._shape, log1p(-value)
        return self.loc + self.scale * where(zero, -rest, expm1(-c * rest) / c)

    def entropy(self) -> Tensor:
        return self.scale.log() + self.concentration + 1


class Kumaraswamy(ByQuantile):
    """The Kumaraswamy distribution of numbers from 0 to 1: F(x) = 1 - (1 - xᵃ)ᵇ, similar to the beta distribution.

    Parameters
    ----------
    concentration1, concentration0 : Tensor or float
        a and b.
    validate_args : bool, optional
    """

    arg_constraints = {  # noqa: RUF012
        "concentration1": constraints.positive,
        "concentration0": constraints.positive,
    }
    support = constraints.unit_interval

    def __init__(self, concentration1: Any, concentration0: Any, validate_args: bool | None = None) -> None:
        self.concentration1, self.concentration0 = broadcast_all(concentration1, concentration0)
        super().__init__(self.concentration1.shape, validate_args=validate_args)

    def _moment(self, n: int) -> Tensor:
        """Return the mean of xⁿ, b B(1 + n / a, b)."""
        first, b = 1 + n / self.concentration1, self.concentration0
        return b * exp(lgamma(first) + lgamma(b) - lgamma(first + b))

    @property
    def mean(self) -> Tensor:
        return self._moment(1)

    @property
    def mode(self) -> Tensor:
        a, b = self.concentration1, self.concentration0
        found = ((a - 1) / (a * b - 1)) ** (1 / a)
        return where((a < 1) | (b < 1), full_like(found, nan), found)

    @property
    def variance(self) -> Tensor:
        return self._moment(2) - self.mean.square()

    def _log_prob(self, value: Tensor) -> Tensor:
        a, b = self.concentration1, self.concentration0
        return (a * b).log() + (a - 1) * value.log() + (b - 1) * log1p(-(value**a))

    def _cdf(self, value: Tensor) -> Tensor:
        return 1 - (1 - value**self.concentration1) ** self.concentration0

    def icdf(self, value: Tensor) -> Tensor:
        return (1 - (1 - value) ** (1 / self.concentration0)) ** (1 / self.concentration1)

    def entropy(self) -> Tensor:
        a, b = self.concentration1, self.concentration0
        return (1 - 1 / b) + (1 - 1 / a) * (digamma(b + 1) + EULER) - a.log() - b.log()
