"""Run the benchmark: every case with every contender that can run it, memory, import times. The result is JSON data."""

import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.cases import THREADS, Case, Net, Op, cases, find
from benchmarks.contenders import BEFORE, CONTENDERS, OURS, PEERS, ROOT, Process, environment, missing
from benchmarks.timing import FULL, QUICK, measure

__all__ = ["Record", "disturbed", "run", "wanted"]

Record = dict[str, Any]
TORCH = ("torch", "torch-default")


def wanted(case: Case, names: list[str]) -> list[str]:
    """Return the contenders for a case: peers run only convolutions, and only fast contenders run the growth cases."""
    if case.group == "growth":
        return [n for n in names if n in ("minicnn", "numpy", "torch")]
    peers = isinstance(case, Op) and case.group == "conv" and case.backward
    return [n for n in names if peers or n not in PEERS]


def run(words: list[str], names: list[str], quick: bool, tell: Callable[[Record], None]) -> Record:
    """Run the cases whose keys contain at least one of the words (without words, all cases); return all results.

    Parameters
    ----------
    words : list of str
    names : list of str
        Contenders.
    quick : bool
    tell : callable
        Called with the record of each case when the case is done.
    """
    absent = {name: reason for name in names if (reason := missing(name))}
    for name, reason in absent.items():
        print(f"{CONTENDERS[name].title} does not compete: {reason}", flush=True)
    names = [name for name in names if name not in absent]
    start = time.monotonic()
    found: list[Record] = []

    def keep(record: Record) -> None:
        found.append(record)
        tell(record)

    with ExitStack() as stack:
        processes: dict[tuple[str, int], Process] = {}

        def process(name: str, threads: int = THREADS) -> Process:
            if (name, threads) not in processes:
                processes[name, threads] = stack.enter_context(Process(name, threads))
            return processes[name, threads]

        judge = stack.enter_context(Process("torch-default"))
        versions = {name: process(name).ask("versions") for name in names}
        peaks = judge.ask("peaks")

        def timed(case: Case) -> Record:
            taking_part = [process(name, case.threads) for name in wanted(case, names)]
            return _record(case, measure(case, taking_part, judge, QUICK if quick else FULL))

        for case in find(words, quick):
            keep(timed(case))
        for i, record in enumerate(found):
            if disturbed(record):  # repeat once: other processes may have ended
                found[i] = timed(cases()[record["key"]])
                tell(found[i])
    if _asked("memory", words, quick):
        for case in (c for c in cases().values() if c.group == "training"):
            keep(_memory(case, [n for n in names if n.removeprefix(BEFORE) in OURS + TORCH and n != "reference"]))
    if _asked("import", words, quick):
        keep(_imports(names))
    about = {**machine(), "versions": versions, "absent": absent, "quick": quick, "only": words}
    return {"about": {**about, "minutes": round((time.monotonic() - start) / 60, 1)}, "peaks": peaks, "cases": found}


def disturbed(record: Record) -> bool:
    """Return whether other processes used the CPU in rounds that were kept."""
    return any("disturbed" in result for result in record["results"].values())


def _asked(part: str, words: list[str], quick: bool) -> bool:
    return any(part in word for word in words) if words else not quick


def _record(case: Case, results: dict[str, Record]) -> Record:
    backward = case.backward if isinstance(case, Op) else case.training
    figures = {"flops": case.flops, "bytes": case.bytes, "threads": case.threads}
    return {
        "key": case.key,
        "group": case.group,
        "name": case.name,
        "backward": backward,
        **figures,
        "results": results,
    }


def _memory(case: Case, names: list[str]) -> Record:
    """Measure the memory that five training steps add, for each contender in a new process."""
    assert isinstance(case, Net)
    results = {}
    for name in names:
        with Process(name) as process:
            results[name] = process.ask("memory", case=case.key)
    return {"key": f"memory: {case.name}", "group": "memory", "name": case.name, "results": results}


def _imports(names: list[str], rounds: int = 3) -> Record:
    """Measure the seconds of a Python process that only imports a module; `nothing` is Python without an import."""
    modules = {name: name for name in names if name in PEERS}
    modules |= {"minicnn": "minicnn", "torch": "torch", "numpy": "numpy", "nothing": "sys"}
    results: dict[str, Record] = {name: {"turns": []} for name in modules}
    for i in range(rounds + 1):
        for name, module in modules.items():
            python = CONTENDERS[name].python if name in PEERS else Path(sys.executable)
            start = time.perf_counter()
            subprocess.run([python, "-W", "ignore", "-c", f"import {module}"], env=environment(THREADS, {}), check=True)
            if i:  # skip the first round, which reads files from the disk
                results[name]["turns"].append(round(time.perf_counter() - start, 4))
    return {"key": "import", "group": "import", "name": "import", "results": results}


def machine() -> Record:
    """Return a description of the machine, and date and commit of the run."""
    cpu = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    fields = {k.strip(): v.strip() for k, _, v in (line.partition(":") for line in cpu.splitlines())}
    flags = fields.get("flags", fields.get("Features", "")).split()
    simd = next((s for s in ("avx512f", "avx2", "asimd", "sse2") if s in flags), "?")
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "commit": _output("git", "-C", str(ROOT), "describe", "--always", "--dirty", "--abbrev=12"),
        "cpu": fields.get("model name", platform.machine()),
        "simd": simd,
        "cores": len(os.sched_getaffinity(0)),
        "gigabytes": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9),
        "system": f"{platform.system()} {platform.release().split('-')[0]}",
        "compiler": _output(os.environ.get("CXX", "g++"), "--version"),
        "threads": THREADS,
    }


def _output(*command: str) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.partition("\n")[0].strip()
    except (OSError, subprocess.CalledProcessError):
        return "none"
