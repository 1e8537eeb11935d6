"""The GPU part of the stand-in for CuPy: kernels, events, and the counters of waits, uploads and launches.

`RawModule` checks every argument against the kernel's signature in the source, and runs kernels in the simulator.
"""

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import numpy as np

__all__ = ["Counts", "RawModule", "counting", "cuda", "note"]

STANDIN = __file__.removesuffix("cuda.py")  # common prefix of the stand-in's file names


class Counts:
    """Waits, uploads and launches, each as (description, file and line of the caller)."""

    def __init__(self) -> None:
        self.waits: list[tuple[str, str]] = []
        self.uploads: list[tuple[str, str]] = []
        self.launches: list[tuple[str, str]] = []


_counts: list[Counts] = []


@contextmanager
def counting() -> Iterator[Counts]:
    """Count waits for the GPU, uploads and kernel launches inside a `with` block."""
    counts = Counts()
    _counts.append(counts)
    try:
        yield counts
    finally:
        _counts.remove(counts)


def note(kind: str, what: str) -> None:
    if not _counts:
        return
    frame: Any = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(STANDIN):
        frame = frame.f_back
    for counts in _counts:
        getattr(counts, kind).append((what, f"{frame.f_code.co_filename}:{frame.f_lineno}"))


# --- kernels --------------------------------------------------------------------------------------------------

ENTRY = re.compile(r'^extern "C" __global__ void\s+(?:__launch_bounds__\([^)]*\)\s*)?(\w+)\s*\(([^)]*)\)', re.MULTILINE)


class RawModule:
    """CUDA source that runs in the simulator."""

    def __init__(self, code: Any = None, *, options: tuple[str, ...] = (), backend: str = "nvrtc") -> None:
        if not isinstance(options, tuple) or backend != "nvrtc":
            raise TypeError("RawModule: options is a tuple, and the backend nvrtc")
        self.code, self.options = code, options
        self._real = next(o.removeprefix("-DReal=") for o in options if o.startswith("-DReal="))
        found = ENTRY.findall(re.sub(r"//[^\n]*|/\*.*?\*/", "", code, flags=re.DOTALL))
        self._entries = {name: [" ".join(p.split()) for p in text.split(",") if p.strip()] for name, text in found}

    def compile(self) -> None:
        from minicnn.backends.cuda import simulator

        simulator.prepare(self._file, self.code, tuple(self._entries), self._real)

    @property
    def _file(self) -> str:
        marked = re.findall(r'^#line \d+ "([^"]+\.cu)"', self.code, re.MULTILINE)
        return marked[0] if marked else "kernel.cu"

    def get_function(self, name: str) -> Any:
        parameters = self._entries[name]

        def function(grid: Any, block: Any, args: Any) -> None:
            if not all(isinstance(n, int) for n in (*grid, *block)) or not isinstance(args, tuple):
                raise TypeError(f"{name}: grid, block and args are tuples, the first two of ints")
            if len(args) != len(parameters):
                raise TypeError(f"{name}: takes {len(parameters)} arguments, got {len(args)}")
            sizes = ((*size, 1, 1)[:3] for size in (grid, block))
            values = [self._value(p, a) for p, a in zip(parameters, args, strict=True)]
            from minicnn.backends.cuda import simulator

            note("launches", name)
            simulator.run(self._file, self.code, tuple(self._entries), self._real, name, *sizes, values)

        return function

    def _value(self, parameter: str, argument: Any) -> Any:
        """Check that an argument has exactly the parameter's type; return its value for the simulator."""
        kinds = {"Real": {"float": np.float32, "double": np.float64}[self._real], "int": np.int32}
        kinds |= {"unsigned char": np.uint8, "long long": np.int64}
        words = parameter.replace("__restrict__", "").replace("*", " * ").split()[:-1]
        pointers = words.count("*")
        kind = kinds.get(" ".join(w for w in words if w not in ("const", "*")))
        wanted = {0: kind, 1: kind, 2: np.uint64}[pointers]
        if kind is None and not pointers:  # a struct
            if not isinstance(argument, np.ndarray) or argument.ndim or argument.dtype.kind != "V":
                raise TypeError(f"{parameter}: a struct is a 0-d NumPy array of its bytes, got {argument!r}")
            return argument
        if pointers and (not hasattr(argument, "_host") or argument.dtype != wanted or not argument.ndim):
            raise TypeError(f"{parameter}: expected an array of {np.dtype(wanted)}, got {argument!r}")
        if not pointers and type(argument) is not wanted:
            raise TypeError(f"{parameter}: expected a {np.dtype(wanted)}, got a {type(argument)}")
        return argument._host if pointers else np.asarray(argument)


# --- the device -----------------------------------------------------------------------------------------------


class _Device:
    """The only GPU."""

    compute_capability = "80"

    def __init__(self, device: Any = None) -> None:
        self.id = 0

    def synchronize(self) -> None:
        note("waits", "synchronize")


class _Stream:
    def synchronize(self) -> None:
        note("waits", "synchronize")


class _Event:
    """A time on the GPU; the stand-in's clock advances by a millisecond with each event."""

    _clock = 0.0

    def __init__(self, block: bool = False, disable_timing: bool = False, interprocess: bool = False) -> None:
        self._time = 0.0

    def record(self, stream: Any = None) -> None:
        _Event._clock += 1.0
        self._time = _Event._clock

    def synchronize(self) -> None:
        note("waits", "synchronize")


def _get_elapsed_time(start_event: _Event, end_event: _Event) -> float:
    return end_event._time - start_event._time


def _properties(device: int) -> dict[str, Any]:
    return {"name": b"a stand-in", "major": 8, "minor": 0, "multiProcessorCount": 1, "l2CacheSize": 1 << 20}


cuda = SimpleNamespace(
    Device=_Device,
    Event=_Event,
    Stream=SimpleNamespace(null=_Stream()),
    get_elapsed_time=_get_elapsed_time,
    is_available=lambda: True,
    runtime=SimpleNamespace(
        getDeviceCount=lambda: 1, getDeviceProperties=_properties, deviceSynchronize=_Device().synchronize
    ),
)
