"""What happens to the operands of an element-wise primitive first: promotion to one type, broadcasting to one shape."""

from collections.abc import Sequence
from functools import lru_cache
from math import copysign, nan
from typing import Any

import numpy as np

from minicnn.autograd.primitive import Primitive
from minicnn.autograd.tensor import Tensor
from minicnn.dtypes import DType, category, default_dtype, result_type, scalar_dtype
from minicnn.errors import DTypeError, ShapeError
from minicnn.ops.create import as_tensor
from minicnn.ops.shape import cast, expand
from minicnn.runtime.devices import Device

__all__ = [
    "Binary",
    "FloatUnary",
    "Unary",
    "common_shape",
    "float_operands",
    "operands",
    "promote",
    "promoted",
    "require_kind",
]

Value = Any  # a Tensor, an array or a Python number


class Unary(Primitive[Tensor]):
    """A primitive of one tensor that is a public function and a method too; numbers and arrays are taken as tensors."""

    def __call__(self, x: Value, **params: Any) -> Tensor:  # type: ignore[override]
        return super().__call__(x if isinstance(x, Tensor) else as_tensor(x), **params)


class FloatUnary(Unary):
    """A Unary whose result is never an integer: integer tensors become the default float type."""

    def __call__(self, x: Value, **params: Any) -> Tensor:  # type: ignore[override]
        x = x if isinstance(x, Tensor) else as_tensor(x)
        return super().__call__(x if x.array.dtype.kind == "f" else cast(x, default_dtype), **params)


class Binary(Primitive[Tensor]):
    """A primitive of two tensors that is a public function: operands are promoted and broadcast as in PyTorch."""

    def __call__(self, a: Value, b: Value, **params: Any) -> Tensor:  # type: ignore[override]
        if not (
            isinstance(a, Tensor)
            and isinstance(b, Tensor)
            and a.array.shape == b.array.shape
            and a.array.dtype == b.array.dtype
        ):
            a, b = operands(self.name, a, b)
        return super().__call__(a, b, **params)


def operands(call: str, *values: Value, dtype: DType | None = None, device: Device | None = None) -> list[Tensor]:
    """Bring operands to one element type, and those that want a gradient to the common shape.

    The others are left to the array module's own broadcasting. An expanded operand gets the sum as its gradient from
    `expand`, so no gradient rule has to think of broadcasting. Without a tensor among them, numbers go to `device`.

    Raises
    ------
    ShapeError
        If the shapes do not broadcast.
    """
    tensors = promoted(*values, dtype=dtype, device=device)
    if len({t.array.shape for t in tensors}) > 1:
        shape = common_shape(call, tensors)
        tensors = [expand(t, shape=shape) if t._node is not None and t.array.shape != shape else t for t in tensors]
    return tensors


def promoted(*values: Value, dtype: DType | None = None, device: Device | None = None) -> list[Tensor]:
    """Bring operands to one element type and the device of the tensors among them."""
    device = next((v.device for v in values if isinstance(v, Tensor)), device)
    dtype = dtype or promote(*values)
    return [_operand(v, dtype, device) for v in values]


def common_shape(call: str, tensors: Sequence[Tensor]) -> tuple[int, ...]:
    """Return the shape that tensors broadcast to.

    Raises
    ------
    ShapeError
        If they do not.
    """
    shapes = [t.array.shape for t in tensors]
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError:
        raise ShapeError(
            f"{call}: shapes {' and '.join(map(str, shapes))} do not broadcast: counted from the last, axes must "
            "be equal or 1; reshape one of them"
        ) from None


def promote(*values: Value) -> DType:
    """Return the common element type of operands by PyTorch's rule."""
    groups: tuple[list[DType], list[DType], list[DType]] = ([], [], [])
    for v in values:
        if isinstance(v, bool | int | float):
            groups[2].append(scalar_dtype(v))
        else:
            array = v.array if isinstance(v, Tensor) else v if hasattr(v, "dtype") else np.asarray(v)
            category(array.dtype)
            groups[0 if array.ndim else 1].append(array.dtype)
    return result_type(*groups)


def float_operands(call: str, a: Value, b: Value) -> list[Tensor]:
    """Bring operands to one floating-point type, as `operands` does."""
    dtype = promote(a, b)
    return operands(call, a, b, dtype=dtype if dtype.kind == "f" else default_dtype)


def require_kind(call: str, dtype: DType, kinds: str, wanted: str) -> None:
    """Refuse an element type whose NumPy kind is not one of `kinds`.

    Raises
    ------
    DTypeError
        Naming the call, what it wants and the element type.
    """
    if dtype.kind not in kinds:
        raise DTypeError(f"{call}: expected {wanted}, got {dtype}; convert with .to()")


def _operand(value: Value, dtype: DType, device: Device | None) -> Tensor:
    if isinstance(value, Tensor):
        return value if value.array.dtype == dtype else cast(value, dtype)
    if device is not None and not device.on_host and isinstance(value, bool | int | float):
        return _constant(nan if value != value else value, copysign(1, value), dtype, device)
    return as_tensor(value, dtype, device)


@lru_cache(maxsize=1024)
def _constant(value: float, sign: float, dtype: DType, device: Device) -> Tensor:
    """A number on a device, sent there once. It is looked up, so -0.0, which equals 0.0, is told apart by its sign,
    and NaN, which equals nothing, by being the same object."""
    return as_tensor(value, dtype, device)
