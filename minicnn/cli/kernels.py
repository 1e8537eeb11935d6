"""`minicnn kernels`: list, compile, analyse and check the CUDA kernels without a GPU.

Each action is a `run_...` function. The work is done by `minicnn.profiling`.
"""

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
Examine minicnn's CUDA kernels. No action needs a GPU, a driver or a CUDA toolkit: NVIDIA's compiler comes from wheels
(pip install 'minicnn[kernels]'), and kernels run on the CPU in the simulator, which g++ builds.

examples:
  minicnn kernels
  minicnn kernels report conv --arch sm_80
  minicnn kernels report gemm.cu --shape n=4096 --shape m=4096 --out runs/gemm
  minicnn kernels check max_pool
"""
LIST = "List the operations, their kernels in the order in which they are tried, and the entries that each launches."
COMPILE = """\
Compile the kernels before they are used, or as a test that they compile.

With --arch, the kernels are compiled for these GPUs, which need not be installed. The machine code is stored
in minicnn's cache, where 'minicnn kernels report' finds it. With --device, they are compiled for a device of this
machine, as the first launch would do. For cuda, CuPy stores them in ~/.cupy/kernel_cache; for cudasim, minicnn's cache
stores them.
"""
REPORT = """\
Analyse kernels without a GPU. From the machine code, for each entry and architecture: registers, spills, shared memory,
occupancy, the fraction of fused multiply-adds in the inner loop, the widths of its loads. For a typical call:
arithmetic, bytes and the lower bound of the time on several GPUs. From a small call in the simulator: the number of
memory sectors that were transferred, and bank conflicts.

NAME is an operation (conv), a kernel of an operation (conv/direct), a file (conv.cu), an entry (conv_direct), or the
path of your own .cu file.

examples:
  minicnn kernels report max_pool --arch sm_75
  minicnn kernels report conv/direct --shape batch=1 --shape size=112
  minicnn kernels report my_kernels.cu
"""
CHECK = """\
Run kernels on small calls in the simulator, and compare their results with the reference. First every memory access is
traced. This finds races, reads of unset shared memory, and barriers that not all threads reach. The threads of a block
run in order, and then in shuffled order. Then the same calls run under AddressSanitizer.

example:
  minicnn kernels check conv
"""
TABLE = "Update the table of all kernels in kernels/README.md."
NAME = "operation, operation/kernel, file or entry (default: all)"


def add(commands: Any) -> None:
    """Declare the command."""
    parser = add_command(commands, "kernels", run_list, "examine the CUDA kernels without a GPU", DETAILS)
    parser.set_defaults(names=[])
    actions = parser.add_subparsers(metavar="ACTION")
    add_names(add_command(actions, "list", run_list, "operations, kernels, files, entries (the default)", LIST))

    compile_ = add_command(actions, "compile", run_compile, "compile the files before they are used", COMPILE)
    _add_architectures(compile_)
    compile_.add_argument("--device", choices=("cuda", "cudasim"), help="for this device, instead of --arch")
    compile_.add_argument("--dtype", choices=REALS, nargs="+", default=list(REALS), help="default: both")

    report_ = add_command(actions, "report", run_report, "machine code, occupancy, memory accesses, rooflines", REPORT)
    add_names(report_)
    _add_architectures(report_)
    add_sizes(report_)
    report_.add_argument("--no-count", action="store_true", help="do not run the simulator")
    report_.add_argument("--out", type=output_folder, metavar="DIR", help="also write report.txt and report.png there")

    check = add_command(actions, "check", run_check, "run kernels under checkers", CHECK)
    add_names(check)
    check.add_argument("--mode", choices=["traced", "address"], help=argparse.SUPPRESS)

    add_command(actions, "table", run_table, "update the table in kernels/README.md", TABLE)


def add_names(parser: argparse.ArgumentParser) -> None:
    """Add the argument NAME, which selects kernels."""
    parser.add_argument("names", nargs="*", metavar="NAME", help=NAME)


def add_sizes(parser: argparse.ArgumentParser) -> None:
    """Add the arguments --dtype and --shape, the dtype and the sizes of calls."""
    parser.add_argument("--dtype", choices=REALS, default="float32", help="default: %(default)s")
    help_ = "a size of the typical call, for example batch=8; may be repeated"
    parser.add_argument("--shape", type=_size, action="append", default=[], metavar="SIZE=N", help=help_)


def _add_architectures(parser: argparse.ArgumentParser) -> None:
    help_ = "default: all architectures"
    parser.add_argument("--arch", choices=ARCHITECTURES, nargs="+", default=list(ARCHITECTURES), help=help_)


def _size(text: str) -> tuple[str, int]:
    name, equals, number = text.partition("=")
    if not equals or not name or not number.isdecimal() or not int(number):
        raise argparse.ArgumentTypeError(f"must be a name and a positive integer, for example batch=8, got {text}")
    return name, int(number)


def run_list(options: argparse.Namespace) -> None:
    """Print operations, kernels and entries."""
    choice = choose(options.names)
    launched: dict[tuple[str, str], dict[tuple[str, str], None]] = {}  # kernel -> its entries in launch order
    for rung in choice.rungs:
        entries = launched.setdefault((rung.kernel.operation, rung.kernel.name), {})
        entries.update(dict.fromkeys((i.file, i.entry) for i in rung.launches))
    chosen = {rung.kernel.operation for rung in choice.rungs}
    for operation in (name for name in cuda_operations() if name in chosen):
        print(operation)
        for kernel in kernels(operation, CUDASIM):
            requires = f", needs {kernel.requires}" if kernel.requires else ""
            _print_wrapped(f"  {kernel.name}{requires}", "      ")
            _print_entries(launched.get((operation, kernel.name), {}) if kernel.backend == "cuda" else [])
    known = {(i.file, i.entry) for rung in rungs() for i in rung.launches}
    unlaunched = [(source.name, entry) for source, entry in choice.entries if (source.name, entry) not in known]
    if unlaunched:
        print("launched by other calls, not by the typical calls")
        _print_entries(unlaunched)


def _print_entries(entries: Iterable[tuple[str, str]]) -> None:
    grouped: dict[tuple[str, str], list[str]] = {}  # (file, description) -> entries
    for file, entry in entries:
        text = describe(sources()[file].text, entry) if file in sources() else ""
        grouped.setdefault((file, text), []).append(entry)
    for (file, text), names in grouped.items():
        _print_wrapped(f"      {file}: {', '.join(names)}" + f": {text}" * bool(text), "          ")


def _print_wrapped(text: str, indent: str) -> None:
    print(textwrap.fill(text, max(60, shutil.get_terminal_size().columns), subsequent_indent=indent))


def run_compile(options: argparse.Namespace) -> None:
    """Compile all files."""
    device = Device.named(options.device) if options.device else None
    architectures = () if device else options.arch
    for source in sources().values():
        for dtype in options.dtype:
            if device:
                source.compile(device.array([0.0], dtype), REALS[dtype])
            for architecture in architectures:
                compile_cuda(source.name, source.text, architecture, dtype)
        target = device or ", ".join(architectures)
        print(f"{source.name}: {len(source.entries)} kernels for {target}, {', '.join(options.dtype)}")


def run_report(options: argparse.Namespace) -> None:
    """Print the report, and write it with its figure to --out."""
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
    """Run kernels under checkers.

    Raises
    ------
    KernelError
        If a check fails, or no small call launches a kernel that was named.
    """
    mode, complaints, choice = options.mode or "traced", [], choose(options.names)
    unchecked = {(source.name, entry) for source, entry in choice.entries} - launched_by_small_calls(choice.rungs)
    if options.names and unchecked:
        raise KernelError(
            f"check: no small call launches {', '.join(sorted(entry for _, entry in unchecked))}, so these cannot be "
            'checked; run your own file inside `with simulate(mode="traced"):`, as docs/cuda.md does'
        )
    for rung, complaint in check_here(choice.rungs, mode):
        print(f"{mode:<8} {rung.workload.name}: {rung.kernel.name}: {complaint or 'clean'}", flush=True)
        complaints.append(complaint)
    if any(complaints):
        raise KernelError(f"{sum(map(bool, complaints))} of {len(complaints)} calls failed; see above")
    if options.mode is None and check_with_sanitizers(options.names):
        raise KernelError("the checks under AddressSanitizer failed; see above")


def run_table(options: argparse.Namespace) -> None:
    """Update the table."""
    page: Path = kernel_folder() / "README.md"
    replace_table(page, table())
    print(page)
