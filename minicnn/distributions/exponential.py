"""The exponential distribution."""

from typing import Any

from minicnn.autograd.tensor import Tensor
from minicnn.distributions import constraints
from minicnn.distributions.distribution import Distribution, Shape, broadcast_all
from minicnn.ops.create import zeros_like
from minicnn.ops.exponentials import exp, log1p
from minicnn.ops.sampling import rand

__all__ = ["Exponential"]


class Exponential(Distribution):
    """The exponential distribution, with the density rate exp(-rate x) for x >= 0.

    Parameters
    ----------
    rate : Tensor or float
    validate_args : bool, optional
    """

    arg_constraints = {"rate": constraints.positive}  # noqa: RUF012
    support = constraints.nonnegative
    has_rsample = True

    def __init__(self, rate: Any, validate_args: bool | None = None) -> None:
        (self.rate,) = broadcast_all(rate)
        super().__init__(self.rate.shape, validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        return 1 / self.rate

    @property
    def mode(self) -> Tensor:
        return zeros_like(self.rate)

    @property
    def stddev(self) -> Tensor:
        return 1 / self.rate

    @property
    def variance(self) -> Tensor:
        return 1 / self.rate.square()

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        u = rand(self._extended_shape(sample_shape), dtype=self.rate.dtype, device=self.rate.device)
        return -log1p(-u) / self.rate

    def _log_prob(self, value: Tensor) -> Tensor:
        return self.rate.log() - self.rate * value

    def _cdf(self, value: Tensor) -> Tensor:
        return 1 - exp(-self.rate * value)

    def icdf(self, value: Tensor) -> Tensor:
        return -log1p(-value) / self.rate

    def entropy(self) -> Tensor:
        return 1 - self.rate.log()
