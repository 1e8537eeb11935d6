"""The process of a contender: `python -m benchmarks.worker NAME THREADS`. It reads requests as lines of JSON:

{"do": "prepare", "case": key, "exact": path}   build and run a case; return the errors against the exact results
{"do": "exact", "case": key, "exact": path}     write the float64 results of the case to the path (PyTorch only)
{"do": "time", "calls": n, "warm": true}        run the case once, then n times; return the seconds per call
{"do": "memory", "case": key}                   return the bytes that five steps add (only in a new process)
{"do": "peaks"}                                 return FLOP/s of a matrix product and bytes/s of a copy
{"do": "versions"}                              return the versions of Python, NumPy and the library
"""

import ctypes
import gc
import json
import os
import platform
import re
import signal
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.cases import Net, Op, cases
from benchmarks.contenders import CONTENDERS, OURS
from benchmarks.engines import Engine, Prepared, minicnn_kernels, torch_engine
from benchmarks.peers import PEERS, UnsupportedError
from benchmarks.timing import SLOW


class Worker:
    """The requests of a contender, one method for each."""

    def __init__(self, name: str, threads: int) -> None:
        self.name, self.threads = name, threads
        self.engine: Engine | None = None if name in PEERS else CONTENDERS[name].engine(threads)
        self.call: Any = None

    def _build(self, key: str) -> Prepared:
        case = cases()[key]
        if self.engine:
            return self.engine.prepare(case)
        if not isinstance(case, Op):
            raise UnsupportedError("it competes in convolution alone")
        return PEERS[self.name](case)

    def exact(self, case: str, exact: str) -> dict[str, Any]:
        _, results = torch_engine(False, self.threads, "float64").prepare(cases()[case])
        np.savez(exact, **results())
        return {}

    def prepare(self, case: str, exact: str) -> dict[str, Any]:
        self.call = None
        gc.collect()
        try:
            self.call, results = self._build(case)
            start = time.perf_counter()
            found = results()
            first = time.perf_counter() - start
        except UnsupportedError as reason:
            return {"skipped": str(reason)}
        with np.load(exact) as true:
            answer: dict[str, Any] = {"first": first, "errors": {n: error(found[n], true[n]) for n in true.files}}
        del found
        if self.name in OURS and first < SLOW:
            answer["kernels"] = minicnn_kernels(self.call)
        return answer

    def time(self, calls: int, warm: bool) -> dict[str, float]:
        call = self.call
        if warm:
            call()
        start = time.perf_counter()
        for _ in range(calls):
            call()
        return {"seconds": (time.perf_counter() - start) / calls}

    def memory(self, case: str) -> dict[str, int]:
        assert self.engine
        first = Net(group="training", network="residual denoiser", batch=1, size=8, training=True)
        self.engine.prepare(first)[0]()  # so that lazily loaded code is not counted
        before = resident("VmRSS")
        Path("/proc/self/clear_refs").write_text("5")  # resets the peak
        step = self._build(case)[0]
        for _ in range(5):
            step()
        return {"bytes": resident("VmHWM") - before}

    def peaks(self) -> dict[str, float]:
        import torch

        torch.set_num_threads(self.threads)
        a = np.ones((2048, 2048), np.float32)
        out = np.empty_like(a)
        gemm = min(
            fastest(lambda: np.matmul(a, a, out=out), 20),
            fastest(lambda: torch.mm(torch.from_numpy(a), torch.from_numpy(a), out=torch.from_numpy(out)), 20),
        )
        source = torch.ones(64 << 20)
        target = torch.ones_like(source)
        copy = fastest(lambda: target.copy_(source), 10)
        return {"flop_per_s": 2 * 2048**3 / gemm, "bytes_per_s": 8 * source.numel() / copy}

    def versions(self) -> dict[str, str]:
        names = {"torch-default": "torch", "numpy": "minicnn", "reference": "minicnn"}
        found = {"Python": platform.python_version(), "NumPy": np.__version__}
        return {**found, "library": version(names.get(self.name, self.name))}


def error(found: np.ndarray, true: np.ndarray) -> float:
    """Return the norm of the difference, relative to the norm of the exact result; NaN stays NaN."""
    if found.shape != true.shape:
        raise ValueError(f"the result is {found.shape}, the exact one {true.shape}")
    norm = float(np.linalg.norm(true))
    return float(np.linalg.norm(found.astype(np.float64) - true)) / (norm or 1.0)


def fastest(function: Any, repeats: int) -> float:
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return min(times)


def resident(field: str) -> int:
    """Return the memory of this process in bytes: VmRSS (now) or VmHWM (peak)."""
    found = re.search(rf"{field}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(found[1]) * 1024 if found else 0


def main() -> None:
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG: ends with its parent, even if stopped
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # the output of libraries goes to stderr, not among the answers
    worker = Worker(sys.argv[1], int(sys.argv[2]))
    print(json.dumps({"ready": True}), file=answers)
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = getattr(worker, request.pop("do"))(**request)
        except Exception as failure:
            answer = {"failed": f"{type(failure).__name__}: {failure}"}
        print(json.dumps(answer), file=answers)


if __name__ == "__main__":
    main()
