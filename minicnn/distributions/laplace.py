"""The Laplace distribution."""

from typing import Any

import numpy as np

from minicnn.autograd.tensor import Tensor
from minicnn.distributions import constraints
from minicnn.distributions.distribution import Distribution, Shape, broadcast_all
from minicnn.ops.exponentials import expm1, log1p
from minicnn.ops.sampling import rand

__all__ = ["Laplace"]


class Laplace(Distribution):
    """The Laplace distribution, with the density exp(-|x - loc| / scale) / (2 scale).

    Parameters
    ----------
    loc, scale : Tensor or float
    validate_args : bool, optional
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
    def variance(self) -> Tensor:
        return 2 * self.scale.square()

    @property
    def stddev(self) -> Tensor:
        return 2**0.5 * self.scale

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        shape, eps = self._extended_shape(sample_shape), float(np.finfo(self.loc.dtype).eps)
        u = (2 * rand(shape, dtype=self.loc.dtype, device=self.loc.device) - 1).clamp(min=eps - 1)
        return self.loc - self.scale * u.sign() * log1p(-u.abs())

    def _log_prob(self, value: Tensor) -> Tensor:
        return -(2 * self.scale).log() - (value - self.loc).abs() / self.scale

    def _cdf(self, value: Tensor) -> Tensor:
        distance = value - self.loc
        return 0.5 - 0.5 * distance.sign() * expm1(-distance.abs() / self.scale)

    def icdf(self, value: Tensor) -> Tensor:
        term = value - 0.5
        return self.loc - self.scale * term.sign() * log1p(-2 * term.abs())

    def entropy(self) -> Tensor:
        return 1 + (2 * self.scale).log()
