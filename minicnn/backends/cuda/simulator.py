"""Runs CUDA kernels on the CPU: the same .cu files, built by g++ with kernels/cudasim.hpp, on NumPy arrays.

Kernels run in one of three modes:

- `plain` finds barriers and shuffles that not all threads reach, and misaligned vectors.
- `traced` calls the simulator for every read and write. It also finds races within a block and between blocks, accesses
  outside of the arrays, and shared memory that nobody wrote; and it counts sectors and bank conflicts.
- `address` is built with AddressSanitizer and UndefinedBehaviorSanitizer, which watch the ends of every array, those in
  shared memory too. The process must have been started with the variables of `environment()`.

In all of them the threads of a block can run in another order, shared memory is filled with NaN before each block, and
outputs before each launch.
"""

from __future__ import annotations

import ctypes
import os
import re
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from minicnn.backends.build import compiler, kernel_folder, shared_library
from minicnn.errors import ArgumentError, KernelError

__all__ = ["Launch", "counting", "environment", "prepare", "run", "simulate"]

NumpyArray = np.ndarray[Any, Any]

# The traced one keeps a Vec4 in one piece: it shall count as one access.
MODES = {
    "plain": ("-O2", "-ffp-contract=off", "-fsanitize=alignment", "-fno-sanitize-recover=all"),
    "traced": (
        "-O1",
        "-gdwarf-4",
        "-ffp-contract=off",
        "-fsanitize=thread,alignment",
        "-fno-sanitize-recover=all",
        "-fno-tree-sra",
    ),
    "address": (
        "-O1",
        "-gdwarf-4",
        "-ffp-contract=off",
        "-fsanitize=address,undefined",
        "-fno-sanitize=null,object-size",
        "-fno-sanitize-recover=all",
    ),
}
ORDERS = ("forward", "backward", "shuffled")
MARGIN = 256  # bytes of nobody's around each array where accesses are checked


@dataclass(frozen=True)
class _Settings:
    mode: str = "plain"
    order: str = "forward"
    seed: int = 0


@dataclass(frozen=True)
class Launch:
    """What a traced launch moved.

    Sectors are 32 bytes of global memory. `sectors_requested` is what the warps asked for, instruction by instruction,
    as if nothing were cached; `sectors_moved` what is left if every block keeps all that it has touched;
    `sectors_ideal` if the whole grid did: each byte comes and goes once. `shared_wavefronts` is how often shared memory
    was busy, `shared_ideal` how often it would have been without bank conflicts.
    """

    entry: str
    grid: tuple[int, int, int]
    block: tuple[int, int, int]
    global_requests: int
    sectors_requested: int
    sectors_moved: int
    sectors_ideal: int
    shared_requests: int
    shared_wavefronts: int
    shared_ideal: int


_settings: ContextVar[_Settings] = ContextVar("simulator settings", default=_Settings())  # noqa: B039 (frozen)
_launches: ContextVar[list[Launch] | None] = ContextVar("traced launches", default=None)
_one_at_a_time = threading.Lock()  # a library's shared memory is that of one block


@contextmanager
def simulate(mode: str | None = None, order: str | None = None, seed: int | None = None) -> Iterator[None]:
    """Set how kernels run inside a `with` block; what is left out stays as it was.

    Parameters
    ----------
    mode : "plain", "traced" or "address"
    order : "forward", "backward" or "shuffled"
        In which order the threads of a block get their turn.
    seed : int
        Of the shuffling.

    Raises
    ------
    ArgumentError
        If there is no such mode or order.
    """
    if mode is not None and mode not in MODES:
        raise ArgumentError(f"simulate: mode must be one of {', '.join(MODES)}, got {mode!r}")
    if order is not None and order not in ORDERS:
        raise ArgumentError(f"simulate: order must be one of {', '.join(ORDERS)}, got {order!r}")
    changes = {name: v for name, v in (("mode", mode), ("order", order), ("seed", seed)) if v is not None}
    token = _settings.set(replace(_settings.get(), **changes))  # type: ignore[arg-type]
    try:
        yield
    finally:
        _settings.reset(token)


@contextmanager
def counting() -> Iterator[list[Launch]]:
    """Trace every launch inside a `with` block; the list that it gives grows by one `Launch` each.

    Examples
    --------
    >>> import minicnn
    >>> x = minicnn.ones(1, 1, 8, 8, device="cudasim")
    >>> with counting() as launches:
    ...     y = minicnn.nn.functional.relu(x)
    >>> launches[0].sectors_ideal  # 256 bytes come, 256 bytes go
    16
    """
    launches: list[Launch] = []
    token = _launches.set(launches)
    try:
        with simulate(mode="traced"):
            yield launches
    finally:
        _launches.reset(token)


def environment() -> dict[str, str]:
    """Return the environment variables with which a process must be started for the mode `address`.

    Raises
    ------
    KernelError
        If there is no compiler, or its sanitizer's library is missing.
    """
    program, _ = compiler()
    result = subprocess.run([program, "-print-file-name=libasan.so"], capture_output=True, text=True, check=False)
    library = Path(result.stdout.strip())
    if not library.is_absolute():
        raise KernelError(f"simulate: {program} comes without AddressSanitizer's library; install libasan")
    # Python frees little before it ends, and that is no fault of a kernel.
    return {"LD_PRELOAD": str(library), "ASAN_OPTIONS": "detect_leaks=0:detect_stack_use_after_return=0"}


# --- libraries ------------------------------------------------------------------------------------------------


class _Range(ctypes.Structure):
    _fields_ = (("begin", ctypes.c_void_p), ("end", ctypes.c_void_p))


class _Options(ctypes.Structure):
    _fields_ = (("order", ctypes.c_int), ("seed", ctypes.c_uint), ("traced", ctypes.c_int))


class _Counts(ctypes.Structure):
    _fields_ = tuple(
        (name, ctypes.c_longlong)
        for name in (
            "global_requests",
            "sectors_requested",
            "sectors_moved",
            "sectors_ideal",
            "shared_requests",
            "shared_wavefronts",
            "shared_ideal",
        )
    )


@cache
def _scheduler() -> Path:
    text = (kernel_folder() / "cudasim.cpp").read_text(encoding="utf-8")
    return shared_library(
        "cudasim.cpp", text, ["-O3", "-fno-tree-loop-distribute-patterns", "-Wl,-soname,libcudasim.so"]
    )


class _Library:
    """The kernels of one file, built for one element type and one mode."""

    def __init__(self, file: str, text: str, entries: Sequence[str], real: str, mode: str) -> None:
        header = (kernel_folder() / "cudasim.hpp").read_text(encoding="utf-8").replace("#pragma once", "")
        driver = f"{header}\nnamespace {{\n{text}}}\nCUDASIM_MARKS\n"
        driver += "".join(f"CUDASIM_ENTRY({entry})\n" for entry in entries)
        flags = [*MODES[mode], f"-DReal={real}", "-w"]
        if mode == "address" and "libasan" not in os.environ.get("LD_PRELOAD", ""):
            raise KernelError(
                "simulate: mode 'address' needs a process that was started with AddressSanitizer's library; "
                "run `minicnn kernels check`, or start Python with the variables that simulator.environment() returns"
            )
        # No start files and, in a traced library, not the sanitizer's: .bss shall hold shared memory alone, and the
        # functions for reads and writes are those of cudasim.cpp.
        flags += ["-nostartfiles"] if mode == "address" else ["-nostdlib"]
        self.scheduler = ctypes.CDLL(str(_scheduler()), mode=ctypes.RTLD_GLOBAL)
        self.path = shared_library(file, driver, flags)
        self.library = ctypes.CDLL(str(self.path))
        self.mode = mode
        marks = (ctypes.c_void_p * 4)()
        self.library.cudasim_marks(marks)
        self.shared, self.image = _Range(marks[0], marks[1]), _Range(marks[2], marks[3])

    def launch(
        self,
        entry: str,
        grid: tuple[int, int, int],
        block: tuple[int, int, int],
        values: Sequence[NumpyArray],
        arrays: Sequence[NumpyArray],
    ) -> _Counts:
        """Run a kernel; `values` hold its arguments, `arrays` are all that it may touch."""
        settings = _settings.get()
        sizes = (ctypes.c_int * (len(values) + 1))()
        n = getattr(self.library, f"cudasim_sizes_{entry}")(sizes)
        if list(sizes[:n]) != [v.nbytes for v in values]:
            raise KernelError(f"{entry}: takes arguments of {sizes[:n]} bytes, got {[v.nbytes for v in values]}")
        pointers = (ctypes.c_void_p * len(values))(*(_address(v) for v in values))
        ranges = (_Range * max(len(arrays), 1))(*(_Range(_address(a), _address(a) + a.nbytes) for a in arrays))
        options = _Options(ORDERS.index(settings.order), settings.seed, self.mode == "traced")
        counts, message = _Counts(), ctypes.create_string_buffer(600)
        with _one_at_a_time:
            failed = self.scheduler.cudasim_launch(
                ctypes.cast(getattr(self.library, f"cudasim_run_{entry}"), ctypes.c_void_p),
                pointers,
                (ctypes.c_uint * 3)(*grid),
                (ctypes.c_uint * 3)(*block),
                ctypes.byref(self.shared),
                ctypes.byref(self.image),
                ranges,
                len(arrays),
                ctypes.byref(options),
                ctypes.byref(counts),
                message,
                ctypes.c_size_t(len(message)),
            )
        if failed:
            raise KernelError(f"{entry}: {self._with_lines(message.value.decode())}")
        return counts

    def _with_lines(self, text: str) -> str:
        """Replace addresses of code, %0x..., by file and line, where the machine can tell."""

        def line(match: re.Match[str]) -> str:
            offset = int(match[1], 16) - (self.image.begin or 0) - 1  # the call before the address of return
            try:
                result = subprocess.run(
                    ["addr2line", "-e", str(self.path), hex(offset)], capture_output=True, text=True, check=False
                )
            except OSError:
                return f"offset {offset:#x}"
            return os.path.basename(result.stdout.split(" ")[0].strip()) or f"offset {offset:#x}"

        return re.sub(r"%(0x[0-9a-f]+)", line, text)


@cache
def _library(file: str, text: str, entries: tuple[str, ...], real: str, mode: str) -> _Library:
    return _Library(file, text, entries, real, mode)


def prepare(file: str, text: str, entries: tuple[str, ...], real: str) -> None:
    """Build a file's kernels in the mode that is set."""
    _library(file, text, entries, real, _settings.get().mode)


def _address(array: NumpyArray) -> int:
    return int(array.__array_interface__["data"][0])


def run(
    file: str,
    text: str,
    entries: tuple[str, ...],
    real: str,
    entry: str,
    grid: tuple[int, int, int],
    block: tuple[int, int, int],
    arguments: Sequence[NumpyArray | list[NumpyArray]],
) -> None:
    """Run a kernel of a file's text in the mode that is set.

    Parameters
    ----------
    file, text : str
        The name for messages, and the source with its headers.
    entries : tuple of str
        All kernels of the file.
    real : "float" or "double"
    entry : str
    grid, block : three ints
    arguments : arrays; 0-d ones (numbers, structs) are passed by value, lists as tables of addresses

    Raises
    ------
    KernelError
        If it cannot be built, or breaks a rule of CUDA that this mode checks.
    """
    settings = _settings.get()
    library = _library(file, text, entries, real, settings.mode)
    copies: dict[int, tuple[NumpyArray, NumpyArray]] = {}  # by address: an array and what stands in for it

    def isolated(a: NumpyArray) -> NumpyArray:
        """The array itself, or where accesses are checked a copy that nothing else lies next to."""
        if settings.mode == "plain":
            return a
        if _address(a) not in copies:
            room = np.empty(a.nbytes + 2 * MARGIN + 32, np.uint8)
            skip = MARGIN + -(_address(room) + MARGIN) % 32
            copy = room[skip : skip + a.nbytes].view(a.dtype).reshape(a.shape)
            copy = np.empty_like(a) if settings.mode == "address" else copy  # its library watches the ends of blocks
            copy[...] = a
            copies[_address(a)] = a, copy
        return copies[_address(a)][1]

    values: list[NumpyArray] = []  # what the kernel gets
    arrays: list[NumpyArray] = []  # what it may touch
    for argument in arguments:
        if isinstance(argument, list):
            members = [isolated(a) for a in argument]
            arrays += [*members, np.array([_address(a) for a in members], np.uint64)]
        elif argument.ndim:
            arrays.append(isolated(argument))
        else:
            values.append(np.asarray(argument))
            continue
        values.append(np.array(_address(arrays[-1]), np.uint64))
    counts = library.launch(entry, grid, block, values, arrays)
    for array, copy in copies.values():
        if array.flags.writeable:
            array[...] = copy
    launches = _launches.get()
    if launches is not None and settings.mode == "traced":
        launches.append(Launch(entry, grid, block, *(getattr(counts, field[0]) for field in _Counts._fields_)))
