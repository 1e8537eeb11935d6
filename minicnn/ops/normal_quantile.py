"""The quantile function of the standard normal distribution, the inverse of its distribution function.

NumPy has none. Polynomials interpolate the values of the standard library (Wichura's algorithm AS 241, 1988) at
Chebyshev points. Near the middle, the polynomial is y / q with q = p - 1/2, as a function of q². In the tails, y is a
smooth function of r = √(-log p), for which two polynomials are enough.
"""

from itertools import pairwise
from math import exp as math_exp
from math import pi, sqrt
from statistics import NormalDist

from minicnn.autograd.tensor import Tensor
from minicnn.dtypes import float64
from minicnn.ops.activation import _chebyshev, _interpolate
from minicnn.ops.elementwise import mul, square
from minicnn.ops.exponentials import exp
from minicnn.ops.fuse import fuse
from minicnn.ops.operands import FloatUnary
from minicnn.runtime.devices import Array, xp

__all__ = ["normal_quantile"]

_MIDDLE = 0.425  # |q| up to which the first polynomial is used
_ENDS = (1.6, 6.0, 26.6)  # r from the middle to the smallest ordinary float64
_quantile = NormalDist().inv_cdf
_middle = _interpolate(lambda u: _quantile(0.5 + (q := sqrt((u + 1) / 2) * _MIDDLE)) / q, 24)
_tails = [
    _interpolate(lambda u, a=a, b=b: -_quantile(math_exp(-((a + (u + 1) / 2 * (b - a)) ** 2))), 24)  # type: ignore[misc]
    for a, b in pairwise(_ENDS)
]


@FloatUnary
def normal_quantile(p: Array) -> Array:
    """Return y with Φ(y) = p, where Φ is the standard normal distribution function; NaN outside of [0, 1]."""
    m, t = xp(p), p.astype(float64)
    q = t - 0.5
    near = q * _chebyshev(_middle, 2 * m.square(m.minimum(m.abs(q), _MIDDLE) / _MIDDLE) - 1)
    r = m.sqrt(-m.log(m.where(q < 0, t, 1 - t)))  # infinity at the ends, NaN outside
    far = r
    for (a, b), coefficients in zip(pairwise(_ENDS), _tails, strict=True):
        inside = m.minimum(m.maximum(r, a), b)
        far = m.where((r >= a) & (r <= b), _chebyshev(coefficients, 2 * (inside - a) / (b - a) - 1), far)
    return m.where(m.abs(q) < _MIDDLE, near, m.copysign(far, q)).astype(p.dtype)


@fuse
def _normal_quantile_grad(grad: Tensor, y: Tensor) -> Tensor:
    return mul(grad, mul(exp(mul(square(y), 0.5)), sqrt(2 * pi)))  # 1 / the density at y


normal_quantile.gradient(p=lambda grad, y: _normal_quantile_grad(grad, y))
