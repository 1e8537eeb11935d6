"""The simulator: it runs CUDA kernels on the CPU, on NumPy arrays.

It compiles the same .cu files with g++ and kernels/cudasim.hpp. Kernels run in one of three modes:

- `plain` finds barriers and shuffles that not all threads reach, and misaligned vectors.
- `traced` calls the simulator for every read and write. It also finds races within a block and between blocks, accesses
  outside the arrays, and reads of uninitialized shared memory; and it counts sectors and bank conflicts.
- `address` is built with AddressSanitizer and UndefinedBehaviorSanitizer, which check the bounds of every array, in
  shared memory too. The process must be started with the environment variables of `environment()`.

In all modes the threads of a block can run in another order. Shared memory is filled with NaN before each block, like
the arrays of `launch.empty`. Tracing needs 25 bytes for each byte of the arrays.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from functools import cache
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from minicnn.backends.build import compiler
from minicnn.backends.cuda.library import MODES, ORDERS, Counts, Library, address_of
from minicnn.errors import ArgumentError, KernelError

__all__ = ["Launch", "Noted", "counting", "environment", "noting", "prepare", "run", "simulate"]

NumpyArray = np.ndarray[Any, Any]

MAX_TRACED = 2**28  # threads of a grid
MARGIN = 256  # unused bytes around each array, if accesses are checked


@dataclass(frozen=True)
class _Settings:
    mode: str = "plain"
    order: str = "forward"
    seed: int = 0


@dataclass(frozen=True)
class Launch:
    """The memory traffic of a traced launch.

    A sector is 32 bytes of global memory. `sectors_requested` counts the sectors of all memory instructions, without
    any cache. `sectors_moved` assumes that each block caches all sectors that it has accessed. `sectors_ideal` assumes
    this for the whole grid: each sector is read and written once. `shared_wavefronts` counts the accesses to shared
    memory, `shared_ideal` the accesses without bank conflicts.
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


@dataclass(frozen=True)
class Noted:
    """A launch that `noting` recorded and did not run."""

    file: str
    entry: str
    grid: tuple[int, int, int]
    block: tuple[int, int, int]


_settings: ContextVar[_Settings] = ContextVar("simulator settings", default=_Settings())  # noqa: B039 (frozen)
_launches: ContextVar[list[Launch] | None] = ContextVar("traced launches", default=None)
_notes: ContextVar[list[Noted] | None] = ContextVar("launches that do not run", default=None)


@contextmanager
def simulate(mode: str | None = None, order: str | None = None, seed: int | None = None) -> Iterator[None]:
    """Set how kernels run inside a `with` block; None keeps a setting.

    Parameters
    ----------
    mode : "plain", "traced" or "address"
    order : "forward", "backward" or "shuffled"
        The order in which the threads of a block run.
    seed : int
        The seed of the order "shuffled".

    Raises
    ------
    ArgumentError
        If the mode or the order does not exist.
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
    """Trace every launch inside a `with` block, and append a `Launch` to the list that it returns.

    Examples
    --------
    >>> import minicnn
    >>> x = minicnn.ones(1, 1, 8, 8, device="cudasim")
    >>> with counting() as launches:
    ...     y = minicnn.nn.functional.relu(x)
    >>> launches[0].sectors_ideal  # 256 bytes are read, 256 bytes are written
    16
    """
    launches: list[Launch] = []
    token = _launches.set(launches)
    try:
        with simulate(mode="traced"):
            yield launches
    finally:
        _launches.reset(token)


@contextmanager
def noting() -> Iterator[list[Noted]]:
    """Do not run kernels inside a `with` block; append a `Noted` to the list that it returns for each launch."""
    notes: list[Noted] = []
    token = _notes.set(notes)
    try:
        yield notes
    finally:
        _notes.reset(token)


def environment() -> dict[str, str]:
    """Return the environment variables that a process needs at its start for the mode `address`.

    Raises
    ------
    KernelError
        If there is no compiler, or AddressSanitizer's library is missing.
    """
    program, _ = compiler()
    result = subprocess.run([program, "-print-file-name=libasan.so"], capture_output=True, text=True, check=False)
    library = Path(result.stdout.strip())
    if not library.is_absolute():
        raise KernelError(f"simulate: {program} comes without AddressSanitizer's library; install libasan")
    # No leak detection: Python itself does not free all memory before it ends.
    return {"LD_PRELOAD": str(library), "ASAN_OPTIONS": "detect_leaks=0:detect_stack_use_after_return=0"}


@cache
def _library(file: str, text: str, entries: tuple[str, ...], real: str, mode: str) -> Library:
    return Library(file, text, entries, real, mode)


def prepare(file: str, text: str, entries: tuple[str, ...], real: str) -> None:
    """Build the kernels of a file in the current mode."""
    _library(file, text, entries, real, _settings.get().mode)


def _isolated(arrays: Sequence[NumpyArray], mode: str) -> dict[tuple[int, int], NumpyArray]:
    """Return a copy of each array, by (address, bytes), with unused memory around it; overlapping arrays still overlap.

    The unused memory makes accesses outside an array visible.
    """
    spans: list[list[int]] = []  # begin and end of each group of overlapping arrays
    for begin, size in sorted((address_of(a), a.nbytes) for a in arrays):
        if spans and begin < spans[-1][1]:
            spans[-1][1] = max(spans[-1][1], begin + size)
        else:
            spans.append([begin, begin + size])
    buffers = []
    for begin, end in spans:
        margin = 0 if mode == "address" else MARGIN  # AddressSanitizer checks the bounds of an allocation itself
        buffer = np.empty(end - begin + 2 * margin + (32 if margin else 0), np.uint8)
        skip = margin + -(address_of(buffer) + margin) % 32 if margin else 0  # align to a sector
        buffers.append((begin, end, buffer[skip : skip + end - begin]))
    copies = {}
    for a in arrays:
        at = address_of(a)
        begin, _, buffer = next(b for b in buffers if b[0] <= at and at + a.nbytes <= b[1])
        copy = buffer[at - begin : at - begin + a.nbytes].view(a.dtype).reshape(a.shape)
        copy[...] = a
        copies[at, a.nbytes] = copy
    return copies


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
    """Run a kernel of a CUDA file in the current mode.

    Parameters
    ----------
    file, text : str
        The name for error messages, and the source with its headers.
    entries : tuple of str
        The names of all kernels of the file.
    real : "float" or "double"
    entry : str
        The name of the kernel.
    grid, block : three ints
    arguments : sequence of arrays and lists of arrays
        A 0-d array (a number or a struct) is passed by value, a list as a table of addresses.

    Raises
    ------
    KernelError
        If the file cannot be built, the grid is too large to trace, or the kernel breaks a rule that the mode checks.
    """
    notes = _notes.get()
    if notes is not None:
        notes.append(Noted(file, entry, grid, block))
        return
    settings = _settings.get()
    if settings.mode == "traced" and prod(grid) * prod(block) >= MAX_TRACED:
        raise KernelError(
            f"{entry}: {prod(grid) * prod(block)} threads; tracing supports {MAX_TRACED - 1}; use smaller inputs"
        )
    library = _library(file, text, entries, real, settings.mode)
    flat = [a for x in arguments for a in (x if isinstance(x, list) else [x]) if a.ndim]
    copies = {} if settings.mode == "plain" else _isolated(flat, settings.mode)

    def isolated(a: NumpyArray) -> NumpyArray:
        """Return the array, or its copy in a mode that checks accesses."""
        return a if settings.mode == "plain" else copies[address_of(a), a.nbytes]

    values: list[NumpyArray] = []  # the arguments of the kernel
    arrays: list[NumpyArray] = []  # the memory that it may access
    for argument in arguments:
        if isinstance(argument, list):
            members = [isolated(a) for a in argument]
            arrays += [*members, np.array([address_of(a) for a in members], np.uint64)]
        elif argument.ndim:
            arrays.append(isolated(argument))
        else:
            values.append(np.asarray(argument))
            continue
        values.append(np.array(address_of(arrays[-1]), np.uint64))
    counts = library.launch(entry, grid, block, values, arrays, settings.order, settings.seed)
    for array in flat if copies else ():
        if array.flags.writeable:
            array[...] = isolated(array).reshape(array.shape).view(array.dtype)
    launches = _launches.get()
    if launches is not None and settings.mode == "traced":
        launches.append(Launch(entry, grid, block, *(getattr(counts, field[0]) for field in Counts._fields_)))
