"""What can be said of CUDA kernels without a GPU: their machine code, the memory they move, the least time they need.

Machine code and occupancy come from NVIDIA's compiler, for each entry and architecture. Sectors and bank conflicts are
counted by the simulator while a kernel runs a small call on the CPU. The roofline is that of the typical call. None of
these is a time on a GPU.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from math import prod
from pathlib import Path

from minicnn.backends.cuda.launch import Source
from minicnn.backends.cuda.simulator import Launch, counting
from minicnn.errors import ArgumentError, DeviceError
from minicnn.profiling.gpus import GPUS, Occupancy, occupancy
from minicnn.profiling.ladder import Rung, accepts, covering, dry_run, rungs, sources
from minicnn.profiling.machine_code import Entry, Loop, read_cubin
from minicnn.profiling.nvrtc import ARCHITECTURES, compile_cuda, nvrtc_version
from minicnn.profiling.workloads import Call, Workload
from minicnn.runtime.devices import CUDASIM

__all__ = [
    "Choice",
    "Traffic",
    "choose",
    "code_table",
    "compiled",
    "count",
    "launch_table",
    "memory_table",
    "no_simulator",
    "reachable",
    "report",
    "roofline",
    "sized",
    "text_table",
    "widths",
]


@dataclass(frozen=True)
class Choice:
    """What a report is about: entries of files, and rungs."""

    entries: tuple[tuple[Source, str], ...]
    rungs: tuple[Rung, ...]


@dataclass(frozen=True)
class Traffic:
    """What an entry moved in the simulator during a call, as multiples of the least."""

    call: str
    requested: float  # sectors of global memory that its warps asked for
    moved: float  # those left if every block keeps what it has touched
    banks: float | None  # how long shared memory was busy, if it is used

    @property
    def figures(self) -> list[str]:
        """The three as text."""
        return [f"{ratio:.2f}" if ratio else "-" for ratio in (self.requested, self.moved, self.banks)]


def choose(names: Sequence[str] = ()) -> Choice:
    """Return the entries and rungs that names stand for; all of them, if there is no name.

    Parameters
    ----------
    names : sequence of str
        Operations ("conv"), kernels of operations ("conv/direct"), files ("conv.cu"), entries ("conv_direct"), or paths
        of files that are not minicnn's.

    Raises
    ------
    ArgumentError
        If nothing has such a name.
    """
    ours = {(source.name, entry): source for source in sources().values() for entry in source.entries}
    if not names:
        return Choice(tuple((source, entry) for (_, entry), source in ours.items()), rungs())
    entries: set[tuple[str, str]] = set()
    chosen: set[Rung] = set()
    others: list[Source] = []
    for name in names:
        kernels = {r for r in rungs() if name in (r.kernel.operation, f"{r.kernel.operation}/{r.kernel.name}")}
        of_code = {key for key in ours if name in key}
        if kernels or of_code:
            entries |= of_code | {(launch.file, launch.entry) for r in kernels for launch in r.launches}
            chosen |= kernels | {r for r in rungs() if of_code.intersection((i.file, i.entry) for i in r.launches)}
        elif Path(name).is_file():
            others.append(Source(Path(name)))
        else:
            operations = ", ".join(dict.fromkeys(r.kernel.operation for r in rungs()))
            raise ArgumentError(
                f"there is no operation, kernel, file or entry {name!r}; there are the operations {operations} and the "
                f"files {', '.join(sources())}; 'minicnn kernels list' shows all"
            )
    found = [(source, key[1]) for key, source in ours.items() if key in entries]
    found += [(source, entry) for source in others for entry in source.entries]
    return Choice(tuple(found), tuple(r for r in rungs() if r in chosen))


# --- machine code ---------------------------------------------------------------------------------------------


def compiled(source: Source, architecture: str, dtype: str) -> dict[str, Entry]:
    """Return the machine code of a file's entries."""
    return read_cubin(compile_cuda(source.name, source.text, architecture, dtype))


@cache
def _threads() -> dict[str, int]:
    """Threads of a block in the typical calls, for entries that one of them launches."""
    return {launch.entry: launch.block for rung in reversed(rungs()) for launch in rung.launches}


def reachable(source: Source, entry: str, code: Entry, architecture: str) -> Occupancy:
    """Return an entry's occupancy with the blocks of its typical call, or else with the largest that it allows."""
    threads = _threads().get(entry) or source.entries[entry].threads
    return occupancy(architecture, code.registers, code.shared, threads)


def widths(code: Entry) -> str:
    """Return the loads and stores of the inner loop, or of the whole kernel where it has none, by width."""
    loop = code.inner_loop or Loop(code.instructions)
    found = loop.widths("LDS", "LDG", "LD", "STS", "STG", "ST")
    return ", ".join(f"{found[name]} {name}" for name in sorted(found))


def code_table(entries: Iterable[tuple[Source, str]], architectures: Sequence[str], dtype: str) -> list[list[str]]:
    """Return the rows of a table of machine code, with its head."""
    head = ["entry", "arch", "registers", "spills", "stack", "shared", "occupancy", "limit", "FMA", "loop"]
    rows = [[*head, "loads and stores of the loop"]]
    for source, entry in entries:
        for architecture in architectures:
            code = compiled(source, architecture, dtype)[entry]
            reached = reachable(source, entry, code, architecture)
            loop = code.inner_loop
            spills = f"{code.spill_loads}+{code.spill_stores}" if code.spill_loads or code.spill_stores else "0"
            memory = [str(code.registers), spills, str(code.stack), str(code.shared)]
            share = [f"{loop.share:.1%}", str(len(loop.instructions))] if loop else ["-", "-"]
            rows.append([entry, architecture, *memory, f"{reached.share:.0%}", reached.limit, *share, widths(code)])
    return rows


# --- memory ---------------------------------------------------------------------------------------------------


def count(chosen: Iterable[Rung], dtype: str = "float32") -> dict[str, Traffic]:
    """Run small calls in the simulator until every entry that they launch has been counted once.

    Raises
    ------
    DeviceError
        If there is no C++ compiler.
    """
    CUDASIM.check()
    found: dict[str, Traffic] = {}
    for rung in covering(chosen, dtype):
        call = rung.workload.call(dtype, **rung.workload.small)
        with counting() as launches:
            rung.kernel.function(*call.arrays, **call.params)
        for name in dict.fromkeys(launch.entry for launch in launches):
            if name not in found:
                found[name] = _add([launch for launch in launches if launch.entry == name], call)
    return found


def _add(launches: list[Launch], call: Call) -> Traffic:
    def total(name: str) -> int:
        return sum(int(getattr(launch, name)) for launch in launches)

    ideal, wavefronts = max(total("sectors_ideal"), 1), total("shared_ideal")
    banks = total("shared_wavefronts") / wavefronts if wavefronts else None
    return Traffic(call.text, total("sectors_requested") / ideal, total("sectors_moved") / ideal, banks)


def memory_table(entries: Iterable[tuple[Source, str]], counted: dict[str, Traffic]) -> list[list[str]]:
    """Return the rows of a table of what entries moved, with its head."""
    rows = [["entry", "requested", "moved", "banks", "in a call of"]]
    for _, entry in entries:
        found = counted.get(entry)
        rows.append([entry, *(found.figures if found else ["-"] * 3), found.call if found else "-"])
    return rows


def no_simulator() -> str:
    """Return why nothing can be counted on this machine, or nothing."""
    try:
        CUDASIM.check()
    except DeviceError as error:
        return f"not counted here: {str(error).removeprefix('device: ')}\n"
    return ""


# --- workloads ------------------------------------------------------------------------------------------------


def sized(chosen: Iterable[Rung], sizes: dict[str, int]) -> dict[Workload, dict[str, int]]:
    """Return the workloads of rungs, each with those of the sizes that it has.

    Raises
    ------
    ArgumentError
        If none of them has a size of such a name.
    """
    found = list(dict.fromkeys(rung.workload for rung in chosen))
    known = {name for workload in found for name in workload.sizes}
    if not sizes.keys() <= known:
        unknown = ", ".join(sorted(sizes.keys() - known))
        raise ArgumentError(f"there is no size {unknown} here; there are {', '.join(sorted(known)) or 'none'}")
    return {workload: {n: size for n, size in sizes.items() if n in workload.sizes} for workload in found}


def roofline(call: Call, dtype: str) -> str:
    """Return a call's arithmetic, its bytes, and the least time for them on each GPU."""
    bounds = ", ".join(f"{gpu.name} {gpu.bound(call.flops, call.moved, dtype):.3g} ms" for gpu in GPUS)
    return (
        f"{call.flops / 1e9:.3g} GFLOP, at least {call.moved / 1e6:.3g} MB, {call.intensity:.3g} FLOP a byte\n"
        f"computed directly, at least: {bounds} (Winograd multiplies less)"
    )


def launch_table(chosen: Iterable[Rung], call: Call) -> list[list[str]]:
    """Return the rows of a table of what rungs launch for a call, with its head."""
    rows = [["kernel", "entry", "blocks", "threads", ""]]
    for rung in chosen:
        name = rung.kernel.name
        if not accepts(rung.kernel, call):
            rows.append([name, "-", "-", "-", f"not supported: requires {rung.kernel.requires}"])
            continue
        for launch in dict.fromkeys(dry_run(rung.kernel, call)):
            rows.append([name, launch.entry, str(prod(launch.grid)), str(launch.block), ""])
            name = ""
    return rows


# --- text -----------------------------------------------------------------------------------------------------

CODE = """\
spills: loads + stores of local memory, in instructions; stack and shared: bytes a thread and a block; occupancy: the
share of an SM's warps that can be resident, and what limits it; FMA: the share of fused multiply-adds among the
instructions of the inner loop; loop: how many instructions that has"""
MEMORY = """\
requested, moved: sectors of 32 bytes, as multiples of the fewest: as the warps ask for them, and if each block keeps
what it has touched; banks: how long shared memory is busy, as a multiple of the time without bank conflicts"""


def text_table(rows: list[list[str]], left: Sequence[int] = (0, 1)) -> str:
    """Align columns: those in `left` and the last to the left, the others to the right."""
    size = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]

    def cell(text: str, column: int) -> str:
        return text.ljust(size[column]) if column in left or column == len(size) - 1 else text.rjust(size[column])

    return "\n".join("  ".join(cell(text, column) for column, text in enumerate(row)).rstrip() for row in rows)


def report(
    choice: Choice,
    architectures: Sequence[str] = ARCHITECTURES,
    dtype: str = "float32",
    sizes: dict[str, int] | None = None,
    counted: bool = True,
) -> Iterator[str]:
    """Yield the report part by part: machine code, memory, typical calls.

    Parameters
    ----------
    choice : Choice
        What it is about.
    architectures : sequence of str
    dtype : "float32" or "float64"
    sizes : dict of str to int, optional
        Of the calls, where they are not to be typical.
    counted : bool
        Whether to run small calls in the simulator.

    Raises
    ------
    ArgumentError
        If there is no such size.
    KernelError
        If a file does not compile.
    MissingPackageError
        If the compiler's wheels are not installed.
    """
    calls = {workload: workload.blank(dtype, **own) for workload, own in sized(choice.rungs, sizes or {}).items()}
    yield f"Machine code, {dtype}, compiled by NVRTC {nvrtc_version()}\n\n"
    yield text_table(code_table(choice.entries, architectures, dtype)) + f"\n\n{CODE}\n"
    if counted and choice.rungs:
        yield "\nMemory, counted by the simulator in small calls\n\n"
        reason = no_simulator()
        yield reason or text_table(memory_table(choice.entries, count(choice.rungs, dtype)), (0,)) + f"\n\n{MEMORY}\n"
    for workload, call in calls.items():
        yield f"\n{workload.name}: {call.text}\n{roofline(call, dtype)}\n\n"
        yield text_table(launch_table([rung for rung in choice.rungs if rung.workload is workload], call)) + "\n"
