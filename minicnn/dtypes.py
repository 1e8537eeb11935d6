"""Element types, and the rule of type promotion, which is the same as in PyTorch.

The categories are bool < integer < floating point. Tensors with axes determine the type. A 0-d tensor counts only if
its category is higher, and a Python number only if its category is higher than both: float32 + 2.0 is float32.
"""

from typing import Any

import numpy as np

from minicnn.errors import DTypeError

__all__ = [
    "bfloat16",
    "bool_",
    "category",
    "complex64",
    "complex128",
    "default_dtype",
    "finfo",
    "float16",
    "float32",
    "float64",
    "int8",
    "int16",
    "int32",
    "int64",
    "result_type",
    "scalar_dtype",
    "uint8",
]

DType = np.dtype[Any]

float16 = np.dtype(np.float16)
float32 = np.dtype(np.float32)
float64 = np.dtype(np.float64)
int8 = np.dtype(np.int8)
int16 = np.dtype(np.int16)
int32 = np.dtype(np.int32)
int64 = np.dtype(np.int64)
uint8 = np.dtype(np.uint8)
bool_ = np.dtype(np.bool_)

# Names with which programs compare; there are no tensors of these types.
bfloat16 = np.dtype([("bfloat16", np.uint16)])
complex64 = np.dtype(np.complex64)
complex128 = np.dtype(np.complex128)

default_dtype = float32

_CATEGORY = {"b": 0, "u": 1, "i": 1, "f": 2}


def category(dtype: DType) -> int:
    """Return the category of an element type: 0 for bool, 1 for integers, 2 for floating point.

    Raises
    ------
    DTypeError
        For complex numbers, strings and objects.
    """
    if dtype.kind not in _CATEGORY:
        raise DTypeError(f"tensor: element type {dtype} is not supported; use bool, an integer or a float type")
    return _CATEGORY[dtype.kind]


def scalar_dtype(value: bool | int | float) -> DType:
    """Return the element type of a Python number: bool, int64 or the default float type."""
    if isinstance(value, bool):
        return bool_
    return int64 if isinstance(value, int) else default_dtype


def _join(a: DType, b: DType) -> DType:
    if category(a) != category(b):
        return a if category(a) > category(b) else b
    return np.promote_types(a, b)


def result_type(axes: list[DType], zero_d: list[DType], numbers: list[DType]) -> DType:
    """Return the common element type of tensors with axes, 0-d tensors and Python numbers.

    Examples
    --------
    >>> result_type([int64], [], [float32])
    dtype('float32')
    >>> result_type([float32], [float64], [])
    dtype('float32')
    """
    result: DType | None = None
    for group in (axes, zero_d, numbers):
        joined: DType | None = None
        for dtype in group:
            joined = dtype if joined is None else _join(joined, dtype)
        if joined is not None and (result is None or category(joined) > category(result)):
            result = joined
    return default_dtype if result is None else result


class finfo:  # noqa: N801 (PyTorch's name)
    """The limits of a floating-point type, as Python floats: bits, eps, max, min, tiny, smallest_normal, resolution.

    Parameters
    ----------
    type : dtype, optional
        By default float32.

    Raises
    ------
    DTypeError
        If it is no floating-point type.

    Examples
    --------
    >>> finfo(float16).max
    65504.0
    """

    def __init__(self, type: DType = default_dtype) -> None:
        try:
            info = np.finfo(float32 if type == bfloat16 else type)
        except ValueError as error:
            raise DTypeError(f"finfo: expected a floating-point type, got {type}") from error
        self.dtype = "bfloat16" if type == bfloat16 else str(info.dtype)
        self.bits, self.tiny = int(info.bits), float(info.tiny)
        self.eps, self.max, self.resolution = float(info.eps), float(info.max), float(info.resolution)
        if type == bfloat16:  # float32 with 8 binary digits instead of 24
            self.bits, self.eps, self.max, self.resolution = 16, 2.0**-7, (2 - 2.0**-7) * 2.0**127, 0.01
        self.min, self.smallest_normal = -self.max, self.tiny

    def __repr__(self) -> str:
        names = ("resolution", "min", "max", "eps", "smallest_normal", "tiny")
        return f"finfo({', '.join(f'{name}={getattr(self, name):g}' for name in names)}, dtype={self.dtype})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, finfo) and self.dtype == other.dtype

    def __hash__(self) -> int:
        return hash(self.dtype)
