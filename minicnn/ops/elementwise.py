"""Primitives that work on each element by itself: arithmetic, exponentials, roots, angles, steps."""

from minicnn.autograd.primitive import primitive
from minicnn.autograd.tensor import Tensor
from minicnn.dtypes import int64
from minicnn.errors import DTypeError
from minicnn.ops.comparison import eq, ge, logical_and, where
from minicnn.ops.create import zeros_like
from minicnn.ops.fuse import fuse
from minicnn.ops.operands import Binary, FloatUnary, Unary, Value, float_operands, operands, promote, require_kind
from minicnn.runtime.devices import Array, xp

__all__ = [
    "abs",
    "add",
    "ceil",
    "cos",
    "div",
    "exp",
    "expm1",
    "floor",
    "floor_divide",
    "log",
    "log1p",
    "mul",
    "neg",
    "pow",
    "remainder",
    "round",
    "rsqrt",
    "sign",
    "sin",
    "sqrt",
    "square",
    "sub",
    "tanh",
]

# --- arithmetic -----------------------------------------------------------------------------------------------


@Binary
def add(a: Array, b: Array) -> Array:
    """a + b."""
    return xp(a).add(a, b)


@Binary
def sub(a: Array, b: Array) -> Array:
    """a - b."""
    require_kind("sub", a.dtype, "iuf", "numbers (for bools, ^ tells where two differ)")
    return xp(a).subtract(a, b)


@Binary
def mul(a: Array, b: Array) -> Array:
    """a b."""
    return xp(a).multiply(a, b)


@primitive
def _div(a: Array, b: Array) -> Array:
    return xp(a).true_divide(a, b)


@Binary
def floor_divide(a: Array, b: Array) -> Array:
    """The largest integer below a / b; it has no gradient."""
    return xp(a).floor_divide(a, b)


@Binary
def remainder(a: Array, b: Array) -> Array:
    """a - b floor(a / b), with the sign of b."""
    return xp(a).remainder(a, b)


@Unary
def neg(x: Array) -> Array:
    """-x."""
    require_kind("neg", x.dtype, "iuf", "numbers (for bools, ~ is the opposite)")
    return xp(x).negative(x)


@Unary
def square(x: Array) -> Array:
    """x²."""
    return x * x if x.dtype.kind != "b" else x.astype(int64)


@primitive
def _power(x: Array, *, exponent: float) -> Array:
    return x * x if exponent == 2 else x**exponent


@primitive
def _pow(a: Array, b: Array) -> Array:
    return xp(a).power(a, b)


def div(a: Value, b: Value) -> Tensor:
    """a / b; integers give a float."""
    return _div(*float_operands("div", a, b))


def pow(a: Value, b: Value) -> Tensor:
    """a to the power b.

    Raises
    ------
    DTypeError
        If integers are raised to a negative power. On a GPU, exponents in a tensor are not looked at.
    """
    dtype = promote(a, b)
    x, y = operands("pow", a, b, dtype=dtype)
    if dtype.kind != "f" and (b < 0 if isinstance(b, int) else y.device.on_host and bool((y.array < 0).any())):
        raise DTypeError(f"pow: {dtype} cannot be raised to a negative power; convert it with .float() first")
    if isinstance(a, Tensor) and isinstance(b, int | float):  # a plain number: NumPy's would change the element type
        return _power(x, exponent=float(b) if isinstance(b, float) else int(b))
    return _pow(x, y)


@fuse
def _divisor_grad(grad: Tensor, y: Tensor, b: Tensor) -> Tensor:
    return neg(_div(mul(grad, y), b))


@fuse
def _square_grad(grad: Tensor, x: Tensor) -> Tensor:
    return mul(grad, mul(x, 2))


add.gradient(a=lambda grad: grad, b=lambda grad: grad)
sub.gradient(a=lambda grad: grad, b=lambda grad: neg(grad))
mul.gradient(a=lambda grad, b: mul(grad, b), b=lambda grad, a: mul(grad, a))
_div.gradient(a=lambda grad, b: _div(grad, b), b=lambda grad, y, b: _divisor_grad(grad, y, b))
remainder.gradient(a=lambda grad: grad, b=lambda grad, a, b: neg(mul(grad, floor_divide(a, b))))
neg.gradient(x=lambda grad: neg(grad))
square.gradient(x=lambda grad, x: _square_grad(grad, x))
_power.gradient(
    x=lambda grad, x, exponent: (
        zeros_like(grad) if exponent == 0 else mul(grad, mul(_power(x, exponent=exponent - 1), exponent))
    )
)


# --- exponentials and roots -----------------------------------------------------------------------------------


@FloatUnary
def exp(x: Array) -> Array:
    """eˣ."""
    return xp(x).exp(x)


@FloatUnary
def expm1(x: Array) -> Array:
    """eˣ - 1, exact for small x."""
    return xp(x).expm1(x)


@FloatUnary
def log(x: Array) -> Array:
    """The natural logarithm."""
    return xp(x).log(x)


@FloatUnary
def log1p(x: Array) -> Array:
    """log(1 + x), exact for small x."""
    return xp(x).log1p(x)


@FloatUnary
def sqrt(x: Array) -> Array:
    """√x."""
    return xp(x).sqrt(x)


@FloatUnary
def rsqrt(x: Array) -> Array:
    """1 / √x."""
    return 1 / xp(x).sqrt(x)


@FloatUnary
def sin(x: Array) -> Array:
    """sin x, x in radians."""
    return xp(x).sin(x)


@FloatUnary
def cos(x: Array) -> Array:
    """cos x, x in radians."""
    return xp(x).cos(x)


@FloatUnary
def tanh(x: Array) -> Array:
    """(eˣ - e⁻ˣ) / (eˣ + e⁻ˣ)."""
    return xp(x).tanh(x)


@fuse
def _expm1_grad(grad: Tensor, x: Tensor) -> Tensor:
    return mul(grad, exp(x))  # y + 1 would lose the digits of a small eˣ


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


exp.gradient(x=lambda grad, y: mul(grad, y))
expm1.gradient(x=lambda grad, x: _expm1_grad(grad, x))
log.gradient(x=lambda grad, x: _div(grad, x))
log1p.gradient(x=lambda grad, x: _log1p_grad(grad, x))
sqrt.gradient(x=lambda grad, y: _sqrt_grad(grad, y))
rsqrt.gradient(x=lambda grad, y: _rsqrt_grad(grad, y))
sin.gradient(x=lambda grad, x: mul(grad, cos(x)))
cos.gradient(x=lambda grad, x: neg(mul(grad, sin(x))))
tanh.gradient(x=lambda grad, y: _tanh_grad(grad, y))
_pow.gradient(
    a=lambda grad, a, b: where(eq(b, 0), zeros_like(grad), mul(grad, mul(b, _pow(a, sub(b, 1))))),
    b=lambda grad, y, a, b: where(logical_and(eq(a, 0), ge(b, 0)), zeros_like(grad), mul(grad, mul(y, log(a)))),
)


# --- steps: constant almost everywhere, so their gradient is zero ---------------------------------------------


@Unary
def abs(x: Array) -> Array:
    """|x|; the gradient at 0 is 0."""
    return xp(x).abs(x)


@Unary
def sign(x: Array) -> Array:
    """-1, 0 or 1."""
    require_kind("sign", x.dtype, "iuf", "numbers")
    return xp(x).sign(x)


@Unary
def floor(x: Array) -> Array:
    """The largest integer <= x."""
    return xp(x).floor(x).astype(x.dtype, copy=False)


@Unary
def ceil(x: Array) -> Array:
    """The smallest integer >= x."""
    return xp(x).ceil(x).astype(x.dtype, copy=False)


@Unary
def round(x: Array) -> Array:
    """The nearest integer, halves to even."""
    return xp(x).round(x).astype(x.dtype, copy=False)


@fuse
def _abs_grad(grad: Tensor, x: Tensor) -> Tensor:
    return mul(grad, sign(x))


abs.gradient(x=lambda grad, x: _abs_grad(grad, x))
for _step in (sign, floor, ceil, round):
    _step.gradient(x=lambda grad: zeros_like(grad))
