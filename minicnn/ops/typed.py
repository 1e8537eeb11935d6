"""Constructors by element type, such as `LongTensor([1, 2])`: PyTorch's way before `tensor(..., dtype=)`.

They exist so that older programs run. ``isinstance(x, LongTensor)`` asks for the element type of x, on the CPU;
`minicnn.cuda` has the same ones for the GPU. Below them are questions about types.
"""

from typing import Any

import numpy as np

from minicnn.autograd.tensor import Tensor
from minicnn.dtypes import DType, bool_, default_dtype, float16, float32, float64, int8, int16, int32, int64, uint8
from minicnn.runtime.devices import CPU, Device

__all__ = [
    "BoolTensor",
    "ByteStorage",
    "ByteTensor",
    "CharTensor",
    "DoubleTensor",
    "FloatTensor",
    "HalfTensor",
    "IntTensor",
    "LongTensor",
    "ShortTensor",
    "TypedTensor",
    "get_default_dtype",
    "is_floating_point",
    "is_tensor",
]


class TypedTensor(type):
    """The class of these constructors: a call makes a `Tensor` of the element type, on the device."""

    dtype: DType
    device: Device

    def __new__(cls, name: str, dtype: DType, device: Device = CPU) -> "TypedTensor":
        """Return a constructor for an element type and a device."""
        doc = f"Make a tensor of {dtype} on device {device.name!r}, from sizes or from numbers."
        names = {"dtype": dtype, "device": device, "__module__": __name__, "__doc__": doc}
        return super().__new__(cls, name, (), names)

    def __init__(cls, name: str, dtype: DType, device: Device = CPU) -> None:
        super().__init__(name, (), {})

    def __call__(cls, *data: Any, device: str | Device | None = None) -> Tensor:
        """Return a tensor of these sizes, or with this data; see `Tensor`."""
        made = Tensor.__new__(Tensor)
        made._construct(cls.__name__, data, cls.dtype, cls.device if device is None else Device.named(device))
        return made

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, Tensor) and instance.dtype == cls.dtype and instance.device is cls.device


BoolTensor = TypedTensor("BoolTensor", bool_)
ByteTensor = TypedTensor("ByteTensor", uint8)
DoubleTensor = TypedTensor("DoubleTensor", float64)
FloatTensor = TypedTensor("FloatTensor", float32)
HalfTensor = TypedTensor("HalfTensor", float16)
CharTensor = TypedTensor("CharTensor", int8)
IntTensor = TypedTensor("IntTensor", int32)
LongTensor = TypedTensor("LongTensor", int64)
ShortTensor = TypedTensor("ShortTensor", int16)


class ByteStorage:
    """Memory of bytes: programs make pictures of it, ``ByteTensor(ByteStorage.from_buffer(picture.tobytes()))``."""

    @staticmethod
    def from_buffer(buffer: Any, *args: Any, **kwargs: Any) -> Tensor:
        """Return the bytes of a buffer as a tensor of uint8."""
        return Tensor._of(np.frombuffer(buffer, np.uint8).copy())


def is_tensor(obj: Any) -> bool:
    """Return whether an object is a tensor."""
    return isinstance(obj, Tensor)


def is_floating_point(input: Tensor) -> bool:
    """Return whether the elements of a tensor are floating-point numbers."""
    return input.dtype.kind == "f"


def get_default_dtype() -> DType:
    """Return the type of new tensors of Python floats: float32."""
    return default_dtype
