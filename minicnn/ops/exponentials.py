"""Powers, exponentials, logarithms, roots, and the first trigonometric functions; more are in `elementary.py`."""

from minicnn.autograd.primitive import primitive
from minicnn.autograd.tensor import Tensor
from minicnn.errors import DTypeError
from minicnn.ops.comparison import eq, ge, logical_and, logical_or, lt, where
from minicnn.ops.create import zeros_like
from minicnn.ops.elementwise import _div, add, mul, neg, remainder, square, sub
from minicnn.ops.fuse import fuse
from minicnn.ops.operands import FloatUnary, Value, operands, promote, require_kind
from minicnn.runtime.devices import Array, xp

__all__ = ["cos", "exp", "expm1", "log", "log1p", "pow", "rsqrt", "sigmoid", "sin", "sqrt", "tanh"]

# --- powers -----------------------------------------------------------------------------------------------------------


@primitive
def _power(x: Array, *, exponent: float) -> Array:
    if exponent == 2:
        return x * x
    if x.dtype.kind in "fc" and exponent in (3, 4, 5, 6, 7, 8):  # NumPy's power takes 50 times longer
        half = _power.body(x, exponent=exponent // 2)
        return half * half * x if exponent % 2 else half * half
    return x**exponent


@primitive
def _pow(a: Array, b: Array) -> Array:
    return xp(a).power(a, b)


def pow(input: Value, exponent: Value) -> Tensor:
    """Return input to the power exponent, element by element; the operands are promoted and broadcast.

    Raises
    ------
    DTypeError
        For bools alone, and if integers are raised to a negative number. (In a tensor, it gives 0, and ±1 for ±1.)
    """
    dtype = promote(input, exponent)
    require_kind("pow", dtype, "iufc", "numbers")
    x, y = operands("pow", input, exponent, dtype=dtype)
    if dtype.kind not in "fc" and isinstance(exponent, int) and exponent < 0:
        raise DTypeError(f"pow: {dtype} cannot be raised to a negative power; convert it with .float() first")
    # Only for a Python number, because NumPy's numbers change the element type.
    if isinstance(input, Tensor) and isinstance(exponent, int | float | complex):
        return _power(x, exponent=exponent if isinstance(exponent, float | complex) else int(exponent))
    if dtype.kind == "i":
        inverse = where(logical_or(eq(x, 1), eq(x, -1)), where(eq(remainder(y, 2), 0), 1, x), 0)
        return where(lt(y, 0), inverse, _pow(x, where(lt(y, 0), 0, y)))
    return _pow(x, y)


_power.gradient(
    x=lambda grad, x, exponent: (
        zeros_like(grad) if exponent == 0 else mul(grad, mul(_power(x, exponent=exponent - 1), exponent))
    )
)


# --- exponentials and roots -----------------------------------------------------------------------------------


@FloatUnary
def exp(x: Array) -> Array:
    """Return eˣ, element by element."""
    return xp(x).exp(x)


@FloatUnary
def expm1(x: Array) -> Array:
    """Return eˣ - 1, accurate for small x."""
    return xp(x).expm1(x)


@FloatUnary
def log(x: Array) -> Array:
    """Return the natural logarithm of x."""
    return xp(x).log(x)


@FloatUnary
def log1p(x: Array) -> Array:
    """Return log(1 + x), accurate for small x."""
    return xp(x).log1p(x)


@FloatUnary
def sqrt(x: Array) -> Array:
    """Return √x, element by element; NaN for negative x."""
    return xp(x).sqrt(x)


@FloatUnary
def rsqrt(x: Array) -> Array:
    """Return 1 / √x, element by element; NaN for negative x."""
    return 1 / xp(x).sqrt(x)


@FloatUnary
def sin(x: Array) -> Array:
    """Return the sine of x, with x in radians."""
    return xp(x).sin(x)


@FloatUnary
def cos(x: Array) -> Array:
    """Return the cosine of x, with x in radians."""
    return xp(x).cos(x)


@FloatUnary
def tanh(x: Array) -> Array:
    """Return the hyperbolic tangent of x, (eˣ - e⁻ˣ) / (eˣ + e⁻ˣ)."""
    return xp(x).tanh(x)


@FloatUnary
def sigmoid(x: Array) -> Array:
    """Return 1 / (1 + e⁻ˣ), element by element. Bools and integers become the default float type.

    Examples
    --------
    >>> import minicnn
    >>> sigmoid(minicnn.tensor([0.0])).item()
    0.5
    """
    return 1 / (1 + xp(x).exp(-x))  # accurate for all x: for very negative x it is 1 / infinity = 0


@fuse
def _expm1_grad(grad: Tensor, x: Tensor) -> Tensor:
    return mul(grad, exp(x))  # not y + 1, which would lose the digits of a small eˣ


@fuse
def _log1p_grad(grad: Tensor, x: Tensor) -> Tensor:
    return _div(grad, add(x, 1))


@fuse
def _sqrt_grad(grad: Tensor, y: Tensor) -> Tensor:
    return _div(grad, mul(y, 2))


@fuse
def _rsqrt_grad(grad: Tensor, y: Tensor) -> Tensor:
    return mul(mul(grad, -0.5), mul(square(y), y))


@fuse
def _tanh_grad(grad: Tensor, y: Tensor) -> Tensor:
    return mul(grad, sub(1, square(y)))


@fuse
def _sigmoid_grad(grad: Tensor, y: Tensor) -> Tensor:
    return mul(grad, mul(y, sub(1, y)))


for _operation in (_power, _pow, exp, expm1, log, log1p, sqrt, rsqrt, sin, cos, tanh, sigmoid):
    _operation.takes_complex = True
exp.gradient(x=lambda grad, y: mul(grad, y))
expm1.gradient(x=lambda grad, x: _expm1_grad(grad, x))
log.gradient(x=lambda grad, x: _div(grad, x))
log1p.gradient(x=lambda grad, x: _log1p_grad(grad, x))
sqrt.gradient(x=lambda grad, y: _sqrt_grad(grad, y))
rsqrt.gradient(x=lambda grad, y: _rsqrt_grad(grad, y))
sin.gradient(x=lambda grad, x: mul(grad, cos(x)))
cos.gradient(x=lambda grad, x: neg(mul(grad, sin(x))))
tanh.gradient(x=lambda grad, y: _tanh_grad(grad, y))
sigmoid.gradient(x=lambda grad, y: _sigmoid_grad(grad, y))
_pow.gradient(
    a=lambda grad, a, b: where(eq(b, 0), zeros_like(grad), mul(grad, mul(b, _pow(a, sub(b, 1))))),
    b=lambda grad, y, a, b: where(logical_and(eq(a, 0), ge(b.real, 0)), zeros_like(grad), mul(grad, mul(y, log(a)))),
)
