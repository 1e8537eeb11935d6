"""The contenders: for each, its engine, the environment variables, and the process in which it runs.

Each contender has a process of its own, for three reasons. PyTorch at its best needs environment variables for its
allocator, which would change the speed of other engines in the process. Thread pools that spin while they wait would
take the cores of other engines. Some peers need older packages. The processes take turns of a few milliseconds, so all
run at the same clock rate. A process without a turn is stopped (SIGSTOP), with its spinning threads.
"""

import json
import os
import select
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from benchmarks.cases import THREADS
from benchmarks.engines import Engine, minicnn_engine, torch_engine

__all__ = [
    "BEFORE",
    "CONTENDERS",
    "OURS",
    "PEERS",
    "ROOT",
    "Contender",
    "Process",
    "add_before",
    "environment",
    "missing",
]

ROOT = Path(__file__).parents[1]
OLD = ROOT / ".venv-bench-old/bin/python"  # Chainer and DeZero need old packages
TUNED = {"MALLOC_MMAP_THRESHOLD_": "4294967296", "MALLOC_TRIM_THRESHOLD_": "8589934592", "MALLOC_TOP_PAD_": "268435456"}
UNSET = ("OPENBLAS_", "OMP_", "MKL_", "GOMP_", "KMP_", "MALLOC_", "NUMEXPR_")  # not inherited from the user's shell


@dataclass(frozen=True)
class Contender:
    """A contender: a column of the results."""

    title: str
    engine: Callable[[int], Engine] | None = None
    variables: dict[str, str] = field(default_factory=dict)
    python: Path = Path(sys.executable)
    root: Path = ROOT  # the checkout whose code runs


CONTENDERS = {
    "minicnn": Contender("minicnn", lambda threads: minicnn_engine(None, threads)),
    "numpy": Contender("minicnn, NumPy only", lambda threads: minicnn_engine(("numpy",), threads)),
    "reference": Contender("minicnn, reference", lambda threads: minicnn_engine((), threads)),
    "torch": Contender("PyTorch at its best", lambda threads: torch_engine(True, threads), TUNED),
    "torch-default": Contender("PyTorch as it comes", lambda threads: torch_engine(False, threads)),
    "mygrad": Contender("MyGrad"),
    "autograd": Contender("autograd"),
    "tinygrad": Contender("tinygrad", variables={"NUM_CPU_THREADS": str(THREADS)}),
    "chainer": Contender("Chainer", python=OLD),
    "dezero": Contender("DeZero", python=OLD),
}

OURS = ("minicnn", "numpy", "reference")
BEFORE = "before: "  # prefix of a contender that runs the code of another checkout
PEERS = ("mygrad", "autograd", "tinygrad", "chainer", "dezero")


def add_before(checkout: Path) -> list[str]:
    """Add minicnn of another checkout, with native and with NumPy kernels; return the names of the new contenders."""
    for name in OURS[:2]:
        title = f"{CONTENDERS[name].title} of {checkout}"
        CONTENDERS[BEFORE + name] = replace(CONTENDERS[name], title=title, root=checkout.resolve())
    return [BEFORE + name for name in OURS[:2]]


def missing(name: str) -> str:
    """Return the reason why a contender cannot run on this machine, or an empty string."""
    if not CONTENDERS[name].python.exists():
        return f"there is no {OLD.parents[1].name}: `make bench` builds it where those packages still install"
    if name == "tinygrad" and not shutil.which("clang"):
        return "it compiles its kernels with clang, which is not installed"
    return ""


def environment(threads: int, variables: dict[str, str]) -> dict[str, str]:
    """Return this process's environment with a fixed number of threads and without variables that change speed."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(UNSET)}
    counts = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), str(threads))
    return {**kept, **counts, "PYTHONPATH": str(ROOT), **variables}


class Process:
    """The process of a contender. If it died, the next request starts a new process."""

    def __init__(self, name: str, threads: int = THREADS) -> None:
        self.name, self.threads = name, threads
        self._child: subprocess.Popen[str] | None = None

    def ask(self, do: str, patience: float | None = None, **request: Any) -> dict[str, Any]:
        """Send a request and wait for the answer.

        If the process dies, the answer has the key "failed". If it takes longer than `patience` seconds, it is killed,
        and the answer has the key "longer" with these seconds.
        """
        child = self._child = self._child or self._start()
        assert child.stdin
        assert child.stdout
        child.send_signal(signal.SIGCONT)
        try:
            child.stdin.write(json.dumps({"do": do, **request}) + "\n")
            child.stdin.flush()
            if patience and not select.select([child.stdout], [], [], patience)[0]:
                child.kill()
                self.close()
                return {"longer": patience}
            line = child.stdout.readline()
        except BrokenPipeError:
            line = ""
        if line:
            child.send_signal(signal.SIGSTOP)
            answer: dict[str, Any] = json.loads(line)
            return answer
        self.close()
        return {"failed": f"the process ended with status {child.returncode}"}

    def _start(self) -> subprocess.Popen[str]:
        contender, name = CONTENDERS[self.name], self.name.removeprefix(BEFORE)
        child = subprocess.Popen(
            [contender.python, "-W", "ignore", "-m", "benchmarks.worker", name, str(self.threads)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=contender.root,
            env={**environment(self.threads, contender.variables), "PYTHONPATH": str(contender.root)},
        )
        assert child.stdout
        child.stdout.readline()  # the process is ready, or it died; `ask` notices this
        return child

    def ticks(self) -> int:
        """Return the CPU time that the process has used, in clock ticks."""
        if not self._child:
            return 0
        fields = Path(f"/proc/{self._child.pid}/stat").read_text().rpartition(")")[2].split()
        return int(fields[11]) + int(fields[12])  # user time, system time

    def close(self) -> None:
        """End the process."""
        if self._child:
            self._child.send_signal(signal.SIGCONT)
            self._child.communicate()  # closes its input, at which the process exits
            self._child = None

    def __enter__(self) -> "Process":
        return self

    def __exit__(self, error: object, *_: object) -> None:
        if error and self._child:
            self._child.kill()  # an interrupted run does not wait for a slow contender
        self.close()
