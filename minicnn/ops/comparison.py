"""Primitives that compare, combine truth values and choose between elements."""

from typing import Any

import numpy as np

from minicnn.autograd.primitive import primitive
from minicnn.autograd.tensor import Tensor
from minicnn.dtypes import default_dtype
from minicnn.errors import ArgumentError, ShapeError
from minicnn.ops.create import as_tensor, zeros_like
from minicnn.ops.fuse import fuse
from minicnn.ops.operands import Binary, Unary, Value, operands, require_kind
from minicnn.ops.shape import cast, expand
from minicnn.runtime.devices import Array, xp

__all__ = [
    "bitwise_and",
    "bitwise_not",
    "bitwise_or",
    "bitwise_xor",
    "clamp",
    "eq",
    "ge",
    "gt",
    "isfinite",
    "isnan",
    "le",
    "logical_and",
    "logical_not",
    "logical_or",
    "logical_xor",
    "lt",
    "maximum",
    "minimum",
    "ne",
    "where",
]

# --- comparison: bool, without gradient -----------------------------------------------------------------------


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


@Unary
def isnan(x: Array) -> Array:
    """x is not a number."""
    return xp(x).isnan(x)


@Unary
def isfinite(x: Array) -> Array:
    """x is neither infinite nor NaN."""
    return xp(x).isfinite(x)


# --- logic ----------------------------------------------------------------------------------------------------


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


@Binary
def bitwise_and(a: Array, b: Array) -> Array:
    """a & b: the bits of both; for bools the same as logical_and."""
    require_kind("bitwise_and", a.dtype, "biu", "bools or integers")
    return xp(a).bitwise_and(a, b)


@Binary
def bitwise_or(a: Array, b: Array) -> Array:
    """a | b: the bits of either; for bools the same as logical_or."""
    require_kind("bitwise_or", a.dtype, "biu", "bools or integers")
    return xp(a).bitwise_or(a, b)


@Binary
def bitwise_xor(a: Array, b: Array) -> Array:
    """a ^ b: the bits of one alone; for bools the same as logical_xor."""
    require_kind("bitwise_xor", a.dtype, "biu", "bools or integers")
    return xp(a).bitwise_xor(a, b)


@Unary
def bitwise_not(x: Array) -> Array:
    """~x: every bit exchanged; for bools the same as logical_not."""
    require_kind("bitwise_not", x.dtype, "biu", "bools or integers")
    return xp(x).invert(x)


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
    """a where the condition holds, b elsewhere; all three broadcast.

    Raises
    ------
    DTypeError
        If the condition is not a bool tensor.
    ShapeError
        If the shapes do not broadcast.
    """
    condition = as_tensor(condition)
    require_kind("where", condition.dtype, "b", "a bool condition")
    a, b = operands("where", a, b, device=condition.device)
    try:
        shape = np.broadcast_shapes(condition.shape, a.shape, b.shape)
    except ValueError:
        raise ShapeError(
            f"where: the condition {condition.shape} does not broadcast with {a.shape} and {b.shape}: counted from the "
            "last, axes must be equal or 1"
        ) from None
    a, b = (t if t.shape == shape or t._node is None else expand(t, shape=shape) for t in (a, b))
    return _where(condition, a, b)


def clamp(x: Tensor, min: float | None = None, max: float | None = None) -> Tensor:
    """Limit x to [min, max]; the gradient passes where min <= x <= max.

    Raises
    ------
    ArgumentError
        If there is neither a lower nor an upper limit, or one is not a number.
    """
    limits = [v for v in (min, max) if v is not None]
    if not limits or not all(isinstance(v, int | float) for v in limits):
        raise ArgumentError(f"clamp: give a number for min, max or both, got min={min!r}, max={max!r}")
    if x.dtype.kind != "f" and any(isinstance(v, float) for v in limits):
        x = cast(x, default_dtype)
    number: Any = float if x.dtype.kind == "f" else int  # a NumPy number would change the element type
    low, high = (None if v is None else number(v) for v in (min, max))
    return _clamp(x, low=low, high=high)


@fuse
def _clamp_grad(grad: Tensor, x: Tensor, *, low: float | None, high: float | None) -> Tensor:
    above = eq(x, x) if low is None else ge(x, low)
    return where(above if high is None else logical_and(above, le(x, high)), grad, 0.0)


@fuse
def _larger_grad(grad: Tensor, one: Tensor, other: Tensor) -> Tensor:
    """The gradient of an operand of maximum: nothing where it loses, half where it ties."""
    return where(lt(one, other), 0.0, where(eq(one, other), grad * 0.5, grad))


@fuse
def _smaller_grad(grad: Tensor, one: Tensor, other: Tensor) -> Tensor:
    return where(gt(one, other), 0.0, where(eq(one, other), grad * 0.5, grad))


_where.gradient(
    a=lambda grad, condition: _where(condition, grad, zeros_like(grad)),
    b=lambda grad, condition: _where(condition, zeros_like(grad), grad),
)
_clamp.gradient(x=lambda grad, x, low, high: _clamp_grad(grad, x, low=low, high=high))
maximum.gradient(a=lambda grad, a, b: _larger_grad(grad, a, b), b=lambda grad, a, b: _larger_grad(grad, b, a))
minimum.gradient(a=lambda grad, a, b: _smaller_grad(grad, a, b), b=lambda grad, a, b: _smaller_grad(grad, b, a))
