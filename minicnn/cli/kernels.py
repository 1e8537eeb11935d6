"""`minicnn kernels`: the CUDA kernels, read, counted, checked and compiled without a GPU."""

import argparse
import shutil
import textwrap
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from minicnn.backends.build import kernel_folder
from minicnn.cli.arguments import add_command, output_folder
from minicnn.errors import KernelError
from minicnn.profiling.checking import check_here, check_with_sanitizers
from minicnn.profiling.ladder import describe, launched_by_small_calls, rungs, sources
from minicnn.profiling.nvrtc import ARCHITECTURES, REALS, compile_cuda
from minicnn.profiling.picture import draw
from minicnn.profiling.report import choose, report
from minicnn.profiling.table import replace_table, table
from minicnn.profiling.workloads import cuda_operations
from minicnn.runtime.devices import CUDASIM, Device
from minicnn.runtime.dispatch import kernels

__all__ = ["add", "add_names", "add_sizes", "run_check", "run_compile", "run_list", "run_report", "run_table"]

DETAILS = """\
Look at minicnn's CUDA kernels. None of this needs a GPU, a driver or a CUDA toolkit: NVIDIA's compiler comes from
wheels (pip install 'minicnn[kernels]'), and what has to run runs on the CPU, in the simulator, which g++ builds.

examples:
  minicnn kernels
  minicnn kernels report conv --arch sm_80
  minicnn kernels report gemm.cu --shape n=4096 --shape m=4096 --out runs/gemm
  minicnn kernels check max_pool
"""
LIST = "List the operations, their kernels in the order in which they are tried, and what each launches."
COMPILE = """\
Compile the kernels ahead of their use, or only to see that they compile.

With --arch, for GPUs that need not be there: the machine code is kept in minicnn's cache, where 'minicnn kernels
report' finds it. With --device, for a device of this machine, what its first launch would do: CuPy compiles each file
on its first launch and keeps it in ~/.cupy/kernel_cache, the simulator in minicnn's cache.
"""
REPORT = """\
Tell what can be said of kernels without a GPU. From the machine code, for each entry and architecture: registers,
spills, shared memory, occupancy, the share of fused multiply-adds in the inner loop, the widths of its loads. For a
typical call: its arithmetic, its bytes, the least time on some GPUs; and from the simulator, which runs a small call:
how many sectors of memory were moved, and bank conflicts.

NAME is an operation (conv), a kernel of one (conv/direct), a file (conv.cu), an entry (conv_direct), or the path of a
.cu file of your own.

examples:
  minicnn kernels report max_pool --arch sm_75
  minicnn kernels report conv/direct --shape batch=1 --shape size=112
  minicnn kernels report my_kernels.cu
"""
CHECK = """\
Run kernels on small calls in the simulator, and hold their results against the reference: first with every access
traced, which finds races, shared memory that nobody wrote, barriers that not all threads reach; the threads of a
block once in order and once shuffled. Then the same under AddressSanitizer.

example:
  minicnn kernels check conv
"""
TABLE = "Make the table of all kernels in kernels/README.md anew."
NAME = "operation, operation/kernel, file or entry; all, if left out"


def add(commands: Any) -> None:
    """Declare the command."""
    parser = add_command(commands, "kernels", run_list, "look at the CUDA kernels, with no GPU", DETAILS)
    parser.set_defaults(names=[])
    actions = parser.add_subparsers(metavar="ACTION")
    add_names(add_command(actions, "list", run_list, "operations, kernels, files, entries (without an action)", LIST))

    compile_ = add_command(actions, "compile", run_compile, "compile the files ahead", COMPILE)
    _add_architectures(compile_)
    compile_.add_argument("--device", choices=("cuda", "cudasim"), help="for this device, instead of --arch")
    compile_.add_argument("--dtype", choices=REALS, nargs="+", default=list(REALS), help="default: both")

    report_ = add_command(actions, "report", run_report, "machine code, occupancy, memory accesses, rooflines", REPORT)
    add_names(report_)
    _add_architectures(report_)
    add_sizes(report_)
    report_.add_argument("--no-count", action="store_true", help="do not run the simulator")
    report_.add_argument("--out", type=output_folder, metavar="DIR", help="write report.txt and report.png there, too")

    check = add_command(actions, "check", run_check, "run kernels under checkers", CHECK)
    add_names(check)
    check.add_argument("--mode", choices=["traced", "address"], help=argparse.SUPPRESS)

    add_command(actions, "table", run_table, "make the table in kernels/README.md anew", TABLE)


def add_names(parser: argparse.ArgumentParser) -> None:
    """Declare the kernels that a command is about."""
    parser.add_argument("names", nargs="*", metavar="NAME", help=NAME)


def add_sizes(parser: argparse.ArgumentParser) -> None:
    """Declare element type and sizes of calls."""
    parser.add_argument("--dtype", choices=REALS, default="float32", help="default: %(default)s")
    help_ = "a size of the typical call, as in batch=8; may be repeated"
    parser.add_argument("--shape", type=_size, action="append", default=[], metavar="SIZE=N", help=help_)


def _add_architectures(parser: argparse.ArgumentParser) -> None:
    help_ = "default: all of them"
    parser.add_argument("--arch", choices=ARCHITECTURES, nargs="+", default=list(ARCHITECTURES), help=help_)


def _size(text: str) -> tuple[str, int]:
    name, equals, number = text.partition("=")
    if not equals or not name or not number.isdecimal() or not int(number):
        raise argparse.ArgumentTypeError(f"must be a name and a whole number above 0, as in batch=8, got {text}")
    return name, int(number)


def run_list(options: argparse.Namespace) -> None:
    """List operations, kernels, entries."""
    choice = choose(options.names)
    launched: dict[tuple[str, str], dict[tuple[str, str], None]] = {}  # entries, each once, in the order of launching
    for rung in choice.rungs:
        of_kernel = launched.setdefault((rung.kernel.operation, rung.kernel.name), {})
        of_kernel.update(dict.fromkeys((i.file, i.entry) for i in rung.launches))
    chosen = {rung.kernel.operation for rung in choice.rungs}
    for operation in (name for name in cuda_operations() if name in chosen):
        print(operation)
        for kernel in kernels(operation, CUDASIM):
            requires = f", needs {kernel.requires}" if kernel.requires else ""
            _wrapped(f"  {kernel.name}{requires}", "      ")
            _print_entries(launched.get((operation, kernel.name), {}) if kernel.backend == "cuda" else [])
    known = {(i.file, i.entry) for rung in rungs() for i in rung.launches}
    rest = [(source.name, entry) for source, entry in choice.entries if (source.name, entry) not in known]
    if rest:
        print("launched by none of the typical calls, but by others")
        _print_entries(rest)


def _print_entries(entries: Iterable[tuple[str, str]]) -> None:
    said: dict[tuple[str, str], list[str]] = {}
    for file, entry in entries:
        text = describe(sources()[file].text, entry) if file in sources() else ""
        said.setdefault((file, text), []).append(entry)
    for (file, text), names in said.items():
        _wrapped(f"      {file}: {', '.join(names)}" + f": {text}" * bool(text), "          ")


def _wrapped(text: str, indent: str) -> None:
    print(textwrap.fill(text, max(60, shutil.get_terminal_size().columns), subsequent_indent=indent))


def run_compile(options: argparse.Namespace) -> None:
    """Compile everything."""
    device = Device.named(options.device) if options.device else None
    architectures = () if device else options.arch
    for source in sources().values():
        for dtype in options.dtype:
            if device:
                source.compile(device.array([0.0], dtype), REALS[dtype])
            for architecture in architectures:
                compile_cuda(source.name, source.text, architecture, dtype)
        where = device or ", ".join(architectures)
        print(f"{source.name}: {len(source.entries)} kernels for {where}, {', '.join(options.dtype)}")


def run_report(options: argparse.Namespace) -> None:
    """Print the report; write it and its picture."""
    choice, sizes = choose(options.names), dict(options.shape)
    parts = []
    for part in report(choice, options.arch, options.dtype, sizes, not options.no_count):
        print(part, end="", flush=True)
        parts.append(part)
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        (options.out / "report.txt").write_text("".join(parts), encoding="utf-8")
        draw(options.out / "report.png", choice, options.arch[-1], options.dtype, sizes)
        print(f"\n{options.out / 'report.txt'}, {options.out / 'report.png'}")


def run_check(options: argparse.Namespace) -> None:
    """Run kernels under checkers."""
    mode, complaints, choice = options.mode or "traced", [], choose(options.names)
    unchecked = {(source.name, entry) for source, entry in choice.entries} - launched_by_small_calls(choice.rungs)
    if options.names and unchecked:
        raise KernelError(
            f"check: no small call launches {', '.join(sorted(entry for _, entry in unchecked))}, so nothing would be "
            'checked; run a file of your own inside `with simulate(mode="traced"):`, as docs/cuda.md does'
        )
    for rung, complaint in check_here(choice.rungs, mode):
        print(f"{mode:<8} {rung.workload.name}: {rung.kernel.name}: {complaint or 'clean'}", flush=True)
        complaints.append(complaint)
    if any(complaints):
        raise KernelError(f"{sum(map(bool, complaints))} of {len(complaints)} calls failed, as told above")
    if options.mode is None and check_with_sanitizers(options.names):
        raise KernelError("the checks under AddressSanitizer failed, as told above")


def run_table(options: argparse.Namespace) -> None:
    """Make the table anew."""
    page: Path = kernel_folder() / "README.md"
    replace_table(page, table())
    print(page)
