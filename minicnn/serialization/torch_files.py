"""Reading files of ``torch.save``: a zip archive with a pickle of the value, and the bytes of each storage.

`pickle_machine.py` reads the pickle without running code. The functions below are the only ones that it calls.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import numpy as np

from minicnn.autograd.tensor import Size, Tensor
from minicnn.dtypes import bool_, complex64, complex128, float32, float64, int8, int16, int32, int64, uint8
from minicnn.errors import CheckpointError, ShapeError
from minicnn.nn import Parameter
from minicnn.ops.create import from_numpy
from minicnn.runtime.devices import CPU, Device
from minicnn.serialization.pickle_machine import Machine, Name, RefusedError, key_of

__all__ = ["read_torch_file"]

STORAGES: dict[str, tuple[Any, Any]] = {  # name of the class -> the type in the file, and the type here
    "DoubleStorage": (np.dtype("<f8"), float64),
    "FloatStorage": (np.dtype("<f4"), float32),
    "HalfStorage": (np.dtype("<f2"), float32),
    "BFloat16Storage": (np.dtype("<u2"), float32),
    "LongStorage": (np.dtype("<i8"), int64),
    "IntStorage": (np.dtype("<i4"), int32),
    "ShortStorage": (np.dtype("<i2"), int16),
    "CharStorage": (np.dtype("i1"), int8),
    "ByteStorage": (np.dtype("u1"), uint8),
    "BoolStorage": (np.dtype("?"), bool_),
    "ComplexFloatStorage": (np.dtype("<c8"), complex64),
    "ComplexDoubleStorage": (np.dtype("<c16"), complex128),
}
TYPES = {
    "torch.float32": float32,
    "torch.float": float32,
    "torch.float64": float64,
    "torch.double": float64,
    "torch.float16": float32,
    "torch.bfloat16": float32,
    "torch.int64": int64,
    "torch.long": int64,
    "torch.int32": int32,
    "torch.int": int32,
    "torch.int16": int16,
    "torch.int8": int8,
    "torch.uint8": uint8,
    "torch.bool": bool_,
    "torch.complex64": complex64,
    "torch.complex128": complex128,
}


def read_torch_file(path: str, data: bytes, device: Device) -> Any:
    """Return the value in the bytes of a file of PyTorch. All tensors are put on the device.

    Raises
    ------
    CheckpointError
        If the file is damaged, or holds something else than tensors and plain values.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = {info.filename.partition("/")[2]: info for info in archive.infolist()}
            if any(info.compress_type != zipfile.ZIP_STORED for info in entries.values()):
                raise RefusedError("its parts are compressed, and PyTorch compresses nothing")
            if "data.pkl" not in entries:
                raise RefusedError("it holds no data.pkl")
            if "byteorder" in entries and archive.read(entries["byteorder"]) != b"little":
                raise RefusedError("its numbers have another byte order")
            storages = _Storages(archive, entries, device)
            return Machine(archive.read(entries["data.pkl"]), FUNCTIONS, TYPES, storages.find).run()
    except RefusedError as error:
        raise CheckpointError(
            f"load: '{path}' is refused: {error}; save the state_dict() alone with torch.save"
        ) from error
    except (
        ArithmeticError,
        AttributeError,
        LookupError,
        MemoryError,
        NotImplementedError,
        OSError,
        RecursionError,
        RuntimeError,
        ShapeError,
        TypeError,
        ValueError,
        struct.error,
        zipfile.BadZipFile,
        zlib.error,
    ) as error:
        raise CheckpointError(
            f"load: '{path}' is damaged ({type(error).__name__}: {error}); use another copy"
        ) from error


class _Storages:
    """The storages of a file."""

    def __init__(self, archive: zipfile.ZipFile, entries: dict[str, Any], device: Device) -> None:
        self.archive, self.entries, self.device = archive, entries, device
        self.storages: dict[str, Tensor] = {}

    def find(self, description: Any) -> Tensor:
        """Return the storage ("storage", type, key, location, count) as a tensor with one axis."""
        kind, name, key, _, count = description
        if kind != "storage" or not isinstance(name, Name) or name.module not in ("torch", "torch.storage"):
            raise RefusedError(f"it holds {name.text if isinstance(name, Name) else 'an object'} outside the pickle")
        if name.name not in STORAGES:
            raise RefusedError(f"it holds numbers of {name.text}")
        if key not in self.storages:
            there, here = STORAGES[name.name]
            data = self.archive.read(self.entries[f"data/{key}"])
            if len(data) != count * there.itemsize:
                raise ValueError(f"storage {key} has {len(data)} bytes, not {count} numbers of {name.name}")
            array = np.frombuffer(data, there)
            if name.name == "BFloat16Storage":  # the upper half of a float32
                array = (array.astype(np.uint32) << 16).view(np.float32)
            self.storages[key] = from_numpy(array.astype(here)).to(self.device)
        return self.storages[key]


def _tensor(
    storage: Any, offset: Any, size: Any, strides: Any, requires_grad: Any, _hooks: Any = None, marks: Any = None
) -> Tensor:
    if not isinstance(storage, Tensor) or len(size) != len(strides):
        raise ValueError("a tensor without storage")
    array = storage.array
    numbers = (offset, *size, *strides)
    if any(type(n) is not int or n < 0 for n in numbers):
        raise ValueError(f"a tensor with offset {offset}, size {size} and strides {strides}")
    last = offset + sum((n - 1) * s for n, s in zip(size, strides, strict=True))
    if all(size) and last >= array.size:
        raise ValueError(f"a tensor reads element {last} of a storage with {array.size}")
    if not all(size):
        view = array[:0].reshape(size)
    elif storage.device.on_host:
        steps = [s * array.itemsize for s in strides]
        view = np.lib.stride_tricks.as_strided(array[offset:], size, steps)
    else:
        grids = np.meshgrid(*(np.arange(n) * s for n, s in zip(size, strides, strict=True)), indexing="ij")
        index = sum(grids, np.array(offset))
        view = array[storage.device.array(index)]
    marks = marks if isinstance(marks, dict) else {}
    view = -view if marks.get("neg") is True else view  # PyTorch computes both later
    view = view.conj() if marks.get("conj") is True else view
    made = Tensor._wrap(view, storage.device, version=storage._writes)
    return made.requires_grad_() if requires_grad is True else made


def _parameter(data: Any, requires_grad: Any, *_: Any) -> Parameter:
    if not isinstance(data, Tensor):
        raise ValueError("a parameter without tensor")
    return Parameter(data, requires_grad is True)


def _ordered(*pairs: Any) -> OrderedDict[Any, Any]:
    found: OrderedDict[Any, Any] = OrderedDict()
    for pair in pairs[0] if pairs else ():
        key, value = pair
        found[key_of(key)] = value
    return found


def _complex(real: Any, imag: Any) -> complex:
    if type(real) is not float or type(imag) is not float:
        raise ValueError("a complex number without its parts")
    return complex(real, imag)


def _size(values: Any) -> Size:
    return Size(int(v) for v in values)


def _numpy_type(name: Any, *_: Any) -> Any:
    if not isinstance(name, str) or np.dtype(name).kind not in "biuf" or np.dtype(name).itemsize > 8:
        raise ValueError(f"a number of type {name}")
    return np.dtype(name)


def _numpy_number(kind: Any, data: Any) -> Any:
    if not isinstance(kind, np.dtype) or not isinstance(data, bytes) or len(data) != kind.itemsize:
        raise ValueError("a number of NumPy without its bytes")
    return np.frombuffer(data, kind)[0].item()


def _bytes(text: Any, encoding: Any) -> bytes:
    if encoding != "latin1":
        raise ValueError(f"bytes in {encoding}")
    found: bytes = text.encode("latin1")
    return found


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "collections.OrderedDict": _ordered,
    "torch._utils._rebuild_tensor_v2": _tensor,
    "torch._utils._rebuild_parameter": _parameter,
    "torch.Size": _size,
    "_codecs.encode": _bytes,
    "numpy.dtype": _numpy_type,
    "numpy.core.multiarray.scalar": _numpy_number,
    "numpy._core.multiarray.scalar": _numpy_number,
    "builtins.complex": _complex,
    "__builtin__.complex": _complex,
    "torch.device": lambda *name: CPU,
    "collections.Counter": lambda values: {key_of(k): v for k, v in values.items()},
    "builtins.set": lambda values: {key_of(v) for v in values},
    "__builtin__.set": lambda values: {key_of(v) for v in values},
}
