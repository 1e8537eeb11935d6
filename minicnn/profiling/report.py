"""The report of CUDA kernels without a GPU: machine code, memory traffic, and rooflines.

Machine code and occupancy come from NVIDIA's compiler, for each entry and architecture. The simulator counts memory
sectors and bank conflicts of a small call on the CPU. The roofline is computed for the typical call. The report has no
measured times.
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
from minicnn.tables import text_table

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
    "widths",
]


@dataclass(frozen=True)
class Choice:
    """The selected entries of files, and the selected rungs."""

    entries: tuple[tuple[Source, str], ...]
    rungs: tuple[Rung, ...]


@dataclass(frozen=True)
class Traffic:
    """The memory traffic of an entry during a call in the simulator, as multiples of the minimum."""

    call: str
    requested: float  # sectors of global memory that the warps request
    moved: float  # sectors, if each block transfers each sector only once
    banks: float | None  # wavefronts of shared memory, or None if the entry does not use it

    @property
    def figures(self) -> list[str]:
        """The three ratios as text."""
        return [f"{ratio:.2f}" if ratio else "-" for ratio in (self.requested, self.moved, self.banks)]


def choose(names: Sequence[str] = ()) -> Choice:
    """Return the entries and rungs of the given names, or all entries and rungs without names.

    Parameters
    ----------
    names : sequence of str
        Operations ("conv"), kernels of operations ("conv/direct"), files ("conv.cu"), entries ("conv_direct"), or paths
        of other .cu files.

    Raises
    ------
    ArgumentError
        If a name is unknown.
    """
    known = {(source.name, entry): source for source in sources().values() for entry in source.entries}
    if not names:
        return Choice(tuple((source, entry) for (_, entry), source in known.items()), rungs())
    entries: set[tuple[str, str]] = set()
    chosen: set[Rung] = set()
    others: list[Source] = []
    for name in names:
        kernels = {r for r in rungs() if name in (r.kernel.operation, f"{r.kernel.operation}/{r.kernel.name}")}
        matches = {key for key in known if name in key}
        if kernels or matches:
            entries |= matches | {(launch.file, launch.entry) for r in kernels for launch in r.launches}
            chosen |= kernels | {r for r in rungs() if matches.intersection((i.file, i.entry) for i in r.launches)}
        elif Path(name).is_file():
            others.append(Source(Path(name)))
        else:
            operations = ", ".join(dict.fromkeys(r.kernel.operation for r in rungs()))
            raise ArgumentError(
                f"there is no operation, kernel, file or entry {name!r}; the operations are {operations}; "
                f"the files are {', '.join(sources())}; 'minicnn kernels list' shows all"
            )
    found = [(source, key[1]) for key, source in known.items() if key in entries]
    found += [(source, entry) for source in others for entry in source.entries]
    return Choice(tuple(found), tuple(r for r in rungs() if r in chosen))


# --- machine code ---------------------------------------------------------------------------------------------


def compiled(source: Source, architecture: str, dtype: str) -> dict[str, Entry]:
    """Return the machine code of a file's entries; errors as in `compile_cuda` and `read_cubin`."""
    return read_cubin(compile_cuda(source.name, source.text, architecture, dtype))


@cache
def _threads() -> dict[str, int]:
    """Return the number of threads of a block in the typical calls, by entry."""
    return {launch.entry: launch.block for rung in reversed(rungs()) for launch in rung.launches}


def reachable(source: Source, entry: str, code: Entry, architecture: str) -> Occupancy:
    """Return an entry's occupancy with the block size of its typical call, or with its largest allowed block size."""
    threads = _threads().get(entry) or source.entries[entry].threads
    return occupancy(architecture, code.registers, code.shared, threads)


def widths(code: Entry) -> str:
    """Return the numbers of loads and stores by width, in the inner loop, or in the whole kernel without a loop."""
    loop = code.inner_loop or Loop(code.instructions)
    found = loop.widths("LDS", "LDG", "LD", "STS", "STG", "ST")
    return ", ".join(f"{found[name]} {name}" for name in sorted(found))


def code_table(entries: Iterable[tuple[Source, str]], architectures: Sequence[str], dtype: str) -> list[list[str]]:
    """Return the rows of the table of machine code, header first."""
    header = ["entry", "arch", "registers", "spills", "stack", "shared", "occupancy", "limit", "FMA", "loop"]
    rows = [[*header, "loads and stores of the loop"]]
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
    """Run small calls in the simulator, and return the memory traffic of every entry that they launch.

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
                found[name] = _total_traffic([launch for launch in launches if launch.entry == name], call)
    return found


def _total_traffic(launches: list[Launch], call: Call) -> Traffic:
    def total(name: str) -> int:
        return sum(int(getattr(launch, name)) for launch in launches)

    ideal, wavefronts = max(total("sectors_ideal"), 1), total("shared_ideal")
    banks = total("shared_wavefronts") / wavefronts if wavefronts else None
    return Traffic(call.text, total("sectors_requested") / ideal, total("sectors_moved") / ideal, banks)


def memory_table(entries: Iterable[tuple[Source, str]], counted: dict[str, Traffic]) -> list[list[str]]:
    """Return the rows of the table of memory traffic, header first."""
    rows = [["entry", "requested", "moved", "banks", "in a call of"]]
    for _, entry in entries:
        found = counted.get(entry)
        rows.append([entry, *(found.figures if found else ["-"] * 3), found.call if found else "-"])
    return rows


def no_simulator() -> str:
    """Return the reason why the simulator does not work on this machine, or "" if it works."""
    try:
        CUDASIM.check()
    except DeviceError as error:
        return f"not counted here: {str(error).removeprefix('device: ')}\n"
    return ""


# --- workloads ------------------------------------------------------------------------------------------------


def sized(chosen: Iterable[Rung], sizes: dict[str, int]) -> dict[Workload, dict[str, int]]:
    """Return the workloads of rungs, each with the entries of `sizes` that it knows.

    Raises
    ------
    ArgumentError
        If no workload knows a size.
    """
    found = list(dict.fromkeys(rung.workload for rung in chosen))
    known = {name for workload in found for name in workload.sizes}
    if not sizes.keys() <= known:
        unknown = ", ".join(sorted(sizes.keys() - known))
        raise ArgumentError(f"there is no size {unknown}; the sizes are {', '.join(sorted(known)) or 'none'}")
    return {workload: {n: size for n, size in sizes.items() if n in workload.sizes} for workload in found}


def roofline(call: Call, dtype: str) -> str:
    """Return the text with a call's operations, bytes, and lower bound of the time on each GPU."""
    bounds = ", ".join(f"{gpu.name} {gpu.bound(call.flops, call.moved, dtype):.3g} ms" for gpu in GPUS)
    return (
        f"{call.flops / 1e9:.3g} GFLOP, at least {call.moved / 1e6:.3g} MB, {call.intensity:.3g} FLOP/byte\n"
        f"lower bounds of the time without Winograd: {bounds}"
    )


def launch_table(chosen: Iterable[Rung], call: Call) -> list[list[str]]:
    """Return the rows of the table of launches of a call, header first."""
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
spills: number of loads + stores of local memory; stack, shared: bytes per thread, bytes per block; occupancy: the
fraction of an SM's warps that can be resident; limit: the resource that limits it; FMA: the fraction of fused
multiply-adds among the instructions of the inner loop; loop: the number of its instructions"""
MEMORY = """\
requested: sectors of 32 bytes that the warps request; moved: sectors, if each block transfers each sector only once;
both as multiples of the minimum; banks: the time of shared memory accesses / the time without bank conflicts"""


def report(
    choice: Choice,
    architectures: Sequence[str] = ARCHITECTURES,
    dtype: str = "float32",
    sizes: dict[str, int] | None = None,
    counted: bool = True,
) -> Iterator[str]:
    """Yield the parts of the report: machine code, memory, typical calls.

    Parameters
    ----------
    choice : Choice
        The entries and rungs.
    architectures : sequence of str
    dtype : "float32" or "float64"
    sizes : dict of str to int, optional
        Replace sizes of the typical calls.
    counted : bool
        Run small calls in the simulator, and report their memory traffic.

    Raises
    ------
    ArgumentError
        If the name of a size is unknown.
    KernelError
        If a file does not compile.
    MissingPackageError
        If the compiler's wheels are not installed.
    """
    calls = {
        workload: workload.blank(dtype, **changed) for workload, changed in sized(choice.rungs, sizes or {}).items()
    }
    yield f"Machine code, {dtype}, compiled by NVRTC {nvrtc_version()}\n\n"
    yield text_table(code_table(choice.entries, architectures, dtype)) + f"\n\n{CODE}\n"
    if counted and choice.rungs:
        yield "\nMemory, counted by the simulator in small calls\n\n"
        reason = no_simulator()
        yield reason or text_table(memory_table(choice.entries, count(choice.rungs, dtype)), (0,)) + f"\n\n{MEMORY}\n"
    for workload, call in calls.items():
        yield f"\n{workload.name}: {call.text}\n{roofline(call, dtype)}\n\n"
        yield text_table(launch_table([rung for rung in choice.rungs if rung.workload is workload], call)) + "\n"
