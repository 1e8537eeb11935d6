"""The normal distribution."""

from math import e, log, pi, sqrt
from typing import Any

from minicnn.autograd.tensor import Tensor
from minicnn.distributions import constraints
from minicnn.distributions.distribution import Distribution, Shape, broadcast_all
from minicnn.ops.activation import erf
from minicnn.ops.normal_quantile import normal_quantile
from minicnn.ops.sampling import randn

__all__ = ["Normal"]


class Normal(Distribution):
    """The normal distribution, with the density exp(-(x - loc)² / (2 scale²)) / (scale √(2π)).

    Parameters
    ----------
    loc : Tensor or float
        The mean.
    scale : Tensor or float
        The standard deviation.
    validate_args : bool, optional

    Examples
    --------
    >>> import minicnn
    >>> round(Normal(0.0, 1.0).log_prob(minicnn.tensor(0.0)).item(), 4)
    -0.9189
    """

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive}  # noqa: RUF012
    support = constraints.real
    has_rsample = True

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        self.loc, self.scale = broadcast_all(loc, scale)
        super().__init__(self.loc.shape, validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        return self.loc

    @property
    def mode(self) -> Tensor:
        return self.loc

    @property
    def stddev(self) -> Tensor:
        return self.scale

    @property
    def variance(self) -> Tensor:
        return self.stddev.square()

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        noise = randn(self._extended_shape(sample_shape), dtype=self.loc.dtype, device=self.loc.device)
        return self.loc + noise * self.scale

    def _log_prob(self, value: Tensor) -> Tensor:
        return -((value - self.loc).square()) / (2 * self.variance) - self.scale.log() - log(sqrt(2 * pi))

    def _cdf(self, value: Tensor) -> Tensor:
        return 0.5 * (1 + erf((value - self.loc) / (self.scale * sqrt(2))))

    def icdf(self, value: Tensor) -> Tensor:
        return self.loc + self.scale * normal_quantile(value)

    def entropy(self) -> Tensor:
        return 0.5 * log(2 * pi * e) + self.scale.log()
