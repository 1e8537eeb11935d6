"""Reading and writing of safetensors files with named arrays and a JSON document.

The document is an entry of the safetensors header. So a single rename replaces arrays and document together, and
other readers of safetensors find the arrays. A checksum detects damage. Reading never executes code from a file.
"""

import json
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from minicnn.atomic import replace_file
from minicnn.dtypes import DType
from minicnn.errors import CheckpointError, MissingFileError

__all__ = ["decode", "encode", "read_bytes", "read_tensor_file", "write_bytes", "write_tensor_file"]

VERSION = 2  # of the document's layout; a reader rejects higher versions. 2: complex arrays, as pairs (..., 2)
ENTRY = "minicnn"

Arrays = dict[str, np.ndarray[Any, Any]]


def write_tensor_file(call: str, path: str | Path, kind: str, arrays: Arrays, content: dict[str, Any]) -> None:
    """Write arrays and JSON content to a file; errors as in `encode` and `write_bytes`."""
    write_bytes(call, path, encode(call, path, kind, arrays, content))


def encode(call: str, path: Any, kind: str, arrays: Arrays, content: dict[str, Any]) -> bytes:
    """Return the bytes of a file with arrays and JSON content.

    Parameters
    ----------
    call : str
        The name of the public function, with which messages start.
    path : str or Path
        The name of the file, for messages.
    kind : str
        For example "checkpoint" or "model". Readers check it.
    arrays : dict of str to ndarray
        bool, integers, floats of up to 64 bits, or complex numbers of up to 128. Of complex numbers, the file holds
        pairs of floats, (..., 2), because other readers of safetensors know no complex128.
    content : dict
        JSON values.

    Raises
    ------
    CheckpointError
        If an array has another dtype, or the content is not JSON.
    """
    from safetensors.numpy import save

    for name, array in arrays.items():
        if array.dtype.kind not in "biufc" or array.dtype.itemsize > (16 if array.dtype.kind == "c" else 8):
            raise CheckpointError(
                f"{call}: '{path}' cannot hold the array '{name}' of type {array.dtype}, only bool, integers, floats "
                "of up to 64 bits and complex numbers of up to 128; convert it"
            )
    # safetensors would write other memory orders and byte orders wrong.
    arrays = {name: np.asarray(a, dtype=a.dtype.newbyteorder("="), order="C") for name, a in arrays.items()}
    pairs = sorted(name for name, a in arrays.items() if a.dtype.kind == "c")
    arrays |= {name: np.stack([arrays[name].real, arrays[name].imag], -1) for name in pairs}
    try:
        text = json.dumps(content)
    except (TypeError, ValueError) as error:
        raise CheckpointError(f"{call}: '{path}' cannot hold this: {error}; convert it to numbers and text") from error
    document = {"kind": kind, "version": VERSION if pairs else 1, "crc32": _checksum(text, arrays), "content": text}
    document |= {"complex": pairs} if pairs else {}
    data: bytes = save(arrays, {ENTRY: json.dumps(document)})
    return data


def write_bytes(call: str, path: str | Path, data: bytes) -> None:
    """Write a file, and create missing folders. After a failure an old file is unchanged.

    Raises
    ------
    CheckpointError
        If the file cannot be written.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replace_file(path) as stream:
            stream.write(data)
    except OSError as error:
        raise CheckpointError(
            f"{call}: '{path}' cannot be written ({error.strerror or error}); an old file is unchanged; "
            "free space, or choose another place"
        ) from error


def read_bytes(call: str, path: str | Path) -> bytes:
    """Read a file.

    Raises
    ------
    MissingFileError
        If there is no such file.
    CheckpointError
        If it cannot be read.
    """
    path = Path(path)
    if not path.exists():
        raise MissingFileError(f"{call}: there is no file '{path}'; check the name")
    if not path.is_file():
        raise CheckpointError(f"{call}: there is a folder '{path}'; check the name")
    try:
        return path.read_bytes()
    except OSError as error:
        raise CheckpointError(f"{call}: '{path}' cannot be read ({error.strerror or error}); check its mode") from error


def read_tensor_file(call: str, path: str | Path) -> tuple[str | None, Arrays, dict[str, Any]]:
    """Read a file of `write_tensor_file`, or any other safetensors file.

    Returns
    -------
    kind : str or None
        None for a file that minicnn did not write. Its content is empty.
    arrays : dict of str to ndarray
    content : dict

    Raises
    ------
    CheckpointError
        If the file is missing, damaged, in another format or from a newer version of minicnn.
    """
    return decode(call, path, read_bytes(call, path))


def decode(call: str, path: Any, data: bytes) -> tuple[str | None, Arrays, dict[str, Any]]:
    """Return the parts of the bytes of a safetensors file, as `read_tensor_file`.

    Raises
    ------
    CheckpointError
        If the bytes are damaged, in another format or from a newer version of minicnn.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        arrays = {name: array.copy() for name, array in load(data).items()}  # safetensors makes read-only views
        header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
        entry = header.get("__metadata__", {}).get(ENTRY)
    except (SafetensorError, LookupError, TypeError, AttributeError, ValueError, RecursionError) as error:
        raise CheckpointError(
            f"{call}: '{path}' is damaged, or not a safetensors file ({error}); use another copy"
        ) from error
    if entry is None:
        return None, arrays, {}
    try:
        document = json.loads(entry)
        kind, version, crc32, text = (document[key] for key in ("kind", "version", "crc32", "content"))
        if version > VERSION:
            raise CheckpointError(
                f"{call}: '{path}' has format version {version}, and this minicnn reads up to {VERSION}; update minicnn"
            )
        if _checksum(text, arrays) != crc32:
            raise ValueError("its checksum is wrong")
        for name in document.get("complex", ()):
            pair = arrays[name]
            arrays[name] = pair.view(DType(pair.dtype).to_complex().dtype)[..., 0]
        return kind, arrays, json.loads(text)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise CheckpointError(f"{call}: '{path}' is damaged ({error}); use another copy") from error


def _checksum(text: str, arrays: Arrays) -> int:
    crc = zlib.crc32(text.encode())
    for name, array in sorted(arrays.items()):
        crc = zlib.crc32(f"{name} {array.dtype} {array.shape}".encode(), crc)
        crc = zlib.crc32(array.reshape(-1).view(np.uint8).data, crc)
    return crc
