"""The logarithm of the gamma function and its derivatives, for x > 0.

All derivatives come from one asymptotic series, which needs large arguments. So x is moved to z = x + 8 first:

    log Γ(x) = log Γ(z) - Σ log(x + k),    ψ⁽ⁿ⁾(x) = ψ⁽ⁿ⁾(z) - (-1)ⁿ n! Σ 1 / (x + k)ⁿ⁺¹,    k = 0, ..., 7
    ψ⁽ⁿ⁾(z) = (-1)ⁿ⁺¹ ((n - 1)! / zⁿ + n! / (2 zⁿ⁺¹) + Σⱼ B₂ⱼ (2j + n - 1)! / ((2j)! z²ʲ⁺ⁿ))

with Bernoulli's numbers B₂ⱼ. For log Γ and n = 0 the first term is another one (Abramowitz and Stegun, 1964,
chapter 6).
"""

from math import factorial, log, pi
from typing import Any

from minicnn.autograd.primitive import primitive
from minicnn.autograd.tensor import Tensor
from minicnn.dtypes import float64
from minicnn.ops.elementwise import mul
from minicnn.ops.shape import as_float
from minicnn.runtime.devices import Array, xp

__all__ = ["digamma", "lgamma"]

_STEPS = 8
_BERNOULLI = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510, 43867 / 798, -174611 / 330)


@primitive
def _gamma_derivative(x: Array, *, order: int) -> Array:
    """Return the derivative of log Γ of this order: 0 is log Γ itself, 1 the digamma function."""
    m, t, n = xp(x), x.astype(float64), order - 1
    z = t + _STEPS
    steps: Any = 0.0
    for k in range(_STEPS):
        steps = steps + (m.log(t + k) if n < 0 else (t + k) ** -(n + 1))
    series: Any = 0.0
    for j, b in reversed(list(enumerate(_BERNOULLI, 1))):
        series = series / z**2 + b * (factorial(2 * j + n - 1) / factorial(2 * j))
    series = series / z ** (2 + n)
    if n < 0:
        y = (z - 0.5) * m.log(z) - z + 0.5 * log(2 * pi) + series - steps
    elif n == 0:
        y = m.log(z) - 0.5 / z - series - steps
    else:
        y = (-1) ** (n + 1) * (factorial(n - 1) / z**n + factorial(n) / (2 * z ** (n + 1)) + series)
        y = y - (-1) ** n * factorial(n) * steps
    return y.astype(x.dtype)


_gamma_derivative.gradient(x=lambda grad, x, order: mul(grad, _gamma_derivative(x, order=order + 1)))


def lgamma(x: Tensor) -> Tensor:
    """Return log Γ(x), for x > 0."""
    return _gamma_derivative(as_float(x), order=0)


def digamma(x: Tensor) -> Tensor:
    """Return the derivative of log Γ(x), for x > 0."""
    return _gamma_derivative(as_float(x), order=1)
