"""Airy's function, which solves y'' = x y and decays for large x.

Near 0 it is a power series. Far from 0 it is an exponential function, or a wave, times an amplitude that changes
slowly. With z = x^(1/2) and ζ = 2/3 z³:

    H(z) = 2 (z / π)^(1/2) ∫ e^(-z t²) cos(t³/3) dt over t > 0
    Ai(x) = e^(-ζ) / (2 √π z^(1/2)) H(z)        Ai(-x) = 2 Re(e^(iπ/3) Ai(x e^(iπ/3)))

The trapezoidal rule gives the integral to all digits; a polynomial of 1/ζ interpolates it.
Source: Abramowitz and Stegun, "Handbook of mathematical functions", section 10.4.
"""

from functools import lru_cache
from math import gamma, pi, sqrt

import numpy as np

from minicnn.autograd.primitive import primitive
from minicnn.autograd.tensor import Tensor
from minicnn.dtypes import float64
from minicnn.ops.activation import _chebyshev, _interpolate
from minicnn.ops.elementwise import mul
from minicnn.ops.shape import as_float
from minicnn.runtime.devices import Array, xp

__all__ = ["airy_ai"]

NEAR = 1.0  # the size of x up to which the power series is used
START = 2 / 3 * NEAR**1.5
AT_0, SLOPE_AT_0 = 3 ** (-2 / 3) / gamma(2 / 3), -(3 ** (-1 / 3)) / gamma(1 / 3)


@primitive
def _airy(x: Array, *, order: int) -> Array:
    """Return Ai(x), or its derivative for order=1."""
    m, t = xp(x), x.astype(float64)
    far = m.maximum(m.abs(t), NEAR)
    zeta, root = 2 / 3 * far * m.sqrt(far), m.sqrt(m.sqrt(far))
    size = (1 / root if order == 0 else root) / sqrt(pi)
    cos, sin = (m.cos(zeta) + m.sin(zeta)) / sqrt(2), (m.sin(zeta) - m.cos(zeta)) / sqrt(2)  # of ζ - π/4
    if order == 1:
        cos, sin = sin, -cos
    p, q = (_chebyshev(c, 2 * START / zeta - 1) / zeta for c in _slopes(order, True))
    decay = m.exp(-zeta) * (1 + _chebyshev(_slopes(order, False)[0], 2 * START / zeta - 1) / zeta) / 2
    y = size * m.where(t < 0, (1 + p) * cos + q * sin, -decay if order else decay)
    y = m.where(m.abs(t) < NEAR, _series(m.minimum(m.maximum(t, -NEAR), NEAR), order), y)
    return m.where(t == m.inf, 0.0, y).astype(x.dtype)


@lru_cache
def _slopes(order: int, wave: bool) -> tuple[list[float], list[float]]:
    """Return Chebyshev coefficients of the real and imaginary part of (H - 1) ζ, as a function of START / ζ.

    For order=1, H is the amplitude of the derivative: the cosine has the term t/z sin(t³/3) beside it.
    """
    v = np.arange(1, 90) / 12
    turn = np.exp(1j * pi / 6) if wave else 1.0

    def slope(u: float) -> complex:
        zeta = 2 * START / (u + 1)
        size = (1.5 * zeta) ** (1 / 3)
        z, t = size * turn, v / sqrt(size)
        inner = np.cos(t**3 / 3) + (t / z * np.sin(t**3 / 3) if order else 0)
        total = (0.5 + (np.exp(-z * t * t) * inner).sum()) / 12 / sqrt(size)
        return complex((2 * (z / pi) ** 0.5 * total - 1) * zeta)

    return _interpolate(lambda u: slope(u).real, 36), _interpolate(lambda u: slope(u).imag, 36)


def _series(x: Array, order: int) -> Array:
    """Return Ai(0) (1 + x³/(2·3) + ...) + Ai'(0) (x + x⁴/(3·4) + ...), or its derivative."""
    a, b = xp(x).ones_like(x), x
    total = AT_0 * a + SLOPE_AT_0 * b if order == 0 else SLOPE_AT_0 * a
    for k in range(1, 12):
        last_a, last_b = a, b
        a, b = a * x**3 / ((3 * k - 1) * 3 * k), b * x**3 / (3 * k * (3 * k + 1))
        if order == 0:
            total = total + AT_0 * a + SLOPE_AT_0 * b
        else:
            total = total + AT_0 * last_a * x * x / (3 * k - 1) + SLOPE_AT_0 * last_b * x * x / (3 * k)
    return total


_airy.gradient(
    x=lambda grad, x, order: mul(grad, _airy(x, order=1) if order == 0 else mul(x, _airy(x, order=0))),
)


def airy_ai(input: Tensor) -> Tensor:
    """Return Airy's function Ai(x), a wave for x < 0, which decays for x > 0."""
    return _airy(as_float(input), order=0)
