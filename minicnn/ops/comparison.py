"""Comparisons, logical and bitwise operations, and selections (`where`, `maximum`, `minimum`, `clamp`).

Comparisons and logical operations return bool tensors without a gradient. Operands of two-operand functions are
promoted to one element type and broadcast, as in PyTorch.
"""

from math import nan
from typing import Any, overload

import numpy as np

from minicnn.autograd.primitive import primitive
from minicnn.autograd.tensor import Tensor
from minicnn.errors import ArgumentError, DTypeError, ShapeError
from minicnn.ops.create import as_tensor, zeros_like
from minicnn.ops.fuse import fuse
from minicnn.ops.operands import Binary, Unary, Value, operands, promote, require_kind
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

# --- comparisons ----------------------------------------------------------------------------------------------


@Binary
def eq(a: Array, b: Array) -> Array:
    """Return whether a equals b, element by element, as a bool tensor.

    Examples
    --------
    >>> import minicnn
    >>> eq(minicnn.tensor([1, 2]), 2).tolist()
    [False, True]
    """
    return xp(a).equal(a, b)


@Binary
def ne(a: Array, b: Array) -> Array:
    """Return whether a differs from b, element by element, as a bool tensor."""
    return xp(a).not_equal(a, b)


@Binary
def lt(a: Array, b: Array) -> Array:
    """Return whether a < b, element by element, as a bool tensor."""
    return xp(a).less(a, b)


@Binary
def le(a: Array, b: Array) -> Array:
    """Return whether a <= b, element by element, as a bool tensor."""
    return xp(a).less_equal(a, b)


@Binary
def gt(a: Array, b: Array) -> Array:
    """Return whether a > b, element by element, as a bool tensor."""
    return xp(a).greater(a, b)


@Binary
def ge(a: Array, b: Array) -> Array:
    """Return whether a >= b, element by element, as a bool tensor."""
    return xp(a).greater_equal(a, b)


@Unary
def isnan(x: Array) -> Array:
    """Return whether each element is NaN, as a bool tensor."""
    return xp(x).isnan(x)


@Unary
def isfinite(x: Array) -> Array:
    """Return whether each element is neither infinite nor NaN, as a bool tensor."""
    return xp(x).isfinite(x)


# --- logical and bitwise operations ---------------------------------------------------------------------------


def _nonzero(x: Array) -> Array:
    """Return complex numbers as bools, because CuPy's logical functions do not take them; other arrays as they are."""
    return x != 0 if x.dtype.kind == "c" else x


@Binary
def logical_and(a: Array, b: Array) -> Array:
    """Return whether a and b are both nonzero, element by element, as a bool tensor."""
    return xp(a).logical_and(_nonzero(a), _nonzero(b))


@Binary
def logical_or(a: Array, b: Array) -> Array:
    """Return whether a or b is nonzero, element by element, as a bool tensor."""
    return xp(a).logical_or(_nonzero(a), _nonzero(b))


@Binary
def logical_xor(a: Array, b: Array) -> Array:
    """Return whether exactly one of a and b is nonzero, element by element, as a bool tensor."""
    return xp(a).logical_xor(_nonzero(a), _nonzero(b))


@Unary
def logical_not(x: Array) -> Array:
    """Return whether each element is 0, as a bool tensor."""
    return xp(x).logical_not(_nonzero(x))


@Binary
def bitwise_and(a: Array, b: Array) -> Array:
    """Return a & b, the bitwise AND of integers; for bools the same as `logical_and`.

    Raises
    ------
    DTypeError
        For floating-point tensors.
    """
    require_kind("bitwise_and", a.dtype, "biu", "bools or integers")
    return xp(a).bitwise_and(a, b)


@Binary
def bitwise_or(a: Array, b: Array) -> Array:
    """Return a | b, the bitwise OR of integers; for bools the same as `logical_or`.

    Raises
    ------
    DTypeError
        For floating-point tensors.
    """
    require_kind("bitwise_or", a.dtype, "biu", "bools or integers")
    return xp(a).bitwise_or(a, b)


@Binary
def bitwise_xor(a: Array, b: Array) -> Array:
    """Return a ^ b, the bitwise XOR of integers; for bools the same as `logical_xor`.

    Raises
    ------
    DTypeError
        For floating-point tensors.
    """
    require_kind("bitwise_xor", a.dtype, "biu", "bools or integers")
    return xp(a).bitwise_xor(a, b)


@Unary
def bitwise_not(x: Array) -> Array:
    """Return ~x, the bitwise NOT of integers; for bools the same as `logical_not`.

    Raises
    ------
    DTypeError
        For floating-point tensors.
    """
    require_kind("bitwise_not", x.dtype, "biu", "bools or integers")
    return xp(x).invert(x)


# --- selections -----------------------------------------------------------------------------------------------


@primitive
def _where(condition: Array, a: Array, b: Array) -> Array:
    return xp(a).where(condition, a, b)


@Binary
def maximum(a: Array, b: Array) -> Array:
    """Return the larger of a and b, element by element; NaN if a or b is NaN. Equal operands share the gradient."""
    return xp(a).maximum(a, b)


@Binary
def minimum(a: Array, b: Array) -> Array:
    """Return the smaller of a and b, element by element; NaN if a or b is NaN. Equal operands share the gradient."""
    return xp(a).minimum(a, b)


@primitive
def _clamp(x: Array, *, low: float | None, high: float | None) -> Array:
    return xp(x).clip(x, low, high)


@overload
def where(condition: Value) -> tuple[Tensor, ...]: ...
@overload
def where(condition: Value, input: Value, other: Value) -> Tensor: ...
def where(condition: Value, input: Value = None, other: Value = None) -> Any:
    """Return input where the condition is true, and other elsewhere. All are broadcast; input and other are promoted.

    ``where(condition)`` returns the indices of the elements that are not 0, a tensor for each axis.

    Raises
    ------
    DTypeError
        If the condition is not a bool tensor, or only one value is given.
    ShapeError
        If the shapes do not broadcast.

    Examples
    --------
    >>> import minicnn
    >>> where(minicnn.tensor([True, False]), minicnn.tensor([1.0, 2.0]), 0.0).tolist()
    [1.0, 0.0]
    """
    condition = as_tensor(condition)
    if input is None and other is None:
        found = (condition.array if condition.ndim else condition.array.reshape(1)).nonzero()
        return tuple(Tensor._wrap(i, condition.device) for i in found)
    if input is None or other is None:
        raise DTypeError("where: give two values, or only the condition")
    require_kind("where", condition.dtype, "b", "a bool condition")
    input, other = operands("where", input, other, device=condition.device)
    try:
        shape = np.broadcast_shapes(condition.shape, input.shape, other.shape)
    except ValueError:
        raise ShapeError(
            f"where: the condition {condition.shape} does not broadcast with {input.shape} and {other.shape}: "
            "counted from the last, axes must be equal or 1"
        ) from None
    input, other = (t if t.shape == shape or t._node is None else expand(t, shape=shape) for t in (input, other))
    return _where(condition, input, other)


def clamp(input: Tensor, min: Any = None, max: Any = None) -> Tensor:
    """Limit input to [min, max]. The gradient is passed on where min <= input <= max, and is 0 elsewhere.

    The limits are numbers, or tensors that broadcast; where they limit, they get the gradient. If min > max, the result
    is max. Integers stay integers, unless a limit is a float.

    Raises
    ------
    ArgumentError
        If `min` and `max` are both None, or a limit is neither a number nor a tensor as the other.
    """
    limits = [v for v in (min, max) if v is not None]
    if limits and all(isinstance(v, Tensor) for v in limits):
        return _clamp_to_tensors(input, min, max)
    if not limits or not all(isinstance(v, int | float) for v in limits):
        raise ArgumentError(f"clamp: give numbers or tensors for min, max or both, got min={min!r}, max={max!r}")
    dtype = promote(input, *limits)
    input = input if input.dtype == dtype else cast(input, dtype)
    number: Any = float if dtype.kind == "f" else int  # a NumPy number would change the element type
    low, high = (None if v is None else number(v) for v in (min, max))
    if low != low or high != high:  # NaN
        low = high = nan
    return _clamp(input, low=low, high=high)


def _clamp_to_tensors(x: Tensor, low: Tensor | None, high: Tensor | None) -> Tensor:
    x, *limits = operands("clamp", x, *(v for v in (low, high) if v is not None))
    if low is not None:
        x = where(logical_or(lt(x, limits[0]), isnan(limits[0])), limits[0], x)
    return x if high is None else where(logical_or(gt(x, limits[-1]), isnan(limits[-1])), limits[-1], x)


for _operation in (eq, ne, isnan, isfinite, logical_and, logical_or, logical_xor, logical_not, _where):
    _operation.takes_complex = True


@fuse
def _clamp_grad(grad: Tensor, x: Tensor, *, low: float | None, high: float | None) -> Tensor:
    above = eq(x, x) if low is None else ge(x, low)
    return where(above if high is None else logical_and(above, le(x, high)), grad, 0.0)


@fuse
def _maximum_grad(grad: Tensor, operand: Tensor, other: Tensor) -> Tensor:
    """Return the gradient of an operand of `maximum`: 0 where it is smaller, half where both are equal."""
    return where(lt(operand, other), 0.0, where(eq(operand, other), grad * 0.5, grad))


@fuse
def _minimum_grad(grad: Tensor, operand: Tensor, other: Tensor) -> Tensor:
    return where(gt(operand, other), 0.0, where(eq(operand, other), grad * 0.5, grad))


_where.gradient(
    a=lambda grad, condition: _where(condition, grad, zeros_like(grad)),
    b=lambda grad, condition: _where(condition, zeros_like(grad), grad),
)
_clamp.gradient(x=lambda grad, x, low, high: _clamp_grad(grad, x, low=low, high=high))
maximum.gradient(a=lambda grad, a, b: _maximum_grad(grad, a, b), b=lambda grad, a, b: _maximum_grad(grad, b, a))
minimum.gradient(a=lambda grad, a, b: _minimum_grad(grad, a, b), b=lambda grad, a, b: _minimum_grad(grad, b, a))
