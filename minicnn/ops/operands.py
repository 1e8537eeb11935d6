"""Promotion and broadcasting of operands, and the classes of element-wise primitives that do it in their call.

`Unary`, `FloatUnary` and `Binary` are primitives that accept tensors, arrays and Python numbers, as in PyTorch.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from inspect import Parameter, Signature
from math import copysign, isfinite, nan
from types import MethodType
from typing import Any, ClassVar

import numpy as np

from minicnn.autograd.primitive import Primitive
from minicnn.autograd.tensor import Tensor
from minicnn.dtypes import DType, category, default_dtype, result_type, scalar_dtype
from minicnn.errors import ArgumentError, DTypeError, ShapeError
from minicnn.ops.create import as_tensor
from minicnn.ops.shape import cast, expand
from minicnn.runtime.devices import Device

__all__ = [
    "Binary",
    "FloatBinary",
    "FloatUnary",
    "Unary",
    "common_shape",
    "fitting",
    "float_operands",
    "operands",
    "promote",
    "promoted",
    "require_kind",
]

Value = Any  # a Tensor, an array or a Python number


class _Method(Primitive[Tensor]):
    """A primitive that is also a public function, and a method of Tensor."""

    names: ClassVar[tuple[str, ...]]  # of the inputs, as PyTorch has them

    def __init__(self, body: Callable[..., Any], residuals: tuple[str, ...] = (), view: bool = False) -> None:
        super().__init__(body, residuals, view)
        inputs = [Parameter(n, Parameter.POSITIONAL_OR_KEYWORD, annotation=Tensor | float) for n in self.names]
        params = [p for p in self.__signature__.parameters.values() if p.kind is p.KEYWORD_ONLY]
        self.__signature__ = Signature([*inputs, *params], return_annotation=Tensor)

    def check_names(self, params: dict[str, Any]) -> None:
        """Raise TypeError for an argument that the function does not have, as Python does.

        Raises
        ------
        TypeError
            If there is one.
        """
        for name in params:
            if name not in self.params:
                raise TypeError(f"{self.name}() got an unexpected keyword argument {name!r}")

    def add_parameter(self, name: str, default: Any) -> None:
        """Add an argument of the public function, which `__call__` handles, to its signature."""
        parameter = Parameter(name, Parameter.KEYWORD_ONLY, default=default)
        self.__signature__ = Signature([*self.__signature__.parameters.values(), parameter], return_annotation=Tensor)

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        """Bind to a tensor, as functions do."""
        return self if instance is None else MethodType(self, instance)


class Unary(_Method):
    """A primitive of one tensor that is also a public function and a method; numbers and arrays become tensors."""

    names = ("input",)

    def __call__(self, input: Value, **params: Any) -> Tensor:  # type: ignore[override]
        if params:
            self.check_names(params)
        return super().__call__(input if isinstance(input, Tensor) else as_tensor(input), **params)


class FloatUnary(Unary):
    """A Unary primitive with a floating-point result: bools and integers become the default float type."""

    def __call__(self, input: Value, **params: Any) -> Tensor:  # type: ignore[override]
        if params:
            self.check_names(params)
        x = input if isinstance(input, Tensor) else as_tensor(input)
        return super().__call__(x if x.array.dtype.kind in "fc" else cast(x, default_dtype), **params)


class Binary(_Method):
    """A primitive of two tensors that is also a public function; operands are promoted and broadcast as in PyTorch.

    A call raises ShapeError if the shapes do not broadcast.
    """

    names = ("input", "other")

    def __call__(self, input: Value, other: Value, **params: Any) -> Tensor:  # type: ignore[override]
        if params:
            self.check_names(params)
        if not (
            isinstance(input, Tensor)
            and isinstance(other, Tensor)
            and input.array.shape == other.array.shape
            and input.array.dtype == other.array.dtype
        ):
            input, other = operands(self.name, input, other)
        return super().__call__(input, other, **params)


class FloatBinary(Binary):
    """A Binary primitive with a floating-point result: bools and integers become the default float type."""

    def __call__(self, input: Value, other: Value, **params: Any) -> Tensor:  # type: ignore[override]
        return super().__call__(*float_operands(self.name, input, other), **params)


def operands(call: str, *values: Value, dtype: DType | None = None, device: Device | None = None) -> list[Tensor]:
    """Promote operands to one element type, and expand operands that require a gradient to the common shape.

    The gradient of `expand` is a sum, so no other gradient rule handles broadcasting. Operands without a gradient are
    broadcast by the array module. If no operand is a tensor, they are put on `device`.

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
    """Return the operands as tensors of one element type, on the device of the first tensor (or else on `device`)."""
    device = next((v.device for v in values if isinstance(v, Tensor)), device)
    dtype = dtype or promote(*values)
    return [_operand(v, dtype, device) for v in values]


def common_shape(call: str, tensors: Sequence[Tensor]) -> tuple[int, ...]:
    """Return the shape to which the tensors broadcast.

    Raises
    ------
    ShapeError
        If they do not broadcast.
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
    """Return the common element type of operands by PyTorch's rule: tensors count more than 0-d tensors and numbers."""
    groups: tuple[list[DType], list[DType], list[DType]] = ([], [], [])
    for v in values:
        if isinstance(v, bool | int | float | complex):
            groups[2].append(scalar_dtype(v))
        else:
            array = v.array if isinstance(v, Tensor) else v if hasattr(v, "dtype") else np.asarray(v)
            category(array.dtype)
            groups[0 if array.ndim else 1].append(DType(array.dtype))
    return result_type(*groups)


def float_operands(call: str, a: Value, b: Value) -> list[Tensor]:
    """Promote two operands as `operands` does, but bools and integers to the default float type."""
    dtype = promote(a, b)
    return operands(call, a, b, dtype=dtype if dtype.kind in "fc" else default_dtype)


def fitting(call: str, value: Value, dtype: DType, device: Device) -> Tensor:
    """Return a number, or a tensor without axes, as a tensor of an element type; integers are cut off at the point.

    Raises
    ------
    ShapeError
        If it is a tensor with axes.
    DTypeError
        If it is no number.
    ArgumentError
        If the number is too large for the element type.
    """
    if isinstance(value, Tensor) and value.ndim:
        raise ShapeError(f"{call}: the value must be a number or a tensor without axes, got {value.shape}")
    if not isinstance(value, Tensor | bool | int | float | complex | np.generic):
        raise DTypeError(f"{call}: the value must be a number, got {type(value).__name__}")
    if not isinstance(value, Tensor) or value.device.on_host:
        number: Any = value.item() if isinstance(value, Tensor | np.generic) else value
        if dtype.kind == "c":
            fits = True
        elif isinstance(number, complex):
            raise DTypeError(f"{call}: {number!r} does not fit into {dtype}; convert the tensor with .to() first")
        elif dtype.kind == "f":
            fits = not isfinite(number) or -np.finfo(dtype).max <= number <= np.finfo(dtype).max
        else:
            highest = np.iinfo(dtype).max if dtype.kind in "iu" else 0
            lowest = -highest if dtype.kind == "u" else -highest - 1  # PyTorch lets -1 be 255
            fits = dtype.kind == "b" or (isfinite(number) and lowest <= int(number) <= highest)
        if not fits:
            raise ArgumentError(f"{call}: {number!r} does not fit into {dtype}; convert the tensor with .to() first")
        if not isinstance(value, Tensor):
            whole = number if dtype.kind in "fcb" else int(number)
            return _operand(np.asarray(whole).astype(dtype).item(), dtype, device)
    value = value if value.device is device else value.to(device)
    return value if value.dtype == dtype else cast(value, dtype)


def require_kind(call: str, dtype: DType, kinds: str, wanted: str) -> None:
    """Raise an error if the NumPy kind of an element type is not in `kinds`; `wanted` describes the kinds in words.

    Raises
    ------
    DTypeError
        If the kind is not in `kinds`.
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
    """Return a number as a tensor on a device; the cache copies each number only once.

    The sign is a part of the key because -0.0 == 0.0. NaN must be the object `math.nan`, because NaN != NaN.
    """
    return as_tensor(value, dtype, device)
