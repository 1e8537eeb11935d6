"""Airy's function, which solves y'' = x y and decays for large x.

Near 0 it is a power series. Elsewhere, the path of steepest descent turns the integral that defines it into one that
the trapezoidal rule computes to all digits; z = x^(1/2), and ζ = 2/3 x^(3/2):

    Ai(x) = e^(-ζ) / π ∫ e^(-z t²) cos(t³/3) dt over t > 0
    Ai(-x) = 2 Re(e^(iπ/3) Ai(x e^(iπ/3)))

Source: Abramowitz and Stegun, "Handbook of mathematical functions", section 10.4.
"""

from math import cos, gamma, pi, sin
from typing import Any

from minicnn.autograd.primitive import primitive
from minicnn.autograd.tensor import Tensor
from minicnn.dtypes import float64
from minicnn.ops.elementwise import mul
from minicnn.ops.shape import as_float
from minicnn.runtime.devices import Array, xp

__all__ = ["airy_ai"]

NEAR, STEP, TURN = 1.0, 1 / 12, complex(0.5, 0.75**0.5)  # TURN: e^(iπ/3)
AT_0, SLOPE_AT_0 = 3 ** (-2 / 3) / gamma(2 / 3), -(3 ** (-1 / 3)) / gamma(1 / 3)


@primitive
def _airy(x: Array, *, order: int) -> Array:
    """Return Ai(x), or its derivative for order=1."""
    m, t = xp(x), x.astype(float64)
    far = m.maximum(m.abs(t), NEAR)
    wave = 2 * ((TURN if order == 0 else -TURN * TURN) * _integral(far, TURN, order)).real
    y = m.where(t < 0, wave, _integral(far, 1.0, order))
    y = m.where(m.abs(t) < NEAR, _series(m.minimum(m.maximum(t, -NEAR), NEAR), order), y)
    return m.where(t == m.inf, 0.0, y).astype(x.dtype)


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


def _integral(size: Array, turn: complex, order: int) -> Any:
    """Return Ai, or its derivative, at the size times the turn."""
    m = xp(size)
    z = m.sqrt(size) * turn**0.5
    total = 0.5 * (1 if order == 0 else -z)
    for k in range(1, 80):
        v = k * STEP
        inner = cos(v**3 / 3) if order == 0 else -z * cos(v**3 / 3) - v * sin(v**3 / 3)
        total = total + m.exp(-z * v * v) * inner
    return m.exp(-2 / 3 * z**3) * total * STEP / pi


_airy.gradient(
    x=lambda grad, x, order: mul(grad, _airy(x, order=1) if order == 0 else mul(x, _airy(x, order=0))),
)


def airy_ai(input: Tensor) -> Tensor:
    """Return Airy's function Ai(x), a wave for x < 0, which decays for x > 0."""
    return _airy(as_float(input), order=0)
