"""Element-wise operations: arithmetic, exponentials, roots, trigonometric functions, rounding.

Functions of two operands promote them to one element type and broadcast them, as in PyTorch. `Unary` functions keep
the element type of x; `FloatUnary` functions convert bools and integers to the default float type first.
"""

import builtins
from collections.abc import Callable
from typing import Any

from minicnn.autograd.primitive import primitive
from minicnn.autograd.tensor import Tensor
from minicnn.dtypes import int64
from minicnn.errors import ArgumentError, DTypeError
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


class _Sum(Binary):
    """The sum or difference with alpha times the second operand."""

    def __init__(self, body: Callable[..., Any], residuals: tuple[str, ...] = (), view: bool = False) -> None:
        super().__init__(body, residuals, view)
        self.add_parameter("alpha", 1)

    def __call__(self, input: Value, other: Value, *, alpha: float = 1, **params: Any) -> Tensor:  # type: ignore[override]
        return super().__call__(input, other if alpha == 1 else mul(other, alpha), **params)


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


@_Sum
def sub(a: Array, b: Array) -> Array:
    """Return a - alpha b, element by element; the operands are promoted and broadcast.

    Raises
    ------
    DTypeError
        For bool tensors.
    """
    require_kind("sub", a.dtype, "iuf", "numbers (for bools, use a ^ b)")
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
    """Return the largest integer <= a / b, element by element, without a gradient.

    Examples
    --------
    >>> import minicnn
    >>> floor_divide(minicnn.tensor([7, -7]), 2).tolist()
    [3, -4]
    """
    return xp(a).floor_divide(a, b)


@Binary
def remainder(a: Array, b: Array) -> Array:
    """Return the remainder a - b floor(a / b), element by element; it has the sign of b.

    Examples
    --------
    >>> import minicnn
    >>> remainder(minicnn.tensor([7, -7]), 2).tolist()
    [1, 1]
    """
    return xp(a).remainder(a, b)


@Unary
def neg(x: Array) -> Array:
    """Return -x.

    Raises
    ------
    DTypeError
        For bool tensors.
    """
    require_kind("neg", x.dtype, "iuf", "numbers (for bools, use ~x)")
    return xp(x).negative(x)


@Unary
def square(x: Array) -> Array:
    """Return x²; bools become int64."""
    return x * x if x.dtype.kind != "b" else x.astype(int64)


@primitive
def _power(x: Array, *, exponent: float) -> Array:
    return x * x if exponent == 2 else x**exponent


@primitive
def _pow(a: Array, b: Array) -> Array:
    return xp(a).power(a, b)


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
        quotient = div(input, other)
        return where(quotient < 0, ceil(quotient), floor(quotient))
    down = floor_divide(input, other)
    return add(down, logical_and(down < 0, remainder(input, other) != 0).to(down.dtype))


def pow(input: Value, exponent: Value) -> Tensor:
    """Return input to the power exponent, element by element; the operands are promoted and broadcast.

    Raises
    ------
    DTypeError
        If integers are raised to a negative power. On a GPU, a tensor of exponents is not checked.
    """
    dtype = promote(input, exponent)
    x, y = operands("pow", input, exponent, dtype=dtype)
    if dtype.kind != "f" and (
        exponent < 0 if isinstance(exponent, int) else y.device.on_host and bool((y.array < 0).any())
    ):
        raise DTypeError(f"pow: {dtype} cannot be raised to a negative power; convert it with .float() first")
    # Only for a Python number, because NumPy's numbers change the element type.
    if isinstance(input, Tensor) and isinstance(exponent, int | float):
        return _power(x, exponent=float(exponent) if isinstance(exponent, float) else int(exponent))
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


# --- absolute value, sign and rounding ------------------------------------------------------------------------


@Unary
def abs(x: Array) -> Array:
    """Return |x|; the gradient at 0 is 0."""
    return xp(x).abs(x)


@Unary
def sign(x: Array) -> Array:
    """Return the sign of x: -1, 0 or 1; the gradient is 0.

    Raises
    ------
    DTypeError
        For bool tensors.
    """
    require_kind("sign", x.dtype, "iuf", "numbers")
    return xp(x).sign(x)


@Unary
def floor(x: Array) -> Array:
    """Return the largest integer <= x, with the element type of x; the gradient is 0."""
    return xp(x).floor(x).astype(x.dtype, copy=False)


@Unary
def ceil(x: Array) -> Array:
    """Return the smallest integer >= x, with the element type of x; the gradient is 0."""
    return xp(x).ceil(x).astype(x.dtype, copy=False)


class _Round(Unary):
    """Rounding to a number of decimals."""

    def __init__(self, body: Callable[..., Any], residuals: tuple[str, ...] = (), view: bool = False) -> None:
        super().__init__(body, residuals, view)
        self.add_parameter("decimals", 0)

    def __call__(self, input: Value, *, decimals: int = 0, **params: Any) -> Tensor:  # type: ignore[override]
        if decimals == 0:
            return super().__call__(input, **params)
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
    return xp(x).round(x).astype(x.dtype, copy=False)


@fuse
def _abs_grad(grad: Tensor, x: Tensor) -> Tensor:
    return mul(grad, sign(x))


abs.gradient(x=lambda grad, x: _abs_grad(grad, x))
for _operation in (sign, floor, ceil, round):
    _operation.gradient(x=lambda grad: zeros_like(grad))
