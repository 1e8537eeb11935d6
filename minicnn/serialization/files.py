"""`save` writes a value to a safetensors file with a JSON document; `load` reads it, or a file of PyTorch.

A tensor becomes an array of the file. Everything else becomes JSON: numbers, text, bools and None as they are, other
values as ``{"kind": ..., "value": ...}``. Reading never executes code from a file.
"""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from minicnn.autograd.tensor import Size, Tensor
from minicnn.dtypes import (
    DType,
    bfloat16,
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
from minicnn.errors import CheckpointError, MiniCNNError
from minicnn.nn import Parameter
from minicnn.ops.create import from_numpy
from minicnn.runtime.devices import CPU, Device
from minicnn.serialization.torch_files import read_torch_file
from minicnn.training.tensor_file import Arrays, decode, encode, read_bytes, write_bytes

__all__ = ["load", "save"]

File = str | Path | BinaryIO
KIND = "value"


def save(obj: Any, f: File) -> None:
    """Write a value to a file: a tensor, or dicts, lists, tuples and sets of tensors, numbers and text.

    Parameters
    ----------
    obj
        For a model or an optimizer, its ``state_dict()``. Views are written as tensors of their own.
    f : str, Path, or a binary file
        The file is a safetensors file, whatever its name.

    Raises
    ------
    CheckpointError
        If there is an object of another class, a container in itself, or the file cannot be written.

    Examples
    --------
    >>> import io
    >>> import minicnn
    >>> file = io.BytesIO()
    >>> save({"weight": minicnn.ones(2), "epoch": 3}, file)
    >>> _ = file.seek(0)
    >>> load(file)
    {'weight': tensor([1., 1.]), 'epoch': 3}
    """
    arrays: Arrays = {}
    try:
        packed = _packed(obj, arrays, {}, "the value")
        data = encode("save", f, KIND, arrays, {"value": packed})
    except RecursionError:
        raise CheckpointError("save: the value holds itself, or its containers are nested too deeply") from None
    if hasattr(f, "write"):
        f.write(data)
    else:
        write_bytes("save", Path(f), data)


def load(f: File, map_location: Any = None, *, weights_only: bool | None = None) -> Any:
    """Read a file of `save`, of PyTorch's ``torch.save``, or any safetensors file (as a dict of tensors).

    Of a file of PyTorch, tensors and plain values are read. Nothing is executed: a file with other objects is refused.
    Floats of 16 bits become float32, and integers of 8 and 16 bits int32, except uint8.

    Parameters
    ----------
    f : str, Path, or a binary file
    map_location : str or Device, optional
        The device of all tensors. Other values, which PyTorch allows, mean the CPU.
    weights_only : bool, optional
        Has no effect: other objects are never read.

    Raises
    ------
    MissingFileError
        If there is no such file. It is a FileNotFoundError and a CheckpointError.
    CheckpointError
        If the file is damaged, or holds other objects.
    DeviceError, MissingPackageError
        If the device is not available.
    """
    path = f if isinstance(f, str | Path) else "the file"
    data = f.read() if hasattr(f, "read") else read_bytes("load", Path(f))
    device = Device.named(map_location) if isinstance(map_location, str | Device) else CPU
    is_safetensors = data[8:9] == b"{"  # after the length of the header
    if data[:2] == b"PK" and not is_safetensors:
        return read_torch_file(str(path), data, device)
    if data[:1] == b"\x80" and not is_safetensors:
        raise CheckpointError(
            f"load: '{path}' is a pickle, for example of PyTorch 1.5, and only PyTorch reads it: load it there, and "
            "save the state_dict() again"
        )
    kind, arrays, content = decode("load", path, data)
    tensors = {name: from_numpy(array).to(device) for name, array in arrays.items()}
    if kind == KIND:
        try:
            return _unpacked(content["value"], tensors)
        except (AttributeError, LookupError, TypeError, ValueError, RecursionError, MiniCNNError) as error:
            raise CheckpointError(f"load: '{path}' is damaged ({error}); use another copy") from error
    if kind is not None:
        reader = "load_state" if kind == "model" else "load_checkpoint"
        raise CheckpointError(f"load: '{path}' is a {kind}; minicnn.training.{reader} reads it")
    return tensors


CONTAINERS: dict[str, Any] = {"list": list, "tuple": tuple, "set": set, "Size": Size}
DTYPES = (bool_, uint8, int8, int16, int32, int64, float16, bfloat16, float32, float64, complex64, complex128)
TYPES = {dtype.name: dtype for dtype in DTYPES}
MAPPINGS: dict[str, Any] = {"dict": dict, "OrderedDict": OrderedDict}


def _packed(value: Any, arrays: Arrays, known: dict[int, Any], place: str) -> Any:
    """Return a value as JSON values, and add its arrays."""
    if value is None or (isinstance(value, str | bool | int | float) and type(value) in (str, bool, int, float)):
        return value
    if type(value) is complex:
        return {"kind": "complex", "value": [value.real, value.imag]}
    if isinstance(value, np.generic):
        return _packed(value.item(), arrays, known, place)
    if isinstance(value, Tensor | np.ndarray):
        if id(value) not in known:
            name = str(len(arrays))
            arrays[name] = value.device.to_numpy(value.array) if isinstance(value, Tensor) else value
            grad = isinstance(value, Tensor) and value.is_leaf and value.requires_grad
            known[id(value)] = {"kind": type(value).__name__, "value": name, "requires_grad": grad}
        return known[id(value)]
    if isinstance(value, DType | np.dtype):
        return {"kind": "dtype", "value": value.name}
    if isinstance(value, Device):
        return {"kind": "device", "value": value.name}
    for name, container in CONTAINERS.items():
        if type(value) is container:
            items = [_packed(v, arrays, known, f"{place}[{i}]") for i, v in enumerate(value)]
            return {"kind": name, "value": items}
    for name, mapping in MAPPINGS.items():
        if type(value) is mapping:
            pairs = [
                [_packed(k, arrays, known, f"a key of {place}"), _packed(v, arrays, known, f"{place}[{k!r}]")]
                for k, v in value.items()
            ]
            return {"kind": name, "value": pairs}
    raise CheckpointError(
        f"save: {place} is a {type(value).__name__}, and only tensors, arrays, numbers, text, and dicts, lists, tuples "
        "and sets of them can be saved; for a model or an optimizer save its state_dict()"
    )


def _unpacked(value: Any, tensors: dict[str, Tensor]) -> Any:
    if not isinstance(value, dict):
        return value
    kind, inner = value["kind"], value["value"]
    if kind in CONTAINERS:
        return CONTAINERS[kind]([_unpacked(v, tensors) for v in inner])
    if kind in MAPPINGS:
        return MAPPINGS[kind]([(_unpacked(k, tensors), _unpacked(v, tensors)) for k, v in inner])
    if kind == "complex":
        return complex(*inner)
    if kind == "dtype":
        return TYPES[inner]
    if kind == "device":
        return Device.named(inner)
    if kind == "ndarray":
        return tensors[inner].cpu().numpy()
    tensor = tensors[inner]
    if kind == "Parameter":
        return Parameter(tensor, value["requires_grad"])
    return tensor.requires_grad_() if value["requires_grad"] else tensor
