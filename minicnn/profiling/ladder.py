"""Which kernels there are, which entries of which files they launch, and what the files say of them.

Nothing is listed here: operations and kernels come from `dispatch`, entries and their descriptions from the files.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from math import prod

from minicnn.backends.build import kernel_folder
from minicnn.backends.cuda.launch import Source
from minicnn.backends.cuda.simulator import noting
from minicnn.profiling.workloads import Call, Workload, cuda_kernels, cuda_operations, workloads
from minicnn.runtime.dispatch import Kernel

__all__ = [
    "Launched",
    "Rung",
    "accepts",
    "covering",
    "describe",
    "dry_run",
    "launched_by_small_calls",
    "rungs",
    "sources",
]

HEAD = re.compile(r"(?:^//.*\n)+", re.MULTILINE)
NAMED = re.compile(r"^// *([\w*]+) {2,}(?=\S)")


@dataclass(frozen=True)
class Launched:
    """One launch of an entry; `block` is the number of its threads."""

    file: str
    entry: str
    grid: tuple[int, int, int]
    block: int


@dataclass(frozen=True)
class Rung:
    """A kernel as `dispatch` knows it, with a workload to which it applies and what it launches there."""

    kernel: Kernel
    workload: Workload
    launches: tuple[Launched, ...]


@cache
def sources() -> dict[str, Source]:
    """Return the files of CUDA kernels by name."""
    return {path.name: Source(path.name) for path in sorted((kernel_folder() / "cuda").glob("*.cu"))}


@cache
def rungs() -> tuple[Rung, ...]:
    """Return for every CUDA kernel the workloads to which it applies, operation by operation, the top rung first."""
    found = []
    for operation in cuda_operations():
        for workload in workloads(operation):
            call = workload.blank()
            for kernel in cuda_kernels(operation):
                if accepts(kernel, call):
                    found.append(Rung(kernel, workload, tuple(dry_run(kernel, call))))
    return tuple(found)


def covering(chosen: Iterable[Rung], dtype: str = "float32") -> Iterator[Rung]:
    """Yield as many rungs as it takes to launch, by their small calls, every entry that can be launched by these."""
    seen: set[str] = set()
    for rung in chosen:
        call = rung.workload.blank(dtype, **rung.workload.small)
        if accepts(rung.kernel, call):
            entries = {launch.entry for launch in dry_run(rung.kernel, call)}
            if not entries <= seen:
                seen |= entries
                yield rung


def launched_by_small_calls(chosen: Iterable[Rung]) -> set[tuple[str, str]]:
    """Return the file and the name of every entry that the small calls of rungs launch."""
    calls = ((rung.kernel, rung.workload.blank("float32", **rung.workload.small)) for rung in covering(chosen))
    return {(launch.file, launch.entry) for kernel, call in calls for launch in dry_run(kernel, call)}


def accepts(kernel: Kernel, call: Call) -> bool:
    """Return whether a kernel takes these arguments."""
    return kernel.accepts(call.arrays, call.params)


def dry_run(kernel: Kernel, call: Call) -> list[Launched]:
    """Return what a kernel launches, in order, without running it."""
    with noting() as launches:
        kernel.function(*call.arrays, **call.params)
    return [Launched(n.file, n.entry, n.grid, prod(n.block)) for n in launches]


def describe(text: str, entry: str) -> str:
    """Return what a file says of an entry, in one sentence, or nothing.

    The ladder at the file's head has lines such as `//   slab   a block owns ...`: the last of them whose name is part
    of the entry's is the entry's, or the longest with a * that matches it. Otherwise it is the comment before the entry
    (or before its struct), or what the head says after the entry's name.
    """
    head = HEAD.search(text)
    lines = head[0].splitlines() if head else []
    named = [(n, m) for n, m in enumerate(map(NAMED.match, lines)) if m and _means(m[1], entry)]
    if named:
        number, match = max(named, key=lambda item: (len(item[1][1]) if "*" in item[1][1] else 0, item[0]))
        column = match.end()
        following = next((n for n, line in enumerate(lines[number + 1 :]) if not _continues(line, column)), None)
        last = None if following is None else number + 1 + following
        return _sentence(" ".join(line[column:] for line in lines[number:last]))
    before = r"^((?://[^\n]*\n)+)(?:struct \w+ \{[^}]*\};\n+)?"
    above = re.search(rf'{before}extern "C" __global__ void[^;{{]*?\b{entry}\(', text, re.MULTILINE)
    if above:
        return _sentence(above[1].replace("//", ""))
    said = re.search(rf"\b{entry} ([^.:;]*)", " ".join(line.strip("/ ") for line in lines))
    return _sentence(said[1]) if said else ""


def _means(name: str, entry: str) -> bool:
    """Whether a name of the ladder is part of an entry's, or matches it with a *."""
    return re.search(rf"(^|_){name.replace('_*', '(_[a-z0-9_]*)?')}($|_)", entry) is not None


def _continues(line: str, column: int) -> bool:
    """Whether a comment's line goes on with the text that began at this column of a line before it."""
    return len(line) > column and not line[2:column].strip()


def _sentence(text: str) -> str:
    text = re.sub(r"^\d+\. ", "", " ".join(text.split()))
    return re.split(r"(?<=\w)\.(?= |$)", text)[0]
