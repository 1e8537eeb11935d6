"""Hurwitz's zeta function, by the series of Euler and Maclaurin: a sum of powers, an integral and Bernoulli's numbers.

    ζ(s, q) = Σₖ (q + k)⁻ˢ + z¹⁻ˢ / (s - 1) + z⁻ˢ / 2 + Σⱼ B₂ⱼ s (s + 1) ... (s + 2j - 2) / (2j)! z⁻ˢ⁻²ʲ⁺¹

The first sum is over k < n, and z = q + n is large. Source: Johansson, "Rigorous high-precision computation of the
Hurwitz zeta function and its derivatives", 2015.
"""

from math import factorial
from typing import Any

from minicnn.autograd.primitive import primitive
from minicnn.autograd.tape import is_grad_enabled
from minicnn.autograd.tensor import Tensor
from minicnn.dtypes import float64
from minicnn.errors import AutogradError
from minicnn.ops.elementwise import add, mul, neg
from minicnn.ops.operands import Value, float_operands
from minicnn.runtime.devices import Array, xp

__all__ = ["zeta"]

BERNOULLI = [1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510]  # B₂, B₄, ...
FAR = 10  # from here on, the asymptotic series have the precision of float64


def _hurwitz(s: Any, t: Array) -> Array:
    """Return ζ(s, t) = Σₖ (t + k)⁻ˢ, by the series of Euler and Maclaurin."""
    m = xp(t)
    finite = m.isfinite(t)
    z = m.where(finite, t, 1.0)
    total = m.zeros_like(z)
    far = FAR + s
    steps = float((far - z).max()) if z.size else 0
    for _ in range(min(max(int(steps + 2), 0), 10_000)):
        small = z < far
        total = m.where(small, total + z**-s, total)
        z = m.where(small, z + 1, z)
    total = total + z ** (1 - s) / (s - 1) + 0.5 * z**-s
    rising = 1.0 * s
    for k, b in enumerate(BERNOULLI, start=1):
        total = total + b * rising / factorial(2 * k) * z ** (-s - 2 * k + 1)
        rising = rising * (s + 2 * k - 1) * (s + 2 * k)
    return m.where(finite, total, m.where(t > 0, 0.0, m.nan))


@primitive
def _zeta(s: Array, q: Array) -> Array:
    m = xp(s)
    power, start = s.astype(float64), q.astype(float64)
    whole = start == m.floor(start)
    usual = (power > 1) & m.isfinite(power) & m.isfinite(start) & ~((start <= 0) & whole)
    y = _hurwitz(m.where(usual, power, 2.0), m.where(usual, start, 1.0))
    y = m.where((start < 0) & (power != m.floor(power)), m.nan, y)
    end = m.where((power == 1) | ((power > 1) & (start <= 0) & whole), m.inf, m.nan)
    return m.where(usual, y, end).astype(s.dtype)


_zeta.gradient(q=lambda grad, s, q: mul(grad, neg(mul(s, _zeta(add(s, 1), q)))))


def zeta(input: Value, other: Value) -> Tensor:
    """Return Hurwitz's zeta function ζ(s, q) = Σₖ (q + k)⁻ˢ over k = 0, 1, ..., with s = input and q = other.

    It is infinite for s = 1 and for q = 0, -1, ..., and NaN for smaller s, and for negative q if s is no integer.

    Raises
    ------
    AutogradError
        If `input` needs a gradient. (In PyTorch the backward pass raises.)
    """
    s, q = float_operands("zeta", input, other)
    if s.requires_grad and is_grad_enabled():
        raise AutogradError("zeta: there is no derivative in the first argument; pass input.detach()")
    return _zeta(s, q)
