"""Von Mises' distribution of angles."""

from math import log, pi
from typing import Any

import numpy as np

from minicnn.autograd.tensor import Tensor
from minicnn.distributions import constraints
from minicnn.distributions.distribution import Distribution, Shape, broadcast_all
from minicnn.ops.comparison import where
from minicnn.ops.create import as_tensor, ones_like
from minicnn.ops.ranges import arange
from minicnn.ops.reduce import logsumexp
from minicnn.runtime.devices import to_host
from minicnn.runtime.random import generator

__all__ = ["VonMises"]


def _log_bessel(x: Tensor) -> Tensor:
    """Return log I₀(x) for x >= 0: the mean of exp(x cos t) over the circle, or for large x its asymptotic series.

    A sum over equally spaced points of a periodic function converges faster than any power of their number.
    """
    large = x > 500
    points, inner = 256, where(large, ones_like(x), x)
    t = arange(points, dtype=x.dtype, device=x.device) * (2 * pi / points)
    near = logsumexp(inner.unsqueeze(-1) * t.cos(), -1) - log(points)
    z = 8 * where(large, x, 500 * ones_like(x))
    series = 1 + (1 + (4.5 + 37.5 / z) / z) / z
    return where(large, x - 0.5 * (pi / 4 * z).log() + series.log(), near)


class VonMises(Distribution):
    """The density of an angle x in proportion to exp(concentration cos(x - loc)), a normal distribution on the circle.

    Parameters
    ----------
    loc : Tensor or float
        In radians.
    concentration : Tensor or float
        About 1 / variance for large values.
    validate_args : bool, optional
    """

    arg_constraints = {"loc": constraints.real, "concentration": constraints.positive}  # noqa: RUF012
    support = constraints.real

    def __init__(self, loc: Any, concentration: Any, validate_args: bool | None = None) -> None:
        self.loc, self.concentration = broadcast_all(loc, concentration)
        super().__init__(self.loc.shape, validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        return self.loc

    @property
    def mode(self) -> Tensor:
        return self.loc

    @property
    def variance(self) -> Tensor:
        """The circular variance, 1 - I₁ / I₀, that is 1 minus the mean of cos(x - loc)."""
        points = 4096
        t = arange(points, dtype=self.loc.dtype, device=self.loc.device) * (2 * pi / points)
        weights = (self.concentration.unsqueeze(-1) * (t.cos() - 1)).exp()
        return (weights * (1 - t.cos())).sum(-1) / weights.sum(-1)

    def sample(self, sample_shape: Shape = ()) -> Tensor:
        loc, concentration = (to_host(t.detach().array).astype(np.float64) for t in (self.loc, self.concentration))
        drawn = generator().vonmises(0.0, concentration, self._extended_shape(sample_shape))
        angles = (loc + drawn + pi) % (2 * pi) - pi
        return as_tensor(np.asarray(angles).astype(self.loc.dtype), device=self.loc.device)

    def _log_prob(self, value: Tensor) -> Tensor:
        return self.concentration * (value - self.loc).cos() - log(2 * pi) - _log_bessel(self.concentration)
