"""Checks of CUDA kernels: small calls run in the simulator, which finds races and other errors, and are compared with
the reference.

The simulator traces every memory access, or runs under AddressSanitizer (see backends/cuda/simulator.py).
"""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from minicnn.backends.cuda.simulator import environment, simulate
from minicnn.errors import KernelError
from minicnn.profiling.ladder import Rung, covering
from minicnn.runtime.devices import CUDASIM
from minicnn.runtime.dispatch import kernels

__all__ = ["check_here", "check_with_sanitizers"]

TOLERANCE = {"float32": 1e-4, "float64": 1e-10}


def check_here(rungs: Sequence[Rung], mode: str = "traced") -> Iterator[tuple[Rung, str]]:
    """Check rungs until every entry has run. Yield each rung with the error message, "" if it is correct.

    Each rung runs in float32 and float64, with the threads of a block in order and in shuffled order.

    Parameters
    ----------
    rungs : sequence of Rung
    mode : "plain", "traced" or "address"
        As in `minicnn.backends.cuda.simulator.simulate`.

    Raises
    ------
    DeviceError
        If there is no C++ compiler.
    """
    CUDASIM.check()
    for rung in covering(rungs):
        try:
            for dtype in TOLERANCE:
                for order in ("forward", "shuffled"):
                    with simulate(mode=mode, order=order):
                        _compare(rung, dtype)
        except KernelError as error:
            yield rung, str(error)
        else:
            yield rung, ""


def _compare(rung: Rung, dtype: str) -> None:
    reference = kernels(rung.kernel.operation, CUDASIM)[-1].function
    got, expected = (_run(function, rung, dtype) for function in (rung.kernel.function, reference))
    for a, b in zip(got, expected, strict=True):
        if a.shape != b.shape or a.dtype != b.dtype:
            raise KernelError(f"returns {a.dtype} {a.shape} where the reference returns {b.dtype} {b.shape}")
        error = float(np.abs(a.astype(np.float64) - b).max(initial=0))
        largest = max(1.0, float(np.abs(b).max(initial=0)))
        if not error <= TOLERANCE[dtype] * largest:  # also true for NaN
            raise KernelError(f"differs from the reference by {error:.3g} in {dtype}")


def _run(function: Any, rung: Rung, dtype: str) -> list[Any]:
    """Return the outputs of a kernel, or the arrays that it changed in place."""
    call = rung.workload.call(dtype, **rung.workload.small)
    with np.errstate(all="ignore"):
        out = function(*call.arrays, **call.params)
    if out is None:
        return [a for item in call.arrays for a in item]
    return list(out) if isinstance(out, tuple) else [out]


def check_with_sanitizers(names: Sequence[str]) -> int:
    """Run the checks under AddressSanitizer, which needs a new Python process. Return its exit code.

    Raises
    ------
    KernelError
        If there is no compiler, or the compiler lacks the sanitizers.
    """
    command = [sys.executable, "-m", "minicnn.cli", "kernels", "check", "--mode", "address", *names]
    return subprocess.run(command, env={**os.environ, **environment()}, check=False).returncode
