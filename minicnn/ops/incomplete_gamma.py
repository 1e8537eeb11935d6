"""The incomplete gamma functions, which are the distribution function of the gamma distribution and its complement.

    P(a, x) = 1/Γ(a) ∫₀ˣ tᵃ⁻¹ e⁻ᵗ dt        Q(a, x) = 1 - P(a, x)

Below x = a + 1, P is a power series. Above, Q is a continued fraction (Lentz's method). Q of small x is the complement
of a series of its own, which keeps its digits (Gautschi, "A computational procedure for incomplete gamma functions",
1979).
"""

from functools import lru_cache
from math import pi

import numpy as np

from minicnn.autograd.primitive import primitive
from minicnn.autograd.tape import is_grad_enabled
from minicnn.autograd.tensor import Tensor
from minicnn.dtypes import float64
from minicnn.errors import AutogradError
from minicnn.ops.elementwise import mul, neg, sub
from minicnn.ops.exponentials import exp
from minicnn.ops.operands import Value, float_operands
from minicnn.ops.special import _log_gamma_rest, digamma, lgamma, xlogy
from minicnn.ops.zeta import _hurwitz
from minicnn.runtime.devices import Array, xp

__all__ = ["gammainc", "gammaincc", "igamma", "igammac"]

EPS = 1e-17
MOST = 20_000  # terms; there are about 8 √a


def _density(a: Array, x: Array) -> Array:
    """Return xᵃ e⁻ˣ / Γ(a + 1). For large a: with μ = x/a - 1 it is e^(-a (μ - log(1 + μ))) / √(2πa), almost."""
    m = xp(a)
    large = m.maximum(a, 10.0)
    mu = (x - large) / large
    logarithm = m.where(m.abs(mu) < 0.5, m.log1p(mu), m.log(x / large))
    far = m.exp(-large * (mu - logarithm) - _log_gamma_rest(large)) / m.sqrt(2 * pi * large)
    small = m.minimum(a, 10.0)
    return m.where(a < 10, m.exp(small * m.log(x) - x - lgamma.body(small + 1)), far)


def _power_series(a: Array, x: Array) -> Array:
    """Return Σ xᵏ / ((a + 1) ... (a + k))."""
    term = total = xp(a).ones_like(x)
    for k in range(1, MOST):
        term = term * x / (a + k)
        total = total + term
        if not (term > EPS * total).any():
            break
    return total


def _fraction(a: Array, x: Array) -> Array:
    """Return a / (x + 1 - a - 1 (1 - a) / (x + 3 - a - 2 (2 - a) / (x + 5 - a - ...)))."""
    m, tiny = xp(a), 1e-300
    b = x + 1 - a
    c, d = m.ones_like(b) / tiny, 1 / m.where(b == 0, tiny, b)
    y = d
    for k in range(1, MOST):
        b = b + 2
        d, c = k * (a - k) * d + b, b + k * (a - k) / c
        d, c = 1 / m.where(d == 0, tiny, d), m.where(c == 0, tiny, c)
        y = y * d * c
        if not (m.abs(d * c - 1) > 1e-15).any():
            break
    return a * y


@lru_cache
def _taylor() -> list[float]:
    """Return c₁, c₂, ... with log Γ(a + 1) = Σ cₖ (-a)ᵏ: Euler's number γ, ζ(2)/2, ζ(3)/3, ..."""
    one = np.ones(())
    return [-float(digamma.body(one))] + [float(_hurwitz(k, one)) / k for k in range(2, 26)]


def _complement(a: Array, x: Array) -> Array:
    """Return Q of small x: -expm1(log(xᵃ / Γ(a + 1))) - xᵃ / Γ(a + 1) Σₖ (-x)ᵏ a / (k! (a + k)) with k > 0."""
    m = xp(a)
    term, total = m.ones_like(x), m.zeros_like(x)
    for k in range(1, 25):
        term = term * -x / k
        total = total + term * a / (a + k)
    near = m.minimum(a, 0.25)
    series = sum(c * (-near) ** k for k, c in enumerate(_taylor(), start=1))
    power = a * m.log(x) - m.where(a < 0.25, series, lgamma.body(a + 1))
    return -m.expm1(power) - m.exp(power) * total


@primitive
def _incomplete_gamma(a: Array, x: Array, *, upper: bool) -> Array:
    """Return P, or Q for upper=True."""
    m = xp(a)
    s, t = a.astype(float64), x.astype(float64)
    usual = (s > 0) & (t > 0) & m.isfinite(s) & m.isfinite(t)
    s, t = m.where(usual, s, 1.0), m.where(usual, t, 1.0)
    low = t < s + 1
    density = _density(s, t)
    lower = density * _power_series(m.where(low, s, 1.0), m.where(low, t, 1.0))
    above = density * _fraction(m.where(low, 1.0, s), m.where(low, 3.0, t))
    y = m.where(low, 1 - lower, above) if upper else m.where(low, lower, 1 - above)
    if upper:
        small = m.where(t < 0.5, s * m.log(t) > -0.4, (t < 1.1) & (s < t * 1.1))  # where Q is small for a small a
        y = m.where(small, _complement(m.where(small, s, 1.0), m.where(small, t, 1.0)), y)
    # the ends: P is 0 at x = 0 and for a = ∞, and 1 at x = ∞ and for a = 0
    zero, one = ((x == 0) & ~(a <= 0)) | (m.isinf(a) & (x >= 0)), ((a == 0) & (x > 0)) | (m.isinf(x) & (a >= 0))
    end = m.where((a < 0) | (x < 0) | (zero & one) | ~(zero | one), m.nan, m.where(zero == upper, 1.0, 0.0))
    return m.where(usual, y, end).astype(a.dtype)


def _grad(grad: Tensor, a: Tensor, x: Tensor) -> Tensor:
    """Return xᵃ⁻¹ e⁻ˣ / Γ(a), times the gradient."""
    return mul(grad, exp(sub(sub(xlogy(sub(a, 1), x), x), lgamma(a))))


_incomplete_gamma.gradient(x=lambda grad, a, x, upper: _grad(neg(grad) if upper else grad, a, x))


def _called(call: str, input: Value, other: Value, upper: bool) -> Tensor:
    a, x = float_operands(call, input, other)
    if a.requires_grad and is_grad_enabled():
        raise AutogradError(f"{call}: there is no derivative in the first argument; pass input.detach()")
    return _incomplete_gamma(a, x, upper=upper)


def gammainc(input: Value, other: Value) -> Tensor:
    """Return P(a, x), with a = input and x = other; NaN for negative numbers.

    Raises
    ------
    AutogradError
        If `input` needs a gradient. (In PyTorch the backward pass raises.)

    Examples
    --------
    >>> import minicnn
    >>> round(gammainc(minicnn.tensor(1.0), minicnn.tensor(2.0)).item(), 4)  # 1 - e⁻²
    0.8647
    """
    return _called("gammainc", input, other, False)


def gammaincc(input: Value, other: Value) -> Tensor:
    """Return Q(a, x) = 1 - P(a, x), accurate where it is small; errors as in `gammainc`."""
    return _called("gammaincc", input, other, True)


igamma, igammac = gammainc, gammaincc
