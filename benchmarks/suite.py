"""The whole run: every case with those who can run it, memory, imports, and what machine it was. The result is JSON."""

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
    """Return who runs a case: the peers only convolution, nobody but the fast ones the growing cases."""
    if case.group == "growth":
        return [n for n in names if n in ("minicnn", "numpy", "torch")]
    peers = isinstance(case, Op) and case.group == "conv" and case.backward
    return [n for n in names if peers or n not in PEERS]


def run(words: list[str], names: list[str], quick: bool, tell: Callable[[Record], None]) -> Record:
    """Run the cases whose keys contain one of the words (all, if there are none), and return everything found.

    Parameters
    ----------
    words : list of str
    names : list of str
        Contenders.
    quick : bool
    tell : callable
        Called with each case's record as soon as there is one.
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
            if disturbed(record):  # a second chance, once the neighbours may have gone
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
    """Return whether somebody else used the processors in rounds that were kept."""
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
    """What five training steps add to a process, each contender in a fresh one."""
    assert isinstance(case, Net)
    results = {}
    for name in names:
        with Process(name) as process:
            results[name] = process.ask("memory", case=case.key)
    return {"key": f"memory: {case.name}", "group": "memory", "name": case.name, "results": results}


def _imports(names: list[str], rounds: int = 3) -> Record:
    """Seconds from the start of Python to its end with nothing done but the import; the least of them is Python's."""
    modules = {name: name for name in names if name in PEERS}
    modules |= {"minicnn": "minicnn", "torch": "torch", "numpy": "numpy", "nothing": "sys"}
    results: dict[str, Record] = {name: {"turns": []} for name in modules}
    for i in range(rounds + 1):
        for name, module in modules.items():
            python = CONTENDERS[name].python if name in PEERS else Path(sys.executable)
            start = time.perf_counter()
            subprocess.run([python, "-W", "ignore", "-c", f"import {module}"], env=environment(THREADS, {}), check=True)
            if i:  # the first time, files come from the disk
                results[name]["turns"].append(round(time.perf_counter() - start, 4))
    return {"key": "import", "group": "import", "name": "import", "results": results}


def machine() -> Record:
    """Return what the figures depend on, and what was measured."""
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
