"""Constructors by element type, such as `LongTensor([1, 2])`: PyTorch's way before `tensor(..., dtype=)`.

They exist so that older programs run. ``isinstance(x, LongTensor)`` asks for the element type of x, on the CPU. Below
them are questions about types.
"""

from typing import Any

from minicnn.autograd.tensor import Tensor
from minicnn.dtypes import DType, bool_, default_dtype, float32, float64, int32, int64, uint8
from minicnn.runtime.devices import CPU, Device

__all__ = [
    "BoolTensor",
    "ByteTensor",
    "DoubleTensor",
    "FloatTensor",
    "IntTensor",
    "LongTensor",
    "TypedTensor",
    "get_default_dtype",
    "is_floating_point",
    "is_tensor",
]


class TypedTensor(type):
    """The class of these constructors: a call makes a `Tensor` of the element type."""

    dtype: DType

    def __new__(cls, name: str, dtype: DType) -> "TypedTensor":
        """Return a constructor for an element type."""
        doc = f"Make a tensor of {dtype}, from sizes or from numbers."
        return super().__new__(cls, name, (), {"dtype": dtype, "__module__": __name__, "__doc__": doc})

    def __init__(cls, name: str, dtype: DType) -> None:
        super().__init__(name, (), {})

    def __call__(cls, *data: Any, device: str | Device = CPU) -> Tensor:
        """Return a tensor of these sizes, or with this data; see `Tensor`."""
        made = Tensor.__new__(Tensor)
        made._construct(cls.__name__, data, cls.dtype, Device.named(device))
        return made

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, Tensor) and instance.dtype == cls.dtype and instance.device is CPU


BoolTensor = TypedTensor("BoolTensor", bool_)
ByteTensor = TypedTensor("ByteTensor", uint8)
DoubleTensor = TypedTensor("DoubleTensor", float64)
FloatTensor = TypedTensor("FloatTensor", float32)
IntTensor = TypedTensor("IntTensor", int32)
LongTensor = TypedTensor("LongTensor", int64)


def is_tensor(obj: Any) -> bool:
    """Return whether an object is a tensor."""
    return isinstance(obj, Tensor)


def is_floating_point(input: Tensor) -> bool:
    """Return whether the elements of a tensor are floating-point numbers."""
    return input.dtype.kind == "f"


def get_default_dtype() -> DType:
    """Return the type of new tensors of Python floats: float32."""
    return default_dtype
