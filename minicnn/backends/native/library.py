"""Builds the C++ files of kernels/cpu/ with the machine's compiler on first use, and calls their functions.

Each `Source` is a file, compiled once per element type. The signature of each function is read from the C++ text, so a
wrong argument raises a KernelError and does not crash. Calls release the GIL.
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

__all__ = [
    "LEVELS",
    "Source",
    "build_all",
    "contiguous",
    "floats",
    "missing",
    "set_flush_denormal",
    "target",
    "usable",
]

# No -ffast-math: sums keep their order, and NaN and infinity keep their meaning. Only errno and traps are given up.
FLAGS = ("-O3", "-fno-math-errno", "-fno-trapping-math", "-fno-semantic-interposition")
# Levels of x86-64, the best first, and the instruction sets of each. All processors of a level run the same library.
V3 = {"avx2", "bmi1", "bmi2", "f16c", "fma", "abm", "movbe"}
LEVELS = {"x86-64-v4": V3 | {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"}, "x86-64-v3": V3}
REAL = {np.dtype(np.float32): ("float", ctypes.c_float), np.dtype(np.float64): ("double", ctypes.c_double)}
ELEMENTS = {"uint8_t": np.uint8, "int64_t": np.int64, "int32_t": np.int32}  # every other array type is Real
HEAD = re.compile(r'^extern "C" void (\w+)\(([^)]*)\)', re.MULTILINE)


class Source:
    """A file of kernels/cpu/, built on first use for each element type.

    Parameters
    ----------
    file : str
        The name of the file in that folder.
    """

    all: ClassVar[WeakSet[Source]] = WeakSet()

    def __init__(self, file: str) -> None:
        self.file = file
        self._works: dict[np.dtype[Any], bool] = {}
        self._functions: dict[tuple[str, np.dtype[Any]], Callable[..., None]] = {}
        Source.all.add(self)

    @cached_property
    def text(self) -> str:
        """The C++ text with its headers."""
        return flattened(kernel_folder() / "cpu" / self.file)

    @cached_property
    def signatures(self) -> dict[str, list[tuple[str, str, bool, bool]]]:
        """The parameters of each function, as (name, type, is an array, is const)."""
        code = re.sub(r"//[^\n]*|/\*.*?\*/", "", self.text, flags=re.DOTALL)
        return {name: [_parameter(p) for p in found.split(",")] for name, found in HEAD.findall(code)}

    def build(self, real: str) -> Path:
        """Return the path of the library for an element type ("float" or "double"); build it if it is not there.

        Raises
        ------
        KernelError
            If there is no compiler, if it reports an error, or if the cache folder cannot be written.
        """
        return shared_library(*self._build_arguments(real))

    def _build_arguments(self, real: str) -> tuple[str, str, list[str], list[Path]]:
        """Return the arguments of `shared_library` and `loaded`."""
        flags = [*FLAGS, *SANITIZER, f"-march={target()}", f"-DReal={real}"]
        return self.file, _for_this_cpu(self.text), flags, [_pool_path()]

    def works(self, dtype: np.dtype[Any]) -> bool:
        """Return whether the file can be built for an element type; warn once if the compiler reports an error."""
        known = self._works.get(dtype)
        if known is None:
            if missing():  # a direct import of a module registers its kernels even without a compiler
                return False
            _build_all(REAL[dtype][0])
            try:
                _pool(), loaded(*self._build_arguments(REAL[dtype][0]))
                known = True
            except KernelError as error:
                warnings.warn(f"NumPy runs instead of {self.file}: {error}", RuntimeWarning, stacklevel=2)
                known = False
            self._works[dtype] = known
        return known

    def call(self, name: str, *arguments: Any) -> None:
        """Call a C++ function of the file. A contiguous array or None stands for a pointer.

        Raises
        ------
        KernelError
            If the number of arguments, an array's dtype or its layout does not fit the declaration, or if the library
            cannot be built.
        """
        for a in arguments:
            if isinstance(a, np.ndarray) and a.dtype in REAL:
                break
        else:
            raise KernelError(f"{name}: takes at least one float32 or float64 array, got none")
        function = self._functions.get((name, a.dtype))
        if function is None:
            function = self._functions[name, a.dtype] = self._function(name, a.dtype)
        function(*arguments)

    def _function(self, name: str, dtype: np.dtype[Any]) -> Callable[..., None]:
        real, c_real = REAL[dtype]
        _pool()
        raw = getattr(loaded(*self._build_arguments(real))[0], name)
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
    """Return the address of the elements: the first field of NumPy's C struct, after the fields of a Python object.

    `array.__array_interface__` has it too, but takes as long as the rest of the call.
    """
    return ctypes.c_void_p.from_address(id(array) + object.__basicsize__)


if _address(_probe := np.empty(1)).value != _probe.ctypes.data:  # another Python has another struct

    def _address(array: Array) -> Any:
        return array.ctypes.data


def build_all() -> list[Path]:
    """Build all files for both element types, and return the paths of the libraries.

    The list is empty if there is no compiler.

    Raises
    ------
    KernelError
        If the compiler reports an error, or if the cache folder cannot be written.
    """
    if missing():
        return []
    for real, _ in REAL.values():
        _build_all(real)
    return [_pool_path(), *(source.build(real) for source in Source.all for real, _ in REAL.values())]


@cache
def _build_all(real: str) -> None:
    """Build all missing libraries for one element type in parallel: a program needs more than one of them."""

    def build(source: Source) -> None:
        with suppress(KernelError):  # `works` reports the error when the file is needed
            source.build(real)

    with ThreadPoolExecutor(os.cpu_count()) as threads:
        list(threads.map(build, list(Source.all)))


def _parameter(text: str) -> tuple[str, str, bool, bool]:
    """Parse a C++ parameter: name, type, whether it is an array, whether it is const."""
    words = text.replace("__restrict__", "").replace("*", " * ").split()
    kind = next(w for w in words if w not in ("const", "*"))
    return words[-1], kind, "*" in words, words[0] == "const"


def _cpu_lines() -> list[str]:
    """Return the lines about the model and the instruction sets of the processor in /proc/cpuinfo."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        text = f"flags: {platform.processor()} {platform.node()}"  # not known: a library serves this machine only
    lines = re.findall(r"^(?:model name|flags|Features|CPU part)\s*:(.*)$", text, re.MULTILINE)
    return sorted(set(lines))


@cache
def target() -> str:
    """Return what native libraries are built for: a level of x86-64, or "native", the model of this processor."""
    words = {word for line in _cpu_lines() for word in line.split()}
    known = LEVELS if platform.machine() == "x86_64" else {}
    return next((level for level, needed in known.items() if needed <= words), "native")


def _for_this_cpu(text: str) -> str:
    """Return the source with its target in a comment, so that the target is part of the cache key."""
    cpu = target() if target() in LEVELS else hashlib.sha256("\n".join(_cpu_lines()).encode()).hexdigest()[:12]
    return f"// {cpu}\n{text}"


@cache
def _pool_and_path() -> tuple[ctypes.CDLL, Path]:
    # The thread pool would run on any processor. But a wheel's pool is used only where its kernels can be used too.
    text = _for_this_cpu(flattened(kernel_folder() / "cpu" / "threads.cpp"))
    flags = ["-O2", "-pthread", *SANITIZER, "-Wl,-soname,libminicnnthreads.so"]
    library, path = loaded("threads.cpp", text, flags, mode=ctypes.RTLD_GLOBAL)
    library.minicnn_set_threads(get_num_threads())
    on_change(library.minicnn_set_threads)
    return library, path


def _pool() -> ctypes.CDLL:
    """Return the library of the thread pool; it is loaded globally, so that all other libraries link to it."""
    return _pool_and_path()[0]


def set_flush_denormal(mode: bool) -> bool:
    """Treat denormal numbers as 0 in this thread and in the kernels that it calls, or compute with them exactly.

    A denormal number is smaller than 1.2e-38 in float32, and 2.2e-308 in float64. Processors compute many times slower
    with them, so a network with tiny activations or gradients can become slow.

    Parameters
    ----------
    mode : bool
        Whether they are 0. At first, they are not.

    Returns
    -------
    bool
        Whether this is possible here. It needs the native kernels.
    """
    return not missing() and bool(_pool().minicnn_flush_denormal(int(mode)))


def _pool_path() -> Path:
    return _pool_and_path()[1]


@cache
def missing() -> str:
    """Return the reason why there are no native kernels here, or "". Then NumPy kernels run, without a warning."""
    try:
        _pool()
    except KernelError as error:
        return str(error)
    return ""


def usable() -> bool:
    """Return whether native kernels can be built or loaded here."""
    return not missing()


def contiguous(array: Array) -> Array:
    """Return the array, or a contiguous copy of it."""
    return array if array.flags.c_contiguous else np.ascontiguousarray(array)


def floats(*arrays: Array) -> bool:
    """Return whether the arrays are all float32 or all float64."""
    dtype = arrays[0].dtype
    return dtype in REAL and all(a.dtype == dtype for a in arrays[1:])
