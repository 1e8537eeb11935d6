"""Launches CUDA kernels: on a GPU through CuPy's RawModule, on a CPU through the simulator.

The launcher reads the signatures of the kernels from the source and checks every argument. A raw kernel checks nothing:
it would read a view, a float64 array or a Python float as wrong numbers, without an error.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from math import prod
from operator import index
from pathlib import Path
from typing import Any

import numpy as np

from minicnn.backends.build import flattened, kernel_folder
from minicnn.backends.cuda import simulator
from minicnn.errors import KernelError
from minicnn.runtime.devices import Array, xp

__all__ = ["Entry", "Parameter", "Source", "contiguous", "device_key", "empty", "floats", "int3", "on_device"]

LIMIT = 2**31 - 2**16  # elements: kernels count them with 32 bits, and some count past the end by one tile
TOO_MANY = (
    "{} elements; CUDA kernels count to " + f"{LIMIT - 1}: use smaller batches, or "
    'minicnn.use_kernel(operation, "reference")'
)
ALIGNMENT = 16  # bytes: a 128-bit load needs it
REAL = {np.dtype(np.float32): "float", np.dtype(np.float64): "double"}
UNSUPPORTED = {
    "bool",
    "char",
    "unsigned char",
    "short",
    "unsigned",
    "unsigned int",
    "long",
    "float",
    "double",
}  # for numbers
ELEMENTS = {"int": np.int32, "unsigned char": np.uint8, "long long": np.int64}  # every other array type is Real
HEAD = re.compile(
    r'^extern "C" __global__ void\s+(?:__launch_bounds__\(([^)]*)\)\s*)?(\w+)\s*\(([^)]*)\)', re.MULTILINE
)
STRUCT = re.compile(r"^struct (?:alignas\(\d+\) )?(\w+) \{(.*?)^\};", re.MULTILINE | re.DOTALL)
INTS = re.compile(r"(\s*int\s+\w+(\[\d+\])?(\s*,\s*\w+(\[\d+\])?)*\s*;)+\s*")  # the body of a struct of ints
MEMBER = re.compile(r"(\w+)(?:\[(\d+)\])?\s*[,;]")

Grid = int | tuple[int, ...]


@dataclass(frozen=True)
class Parameter:
    """A parameter of a kernel: `kind` is "array", "table" (of arrays), "number" or "struct"."""

    name: str
    kind: str
    type: str
    constant: bool


@dataclass(frozen=True)
class Entry:
    """A kernel of a source file."""

    name: str
    threads: int  # maximum in a block: __launch_bounds__, or CUDA's limit
    parameters: tuple[Parameter, ...]


class Source:
    """A file of kernels/cuda/, built on first use for each element type.

    Parameters
    ----------
    file : str or Path
        The name of the file in that folder, or the path of another file.
    """

    def __init__(self, file: str | Path) -> None:
        self.file = file
        self.name = Path(file).name

    @cached_property
    def text(self) -> str:
        """The CUDA text with its headers."""
        return flattened(self.file if isinstance(self.file, Path) else kernel_folder() / "cuda" / self.file)

    @cached_property
    def entries(self) -> dict[str, Entry]:
        """The kernels by name, in the order of the file.

        Raises
        ------
        KernelError
            If __launch_bounds__ is not a number, or a parameter has an unsupported type.
        """
        code = re.sub(r"//[^\n]*|/\*.*?\*/", "", self.text, flags=re.DOTALL)
        found = {}
        for bounds, name, parameters in HEAD.findall(code):
            limit = bounds.partition(",")[0].strip() or "1024"
            if not limit.isdigit():
                raise KernelError(
                    f"launch: {name}: write __launch_bounds__ with a number, not {limit!r}: it is read from the text"
                )
            threads = int(limit)
            found[name] = Entry(name, threads, tuple(_parameter(p) for p in parameters.split(",") if p.strip()))
        return found

    @cached_property
    def structs(self) -> dict[str, int]:
        """The number of ints in each struct that consists of ints only; kernels take these structs by value."""
        code = re.sub(r"//[^\n]*|/\*.*?\*/", "", self.text, flags=re.DOTALL)
        return {
            name: sum(int(size or 1) for _, size in MEMBER.findall(re.sub(r"\bint\b", "", body)))
            for name, body in STRUCT.findall(code)
            if INTS.fullmatch(body)
        }

    def launch(self, entry: str, grid: Grid, block: Grid, *arguments: Any) -> None:
        """Run a kernel. On a GPU the call only queues it; the simulator finishes it before the call returns.

        Parameters
        ----------
        entry : str
            The name of the kernel.
        grid, block : int or tuple of up to three ints
            The number of blocks, and of threads in a block. A grid of 0 blocks runs nothing.
        *arguments
            For a pointer, an array that is contiguous and aligned to 16 bytes; for a table of pointers, a list of
            these arrays; for a number, an int or a float; for a struct, a tuple of its ints.

        Raises
        ------
        KernelError
            If the kernel does not exist, an argument does not fit its declaration, or the kernel cannot be built.
        """
        kernel = self.entries.get(entry)
        if kernel is None:
            raise KernelError(
                f"launch: {self.name} has no kernel {entry!r}; it has {', '.join(self.entries) or 'none'}: a kernel "
                'starts with a line: extern "C" __global__ void'
            )
        if len(arguments) != len(kernel.parameters):
            raise KernelError(f"{entry}: takes {len(kernel.parameters)} arguments, got {len(arguments)}")
        blocks, threads = _three(grid), _three(block)
        self._check_grid(kernel, blocks, threads)
        real = self._real(kernel, arguments)
        values = [
            self._argument(kernel, parameter, value, real)
            for parameter, value in zip(kernel.parameters, arguments, strict=True)
        ]
        arrays = [
            array
            for parameter, value in zip(kernel.parameters, values, strict=True)
            if parameter.kind in ("array", "table")
            for array in (value if isinstance(value, list) else [value])
        ]
        if len({type(a) for a in arrays}) != 1:
            raise KernelError(f"{entry}: arrays must be on one device, got {sorted({str(type(a)) for a in arrays})}")
        if 0 in blocks:
            return
        if isinstance(arrays[0], np.ndarray):
            simulator.run(self.name, self.text, tuple(self.entries), REAL[real], entry, blocks, threads, values)
        else:
            m = xp(arrays[0])
            tables = [m.asarray(_addresses(v)) if isinstance(v, list) else v for v in values]
            _module(m, self.name, self.text, REAL[real]).get_function(entry)(blocks, threads, tuple(tables))

    def compile(self, like: Array, real: str = "float") -> None:
        """Build the file for the device of an array before its first launch.

        Raises
        ------
        KernelError
            If the file cannot be built.
        """
        if isinstance(like, np.ndarray):
            simulator.prepare(self.name, self.text, tuple(self.entries), real)
        else:
            _module(xp(like), self.name, self.text, real)

    # --- checks -------------------------------------------------------------------------------------------------

    def _check_grid(self, kernel: Entry, grid: tuple[int, ...], block: tuple[int, ...]) -> None:
        threads = block[0] * block[1] * block[2]
        if min(block) < 1 or block[2] > 64 or threads > kernel.threads:
            raise KernelError(
                f"{kernel.name}: a block has 1 to {kernel.threads} threads, at most 64 on the third axis, got {block}"
            )
        if min(grid) < 0 or grid[0] >= 2**31 or max(grid[1:]) >= 2**16:
            raise KernelError(f"{kernel.name}: a grid has at most (2147483647, 65535, 65535) blocks, got {grid}")

    def _real(self, kernel: Entry, arguments: Sequence[Any]) -> np.dtype[Any]:
        """Return the element type of the arrays that the kernel declares as Real."""
        found = {
            a.dtype
            for parameter, value in zip(kernel.parameters, arguments, strict=True)
            if parameter.type == "Real" and parameter.kind in ("array", "table")
            for a in (value if isinstance(value, list) else [value])
            if hasattr(a, "dtype")
        }
        if len(found) != 1 or not found <= REAL.keys():
            raise KernelError(
                f"{kernel.name}: needs Real arrays that are all float32 or all float64, got "
                f"{', '.join(sorted(map(str, found))) or 'none'}"
            )
        real: np.dtype[Any] = found.pop()
        return real

    def _argument(self, kernel: Entry, parameter: Parameter, value: Any, real: np.dtype[Any]) -> Any:
        label = f"{kernel.name}: {parameter.name}"
        if parameter.kind == "struct":
            size = self.structs.get(parameter.type)
            if size is None:
                raise KernelError(f"{label}: there is no struct {parameter.type} of ints in {self.name}")
            if not isinstance(value, tuple) or len(value) != size:
                got = f"{len(value)}" if isinstance(value, tuple) else type(value).__name__
                raise KernelError(f"{label}: a {parameter.type} is a tuple of {size} ints, got {got}")
            packed = np.array([_int(label, v, np.int32) for v in value], np.int32)
            return packed.view(np.dtype((np.void, packed.nbytes))).reshape(())  # CuPy passes a host array by value
        if parameter.kind == "number":
            if parameter.type != "Real":
                return _int(label, value, ELEMENTS[parameter.type])
            if isinstance(value, bool) or not isinstance(value, int | float | np.floating):
                raise KernelError(f"{label}: must be a number, got {value!r}")
            return real.type(value)
        dtype = real if parameter.type == "Real" else np.dtype(ELEMENTS[parameter.type])
        if parameter.kind == "array":
            return _check_array(label, value, dtype, parameter.constant)
        if not isinstance(value, list) or not value:
            raise KernelError(f"{label}: must be a list of arrays, got {type(value).__name__}")
        return [_check_array(f"{label}[{i}]", a, dtype, parameter.constant) for i, a in enumerate(value)]


def _parameter(text: str) -> Parameter:
    """Parse a parameter, for example `const Real* __restrict__ x`."""
    words = text.replace("__restrict__", "").replace("*", " * ").split()
    name, words = words[-1], words[:-1]
    stars, constant = words.count("*"), words[0] == "const"
    type_name = " ".join(w for w in words if w not in ("const", "*"))
    numbers = {"Real", *ELEMENTS}
    allowed = type_name in numbers if stars else type_name not in UNSUPPORTED
    if not allowed or stars > 2 or (stars == 2 and words[-3:] != ["*", "const", "*"]):
        raise KernelError(
            f"launch: unsupported parameter {' '.join(text.split())!r}; use pointers to Real, int, unsigned char or "
            "long long, tables Real* const*, the numbers int, long long and Real, and structs of int"
        )
    kind = ("number" if type_name in numbers else "struct", "array", "table")[stars]
    return Parameter(name, kind, type_name, constant)


def _three(size: Grid) -> tuple[int, int, int]:
    sizes = (size,) if hasattr(size, "__index__") else tuple(size)
    if not 1 <= len(sizes) <= 3 or not all(hasattr(n, "__index__") for n in sizes):
        raise KernelError(f"launch: a grid or block must be 1 to 3 integers, got {size!r}")
    x, y, z = (*map(index, sizes), 1, 1)[:3]
    return x, y, z


def _int(label: str, value: Any, dtype: Any) -> Any:
    if isinstance(value, bool) or not hasattr(value, "__index__") or (hasattr(value, "ndim") and value.ndim):
        raise KernelError(f"{label}: must be an integer, got {value!r}")
    info = np.iinfo(dtype)
    if not info.min <= value <= info.max:
        raise KernelError(f"{label}: {value} does not fit into {info.bits} bits")
    return dtype(value)


def _check_array(label: str, array: Any, dtype: np.dtype[Any], constant: bool) -> Array:
    if not hasattr(array, "dtype") or not hasattr(array, "flags"):
        raise KernelError(f"{label}: must be an array, got {type(array).__name__}")
    if array.dtype != dtype:
        raise KernelError(f"{label}: must hold {dtype}, got {array.dtype}")
    if array.size >= LIMIT:
        raise KernelError(f"{label}: {TOO_MANY.format(array.size)}")
    if not array.flags.c_contiguous or (array.size and _address(array) % ALIGNMENT):
        raise KernelError(f"{label}: must be contiguous and aligned to {ALIGNMENT} bytes; pass contiguous(array)")
    if not constant and isinstance(array, np.ndarray) and not array.flags.writeable:
        raise KernelError(f"{label}: is an output, but the array is read-only")
    return array if array.ndim else array.reshape(1)


def _address(array: Array) -> int:
    return int(array.__array_interface__["data"][0] if isinstance(array, np.ndarray) else array.data.ptr)


def _addresses(arrays: list[Array]) -> np.ndarray[Any, Any]:
    return np.array([_address(a) for a in arrays], np.uint64)


@cache
def _module(cupy: Any, name: str, text: str, real: str) -> Any:
    module = cupy.RawModule(code=text, options=("-std=c++17", f"-DReal={real}"), backend="nvrtc")
    try:
        module.compile()
    except Exception as error:  # an error of the compiler, or any error of the search for the compiler
        raise KernelError(
            f"{name}: CuPy cannot compile it ({type(error).__name__}: {error}); if its compiler NVRTC is missing: "
            "pip install 'minicnn[cuda]'"
        ) from error
    return module


# --- functions for the wrappers ---------------------------------------------------------------------------------


def contiguous(array: Array) -> Array:
    """Return the array if it is contiguous and aligned to 16 bytes, and a contiguous, aligned copy otherwise."""
    if not array.flags.c_contiguous:
        return xp(array).ascontiguousarray(array)
    return array.copy() if array.size and _address(array) % ALIGNMENT else array


def empty(like: Array, shape: Sequence[int], dtype: Any = None) -> Array:
    """Return an uninitialized array on the device of `like`. For the simulator it is NaN, to show unwritten elements.

    Raises
    ------
    KernelError
        If the array has more elements than kernels can count.
    """
    if prod(shape) >= LIMIT:
        raise KernelError(f"empty: {TOO_MANY.format(prod(shape))}")
    out = xp(like).empty(tuple(shape), dtype or like.dtype)
    if isinstance(out, np.ndarray):
        out.reshape(-1).view(np.uint8)[:] = 0xFF
    return out


def floats(*arrays: Array) -> bool:
    """Return whether the arrays are all float32 or all float64, and kernels can count their elements with 32 bits."""
    dtype = arrays[0].dtype
    return dtype in REAL and all(a.dtype == dtype and a.size < LIMIT for a in arrays)


def int3(values: Sequence[int], fill: int) -> tuple[int, int, int]:
    """Return one to three numbers as three numbers; missing numbers at the front become `fill`."""
    x, y, z = (fill,) * (3 - len(values)) + tuple(values)
    return x, y, z


def on_device(like: Array, table: np.ndarray[Any, Any]) -> Array:
    """Copy a NumPy table to the device of `like`."""
    return xp(like).asarray(table)


def device_key(like: Array) -> tuple[str, int]:
    """Return a key of the device of an array, for caches of tables."""
    return xp(like).__name__, int(getattr(getattr(like, "device", None), "id", 0))
