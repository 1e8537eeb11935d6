"""Builds CUDA files as C++ libraries for the CPU, and runs their kernels with the scheduler of kernels/cudasim.cpp.

simulator.py is the interface; this module calls the compiler and the C functions of the libraries.
"""

from __future__ import annotations

import ctypes
import os
import re
import subprocess
import threading
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np

from minicnn.backends.build import flattened, kernel_folder, loaded
from minicnn.errors import KernelError

__all__ = ["MODES", "ORDERS", "Counts", "Library", "address_of"]

NumpyArray = np.ndarray[Any, Any]

# Compiler flags. -fno-tree-sra: a Vec4 stays in one piece, so that the tracer counts it as one access.
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

_one_at_a_time = threading.Lock()  # a library has the shared memory of one block only
if hasattr(os, "register_at_fork"):  # fork waits for a launch to end, so that the child's lock is free
    os.register_at_fork(
        before=_one_at_a_time.acquire,
        after_in_parent=_one_at_a_time.release,
        after_in_child=_one_at_a_time.release,
    )


def address_of(array: NumpyArray) -> int:
    """Return the address of an array's memory."""
    return int(array.__array_interface__["data"][0])


class _Range(ctypes.Structure):
    _fields_ = (("begin", ctypes.c_void_p), ("end", ctypes.c_void_p))


class _Options(ctypes.Structure):
    _fields_ = (("order", ctypes.c_int), ("seed", ctypes.c_uint), ("traced", ctypes.c_int))


class Counts(ctypes.Structure):
    """The memory traffic of a traced launch; `simulator.Launch` explains each number."""

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
def _scheduler() -> ctypes.CDLL:
    text = flattened(kernel_folder() / "cudasim.cpp")
    flags = ["-O3", "-fno-tree-loop-distribute-patterns", "-Wl,-soname,libcudasim.so"]
    return loaded("cudasim.cpp", text, flags, mode=ctypes.RTLD_GLOBAL)[0]


class Library:
    """The kernels of one file, built for one element type and one mode."""

    def __init__(self, file: str, text: str, entries: Sequence[str], real: str, mode: str) -> None:
        header = (kernel_folder() / "cudasim.hpp").read_text(encoding="utf-8").replace("#pragma once", "")
        driver = f"{header}\nnamespace {{\n{text}}}\nCUDASIM_MARKS\n"
        driver += "".join(f"CUDASIM_ENTRY({entry})\n" for entry in entries)
        flags = [*MODES[mode], f"-DReal={real}", "-w"]
        if mode == "address" and "libasan" not in os.environ.get("LD_PRELOAD", ""):
            raise KernelError(
                "simulate: mode 'address' needs a process that was started with AddressSanitizer's library; "
                "run `minicnn kernels check`, or start Python with the variables of simulator.environment()"
            )
        # No start files: .bss must contain only shared memory. A traced library is not linked to the sanitizer either,
        # because cudasim.cpp defines the sanitizer's functions for reads and writes.
        flags += ["-nostartfiles"] if mode == "address" else ["-nostdlib"]
        self.scheduler = _scheduler()
        self.library, self.path = loaded(file, driver, flags)
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
        order: str,
        seed: int,
    ) -> Counts:
        """Run a kernel with the arguments `values`; it may access only the memory of `arrays`.

        Raises
        ------
        KernelError
            If the sizes of the arguments are wrong, or the kernel breaks a rule that the mode checks.
        """
        sizes = (ctypes.c_int * (len(values) + 1))()
        n = getattr(self.library, f"cudasim_sizes_{entry}")(sizes)
        if list(sizes[:n]) != [v.nbytes for v in values]:
            raise KernelError(f"{entry}: takes arguments of {sizes[:n]} bytes, got {[v.nbytes for v in values]}")
        pointers = (ctypes.c_void_p * len(values))(*(address_of(v) for v in values))
        ranges = (_Range * max(len(arrays), 1))(*(_Range(address_of(a), address_of(a) + a.nbytes) for a in arrays))
        options = _Options(ORDERS.index(order), seed, self.mode == "traced")
        counts, message = Counts(), ctypes.create_string_buffer(600)
        with _one_at_a_time:
            self.scheduler.cudasim_prepare(
                ctypes.cast(getattr(self.library, f"cudasim_run_{entry}"), ctypes.c_void_p),
                pointers,
                (ctypes.c_uint * 3)(*grid),
                (ctypes.c_uint * 3)(*block),
                ctypes.byref(self.shared),
                ctypes.byref(self.image),
                ranges,
                len(arrays),
                ctypes.byref(options),
                message,
                ctypes.c_size_t(len(message)),
            )
            # Each call runs for 0.1 s. Between two calls Python can raise KeyboardInterrupt.
            while (state := self.scheduler.cudasim_continue(ctypes.c_double(0.1), ctypes.byref(counts))) == 2:
                pass
        if state:
            raise KernelError(f"{entry}: {self._with_lines(message.value.decode())}")
        return counts

    def _with_lines(self, text: str) -> str:
        """Replace code addresses (%0x...) by file and line, if addr2line is installed."""

        def line(match: re.Match[str]) -> str:
            offset = int(match[1], 16) - (self.image.begin or 0) - 1  # the call is before the return address
            try:
                result = subprocess.run(
                    ["addr2line", "-e", str(self.path), hex(offset)], capture_output=True, text=True, check=False
                )
            except OSError:
                return f"offset {offset:#x}"
            return os.path.basename(result.stdout.split(" ")[0].strip()) or f"offset {offset:#x}"

        return re.sub(r"%(0x[0-9a-f]+)", line, text)
