"""Trigonometric and hyperbolic functions, their inverses, and logarithms and powers of 2 and 10.

Bools and integers become the default float type.
"""

from math import log as ln

from minicnn.autograd.tensor import Tensor
from minicnn.ops.elementwise import _div, add, div, mul, neg, square, sub
from minicnn.ops.exponentials import rsqrt, sigmoid
from minicnn.ops.fuse import fuse
from minicnn.ops.operands import Binary, FloatBinary, FloatUnary, require_kind
from minicnn.runtime.devices import Array, xp

__all__ = [
    "acos",
    "acosh",
    "arccos",
    "arccosh",
    "arcsin",
    "arcsinh",
    "arctan",
    "arctan2",
    "arctanh",
    "asin",
    "asinh",
    "atan",
    "atan2",
    "atanh",
    "cosh",
    "exp2",
    "hypot",
    "log2",
    "log10",
    "logaddexp",
    "logaddexp2",
    "sinh",
    "tan",
]


@FloatUnary
def tan(x: Array) -> Array:
    """Return the tangent of x, with x in radians."""
    return xp(x).tan(x)


@FloatUnary
def asin(x: Array) -> Array:
    """Return the angle in [-π/2, π/2] whose sine is x; NaN for |x| > 1."""
    return xp(x).arcsin(x)


@FloatUnary
def acos(x: Array) -> Array:
    """Return the angle in [0, π] whose cosine is x; NaN for |x| > 1."""
    return xp(x).arccos(x)


@FloatUnary
def atan(x: Array) -> Array:
    """Return the angle in (-π/2, π/2) whose tangent is x."""
    return xp(x).arctan(x)


@FloatUnary
def sinh(x: Array) -> Array:
    """Return the hyperbolic sine of x, (eˣ - e⁻ˣ) / 2."""
    return xp(x).sinh(x)


@FloatUnary
def cosh(x: Array) -> Array:
    """Return the hyperbolic cosine of x, (eˣ + e⁻ˣ) / 2."""
    return xp(x).cosh(x)


@FloatUnary
def asinh(x: Array) -> Array:
    """Return the number whose hyperbolic sine is x."""
    return xp(x).arcsinh(x)


@FloatUnary
def acosh(x: Array) -> Array:
    """Return the number >= 0 whose hyperbolic cosine is x; NaN for x < 1."""
    return xp(x).arccosh(x)


@FloatUnary
def atanh(x: Array) -> Array:
    """Return the number whose hyperbolic tangent is x; NaN for |x| > 1."""
    return xp(x).arctanh(x)


@FloatUnary
def log2(x: Array) -> Array:
    """Return the logarithm of x to base 2."""
    return xp(x).log2(x)


@FloatUnary
def log10(x: Array) -> Array:
    """Return the logarithm of x to base 10."""
    return xp(x).log10(x)


@FloatUnary
def exp2(x: Array) -> Array:
    """Return 2 to the power x."""
    return xp(x).exp2(x)


@FloatBinary
def atan2(a: Array, b: Array) -> Array:
    """Return the angle in [-π, π] of the point with the coordinates (b, a): the quadrant counts."""
    return xp(a).arctan2(a, b)


@Binary
def hypot(a: Array, b: Array) -> Array:
    """Return √(a² + b²), without overflow.

    Raises
    ------
    DTypeError
        If no operand holds floats.
    """
    require_kind("hypot", a.dtype, "f", "floats")
    return xp(a).hypot(a, b)


@Binary
def logaddexp(a: Array, b: Array) -> Array:
    """Return log(eᵃ + eᵇ), without overflow.

    Raises
    ------
    DTypeError
        If no operand holds floats.
    """
    require_kind("logaddexp", a.dtype, "f", "floats")
    return xp(a).logaddexp(a, b)


@Binary
def logaddexp2(a: Array, b: Array) -> Array:
    """Return log₂(2ᵃ + 2ᵇ), without overflow.

    Raises
    ------
    DTypeError
        If no operand holds floats.
    """
    require_kind("logaddexp2", a.dtype, "f", "floats")
    return xp(a).logaddexp2(a, b)


arcsin, arccos, arctan, arctan2 = asin, acos, atan, atan2
arcsinh, arccosh, arctanh = asinh, acosh, atanh


for _operation in (tan, asin, acos, atan, sinh, cosh, asinh, acosh, atanh, log2, log10, exp2):
    _operation.takes_complex = True


@fuse
def _tan_grad(grad: Tensor, y: Tensor) -> Tensor:
    return mul(grad, add(square(y), 1))


@fuse
def _asin_grad(grad: Tensor, x: Tensor) -> Tensor:
    return mul(grad, rsqrt(sub(1, square(x))))


@fuse
def _atan_grad(grad: Tensor, x: Tensor) -> Tensor:
    return _div(grad, add(square(x), 1))


@fuse
def _asinh_grad(grad: Tensor, x: Tensor) -> Tensor:
    return mul(grad, rsqrt(add(square(x), 1)))


@fuse
def _acosh_grad(grad: Tensor, x: Tensor) -> Tensor:
    return mul(grad, mul(rsqrt(sub(x, 1)), rsqrt(add(x, 1))))  # not √(x² - 1): it has another sign for complex x


@fuse
def _atanh_grad(grad: Tensor, x: Tensor) -> Tensor:
    return _div(grad, sub(1, square(x)))


@fuse
def _atan2_grad(grad: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """Return the gradient of a; that of b is -a / b of it."""
    return mul(grad, _div(b, add(square(a), square(b))))


def _logaddexp_grad(grad: Tensor, difference: Tensor) -> Tensor:
    # Not 1 / (1 + eᵇ⁻ᵃ): its own gradient would be infinity / infinity for numbers that are far apart.
    return mul(grad, sigmoid(difference))


tan.gradient(x=lambda grad, y: _tan_grad(grad, y))
asin.gradient(x=lambda grad, x: _asin_grad(grad, x))
acos.gradient(x=lambda grad, x: neg(_asin_grad(grad, x)))
atan.gradient(x=lambda grad, x: _atan_grad(grad, x))
sinh.gradient(x=lambda grad, x: mul(grad, cosh(x)))
cosh.gradient(x=lambda grad, x: mul(grad, sinh(x)))
asinh.gradient(x=lambda grad, x: _asinh_grad(grad, x))
acosh.gradient(x=lambda grad, x: _acosh_grad(grad, x))
atanh.gradient(x=lambda grad, x: _atanh_grad(grad, x))
log2.gradient(x=lambda grad, x: div(grad, mul(x, ln(2))))
log10.gradient(x=lambda grad, x: div(grad, mul(x, ln(10))))
exp2.gradient(x=lambda grad, y: mul(grad, mul(y, ln(2))))
atan2.gradient(a=lambda grad, a, b: _atan2_grad(grad, a, b), b=lambda grad, a, b: neg(_atan2_grad(grad, b, a)))
hypot.gradient(a=lambda grad, y, a: mul(grad, _div(a, y)), b=lambda grad, y, b: mul(grad, _div(b, y)))
logaddexp.gradient(
    a=lambda grad, a, b: _logaddexp_grad(grad, sub(a, b)), b=lambda grad, a, b: _logaddexp_grad(grad, sub(b, a))
)
logaddexp2.gradient(
    a=lambda grad, a, b: _logaddexp_grad(grad, mul(sub(a, b), ln(2))),
    b=lambda grad, a, b: _logaddexp_grad(grad, mul(sub(b, a), ln(2))),
)
