"""Values of ONNX as values of minicnn: element types, and the numbers in tensors that describe shapes."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from minicnn.autograd.tensor import Tensor
from minicnn.dtypes import (
    DType,
    bool_,
    complex64,
    complex128,
    float16,
    float32,
    float64,
    int8,
    int16,
    int32,
    int64,
    uint8,
)
from minicnn.errors import ArgumentError, DTypeError
from minicnn.ops.axes import axis_of

__all__ = ["TYPES", "axes_of", "dtype_of", "integers", "number", "numbers"]

# ONNX's numbers of the element types that minicnn has.
TYPES: dict[int, DType] = {
    1: float32,
    2: uint8,
    3: int8,
    4: DType(np.uint16),
    5: int16,
    6: int32,
    7: int64,
    9: bool_,
    10: float16,
    11: float64,
    12: DType(np.uint32),
    13: DType(np.uint64),
    14: complex64,
    15: complex128,
}


def dtype_of(number: int) -> DType:
    """Return the element type with a number of ONNX.

    Raises
    ------
    DTypeError
        If minicnn has no such type, for example no bfloat16.
    """
    if number not in TYPES:
        raise DTypeError(f"onnx: minicnn has no element type with ONNX's number {number}")
    return TYPES[number]


def numbers(value: Tensor | Iterable[float] | float) -> list[Any]:
    """Return the numbers in a tensor or an attribute as a list."""
    if isinstance(value, Tensor):
        found = value.tolist()
        return found if isinstance(found, list) else [found]
    return list(value) if isinstance(value, Iterable) else [value]


def number(value: Tensor | Iterable[float] | float) -> Any:
    """Return the only number in a tensor or an attribute."""
    (found,) = numbers(value)
    return found


def integers(value: Tensor | Iterable[float] | float) -> list[int]:
    """Return the integers in a tensor or an attribute as a list."""
    return [int(number) for number in numbers(value)]


def axes_of(value: Tensor | Iterable[int] | int | None, ndim: int) -> list[int]:
    """Return numbers of axes, counted from the front; None means all axes.

    Raises
    ------
    ArgumentError
        If an axis appears twice.
    OutOfRangeError
        If an axis does not exist.
    """
    axes = list(range(ndim)) if value is None else [axis_of("onnx", axis, ndim) for axis in integers(value)]
    if len(set(axes)) < len(axes):
        raise ArgumentError(f"onnx: an axis appears twice in {axes}")
    return axes
