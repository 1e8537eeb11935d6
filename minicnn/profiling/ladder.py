"""The CUDA kernels, the entries (`__global__` functions) that they launch, and the descriptions of the entries.

This file contains no list: operations and kernels come from `dispatch`, entries and their descriptions from the .cu
files.
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
    """A launch of an entry. `block` is the number of threads of a block."""

    file: str
    entry: str
    grid: tuple[int, int, int]
    block: int


@dataclass(frozen=True)
class Rung:
    """A kernel of `dispatch`, a workload that it supports, and its launches for this workload."""

    kernel: Kernel
    workload: Workload
    launches: tuple[Launched, ...]


@cache
def sources() -> dict[str, Source]:
    """Return the files of CUDA kernels by name."""
    return {path.name: Source(path.name) for path in sorted((kernel_folder() / "cuda").glob("*.cu"))}


@cache
def rungs() -> tuple[Rung, ...]:
    """Return a rung for every CUDA kernel and every workload that it supports, in the order of trying."""
    found = []
    for operation in cuda_operations():
        for workload in workloads(operation):
            call = workload.blank()
            for kernel in cuda_kernels(operation):
                if accepts(kernel, call):
                    found.append(Rung(kernel, workload, tuple(dry_run(kernel, call))))
    return tuple(found)


def covering(chosen: Iterable[Rung], dtype: str = "float32") -> Iterator[Rung]:
    """Yield the rungs whose small calls launch an entry that no earlier rung launches."""
    seen: set[str] = set()
    for rung in chosen:
        call = rung.workload.blank(dtype, **rung.workload.small)
        if accepts(rung.kernel, call):
            entries = {launch.entry for launch in dry_run(rung.kernel, call)}
            if not entries <= seen:
                seen |= entries
                yield rung


def launched_by_small_calls(chosen: Iterable[Rung]) -> set[tuple[str, str]]:
    """Return (file, entry) of every entry that the small calls of the rungs launch."""
    calls = ((rung.kernel, rung.workload.blank("float32", **rung.workload.small)) for rung in covering(chosen))
    return {(launch.file, launch.entry) for kernel, call in calls for launch in dry_run(kernel, call)}


def accepts(kernel: Kernel, call: Call) -> bool:
    """Return whether a kernel supports these arguments."""
    return kernel.accepts(call.arrays, call.params)


def dry_run(kernel: Kernel, call: Call) -> list[Launched]:
    """Return the launches of a kernel, in order, without running them."""
    with noting() as launches:
        kernel.function(*call.arrays, **call.params)
    return [Launched(n.file, n.entry, n.grid, prod(n.block)) for n in launches]


def describe(text: str, entry: str) -> str:
    """Return the description of an entry in its file, a single sentence, or "" if the file has none.

    There are three places for a description, in this order:

    1. A line of the ladder in the comment at the top of the file, for example `//   slab   a block owns ...`. The
    entry's
       line is the longest name with a * that matches the entry, or else the last name that is part of the entry's name.
    2. The comment before the entry, or before its struct.
    3. The text after the entry's name in the comment at the top of the file.
    """
    head = HEAD.search(text)
    lines = head[0].splitlines() if head else []
    named = [(n, m) for n, m in enumerate(map(NAMED.match, lines)) if m and _name_matches(m[1], entry)]
    if named:
        number, match = max(named, key=lambda item: (len(item[1][1]) if "*" in item[1][1] else 0, item[0]))
        column = match.end()
        following = next((n for n, line in enumerate(lines[number + 1 :]) if not _continues(line, column)), None)
        last = None if following is None else number + 1 + following
        return _first_sentence(" ".join(line[column:] for line in lines[number:last]))
    before = r"^((?://[^\n]*\n)+)(?:struct \w+ \{[^}]*\};\n+)?"
    above = re.search(rf'{before}extern "C" __global__ void[^;{{]*?\b{entry}\(', text, re.MULTILINE)
    if above:
        return _first_sentence(above[1].replace("//", ""))
    mention = re.search(rf"\b{entry} ([^.:;]*)", " ".join(line.strip("/ ") for line in lines))
    return _first_sentence(mention[1]) if mention else ""


def _name_matches(name: str, entry: str) -> bool:
    """Return whether a name of the ladder is part of the entry's name, or matches it with a *."""
    return re.search(rf"(^|_){name.replace('_*', '(_[a-z0-9_]*)?')}($|_)", entry) is not None


def _continues(line: str, column: int) -> bool:
    """Return whether a comment line continues the text that started at this column in an earlier line."""
    return len(line) > column and not line[2:column].strip()


def _first_sentence(text: str) -> str:
    text = re.sub(r"^\d+\. ", "", " ".join(text.split()))
    return re.split(r"(?<=\w)\.(?= |$)", text)[0]
