"""Arithmetic that is composed of other functions, and arithmetic of integers, which has no gradient."""

import builtins
from collections.abc import Callable
from math import copysign as copysign_of
from math import inf, pi
from typing import Any

from minicnn.autograd.tensor import Tensor
from minicnn.dtypes import complex128, float64
from minicnn.errors import DTypeError
from minicnn.ops import comparison
from minicnn.ops.comparison import eq, ge, gt, isnan, le, logical_or, where
from minicnn.ops.complex_numbers import complex
from minicnn.ops.elementwise import _check_divisor, abs, add, div, mul, neg, sub, trunc
from minicnn.ops.exponentials import pow
from minicnn.ops.operands import Binary, Value, operands, promote, require_kind
from minicnn.ops.shape import as_float, cast
from minicnn.runtime.devices import Array, xp

__all__ = [
    "absolute",
    "addcdiv",
    "addcmul",
    "bitwise_left_shift",
    "bitwise_right_shift",
    "clamp_max",
    "clamp_min",
    "clip",
    "copysign",
    "deg2rad",
    "divide",
    "fix",
    "float_power",
    "fmax",
    "fmin",
    "fmod",
    "frac",
    "gcd",
    "greater",
    "greater_equal",
    "heaviside",
    "lcm",
    "ldexp",
    "lerp",
    "less",
    "less_equal",
    "multiply",
    "nan_to_num",
    "negative",
    "not_equal",
    "positive",
    "rad2deg",
    "reciprocal",
    "rsub",
    "signbit",
    "subtract",
    "true_divide",
]

# Other names for the same functions.
absolute, negative, fix, clip = abs, neg, trunc, comparison.clamp
subtract, multiply, divide = sub, mul, div
greater, greater_equal, less, less_equal, not_equal = gt, ge, comparison.lt, le, comparison.ne


def true_divide(input: Value, other: Value) -> Tensor:
    """Return input / other, as `div`."""
    return div(input, other)


def rsub(input: Tensor, other: Value, *, alpha: float = 1) -> Tensor:
    """Return other - alpha input, element by element; errors as in `sub`."""
    return sub(other, input, alpha=alpha)


def positive(input: Tensor) -> Tensor:
    """Return input itself.

    Raises
    ------
    DTypeError
        For bool tensors.
    """
    require_kind("positive", input.dtype, "iufc", "numbers")
    return input


def reciprocal(input: Tensor) -> Tensor:
    """Return 1 / x, element by element; bools and integers become the default float type."""
    return div(1, input)


def frac(input: Tensor) -> Tensor:
    """Return the decimals of x, x - trunc(x), with its sign.

    Raises
    ------
    DTypeError
        If the tensor does not hold floats.
    """
    require_kind("frac", input.dtype, "f", "floats")
    return sub(input, trunc(input))


def deg2rad(input: Tensor) -> Tensor:
    """Convert degrees to radians."""
    return mul(as_float(input), pi / 180)


def rad2deg(input: Tensor) -> Tensor:
    """Convert radians to degrees."""
    return mul(as_float(input), 180 / pi)


# --- sums of products -------------------------------------------------------------------------------------------------


def lerp(input: Tensor, end: Tensor, weight: Any) -> Tensor:
    """Return input + weight (end - input), element by element, exact for the weights 0 and 1.

    Raises
    ------
    DTypeError
        If the tensors do not hold floats of one type.

    Examples
    --------
    >>> import minicnn
    >>> lerp(minicnn.tensor([1.0]), minicnn.tensor([3.0]), 0.25).tolist()
    [1.5]
    """
    kinds = {t.dtype for t in (input, end, weight) if isinstance(t, Tensor)}
    if len(kinds) > 1 or input.dtype.kind not in "fc":
        raise DTypeError(f"lerp: expected floats of one type, got {', '.join(map(str, kinds))}; convert with .to()")
    step = sub(end, input)
    if not isinstance(weight, Tensor):
        near = -0.5 < weight < 0.5
        return add(input, mul(step, weight)) if near else sub(end, mul(step, 1 - weight))
    return where(abs(weight) < 0.5, add(input, mul(step, weight)), sub(end, mul(step, sub(1, weight))))


def addcmul(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: float = 1) -> Tensor:
    """Return input + value · tensor1 · tensor2, element by element. For integers, `value` is cut off at the point.

    Examples
    --------
    >>> import minicnn
    >>> addcmul(minicnn.tensor([1.0]), minicnn.tensor([2.0]), minicnn.tensor([3.0]), value=0.5).tolist()
    [4.0]
    """
    dtype = promote(input, tensor1, tensor2)
    return add(input, mul(mul(tensor1, tensor2), value if dtype.kind in "fc" else int(value)))


def addcdiv(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: float = 1) -> Tensor:
    """Return input + value · tensor1 / tensor2, element by element.

    Raises
    ------
    DTypeError
        If tensor1 and tensor2 hold integers.
    """
    require_kind("addcdiv", promote(tensor1, tensor2), "fc", "floats to divide")
    return add(input, mul(div(tensor1, tensor2), value))


# --- choices ----------------------------------------------------------------------------------------------------------


def clamp_min(input: Tensor, min: Any) -> Tensor:
    """Limit input to numbers >= min, a number or a tensor; see `clamp`."""
    return comparison.clamp(input, min, None)


def clamp_max(input: Tensor, max: Any) -> Tensor:
    """Limit input to numbers <= max, a number or a tensor; see `clamp`."""
    return comparison.clamp(input, None, max)


def fmax(input: Value, other: Value) -> Tensor:
    """Return the larger of two numbers, element by element; the other number if one is NaN. The first wins a tie."""
    a, b = operands("fmax", input, other)
    return where(logical_or(ge(a, b), isnan(b)), a, b)


def fmin(input: Value, other: Value) -> Tensor:
    """Return the smaller of two numbers, element by element; the other number if one is NaN. The first wins a tie."""
    a, b = operands("fmin", input, other)
    return where(logical_or(le(a, b), isnan(b)), a, b)


def heaviside(input: Tensor, values: Tensor) -> Tensor:
    """Return 0 for x < 0, 1 for x > 0, and `values` for x = 0, element by element, without a gradient.

    Raises
    ------
    DTypeError
        If the element types differ.
    """
    if input.dtype != values.dtype:
        raise DTypeError(f"heaviside: both tensors need one element type, got {input.dtype} and {values.dtype}")
    x = input.detach()
    return where(eq(x, 0), values.detach(), cast(gt(x, 0), x.dtype))


def signbit(input: Tensor) -> Tensor:
    """Return whether each element has a minus sign, as a bool tensor; -0.0 has one."""
    a = input.array
    require_kind("signbit", input.dtype, "biuf", "real numbers")
    return Tensor._wrap(xp(a).signbit(a) if a.dtype.kind == "f" else a < 0, input.device)


def copysign(input: Tensor, other: Value) -> Tensor:
    """Return |input| with the sign of other, element by element; bools and integers become floats."""
    dtype = promote(input, other)
    require_kind("copysign", dtype, "biuf", "real numbers")
    a, b = operands("copysign", input, other, dtype=dtype if dtype.kind == "f" else promote(input, 1.0))
    return where(signbit(b), neg(abs(a)), abs(a))


def nan_to_num(
    input: Tensor, nan: float | None = None, posinf: float | None = None, neginf: float | None = None
) -> Tensor:
    """Replace NaN and infinities by numbers: by default 0, and the largest and the smallest finite number.

    Of complex numbers, both parts are replaced.

    Examples
    --------
    >>> import minicnn
    >>> nan_to_num(minicnn.tensor([1.0, float("nan")]), nan=5.0).tolist()
    [1.0, 5.0]
    """
    if input.dtype.kind == "c":
        return complex(*(nan_to_num(part, nan, posinf, neginf) for part in (input.real, input.imag)))
    if input.dtype.kind != "f":
        return input.clone()
    limits = xp(input.array).finfo(input.dtype)
    y = where(isnan(input), _number(input, 0.0 if nan is None else nan), input)
    y = where(eq(input, float("inf")), _number(input, float(limits.max) if posinf is None else posinf), y)
    return where(eq(input, float("-inf")), _number(input, float(limits.min) if neginf is None else neginf), y)


def _number(like: Tensor, value: float) -> float:
    """Return the number; infinity, if the element type cannot hold it."""
    return (
        value
        if builtins.abs(value) <= xp(like.array).finfo(like.dtype).max or value != value
        else copysign_of(inf, value)
    )


# --- powers and remainders --------------------------------------------------------------------------------------------


def float_power(input: Value, exponent: Value) -> Tensor:
    """Return input to the power exponent, element by element, in float64 or complex128."""
    wide = complex128 if promote(input, exponent).kind == "c" else float64
    return pow(*(cast(v, wide) if isinstance(v, Tensor) else wide.type(v).item() for v in (input, exponent)))


def ldexp(input: Tensor, other: Tensor) -> Tensor:
    """Return input · 2 to the power other, element by element."""
    return mul(input, pow(2.0, other))


@Binary
def fmod(a: Array, b: Array) -> Array:
    """Return the remainder a - b trunc(a / b), element by element; it has the sign of a.

    Raises
    ------
    ArgumentError
        If integers are divided by 0. On a GPU, this is not checked.

    Examples
    --------
    >>> import minicnn
    >>> fmod(minicnn.tensor([7, -7]), 2).tolist()
    [1, -1]
    """
    _check_divisor("fmod", a, b)
    return xp(a).fmod(a, b)


fmod.gradient(a=lambda grad: grad, b=lambda grad, a, b: neg(mul(grad, trunc(div(a, b)))))


# --- integers ---------------------------------------------------------------------------------------------------------


def _on_integers(call: str, kinds: str, input: Value, other: Value, function: Callable[..., Any]) -> Tensor:
    """Return the result of a function on two arrays of integers."""
    a, b = operands(call, input, other)
    require_kind(call, a.dtype, kinds, "integers")
    return Tensor._wrap(a.device.array(function(a.array, b.array)), a.device)


def gcd(input: Tensor, other: Tensor) -> Tensor:
    """Return the greatest common divisor, element by element.

    Raises
    ------
    DTypeError
        If a tensor does not hold integers, or `other` is no tensor.
    """
    if not isinstance(other, Tensor):
        raise DTypeError(f"gcd: expected tensors, got {type(other).__name__}")
    return _on_integers("gcd", "iu", input, other, lambda a, b: xp(a).gcd(a, b))


def lcm(input: Tensor, other: Tensor) -> Tensor:
    """Return the least common multiple, element by element.

    Raises
    ------
    DTypeError
        If a tensor does not hold integers, or `other` is no tensor.
    """
    if not isinstance(other, Tensor):
        raise DTypeError(f"lcm: expected tensors, got {type(other).__name__}")
    return _on_integers("lcm", "iu", input, other, lambda a, b: xp(a).lcm(a, b))


def bitwise_left_shift(input: Value, other: Value) -> Tensor:
    """Return the bits of input shifted to the left by `other`, element by element; 0 for a shift beyond all bits.

    Raises
    ------
    DTypeError
        If a tensor does not hold integers.
    """

    def shifted(a: Array, b: Array) -> Array:
        fits = (b >= 0) & (b < 8 * a.itemsize)
        return xp(a).where(fits, xp(a).left_shift(a, xp(a).where(fits, b, b * 0)), a * 0)

    return _on_integers("bitwise_left_shift", "iu", input, other, shifted)


def bitwise_right_shift(input: Value, other: Value) -> Tensor:
    """Return the bits of input shifted to the right by `other`, element by element; the sign stays.

    Raises
    ------
    DTypeError
        If a tensor does not hold integers.
    """

    def shifted(a: Array, b: Array) -> Array:
        fits = (b >= 0) & (b < 8 * a.itemsize)
        return xp(a).where(fits, xp(a).right_shift(a, xp(a).where(fits, b, b * 0)), -(a < 0).astype(a.dtype))

    return _on_integers("bitwise_right_shift", "iu", input, other, shifted)
