"""Special functions: the error functions, the gamma function and its derivatives, and functions with a removable hole.

NumPy has none of them. They are computed in float64, from series whose error is below its precision.
"""

from math import factorial, pi, sqrt
from math import log as log_number
from typing import Any

from minicnn.autograd.primitive import primitive
from minicnn.autograd.tensor import Tensor
from minicnn.dtypes import float64
from minicnn.errors import ArgumentError
from minicnn.ops.activation import _chebyshev, _scaled_erfc, erf
from minicnn.ops.comparison import clamp, eq, isnan, le, logical_and, logical_or, where
from minicnn.ops.elementwise import abs, add, div, mul, neg, square, sub
from minicnn.ops.exponentials import exp, log, sin
from minicnn.ops.fuse import fuse
from minicnn.ops.operands import FloatUnary, Value, float_operands
from minicnn.ops.shape import as_float
from minicnn.ops.zeta import BERNOULLI, FAR, _hurwitz
from minicnn.runtime.devices import Array, xp

__all__ = ["digamma", "erfc", "erfinv", "lgamma", "logit", "mvlgamma", "polygamma", "sinc", "xlogy"]

# --- error functions --------------------------------------------------------------------------------------------------


@FloatUnary
def erfc(x: Array) -> Array:
    """Return 1 - erf(x), accurate where erf(x) is almost 1. Bools and integers become the default float type."""
    m, t = xp(x), x.astype(float64)
    far = m.clip(t, 1.0, 30.0)
    return m.where(t < 1.0, 1 - erf.body(t), _tail(far) * m.exp(-far * far)).astype(x.dtype)


@FloatUnary
def erfcx(x: Array) -> Array:
    """Return e^(x²) erfc(x), which does not become 0 for large x. Bools and integers become the default float type."""
    m, t = xp(x), x.astype(float64)
    return m.where(t < 1.0, m.exp(t * t) * erfc.body(t), _tail(m.maximum(t, 1.0))).astype(x.dtype)


def _tail(t: Array) -> Array:
    """Return e^(t²) erfc(t) for t of at least 1."""
    m = xp(t)
    scaled = _chebyshev(_scaled_erfc(), 2 * (m.minimum(t, 6.5) - 1.0) / 5.5 - 1)
    far = m.maximum(t, 6.5)
    series = 1.0
    for k in range(20, 0, -1):  # the asymptotic series 1 - 1/2x² (1 - 3/2x² (1 - 5/2x² ...))
        series = 1 - (2 * k - 1) / (2 * far * far) * series
    return m.where(t < 6.5, scaled, series / (far * sqrt(pi)))


@FloatUnary
def erfinv(x: Array) -> Array:
    """Return the number whose error function is x; NaN for |x| > 1. Bools and integers become floats."""
    m, t = xp(x), xp(x).abs(x.astype(float64))
    log_rest = m.log((1 - t) * (1 + t))
    half = 2 / (pi * 0.147) + log_rest / 2  # Winitzki's approximation, to 0.2 %
    y = m.sqrt(m.sqrt(half * half - log_rest / 0.147) - half)
    for _ in range(3):  # Halley's method, with the smaller of erf and erfc, which has all digits
        wrong = m.where(t < 0.5, erf.body(y) - t, (1 - t) - erfc.body(y))
        step = wrong * (sqrt(pi) / 2) * m.exp(m.minimum(y * y, 700.0))
        y = y - step / (1 + y * step)
    y = m.where(t == 1, m.inf, m.where(t == 0, 0.0, y))
    return m.copysign(y, x).astype(x.dtype)


@fuse
def _erfc_grad(grad: Tensor, x: Tensor) -> Tensor:
    return mul(grad, mul(exp(neg(square(x))), -2 / sqrt(pi)))


@fuse
def _erfcx_grad(grad: Tensor, x: Tensor, y: Tensor) -> Tensor:
    return mul(grad, sub(mul(mul(x, y), 2), 2 / sqrt(pi)))


@fuse
def _erfinv_grad(grad: Tensor, y: Tensor) -> Tensor:
    return mul(grad, mul(exp(square(y)), sqrt(pi) / 2))


erfc.gradient(x=lambda grad, x: _erfc_grad(grad, x))
erfcx.gradient(x=lambda grad, x, y: _erfcx_grad(grad, x, y))
erfinv.gradient(x=lambda grad, y: _erfinv_grad(grad, y))

# --- the gamma function -----------------------------------------------------------------------------------------------


@FloatUnary
def lgamma(x: Array) -> Array:
    """Return log |Γ(x)|, infinite at 0, -1, -2, ... Bools and integers become the default float type."""
    m, t = xp(x), x.astype(float64)
    z = m.where(t < 0.5, 1 - t, t)
    product, shifted = m.ones_like(z), z
    for _ in range(FAR):  # Γ(z) = Γ(z + 1) / z
        small = shifted < FAR
        product = m.where(small, product * shifted, product)
        shifted = m.where(small, shifted + 1, shifted)
    y = (shifted - 0.5) * m.log(shifted) - shifted + 0.5 * log_number(2 * pi) + _log_gamma_rest(shifted)
    y = y - m.log(product)
    reflected = m.log(pi / m.abs(m.sin(pi * (t - m.round(t))))) - y  # Γ(t) Γ(1 - t) = π / sin πt
    y = m.where(t < 0.5, reflected, y)
    return m.where(m.isinf(t), m.inf, y).astype(x.dtype)


def _log_gamma_rest(z: Array) -> Any:
    """Return log Γ(z) - (z - 1/2) log z + z - log √2π, for z of at least FAR: Stirling's series."""
    return sum(b / (2 * k * (2 * k - 1)) / z ** (2 * k - 1) for k, b in enumerate(BERNOULLI, start=1))


@FloatUnary
def digamma(x: Array) -> Array:
    """Return the derivative of log Γ(x); NaN at -1, -2, ... Bools and integers become the default float type."""
    m, t = xp(x), x.astype(float64)
    z = m.where(t < 0, 1 - t, t)
    y, shifted = m.zeros_like(z), z
    for _ in range(FAR):  # ψ(z) = ψ(z + 1) - 1/z
        small = shifted < FAR
        y = m.where(small, y - 1 / shifted, y)
        shifted = m.where(small, shifted + 1, shifted)
    y = y + m.log(shifted) - 0.5 / shifted
    y = y - sum(b / (2 * k) / shifted ** (2 * k) for k, b in enumerate(BERNOULLI, start=1))
    reflected = y - pi / m.tan(pi * (t - m.round(t)))  # ψ(t) = ψ(1 - t) - π / tan πt
    pole = (t < 0) & (t == m.round(t))
    y = m.where(pole, m.nan, m.where(t < 0, reflected, y))
    return m.where(t == 0, -m.copysign(m.inf, t), y).astype(x.dtype)


@primitive
def _polygamma(x: Array, *, n: int) -> Array:
    """Return the n-th derivative of digamma, (-1)ⁿ⁺¹ n! ζ(n + 1, x)."""
    return ((-1) ** (n + 1) * factorial(n) * _hurwitz(n + 1, x.astype(float64))).astype(x.dtype)


lgamma.gradient(x=lambda grad, x: mul(grad, digamma(x)))
digamma.gradient(x=lambda grad, x: mul(grad, _polygamma(x, n=1)))
_polygamma.gradient(x=lambda grad, x, n: mul(grad, _polygamma(x, n=n + 1)))


def polygamma(n: int, input: Tensor) -> Tensor:
    """Return the n-th derivative of `digamma`.

    Raises
    ------
    ArgumentError
        If n is negative.
    """
    if n < 0:
        raise ArgumentError(f"polygamma: n must not be negative, got {n}")
    return digamma(input) if n == 0 else _polygamma(as_float(input), n=n)


def mvlgamma(input: Tensor, p: int) -> Tensor:
    """Return log Γₚ(x) = p(p - 1)/4 log π + Σⱼ log Γ(x + (1 - j)/2), with j from 1 to p.

    Raises
    ------
    ArgumentError
        If p is below 1.
    """
    if p < 1:
        raise ArgumentError(f"mvlgamma: p must be at least 1, got {p}")
    x = as_float(input)
    total = lgamma(x)
    for j in range(1, p):
        total = add(total, lgamma(sub(x, j / 2)))
    return add(total, p * (p - 1) / 4 * log_number(pi))


# --- functions with a hole --------------------------------------------------------------------------------------------


def xlogy(input: Value, other: Value) -> Tensor:
    """Return input log(other), element by element, and 0 where input is 0, unless other is NaN."""
    a, b = float_operands("xlogy", input, other)
    hole = logical_and(eq(a, 0), logical_or(le(b, 0), eq(b, float("inf"))))
    return where(isnan(b), b, mul(a, log(where(hole, 1.0, b))))


def sinc(input: Tensor) -> Tensor:
    """Return sin(πx) / (πx), and 1 at x = 0."""
    return _sine_quotient(mul(as_float(input), pi))


def _sine_quotient(angle: Tensor) -> Tensor:
    """Return sin(x) / x, and 1 at x = 0."""
    near = le(abs(angle), 0.05)  # there the quotient has no second gradient; the series is exact up to rounding
    power = square(where(near, angle, 0.0))  # far away it is infinite, and so NaN in the gradient
    series = 1 - power / 6 * (1 - power / 20 * (1 - power / 42))
    apart = where(near, 1.0, angle)
    return where(near, series, div(sin(apart), apart))


def logit(input: Tensor, eps: float | None = None) -> Tensor:
    """Return log(x / (1 - x)), the inverse of `sigmoid`. With `eps`, x is limited to [eps, 1 - eps] before."""
    x = as_float(input)
    x = x if eps is None else clamp(x, float(eps), 1 - float(eps))
    return log(div(x, sub(1, x)))
