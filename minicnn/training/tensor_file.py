"""Files of named arrays with a JSON document: safetensors, written as a whole or not at all, checked when read.

The document is one entry of the safetensors header, so a single `os.replace` exchanges everything at once, and any
other reader of safetensors still finds the arrays. Nothing in such a file is ever executed.
"""

import json
import os
import uuid
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from minicnn.errors import CheckpointError

__all__ = ["read_tensor_file", "write_tensor_file"]

VERSION = 1  # of the layout of the document; a reader refuses higher ones
ENTRY = "minicnn"

Arrays = dict[str, np.ndarray[Any, Any]]


def write_tensor_file(call: str, path: str | Path, kind: str, arrays: Arrays, content: dict[str, Any]) -> None:
    """Write arrays and JSON content to one file, creating its folder; a file that was there survives any failure.

    Parameters
    ----------
    call : str
        The function on whose behalf it is written; messages start with it.
    path : str or Path
    kind : str
        What the file is, for who reads it.
    arrays : dict of str to ndarray
        Of truth values, integers, or real numbers of up to 64 bits.
    content : dict
        What JSON can express.

    Raises
    ------
    CheckpointError
        If an array is of another type, the content is not JSON, or the file cannot be written.
    """
    from safetensors.numpy import save

    path = Path(path)
    for name, array in arrays.items():
        if array.dtype.kind not in "biuf" or array.dtype.itemsize > 8:
            raise CheckpointError(
                f"{call}: '{path}' cannot hold the array '{name}' of type {array.dtype}, only bool, integers and "
                "floats of up to 64 bits; convert it (a complex one: to its real and imaginary parts)"
            )
    # Other memory orders and byte orders would be written wrong.
    arrays = {name: np.asarray(a, dtype=a.dtype.newbyteorder("="), order="C") for name, a in arrays.items()}
    try:
        text = json.dumps(content)
    except (TypeError, ValueError) as error:
        raise CheckpointError(f"{call}: '{path}' cannot hold this: {error}; convert it to numbers and text") from error
    document = {"kind": kind, "version": VERSION, "crc32": _checksum(text, arrays), "content": text}
    data = save(arrays, {ENTRY: json.dumps(document)})
    temporary = path.parent / f".{uuid.uuid4().hex}.tmp"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("xb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())  # else a power cut could leave the new name on an empty file
        os.replace(temporary, path)
    except OSError as error:
        raise CheckpointError(
            f"{call}: '{path}' cannot be written ({error.strerror or error}); what was there is untouched; "
            "free space, or choose another place"
        ) from error
    finally:
        with suppress(OSError):  # there is none, after success
            temporary.unlink()


def read_tensor_file(call: str, path: str | Path) -> tuple[str | None, Arrays, dict[str, Any]]:
    """Read what `write_tensor_file` wrote, or any other safetensors file.

    Returns
    -------
    kind : str or None
        None, for a file that minicnn did not write; its content is empty.
    arrays : dict of str to ndarray
    content : dict

    Raises
    ------
    CheckpointError
        If the file is missing, damaged, of another format, or of a newer version of minicnn.
    """
    from safetensors import SafetensorError, safe_open

    path = Path(path)
    if not path.is_file():
        raise CheckpointError(f"{call}: there is {'a folder' if path.exists() else 'no file'} '{path}'; check the name")
    try:
        with safe_open(path, framework="numpy") as file:
            entry = (file.metadata() or {}).get(ENTRY)
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no dict)
    except (SafetensorError, OSError, TypeError, AttributeError) as error:  # the last two: types that NumPy lacks
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
        return kind, arrays, json.loads(text)
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise CheckpointError(f"{call}: '{path}' is damaged ({error}); use another copy") from error


def _checksum(text: str, arrays: Arrays) -> int:
    crc = zlib.crc32(text.encode())
    for name, array in sorted(arrays.items()):
        crc = zlib.crc32(f"{name} {array.dtype} {array.shape}".encode(), crc)
        crc = zlib.crc32(array.reshape(-1).view(np.uint8).data, crc)
    return crc
