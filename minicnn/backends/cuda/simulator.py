"""Runs CUDA kernels on the CPU: the same .cu files, built by g++ with kernels/cudasim.hpp, on NumPy arrays.

Kernels run in one of three modes:

- `plain` finds barriers and shuffles that not all threads reach, and misaligned vectors.
- `traced` calls the simulator for every read and write. It also finds races within a block and between blocks, accesses
  outside of the arrays, and shared memory that nobody wrote; and it counts sectors and bank conflicts.
- `address` is built with AddressSanitizer and UndefinedBehaviorSanitizer, which watch the ends of every array, those in
  shared memory too. The process must have been started with the variables of `environment()`.

In all of them the threads of a block can run in another order, and shared memory is filled with NaN before each block,
as the arrays of `launch.empty` are when they are made. Tracing takes 25 bytes for each byte of the arrays.
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

TRACEABLE = 2**28  # threads of a grid
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


@dataclass(frozen=True)
class Noted:
    """A launch that did not run."""

    file: str
    entry: str
    grid: tuple[int, int, int]
    block: tuple[int, int, int]


_settings: ContextVar[_Settings] = ContextVar("simulator settings", default=_Settings())  # noqa: B039 (frozen)
_launches: ContextVar[list[Launch] | None] = ContextVar("traced launches", default=None)
_notes: ContextVar[list[Noted] | None] = ContextVar("launches that do not run", default=None)


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


@contextmanager
def noting() -> Iterator[list[Noted]]:
    """Run no kernel inside a `with` block; the list that it gives tells which would have run."""
    notes: list[Noted] = []
    token = _notes.set(notes)
    try:
        yield notes
    finally:
        _notes.reset(token)


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


@cache
def _library(file: str, text: str, entries: tuple[str, ...], real: str, mode: str) -> Library:
    return Library(file, text, entries, real, mode)


def prepare(file: str, text: str, entries: tuple[str, ...], real: str) -> None:
    """Build a file's kernels in the mode that is set."""
    _library(file, text, entries, real, _settings.get().mode)


def _isolated(arrays: Sequence[NumpyArray], mode: str) -> dict[tuple[int, int], NumpyArray]:
    """Return for each place (address, bytes) a copy in memory of its own; what overlaps still does."""
    spans: list[list[int]] = []  # begin and end of what hangs together
    for begin, size in sorted((address_of(a), a.nbytes) for a in arrays):
        if spans and begin < spans[-1][1]:
            spans[-1][1] = max(spans[-1][1], begin + size)
        else:
            spans.append([begin, begin + size])
    rooms = []
    for begin, end in spans:
        margin = 0 if mode == "address" else MARGIN  # there, a library watches the ends of blocks
        room = np.empty(end - begin + 2 * margin + (32 if margin else 0), np.uint8)
        skip = margin + -(address_of(room) + margin) % 32 if margin else 0  # to a whole sector
        rooms.append((begin, end, room[skip : skip + end - begin]))
    places = {}
    for a in arrays:
        at = address_of(a)
        begin, _, room = next(r for r in rooms if r[0] <= at and at + a.nbytes <= r[1])
        copy = room[at - begin : at - begin + a.nbytes].view(a.dtype).reshape(a.shape)
        copy[...] = a
        places[at, a.nbytes] = copy
    return places


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
    notes = _notes.get()
    if notes is not None:
        notes.append(Noted(file, entry, grid, block))
        return
    settings = _settings.get()
    if settings.mode == "traced" and prod(grid) * prod(block) >= TRACEABLE:
        raise KernelError(f"{entry}: {prod(grid) * prod(block)} threads; tracing tells apart {TRACEABLE - 1}: use less")
    library = _library(file, text, entries, real, settings.mode)
    flat = [a for x in arguments for a in (x if isinstance(x, list) else [x]) if a.ndim]
    places = {} if settings.mode == "plain" else _isolated(flat, settings.mode)

    def isolated(a: NumpyArray) -> NumpyArray:
        """The array itself, or where accesses are checked a copy that nothing else lies next to."""
        return a if settings.mode == "plain" else places[address_of(a), a.nbytes]

    values: list[NumpyArray] = []  # what the kernel gets
    arrays: list[NumpyArray] = []  # what it may touch
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
    for array in flat if places else ():
        if array.flags.writeable:
            array[...] = isolated(array).reshape(array.shape).view(array.dtype)
    launches = _launches.get()
    if launches is not None and settings.mode == "traced":
        launches.append(Launch(entry, grid, block, *(getattr(counts, field[0]) for field in Counts._fields_)))
