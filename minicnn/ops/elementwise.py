"""Primitives that work on each element by itself, and the two rules before them: promotion and broadcasting."""

from types import MethodType
from typing import Any

import numpy as np

from minicnn.devices import Array, xp
from minicnn.dtypes import DType, category, default_dtype, result_type, scalar_dtype
from minicnn.errors import DTypeError, ShapeError
from minicnn.ops.create import as_tensor, zeros_like
from minicnn.ops.shape import cast, expand
from minicnn.primitive import Primitive, primitive
from minicnn.tensor import Tensor

__all__ = [
    "Binary",
    "FloatUnary",
    "Unary",
    "abs",
    "add",
    "ceil",
    "clamp",
    "cos",
    "div",
    "eq",
    "exp",
    "expm1",
    "floor",
    "floor_divide",
    "ge",
    "gt",
    "isfinite",
    "isnan",
    "le",
    "log",
    "log1p",
    "logical_and",
    "logical_not",
    "logical_or",
    "logical_xor",
    "lt",
    "maximum",
    "minimum",
    "mul",
    "ne",
    "neg",
    "operands",
    "pow",
    "promote",
    "remainder",
    "round",
    "rsqrt",
    "sign",
    "sin",
    "sqrt",
    "square",
    "sub",
    "tanh",
    "where",
]

Value = Any  # a Tensor, an array or a Python number


class Unary(Primitive):
    """A primitive of one tensor that is a public function and a method too; numbers and arrays are taken as tensors."""

    def __call__(self, x: Value, **params: Any) -> Tensor:
        return super().__call__(x if isinstance(x, Tensor) else as_tensor(x), **params)  # type: ignore[no-any-return]

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else MethodType(self, instance)


class FloatUnary(Unary):
    """A Unary whose result is never an integer: integer tensors become the default float type."""

    def __call__(self, x: Value, **params: Any) -> Tensor:
        x = x if isinstance(x, Tensor) else as_tensor(x)
        return super().__call__(x if x.array.dtype.kind == "f" else cast(x, default_dtype), **params)


class Binary(Primitive):
    """A primitive of two tensors that is a public function: operands are promoted and broadcast as in PyTorch."""

    def __call__(self, a: Value, b: Value, **params: Any) -> Tensor:
        if not (
            isinstance(a, Tensor)
            and isinstance(b, Tensor)
            and a.array.shape == b.array.shape
            and a.array.dtype == b.array.dtype
        ):
            a, b = operands(self.name, a, b)
        return super().__call__(a, b, **params)  # type: ignore[no-any-return]

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else MethodType(self, instance)


def operands(call: str, *values: Value, dtype: DType | None = None) -> list[Tensor]:
    """Bring operands to one element type, and those that want a gradient to the common shape.

    The others are left to the array module's own broadcasting. An expanded operand gets the sum as its gradient from
    `expand`, so no gradient rule has to think of broadcasting.
    """
    device = next((v.device for v in values if isinstance(v, Tensor)), None)
    dtype = dtype or promote(*values)
    tensors = [_operand(v, dtype, device) for v in values]
    shapes = [t.array.shape for t in tensors]
    if len(set(shapes)) > 1:
        try:
            shape = np.broadcast_shapes(*shapes)
        except ValueError:
            raise ShapeError(
                f"{call}: shapes {' and '.join(map(str, shapes))} do not broadcast: counted from the last, axes must be "
                "equal or 1; reshape one of them"
            ) from None
        tensors = [expand(t, shape=shape) if t._node is not None and t.array.shape != shape else t for t in tensors]
        if all(t.array.shape != shape for t in tensors):
            tensors[0] = expand(tensors[0], shape=shape)
    return tensors


def promote(*values: Value) -> DType:
    """Return the common element type of operands by PyTorch's rule."""
    groups: tuple[list[DType], list[DType], list[DType]] = ([], [], [])
    for v in values:
        if isinstance(v, bool | int | float):
            groups[2].append(scalar_dtype(v))
        else:
            array = v.array if isinstance(v, Tensor) else np.asarray(v)
            category(array.dtype)
            groups[0 if array.ndim else 1].append(array.dtype)
    return result_type(*groups)


def _operand(value: Value, dtype: DType, device: Any) -> Tensor:
    if isinstance(value, Tensor):
        return value if value.array.dtype == dtype else cast(value, dtype)
    return as_tensor(value, dtype, device)


def _float_operands(call: str, a: Value, b: Value) -> list[Tensor]:
    dtype = promote(a, b)
    return operands(call, a, b, dtype=dtype if dtype.kind == "f" else default_dtype)


# --- arithmetic -----------------------------------------------------------------------------------------------


@Binary
def add(a: Array, b: Array) -> Array:
    """a + b."""
    return xp(a).add(a, b)


@Binary
def sub(a: Array, b: Array) -> Array:
    """a - b."""
    if a.dtype.kind == "b":
        raise DTypeError("sub: bool tensors cannot be subtracted; use logical_xor, or .to() an integer type first")
    return xp(a).subtract(a, b)


@Binary
def mul(a: Array, b: Array) -> Array:
    """a b."""
    return xp(a).multiply(a, b)


@primitive
def _div(a: Array, b: Array) -> Array:
    return xp(a).true_divide(a, b)


@Unary
def neg(x: Array) -> Array:
    """-x."""
    return xp(x).negative(x)


@Unary
def square(x: Array) -> Array:
    """x²."""
    return x * x


@primitive
def _power(x: Array, *, exponent: float) -> Array:
    return x * x if exponent == 2 else x**exponent


@primitive
def _pow(a: Array, b: Array) -> Array:
    return xp(a).power(a, b)


def div(a: Value, b: Value) -> Tensor:
    """a / b; integers give a float."""
    return _div(*_float_operands("div", a, b))  # type: ignore[no-any-return]


def floor_divide(a: Value, b: Value) -> Tensor:
    """The largest integer below a / b; it has no gradient."""
    return _floor_divide(*operands("floor_divide", a, b))  # type: ignore[no-any-return]


def remainder(a: Value, b: Value) -> Tensor:
    """a - b floor(a / b), with the sign of b."""
    a, b = operands("remainder", a, b)
    return a - b * floor_divide(a, b)


def pow(a: Value, b: Value) -> Tensor:
    """a to the power b."""
    if isinstance(a, Tensor) and isinstance(b, int | float) and not isinstance(b, bool):
        if a.array.dtype.kind != "f" and isinstance(b, float):
            a = cast(a, default_dtype)
        if a.array.dtype.kind != "f" and b < 0:
            raise DTypeError(f"pow: an integer tensor cannot be raised to {b}; convert it with .float() first")
        return _power(a, exponent=b)  # type: ignore[no-any-return]
    return _pow(*operands("pow", a, b))  # type: ignore[no-any-return]


add.gradient(a=lambda h: h, b=lambda h: h)
sub.gradient(a=lambda h: h, b=lambda h: neg(h))
mul.gradient(a=lambda h, b: mul(h, b), b=lambda h, a: mul(h, a))
_div.gradient(a=lambda h, b: _div(h, b), b=lambda h, y, b: neg(_div(mul(h, y), b)))
neg.gradient(x=lambda h: neg(h))
square.gradient(x=lambda h, x: mul(h, mul(x, 2)))
_power.gradient(
    x=lambda h, x, exponent: zeros_like(h) if exponent == 0 else mul(h, mul(_power(x, exponent=exponent - 1), exponent))
)
_pow.gradient(
    a=lambda h, a, b: where(eq(b, 0), zeros_like(h), mul(h, mul(b, _pow(a, sub(b, 1))))),
    b=lambda h, y, a, b: where(logical_and(eq(a, 0), ge(b, 0)), zeros_like(h), mul(h, mul(y, log(a)))),
)


@primitive
def _floor_divide(a: Array, b: Array) -> Array:
    return xp(a).floor_divide(a, b)


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


exp.gradient(x=lambda h, y: mul(h, y))
expm1.gradient(x=lambda h, y: mul(h, add(y, 1)))
log.gradient(x=lambda h, x: _div(h, x))
log1p.gradient(x=lambda h, x: _div(h, add(x, 1)))
sqrt.gradient(x=lambda h, y: _div(h, mul(y, 2)))
rsqrt.gradient(x=lambda h, y: mul(mul(h, -0.5), _power(y, exponent=3)))
sin.gradient(x=lambda h, x: mul(h, cos(x)))
cos.gradient(x=lambda h, x: neg(mul(h, sin(x))))
tanh.gradient(x=lambda h, y: mul(h, sub(1, square(y))))


# --- steps: constant almost everywhere, so their gradient is zero ---------------------------------------------


@Unary
def abs(x: Array) -> Array:
    """|x|; the gradient at 0 is 0."""
    return xp(x).abs(x)


@Unary
def sign(x: Array) -> Array:
    """-1, 0 or 1."""
    return xp(x).sign(x)


@Unary
def floor(x: Array) -> Array:
    """The largest integer <= x."""
    return xp(x).floor(x)


@Unary
def ceil(x: Array) -> Array:
    """The smallest integer >= x."""
    return xp(x).ceil(x)


@Unary
def round(x: Array) -> Array:
    """The nearest integer, halves to even."""
    return xp(x).round(x)


abs.gradient(x=lambda h, x: mul(h, sign(x)))
for _step in (sign, floor, ceil, round):
    _step.gradient(x=lambda h: zeros_like(h))


# --- comparison and logic: bool, without gradient -------------------------------------------------------------


@Binary
def eq(a: Array, b: Array) -> Array:
    """a = b."""
    return xp(a).equal(a, b)


@Binary
def ne(a: Array, b: Array) -> Array:
    """a ≠ b."""
    return xp(a).not_equal(a, b)


@Binary
def lt(a: Array, b: Array) -> Array:
    """a < b."""
    return xp(a).less(a, b)


@Binary
def le(a: Array, b: Array) -> Array:
    """a <= b."""
    return xp(a).less_equal(a, b)


@Binary
def gt(a: Array, b: Array) -> Array:
    """a > b."""
    return xp(a).greater(a, b)


@Binary
def ge(a: Array, b: Array) -> Array:
    """a >= b."""
    return xp(a).greater_equal(a, b)


@Binary
def logical_and(a: Array, b: Array) -> Array:
    """Both are not 0."""
    return xp(a).logical_and(a, b)


@Binary
def logical_or(a: Array, b: Array) -> Array:
    """At least one is not 0."""
    return xp(a).logical_or(a, b)


@Binary
def logical_xor(a: Array, b: Array) -> Array:
    """Exactly one is not 0."""
    return xp(a).logical_xor(a, b)


@Unary
def logical_not(x: Array) -> Array:
    """x is 0."""
    return xp(x).logical_not(x)


@Unary
def isnan(x: Array) -> Array:
    """x is not a number."""
    return xp(x).isnan(x)


@Unary
def isfinite(x: Array) -> Array:
    """x is neither infinite nor NaN."""
    return xp(x).isfinite(x)


# --- choices --------------------------------------------------------------------------------------------------


@primitive
def _where(condition: Array, a: Array, b: Array) -> Array:
    return xp(a).where(condition, a, b)


@Binary
def maximum(a: Array, b: Array) -> Array:
    """The larger; NaN if either is. Equal operands share the gradient."""
    return xp(a).maximum(a, b)


@Binary
def minimum(a: Array, b: Array) -> Array:
    """The smaller; NaN if either is. Equal operands share the gradient."""
    return xp(a).minimum(a, b)


@primitive
def _clamp(x: Array, *, low: float | None, high: float | None) -> Array:
    return xp(x).clip(x, low, high)


def where(condition: Value, a: Value, b: Value) -> Tensor:
    """a where the condition holds, b elsewhere; all three broadcast."""
    condition = as_tensor(condition)
    if condition.dtype.kind != "b":
        raise DTypeError(f"where: the condition must be a bool tensor, got {condition.dtype}")
    a, b = operands("where", a, b)
    shape = np.broadcast_shapes(condition.shape, a.shape, b.shape)
    a, b = (t if t.shape == shape or t._node is None else expand(t, shape=shape) for t in (a, b))
    return _where(condition, a, b)  # type: ignore[no-any-return]


def clamp(x: Tensor, min: float | None = None, max: float | None = None) -> Tensor:
    """Limit x to [min, max]; the gradient passes where min <= x <= max."""
    if min is None and max is None:
        raise DTypeError("clamp: give at least one of min and max")
    if x.dtype.kind != "f" and any(isinstance(v, float) for v in (min, max)):
        x = cast(x, default_dtype)
    return _clamp(x, low=min, high=max)  # type: ignore[no-any-return]


def _inside(x: Tensor, low: float | None, high: float | None) -> Tensor:
    above = eq(x, x) if low is None else ge(x, low)
    return above if high is None else logical_and(above, le(x, high))



def _larger(a: Tensor, b: Tensor) -> Tensor:
    """1 where a > b, a half where equal, 0 elsewhere."""
    return cast(gt(a, b), a.dtype) + cast(eq(a, b), a.dtype) * 0.5


_where.gradient(
    a=lambda h, condition: _where(condition, h, zeros_like(h)),
    b=lambda h, condition: _where(condition, zeros_like(h), h),
)
_clamp.gradient(x=lambda h, x, low, high: where(_inside(x, low, high), h, 0.0))
maximum.gradient(a=lambda h, a, b: mul(h, _larger(a, b)), b=lambda h, a, b: mul(h, _larger(b, a)))
minimum.gradient(a=lambda h, a, b: mul(h, _larger(b, a)), b=lambda h, a, b: mul(h, _larger(a, b)))
