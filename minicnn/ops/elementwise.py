"""Element-wise operations: arithmetic, signs and rounding; powers are in `exponentials.py`.

Functions of two operands promote them to one element type and broadcast them, as in PyTorch. `Unary` functions keep
the element type of x; `FloatUnary` functions convert bools and integers to the default float type first.
"""

import builtins
from collections.abc import Callable
from typing import Any

import numpy as np

from minicnn.autograd.primitive import primitive
from minicnn.autograd.tensor import Tensor
from minicnn.dtypes import int64
from minicnn.errors import ArgumentError, DTypeError
from minicnn.ops.comparison import eq, logical_and, where
from minicnn.ops.create import zeros_like
from minicnn.ops.fuse import fuse
from minicnn.ops.operands import Binary, Unary, Value, float_operands, promote, require_kind
from minicnn.ops.shape import cast
from minicnn.runtime.devices import Array, xp

__all__ = [
    "abs",
    "add",
    "ceil",
    "div",
    "floor",
    "floor_divide",
    "mul",
    "neg",
    "remainder",
    "round",
    "sgn",
    "sign",
    "square",
    "sub",
    "trunc",
]

# --- arithmetic -----------------------------------------------------------------------------------------------


class _Sum(Binary):
    """The sum or difference with alpha times the second operand."""

    def __init__(self, body: Callable[..., Any], residuals: tuple[str, ...] = (), view: bool = False) -> None:
        super().__init__(body, residuals, view)
        self.add_parameter("alpha", 1)

    def __call__(self, input: Value, other: Value, *, alpha: float = 1, **params: Any) -> Tensor:  # type: ignore[override]
        if alpha != 1:
            if isinstance(alpha, float) and promote(input, other).kind not in "fc":
                raise DTypeError(f"{self.name}: alpha must be an integer for integers, got {alpha}")
            other = mul(other, alpha)
        return super().__call__(input, other, **params)


@_Sum
def add(a: Array, b: Array) -> Array:
    """Return a + alpha b, element by element; the operands are promoted and broadcast.

    Examples
    --------
    >>> import minicnn
    >>> add(minicnn.tensor([1.0, 2.0]), 1).tolist()
    [2.0, 3.0]
    """
    return xp(a).add(a, b)


class _Difference(_Sum):
    """The difference, which bools do not have."""

    def __call__(self, input: Value, other: Value, *, alpha: float = 1, **params: Any) -> Tensor:  # type: ignore[override]
        for t in (input, other):
            if isinstance(t, Tensor) and t.array.dtype.kind == "b":
                raise DTypeError("sub: expected numbers (for bools, use a ^ b), got bool; convert with .to()")
        return super().__call__(input, other, alpha=alpha, **params)


@_Difference
def sub(a: Array, b: Array) -> Array:
    """Return a - alpha b, element by element; the operands are promoted and broadcast.

    Raises
    ------
    DTypeError
        For bool tensors.
    """
    return xp(a).subtract(a, b)


@Binary
def mul(a: Array, b: Array) -> Array:
    """Return the product a b, element by element; the operands are promoted and broadcast."""
    return xp(a).multiply(a, b)


@primitive
def _div(a: Array, b: Array) -> Array:
    return xp(a).true_divide(a, b)


@Binary
def floor_divide(a: Array, b: Array) -> Array:
    """Return the largest integer <= a / b, element by element; the gradient is 0.

    Raises
    ------
    ArgumentError
        If integers are divided by 0. On a GPU, this is not checked.

    Examples
    --------
    >>> import minicnn
    >>> floor_divide(minicnn.tensor([7, -7]), 2).tolist()
    [3, -4]
    """
    _check_divisor("floor_divide", a, b)
    return xp(a).floor_divide(a, b)


def _check_divisor(call: str, a: Array, b: Array) -> None:
    """Raise an error for bools, and for integers if one is 0."""
    require_kind(call, b.dtype, "iuf", "numbers")
    if b.dtype.kind != "f" and xp(b) is np and a.size and not b.all():
        raise ArgumentError(f"{call}: integers cannot be divided by 0; convert to floats with .float()")


@Binary
def remainder(a: Array, b: Array) -> Array:
    """Return the remainder a - b floor(a / b), element by element; it has the sign of b.

    Raises
    ------
    ArgumentError
        If integers are divided by 0. On a GPU, this is not checked.

    Examples
    --------
    >>> import minicnn
    >>> remainder(minicnn.tensor([7, -7]), 2).tolist()
    [1, 1]
    """
    _check_divisor("remainder", a, b)
    return xp(a).remainder(a, b)


@Unary
def neg(x: Array) -> Array:
    """Return -x.

    Raises
    ------
    DTypeError
        For bool tensors.
    """
    require_kind("neg", x.dtype, "iufc", "numbers (for bools, use ~x)")
    return xp(x).negative(x)


@Unary
def square(x: Array) -> Array:
    """Return x²; bools become int64."""
    return x * x if x.dtype.kind != "b" else x.astype(int64)


def div(input: Value, other: Value, *, rounding_mode: str | None = None) -> Tensor:
    """Return input / other, element by element; two integers give the default float type.

    Parameters
    ----------
    input, other : Tensor or number
    rounding_mode : "trunc" or "floor", optional
        Round the quotient toward 0, or down. Two integers give integers then.

    Raises
    ------
    ArgumentError
        If the rounding mode is another one.

    Examples
    --------
    >>> import minicnn
    >>> div(minicnn.tensor([7, -7]), 2, rounding_mode="trunc").tolist()
    [3, -3]
    """
    if rounding_mode is None:
        return _div(*float_operands("div", input, other))
    if rounding_mode not in ("trunc", "floor"):
        raise ArgumentError(f"div: rounding_mode must be None, 'trunc' or 'floor', got {rounding_mode!r}")
    if rounding_mode == "floor":
        return floor_divide(input, other)
    if promote(input, other).kind == "f":
        return trunc(div(input, other))
    down = floor_divide(input, other)
    return add(down, logical_and(down < 0, remainder(input, other) != 0).to(down.dtype))


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
floor_divide.gradient(a=lambda grad: zeros_like(grad), b=lambda grad: zeros_like(grad))
remainder.gradient(a=lambda grad: grad, b=lambda grad, a, b: neg(mul(grad, floor_divide(a, b))))
neg.gradient(x=lambda grad: neg(grad))
square.gradient(x=lambda grad, x: _square_grad(grad, x))
# --- absolute value, sign and rounding ------------------------------------------------------------------------


@Unary
def abs(x: Array) -> Array:
    """Return |x|, of a complex number √(a² + b²); the gradient at 0 is 0.

    Raises
    ------
    DTypeError
        For bool tensors.
    """
    require_kind("abs", x.dtype, "iufc", "numbers")
    return xp(x).abs(x)


@Unary
def sign(x: Array) -> Array:
    """Return the sign of x: -1, 0 or 1, and 0 for NaN; the gradient is 0. Bools stay as they are."""
    if x.dtype.kind == "b":
        return x.copy()
    return xp(x).where(x == x, xp(x).sign(x), x.dtype.type(0)) if x.dtype.kind == "f" else xp(x).sign(x)


@Unary
def floor(x: Array) -> Array:
    """Return the largest integer <= x, with the element type of x; the gradient is 0.

    Raises
    ------
    DTypeError
        For bool tensors.
    """
    require_kind("floor", x.dtype, "iuf", "numbers")
    return xp(x).floor(x).astype(x.dtype, copy=False)


@Unary
def ceil(x: Array) -> Array:
    """Return the smallest integer >= x, with the element type of x; the gradient is 0.

    Raises
    ------
    DTypeError
        For bool tensors.
    """
    require_kind("ceil", x.dtype, "iuf", "numbers")
    return xp(x).ceil(x).astype(x.dtype, copy=False)


@Unary
def trunc(x: Array) -> Array:
    """Return x without its decimals, rounded toward 0, with the element type of x; the gradient is 0.

    Raises
    ------
    DTypeError
        For bool tensors.
    """
    require_kind("trunc", x.dtype, "iuf", "numbers")
    return xp(x).trunc(x).astype(x.dtype, copy=False)


class _Round(Unary):
    """Rounding to a number of decimals."""

    def __init__(self, body: Callable[..., Any], residuals: tuple[str, ...] = (), view: bool = False) -> None:
        super().__init__(body, residuals, view)
        self.add_parameter("decimals", 0)

    def __call__(self, input: Value, *, decimals: int = 0, **params: Any) -> Tensor:  # type: ignore[override]
        if decimals == 0:
            return super().__call__(input, **params)
        require_kind("round", promote(input), "f", "floats")
        power = 10.0 ** builtins.abs(decimals)
        if decimals > 0:
            return div(super().__call__(mul(input, power)), power)
        return mul(super().__call__(div(input, power)), power)


@_Round
def round(x: Array) -> Array:
    """Return the nearest integer, with the element type of x; halves are rounded to even, and the gradient is 0.

    With `decimals`, floats are rounded to a multiple of 10 ** -decimals.

    Examples
    --------
    >>> import minicnn
    >>> round(minicnn.tensor([0.5, 1.5])).tolist()
    [0.0, 2.0]
    """
    require_kind("round", x.dtype, "iuf", "numbers")
    return xp(x).round(x).astype(x.dtype, copy=False)


@fuse
def _abs_grad(grad: Tensor, x: Tensor) -> Tensor:
    return mul(grad, sign(x))


def sgn(input: Tensor) -> Tensor:
    """Return z / |z| for complex numbers, and 0 for 0; the sign of real numbers."""
    if input.array.dtype.kind != "c":
        return sign(input)
    zero = eq(input, 0)  # its gradient is 0, as that of the absolute value
    there = where(zero, 1.0, input)
    return where(zero, 0.0, _div(there, cast(abs(there), input.dtype)))


for _operation in (add, sub, mul, _div, neg, square, abs):
    _operation.takes_complex = True
abs.gradient(x=lambda grad, x: mul(grad, sgn(x)) if x.array.dtype.kind == "c" else _abs_grad(grad, x))
for _operation in (sign, floor, ceil, round, trunc):
    _operation.gradient(x=lambda grad: zeros_like(grad))
