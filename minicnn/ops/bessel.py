"""Bessel functions: the solutions I, K of x² y'' + x y' = (x² + n²) y, and J, Y of x² y'' + x y' = (n² - x²) y.

Near 0 they are power series. With s = 1 for I and K, and s = -1 for J and Y, and the digamma function ψ:

    A = Σₖ sᵏ (x/2)²ᵏ⁺ⁿ / (k! (k + n)!)        B = Σₖ sᵏ (x/2)²ᵏ⁺ⁿ (ψ(k + 1) + ψ(k + n + 1)) / (k! (k + n)!)
    I, J = A                                   K, Y come from A log x/2, B and the n powers below 0

Far from 0 they are a wave, or an exponential function, times an amplitude that changes slowly:

    H(c) = 1 / Γ(n + 1/2) ∫ e^(-v²) v²ⁿ (1 + c v² / 2x)^(n - 1/2) dv        over all v
    K = √(π / 2x) e⁻ˣ H(1)        J + iY = √(2 / πx) e^(i (x - nπ/2 - π/4)) H(i)

The trapezoidal rule gives the integral to all digits; a polynomial of 1/x interpolates it. Derivatives of a function
of order n have the orders n - 1 and n + 1 (Abramowitz and Stegun, "Handbook of mathematical functions", chapter 9).
"""

from functools import lru_cache
from math import factorial, gamma, pi, sqrt
from typing import Any

import numpy as np

from minicnn.autograd.primitive import primitive
from minicnn.autograd.tensor import Tensor
from minicnn.dtypes import float64
from minicnn.ops.activation import _chebyshev, _interpolate
from minicnn.ops.elementwise import add, mul, neg, sign, sub
from minicnn.ops.shape import as_float
from minicnn.runtime.devices import Array, xp

__all__ = [
    "bessel_j0",
    "bessel_j1",
    "bessel_y0",
    "bessel_y1",
    "i0",
    "i0e",
    "i1",
    "i1e",
    "modified_bessel_k0",
    "modified_bessel_k1",
    "scaled_modified_bessel_k0",
    "scaled_modified_bessel_k1",
]

EULER = 0.5772156649015329  # -ψ(1)
FAR_I, FAR_K, FAR_J = 30.0, 2.0, 5.0  # where the amplitude takes over from the power series


def _series(x: Array, n: int, sign: int, terms: int) -> tuple[Array, Array]:
    """Return A and B."""
    square = sign * x * x / 4
    term, weight = (x / 2) ** n / factorial(n), sum(1 / j for j in range(1, n + 1)) - 2 * EULER
    a, b = term, term * weight
    for k in range(1, terms):
        term, weight = term * square / (k * (k + n)), weight + 1 / k + 1 / (k + n)
        a, b = a + term, b + term * weight
    return a, b


def _below(x: Array, n: int, sign: int) -> Any:
    """Return the sum of the powers below 0, Σₖ (-s)ᵏ (n - k - 1)! / k! (x/2)²ᵏ⁻ⁿ for k < n."""
    return sum((-sign) ** k * factorial(n - k - 1) / factorial(k) * (x / 2) ** (2 * k - n) for k in range(n))


@lru_cache
def _slopes(n: int, c: complex, start: float) -> tuple[list[float], list[float]]:
    """Return Chebyshev coefficients of the real and the imaginary part of (H(c) - 1) x, as a function of start / x."""
    v = np.arange(-56, 57) / 8
    weights = np.exp(-v * v) * v ** (2 * n) / gamma(n + 0.5) / 8

    def slope(u: float) -> complex:
        x = 2 * start / (u + 1)
        return complex((weights * np.expm1((n - 0.5) * np.log1p(c * v * v / (2 * x)))).sum() * x)

    return _interpolate(lambda u: slope(u).real, 30), _interpolate(lambda u: slope(u).imag, 30)


def _amplitude(x: Array, n: int, c: complex, start: float) -> tuple[Array, Array]:
    """Return the real and the imaginary part of H(c) for x of at least `start`."""
    p, q = (_chebyshev(coefficients, 2 * start / x - 1) / x for coefficients in _slopes(n, c, start))
    return 1 + p, q


# --- the primitives; I and K are sometimes scaled, by e^(-|x|) and eˣ -----------------------------------------


@primitive
def _bessel_i(x: Array, *, order: int, scaled: bool) -> Array:
    m, t = xp(x), xp(x).abs(x.astype(float64))
    near, far = m.minimum(t, FAR_I), m.maximum(t, FAR_I)
    term = total = m.ones_like(far)
    for k in range(20):  # the asymptotic series of H, for -x
        term = term * ((2 * k + 1) ** 2 - 4 * order * order) / (8 * (k + 1) * far)
        total = total + term
    y = m.where(t < FAR_I, m.exp(-near) * _series(near, order, 1, 80)[0], total / m.sqrt(2 * pi * far))
    if not scaled:
        half = m.exp(t / 2)  # twice, because eˣ overflows before I does
        y = half * y * half
    return (m.where(x < 0, -y, y) if order % 2 else y).astype(x.dtype)


@primitive
def _bessel_k(x: Array, *, order: int, scaled: bool) -> Array:
    m, t = xp(x), x.astype(float64)
    near, far = m.minimum(t, FAR_K), m.maximum(t, FAR_K)
    a, b = _series(near, order, 1, 20)
    small = _below(near, order, 1) / 2 + (-1) ** order * (b / 2 - m.log(near / 2) * a)
    large = m.sqrt(pi / (2 * far)) * _amplitude(far, order, 1, FAR_K)[0]
    small, large = (small * m.exp(near), large) if scaled else (small, large * m.exp(-far))
    return m.where(t == 0, m.inf, m.where(t < FAR_K, small, large)).astype(x.dtype)


def _wave(x: Array, order: int) -> tuple[Array, Array]:
    """Return J and Y of large x."""
    m = xp(x)
    p, q = _amplitude(x, order, 1j, FAR_J)
    cos, sin = (m.cos(x) + m.sin(x)) / sqrt(2), (m.sin(x) - m.cos(x)) / sqrt(2)  # of x - π/4
    for _ in range(order):
        cos, sin = sin, -cos
    size = m.sqrt(2 / (pi * x))
    return size * (p * cos - q * sin), size * (p * sin + q * cos)


@primitive
def _bessel_j(x: Array, *, order: int) -> Array:
    m, t = xp(x), xp(x).abs(x.astype(float64))
    near = _series(m.minimum(t, FAR_J), order, -1, 30)[0]
    y = m.where(t < FAR_J, near, _wave(m.maximum(t, FAR_J), order)[0])
    return (m.where(x < 0, -y, y) if order % 2 else y).astype(x.dtype)


@primitive
def _bessel_y(x: Array, *, order: int) -> Array:
    m, t = xp(x), x.astype(float64)
    near = m.minimum(t, FAR_J)
    a, b = _series(near, order, -1, 30)
    small = (2 * m.log(near / 2) * a - b - _below(near, order, -1)) / pi
    y = m.where(t < FAR_J, small, _wave(m.maximum(t, FAR_J), order)[1])
    return m.where(t == 0, -m.inf, y).astype(x.dtype)


def _neighbours(function: Any, x: Tensor, order: int, sign: int, **scaled: bool) -> Tensor:
    """Return half of f of order n - 1 plus the sign times f of order n + 1."""
    if order == 0:  # the function of order -1 is that of order 1, with this sign
        return mul(function(x, order=1, **scaled), sign)
    return mul(add(function(x, order=order - 1, **scaled), mul(function(x, order=order + 1, **scaled), sign)), 0.5)


def _i_slope(x: Tensor, y: Tensor, order: int, scaled: bool) -> Tensor:
    slope = _neighbours(_bessel_i, x, order, 1, scaled=scaled)
    return sub(slope, mul(sign(x), y)) if scaled else slope


def _k_slope(x: Tensor, y: Tensor, order: int, scaled: bool) -> Tensor:
    slope = neg(_neighbours(_bessel_k, x, order, 1, scaled=scaled))
    return add(slope, y) if scaled else slope


_bessel_i.gradient(x=lambda grad, x, y, order, scaled: mul(grad, _i_slope(x, y, order, scaled)))
_bessel_k.gradient(x=lambda grad, x, y, order, scaled: mul(grad, _k_slope(x, y, order, scaled)))
_bessel_j.gradient(x=lambda grad, x, order: mul(grad, _neighbours(_bessel_j, x, order, -1)))
_bessel_y.gradient(x=lambda grad, x, order: mul(grad, _neighbours(_bessel_y, x, order, -1)))


# --- the public functions -------------------------------------------------------------------------------------


def i0e(input: Tensor) -> Tensor:
    """Return e^(-|x|) I₀(x), which does not overflow; see `i0`."""
    return _bessel_i(as_float(input), order=0, scaled=True)


def i1e(input: Tensor) -> Tensor:
    """Return e^(-|x|) I₁(x), which does not overflow; see `i0`."""
    return _bessel_i(as_float(input), order=1, scaled=True)


def i0(input: Tensor) -> Tensor:
    """Return I₀(x), the modified Bessel function of the first kind: the mean of e^(x cos θ) over all angles.

    Examples
    --------
    >>> import minicnn
    >>> i0(minicnn.tensor([0.0, 1.0])).tolist()
    [1.0, 1.2660658359527588]
    """
    return _bessel_i(as_float(input), order=0, scaled=False)


def i1(input: Tensor) -> Tensor:
    """Return I₁(x), the derivative of `i0`."""
    return _bessel_i(as_float(input), order=1, scaled=False)


def scaled_modified_bessel_k0(x: Tensor) -> Tensor:
    """Return eˣ K₀(x), which does not underflow; see `modified_bessel_k0`."""
    return _bessel_k(as_float(x), order=0, scaled=True)


def scaled_modified_bessel_k1(x: Tensor) -> Tensor:
    """Return eˣ K₁(x), which does not underflow; see `modified_bessel_k0`."""
    return _bessel_k(as_float(x), order=1, scaled=True)


def modified_bessel_k0(input: Tensor) -> Tensor:
    """Return K₀(x), the modified Bessel function of the second kind; infinite at 0, NaN below."""
    return _bessel_k(as_float(input), order=0, scaled=False)


def modified_bessel_k1(input: Tensor) -> Tensor:
    """Return K₁(x), minus the derivative of `modified_bessel_k0`."""
    return _bessel_k(as_float(input), order=1, scaled=False)


def bessel_j0(input: Tensor) -> Tensor:
    """Return J₀(x), the Bessel function of the first kind: the mean of cos(x sin θ) over all angles."""
    return _bessel_j(as_float(input), order=0)


def bessel_j1(input: Tensor) -> Tensor:
    """Return J₁(x), minus the derivative of `bessel_j0`."""
    return _bessel_j(as_float(input), order=1)


def bessel_y0(input: Tensor) -> Tensor:
    """Return Y₀(x), the Bessel function of the second kind; -infinity at 0, NaN below."""
    return _bessel_y(as_float(input), order=0)


def bessel_y1(input: Tensor) -> Tensor:
    """Return Y₁(x), minus the derivative of `bessel_y0`."""
    return _bessel_y(as_float(input), order=1)
