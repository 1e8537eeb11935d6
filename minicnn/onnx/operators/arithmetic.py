"""Arithmetic, comparisons, logic, element types and matrix products. Shapes broadcast as in NumPy."""

from collections.abc import Callable
from functools import reduce
from typing import Any, Literal

from minicnn.autograd.tensor import Tensor
from minicnn.nn.functional import erf
from minicnn.onnx.registry import operator
from minicnn.onnx.values import dtype_of
from minicnn.ops.comparison import maximum, minimum, where
from minicnn.ops.create import zeros_like
from minicnn.ops.einsum import einsum
from minicnn.ops.linalg import matmul

__all__: list[str] = []

RoundMode = Literal["up", "down", "nearest"]

# Operators without attributes that minicnn has as a function of the same inputs.
SAME: dict[str, Callable[..., Tensor]] = {
    "Abs": Tensor.abs,
    "Acos": Tensor.acos,
    "Acosh": Tensor.acosh,
    "Asin": Tensor.asin,
    "Asinh": Tensor.asinh,
    "Atan": Tensor.atan,
    "Atanh": Tensor.atanh,
    "BitwiseAnd": Tensor.bitwise_and,
    "BitwiseNot": Tensor.bitwise_not,
    "BitwiseOr": Tensor.bitwise_or,
    "BitwiseXor": Tensor.bitwise_xor,
    "Ceil": Tensor.ceil,
    "Cos": Tensor.cos,
    "Cosh": Tensor.cosh,
    "Det": Tensor.det,
    "Erf": erf,
    "Exp": Tensor.exp,
    "Floor": Tensor.floor,
    "GreaterOrEqual": Tensor.ge,
    "IsNaN": Tensor.isnan,
    "LessOrEqual": Tensor.le,
    "Log": Tensor.log,
    "MatMul": matmul,
    "Neg": Tensor.neg,
    "Not": Tensor.logical_not,
    "Reciprocal": Tensor.reciprocal,
    "Round": Tensor.round,
    "Sign": Tensor.sign,
    "Sin": Tensor.sin,
    "Sinh": Tensor.sinh,
    "Sqrt": Tensor.sqrt,
    "Tan": Tensor.tan,
    "Where": where,
}


def _of_tensors(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """Return the function of tensors alone, so that no attribute of a file reaches a parameter of minicnn's."""

    def call(*inputs: Tensor) -> Tensor:
        return function(*inputs)

    return call


for _name, _function in SAME.items():
    operator(_name)(_of_tensors(_function))


# --- two operands ---------------------------------------------------------------------------------------------


def _div(a: Tensor, b: Tensor) -> Tensor:
    """Integers are divided towards zero."""
    return a / b if a.dtype.kind in "fc" else a.div(b, rounding_mode="trunc")


def _pow(x: Tensor, y: Tensor) -> Tensor:
    """The result has the type of the base."""
    return (x**y).to(x.dtype)


BINARY: dict[str, Callable[..., Tensor]] = {
    "Add": Tensor.add,
    "And": Tensor.logical_and,
    "Div": _div,
    "Equal": Tensor.eq,
    "Greater": Tensor.gt,
    "Less": Tensor.lt,
    "Mul": Tensor.mul,
    "Or": Tensor.logical_or,
    "Pow": _pow,
    "Sub": Tensor.sub,
    "Xor": Tensor.logical_xor,
}


def _aligned(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """Before version 7 the shape of the second operand began at an axis of the first one."""

    def call(a: Tensor, b: Tensor, *, axis: int | None = None, broadcast: int = 0) -> Tensor:
        if axis is not None and b.ndim:
            b = b.reshape(*b.shape, *(1,) * (a.ndim - axis % a.ndim - b.ndim))
        return function(a, b)

    return call


for _name, _function in BINARY.items():
    operator(_name)(_aligned(_function))
    operator(_name, since=7)(_of_tensors(_function))


@operator("Mod")
def _mod(a: Tensor, b: Tensor, *, fmod: int = 0) -> Tensor:
    """The sign is that of the divisor, or with `fmod` that of the dividend."""
    return a.fmod(b) if fmod else a.remainder(b)


@operator("BitShift")
def _bit_shift(x: Tensor, y: Tensor, *, direction: Literal["LEFT", "RIGHT"]) -> Tensor:
    return x.bitwise_left_shift(y) if direction == "LEFT" else x.bitwise_right_shift(y)


@operator("Max")
def _max(*tensors: Tensor) -> Tensor:
    return reduce(maximum, tensors)


@operator("Min")
def _min(*tensors: Tensor) -> Tensor:
    return reduce(minimum, tensors)


@operator("Sum")
def _sum(*tensors: Tensor) -> Tensor:
    return reduce(Tensor.add, tensors)


@operator("Mean")
def _mean(*tensors: Tensor) -> Tensor:
    return reduce(Tensor.add, tensors) / len(tensors)


@operator("Clip", settings=(1, 2))
def _clip(x: Tensor, min: Tensor | float | None = None, max: Tensor | float | None = None) -> Tensor:
    return x if min is None and max is None else x.clamp(min, max)


@operator("IsInf")
def _is_inf(x: Tensor, *, detect_negative: int = 1, detect_positive: int = 1) -> Tensor:
    if detect_negative and detect_positive:
        return x.isinf()
    return x.isneginf() if detect_negative else x.isposinf() if detect_positive else zeros_like(x.isinf())


# --- element types --------------------------------------------------------------------------------------------


@operator("Identity")
def _identity(x: Tensor) -> Tensor:
    return x


@operator("Cast")
def _cast(x: Tensor, *, to: int, saturate: int = 1, round_mode: RoundMode = "up") -> Tensor:
    """`saturate` and `round_mode` are for types of 8 bits and less."""
    return x.to(dtype_of(to))


@operator("CastLike")
def _cast_like(x: Tensor, target: Tensor, *, saturate: int = 1, round_mode: RoundMode = "up") -> Tensor:
    return x.to(target.dtype)


@operator("BitCast")
def _bit_cast(x: Tensor, *, to: int) -> Tensor:
    """The same bits as another type; there is no gradient."""
    return Tensor._of(x.array.view(dtype_of(to)))


# --- matrix products ------------------------------------------------------------------------------------------


@operator("Gemm", since=7)
def _gemm(
    a: Tensor,
    b: Tensor,
    c: Tensor | None = None,
    *,
    alpha: float = 1.0,
    beta: float = 1.0,
    transA: int = 0,
    transB: int = 0,
) -> Tensor:
    """alpha A B + beta C."""
    y = matmul(a.T if transA else a, b.T if transB else b)
    y = y if alpha == 1 else y * alpha
    return y if c is None else y + (c if beta == 1 else c * beta)


@operator("Einsum")
def _einsum(*tensors: Tensor, equation: str) -> Tensor:
    return einsum(equation, *tensors)


@operator("Gemm")
def _gemm_6(a: Tensor, b: Tensor, c: Tensor, *, broadcast: int = 0, **attributes: Any) -> Tensor:
    return _gemm(a, b, c, **attributes)
