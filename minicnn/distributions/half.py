"""The distributions of |x| for a normal x, and for an x of Cauchy's distribution, both around 0."""

from math import inf, log, pi, sqrt
from typing import Any

from minicnn.autograd.tensor import Tensor
from minicnn.distributions import constraints
from minicnn.distributions.distribution import Distribution, Shape, broadcast_all
from minicnn.distributions.normal import Normal
from minicnn.distributions.quantiles import Cauchy
from minicnn.ops.comparison import where
from minicnn.ops.create import full_like, zeros_like

__all__ = ["HalfCauchy", "HalfNormal"]


class _Half(Distribution):
    """The distribution of |x|, where x has the distribution `base_dist`, which is symmetric around 0."""

    arg_constraints = {"scale": constraints.positive}  # noqa: RUF012
    support = constraints.nonnegative
    has_rsample = True
    _whole: type[Normal] | type[Cauchy]

    def __init__(self, scale: Any, validate_args: bool | None = None) -> None:
        (self.scale,) = broadcast_all(scale)
        super().__init__(self.scale.shape, validate_args=validate_args)

    @property
    def base_dist(self) -> Normal | Cauchy:
        """The distribution of x."""
        return self._whole(zeros_like(self.scale), self.scale, validate_args=False)

    @property
    def mode(self) -> Tensor:
        return zeros_like(self.scale)

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        return self.base_dist.rsample(sample_shape).abs()

    def _log_prob(self, value: Tensor) -> Tensor:
        found = self.base_dist.log_prob(value) + log(2)
        return where(value >= 0, found, full_like(found, -inf))

    def _cdf(self, value: Tensor) -> Tensor:
        return 2 * self.base_dist.cdf(value) - 1

    def icdf(self, value: Tensor) -> Tensor:
        return self.base_dist.icdf((value + 1) / 2)

    def entropy(self) -> Tensor:
        return self.base_dist.entropy() - log(2)


class HalfNormal(_Half):
    """The distribution of |x| for a normal x with the mean 0.

    Parameters
    ----------
    scale : Tensor or float
        The standard deviation of x.
    validate_args : bool, optional
    """

    _whole = Normal

    @property
    def mean(self) -> Tensor:
        return self.scale * sqrt(2 / pi)

    @property
    def variance(self) -> Tensor:
        return self.scale.square() * (1 - 2 / pi)


class HalfCauchy(_Half):
    """The distribution of |x| for an x of Cauchy's distribution with the median 0.

    Parameters
    ----------
    scale : Tensor or float
    validate_args : bool, optional
    """

    _whole = Cauchy

    @property
    def mean(self) -> Tensor:
        return full_like(self.scale, inf)

    @property
    def variance(self) -> Tensor:
        return full_like(self.scale, inf)
