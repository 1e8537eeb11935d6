"""The gamma distribution."""

from typing import Any

import numpy as np

from minicnn.autograd.tape import is_grad_enabled
from minicnn.autograd.tensor import Tensor
from minicnn.distributions import constraints
from minicnn.distributions.distribution import Distribution, Shape, broadcast_all
from minicnn.ops.comparison import where
from minicnn.ops.create import as_tensor, ones_like, zeros_like
from minicnn.ops.gamma_functions import digamma, lgamma
from minicnn.runtime.devices import to_host
from minicnn.runtime.random import generator

__all__ = ["Gamma", "standard_gamma", "xlogy"]


def xlogy(x: Tensor, y: Tensor) -> Tensor:
    """Return x log y, and 0 where x is 0."""
    zero = x == 0
    return where(zero, zeros_like(y), x * where(zero, ones_like(y), y).log())


def standard_gamma(concentration: Tensor, shape: Shape) -> Tensor:
    """Draw numbers of gamma distributions with the rate 1, all above 0. They have the gradient of `_slope`."""
    c = to_host(concentration.array).astype(np.float64)
    drawn = np.asarray(generator().standard_gamma(c, tuple(shape)))
    numbers = drawn.astype(concentration.dtype).clip(np.finfo(concentration.dtype).tiny)
    x = as_tensor(numbers, device=concentration.device)
    if not (is_grad_enabled() and concentration.requires_grad):
        return x
    slope = _slope(np.broadcast_to(c, shape), numbers.astype(np.float64)).astype(concentration.dtype)
    return x + as_tensor(slope, device=concentration.device) * (concentration - concentration.detach())


def _slope(c: Any, x: Any) -> Any:
    """Return dx/dc of samples x whose quantile is fixed: -(∂F/∂c) / p(x), from the series of F.

        F(x) = Σₙ tₙ,  tₙ = x^(c + n) e⁻ˣ / Γ(c + n + 1),  ∂tₙ/∂c = tₙ (log x - ψ(c + n + 1)),  p(x) = t₀ c / x

    (Figurnov, Mohamed, Mnih: Implicit reparameterization gradients, 2018.)
    """
    logarithm, k = np.log(x), c + 1
    psi = digamma(as_tensor(k)).array  # of c + n + 1
    term, total = np.ones_like(x), np.zeros_like(x)  # tₙ / t₀
    while True:
        change = term * (logarithm - psi)
        total = total + change
        psi = psi + 1 / k
        term = term * x / k
        k = k + 1
        if not np.any((x > k) | (np.abs(term * (logarithm - psi)) > 1e-13 * np.abs(total))):
            return -x / c * total


class Gamma(Distribution):
    """The gamma distribution, with the density rateᶜ xᶜ⁻¹ exp(-rate x) / Γ(c) for c = concentration.

    Samples have gradients of the first order.

    Parameters
    ----------
    concentration, rate : Tensor or float
    validate_args : bool, optional
    """

    arg_constraints = {"concentration": constraints.positive, "rate": constraints.positive}  # noqa: RUF012
    support = constraints.nonnegative
    has_rsample = True

    def __init__(self, concentration: Any, rate: Any, validate_args: bool | None = None) -> None:
        self.concentration, self.rate = broadcast_all(concentration, rate)
        super().__init__(self.concentration.shape, validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        return self.concentration / self.rate

    @property
    def mode(self) -> Tensor:
        return ((self.concentration - 1) / self.rate).clamp(min=0)

    @property
    def variance(self) -> Tensor:
        return self.concentration / self.rate.square()

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        return standard_gamma(self.concentration, self._extended_shape(sample_shape)) / self.rate

    def _log_prob(self, value: Tensor) -> Tensor:
        c, rate = self.concentration, self.rate
        return xlogy(c, rate + value * 0) + xlogy(c + value * 0 - 1, value + c * 0) - rate * value - lgamma(c)

    def entropy(self) -> Tensor:
        c = self.concentration
        return c - self.rate.log() + lgamma(c) + (1 - c) * digamma(c)
