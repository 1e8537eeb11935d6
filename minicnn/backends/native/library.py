"""C++ kernels of kernels/cpu/, built by the machine's compiler on first use and called without the GIL.

The signature of each function is read from the source, so a wrong argument is an error here and not a crash there.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import platform
import re
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache, cached_property
from pathlib import Path
from typing import Any, ClassVar
from weakref import WeakSet

import numpy as np

from minicnn.backends.build import SANITIZER, flattened, kernel_folder, loaded, shared_library
from minicnn.errors import KernelError
from minicnn.runtime.devices import Array
from minicnn.runtime.threads import get_num_threads, on_change

__all__ = ["Source", "build_all", "contiguous", "floats", "missing", "usable"]

# No unsafe mathematics: sums keep their order, NaN and infinity their meaning. Only errno and traps are given up.
FLAGS = ("-O3", "-march=native", "-fno-math-errno", "-fno-trapping-math", "-fno-semantic-interposition")
REAL = {np.dtype(np.float32): ("float", ctypes.c_float), np.dtype(np.float64): ("double", ctypes.c_double)}
ELEMENTS = {"uint8_t": np.uint8, "int64_t": np.int64, "int32_t": np.int32}  # and Real
HEAD = re.compile(r'^extern "C" void (\w+)\(([^)]*)\)', re.MULTILINE)


class Source:
    """A file of kernels/cpu/, built on first use for each element type.

    Parameters
    ----------
    file : str
        Its name in that folder.
    """

    all: ClassVar[WeakSet[Source]] = WeakSet()

    def __init__(self, file: str) -> None:
        self.file = file
        self._works: dict[np.dtype[Any], bool] = {}
        self._functions: dict[tuple[str, np.dtype[Any]], Callable[..., None]] = {}
        Source.all.add(self)

    @cached_property
    def text(self) -> str:
        """The source with its headers."""
        return flattened(kernel_folder() / "cpu" / self.file)

    @cached_property
    def signatures(self) -> dict[str, list[tuple[str, str, bool, bool]]]:
        """For each function its parameters: name, type, whether it is an array, whether it is an input."""
        code = re.sub(r"//[^\n]*|/\*.*?\*/", "", self.text, flags=re.DOTALL)
        return {name: [_parameter(p) for p in found.split(",")] for name, found in HEAD.findall(code)}

    def build(self, real: str) -> Path:
        """Return the library for one element type, built if need be.

        Raises
        ------
        KernelError
            If there is no compiler, or it refuses the source.
        """
        return shared_library(*self._recipe(real))

    def _recipe(self, real: str) -> tuple[str, str, list[str], list[Path]]:
        """What `shared_library` and `loaded` take."""
        return self.file, _for_this_cpu(self.text), [*FLAGS, *SANITIZER, f"-DReal={real}"], [_pool_path()]

    def works(self, dtype: np.dtype[Any]) -> bool:
        """Return whether the file can be built for an element type; if the compiler refuses it, warn once."""
        known = self._works.get(dtype)
        if known is None:
            if missing():  # whoever imports a module of kernels by its name registers them all the same
                return False
            _build_all(REAL[dtype][0])
            try:
                _pool(), loaded(*self._recipe(REAL[dtype][0]))
                known = True
            except KernelError as error:
                warnings.warn(f"NumPy runs instead of {self.file}: {error}", RuntimeWarning, stacklevel=2)
                known = False
            self._works[dtype] = known
        return known

    def call(self, name: str, *arguments: Any) -> None:
        """Call a function of the file: contiguous arrays, or None, for pointers; numbers for numbers.

        Raises
        ------
        KernelError
            If an argument is not what the function declares.
        """
        for a in arguments:
            if isinstance(a, np.ndarray) and a.dtype in REAL:
                break
        else:
            raise KernelError(f"{name}: takes float32 or float64 arrays, and got none")
        function = self._functions.get((name, a.dtype))
        if function is None:
            function = self._functions[name, a.dtype] = self._function(name, a.dtype)
        function(*arguments)

    def _function(self, name: str, dtype: np.dtype[Any]) -> Callable[..., None]:
        real, c_real = REAL[dtype]
        _pool()
        raw = getattr(loaded(*self._recipe(real))[0], name)
        parameters = self.signatures[name]
        raw.restype = None
        raw.argtypes = [
            ctypes.c_void_p if array else {"Real": c_real, "int64_t": ctypes.c_int64}[kind]
            for _, kind, array, _ in parameters
        ]
        expected = [
            (np.dtype(ELEMENTS.get(kind, dtype)) if array else None, constant)
            for _, kind, array, constant in parameters
        ]

        def call(*arguments: Any) -> None:
            if len(arguments) != len(expected):
                raise KernelError(f"{name}: takes {len(expected)} arguments, got {len(arguments)}")
            values = []
            for argument, (kind, constant) in zip(arguments, expected, strict=True):
                if kind is None or argument is None:
                    values.append(argument)
                elif (
                    isinstance(argument, np.ndarray)
                    and argument.dtype == kind
                    and argument.flags.c_contiguous
                    and (constant or argument.flags.writeable)
                ):
                    values.append(_address(argument))
                else:
                    parameter = parameters[len(values)][0]
                    raise KernelError(
                        f"{name}: {parameter} must be a contiguous{'' if constant else ', writable'} array of {kind}"
                    )
            raw(*values)

        return call


def _address(array: Array) -> Any:
    """Where the elements begin: the first field of the public C struct of NumPy's arrays, after Python's own fields.

    `array.__array_interface__` tells it too, but takes as long as all the rest of a call.
    """
    return ctypes.c_void_p.from_address(id(array) + object.__basicsize__)


if _address(_probe := np.empty(1)).value != _probe.ctypes.data:  # another Python, another struct

    def _address(array: Array) -> Any:
        return array.ctypes.data


def build_all() -> list[Path]:
    """Build all files for both element types; return the libraries, none where they cannot be built."""
    if missing():
        return []
    for real, _ in REAL.values():
        _build_all(real)
    return [_pool_path(), *(source.build(real) for source in Source.all for real, _ in REAL.values())]


@cache
def _build_all(real: str) -> None:
    """Build what is missing of all files for one element type, several at once: whoever needs one will need others."""

    def build(source: Source) -> None:
        with suppress(KernelError):  # told when the file is needed
            source.build(real)

    with ThreadPoolExecutor(os.cpu_count()) as threads:
        list(threads.map(build, list(Source.all)))


def _parameter(text: str) -> tuple[str, str, bool, bool]:
    words = text.replace("__restrict__", "").replace("*", " * ").split()
    kind = next(w for w in words if w not in ("const", "*"))
    return words[-1], kind, "*" in words, words[0] == "const"


@cache
def _cpu() -> str:
    """What -march=native depends on: the processor's model and its instruction sets."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        text = f"{platform.processor()} {platform.node()}"  # a machine of its own
    lines = re.findall(r"^(?:model name|flags|Features|CPU part)\s*:(.*)$", text, re.MULTILINE)
    return hashlib.sha256("\n".join(sorted(set(lines)) or [text]).encode()).hexdigest()[:12]


def _for_this_cpu(text: str) -> str:
    """The source with the processor in it, so that it is part of the key under which the library is kept."""
    return f"// {_cpu()}\n{text}"


@cache
def _pool_and_path() -> tuple[ctypes.CDLL, Path]:
    # It would run on others too, but where it is found from a wheel the rest shall be as well.
    text = _for_this_cpu(flattened(kernel_folder() / "cpu" / "threads.cpp"))
    flags = ["-O2", "-pthread", *SANITIZER, "-Wl,-soname,libminicnnthreads.so"]
    library, path = loaded("threads.cpp", text, flags, mode=ctypes.RTLD_GLOBAL)
    library.minicnn_set_threads(get_num_threads())
    on_change(library.minicnn_set_threads)
    return library, path


def _pool() -> ctypes.CDLL:
    """The pool of threads, which all other libraries find in the process."""
    return _pool_and_path()[0]


def _pool_path() -> Path:
    return _pool_and_path()[1]


@cache
def missing() -> str:
    """Return why there are no native kernels here, or nothing; without them NumPy's run, and nobody is told."""
    try:
        _pool()
    except KernelError as error:
        return str(error)
    return ""


def usable() -> bool:
    """Return whether there are native kernels here."""
    return not missing()


def contiguous(array: Array) -> Array:
    """Return the array, or a contiguous copy of it."""
    return array if array.flags.c_contiguous else np.ascontiguousarray(array)


def floats(*arrays: Array) -> bool:
    """Return whether the arrays are all float32 or all float64."""
    dtype = arrays[0].dtype
    return dtype in REAL and all(a.dtype == dtype for a in arrays[1:])
