"""Primitives that work on each element by itself: arithmetic, exponentials, roots, angles, steps."""

from minicnn.devices import Array, xp
from minicnn.dtypes import int64
from minicnn.errors import DTypeError
from minicnn.ops.chain import chain
from minicnn.ops.comparison import eq, ge, logical_and, where
from minicnn.ops.create import zeros_like
from minicnn.ops.operands import Binary, FloatUnary, Unary, Value, float_operands, operands, promote, require_kind
from minicnn.primitive import primitive
from minicnn.tensor import Tensor

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
    return _div(*float_operands("div", a, b))  # type: ignore[no-any-return]


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
        return _power(x, exponent=float(b) if isinstance(b, float) else int(b))  # type: ignore[no-any-return]
    return _pow(x, y)  # type: ignore[no-any-return]


@chain
def _divisor_grad(h: Tensor, y: Tensor, b: Tensor) -> Tensor:
    return neg(_div(mul(h, y), b))


@chain
def _square_grad(h: Tensor, x: Tensor) -> Tensor:
    return mul(h, mul(x, 2))


add.gradient(a=lambda h: h, b=lambda h: h)
sub.gradient(a=lambda h: h, b=lambda h: neg(h))
mul.gradient(a=lambda h, b: mul(h, b), b=lambda h, a: mul(h, a))
_div.gradient(a=lambda h, b: _div(h, b), b=lambda h, y, b: _divisor_grad(h, y, b))
remainder.gradient(a=lambda h: h, b=lambda h, a, b: neg(mul(h, floor_divide(a, b))))
neg.gradient(x=lambda h: neg(h))
square.gradient(x=lambda h, x: _square_grad(h, x))
_power.gradient(
    x=lambda h, x, exponent: zeros_like(h) if exponent == 0 else mul(h, mul(_power(x, exponent=exponent - 1), exponent))
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


@chain
def _expm1_grad(h: Tensor, x: Tensor) -> Tensor:
    return mul(h, exp(x))  # y + 1 would lose the digits of a small eˣ


@chain
def _log1p_grad(h: Tensor, x: Tensor) -> Tensor:
    return _div(h, add(x, 1))  # type: ignore[no-any-return]


@chain
def _sqrt_grad(h: Tensor, y: Tensor) -> Tensor:
    return _div(h, mul(y, 2))  # type: ignore[no-any-return]


@chain
def _rsqrt_grad(h: Tensor, y: Tensor) -> Tensor:
    return mul(mul(h, -0.5), mul(square(y), y))


@chain
def _tanh_grad(h: Tensor, y: Tensor) -> Tensor:
    return mul(h, sub(1, square(y)))


exp.gradient(x=lambda h, y: mul(h, y))
expm1.gradient(x=lambda h, x: _expm1_grad(h, x))
log.gradient(x=lambda h, x: _div(h, x))
log1p.gradient(x=lambda h, x: _log1p_grad(h, x))
sqrt.gradient(x=lambda h, y: _sqrt_grad(h, y))
rsqrt.gradient(x=lambda h, y: _rsqrt_grad(h, y))
sin.gradient(x=lambda h, x: mul(h, cos(x)))
cos.gradient(x=lambda h, x: neg(mul(h, sin(x))))
tanh.gradient(x=lambda h, y: _tanh_grad(h, y))
_pow.gradient(
    a=lambda h, a, b: where(eq(b, 0), zeros_like(h), mul(h, mul(b, _pow(a, sub(b, 1))))),
    b=lambda h, y, a, b: where(logical_and(eq(a, 0), ge(b, 0)), zeros_like(h), mul(h, mul(y, log(a)))),
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


@chain
def _abs_grad(h: Tensor, x: Tensor) -> Tensor:
    return mul(h, sign(x))


abs.gradient(x=lambda h, x: _abs_grad(h, x))
for _step in (sign, floor, ceil, round):
    _step.gradient(x=lambda h: zeros_like(h))
