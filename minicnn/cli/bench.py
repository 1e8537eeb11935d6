"""`minicnn bench`: measure the CUDA kernels on this machine's GPU, and print a table of times and rates."""

import argparse
import json
from pathlib import Path
from typing import Any

from minicnn.cli.arguments import add_command, count
from minicnn.cli.kernels import add_names, add_sizes
from minicnn.profiling.report import choose
from minicnn.profiling.timing import about_gpu, bench, check_gpu, share_of_bound
from minicnn.tables import text_table

__all__ = ["add", "run"]

DETAILS = """\
Measure the speed of minicnn's parts.

example:
  minicnn bench kernels conv matmul --out times.json
"""
KERNELS = """\
Measure every rung of the CUDA kernels on this machine's GPU. A time is the median of several runs between CUDA events,
with the L2 cache flushed before each run. If a PyTorch with CUDA is installed, cuDNN and cuBLAS are measured too. Needs
an NVIDIA GPU and CuPy (pip install 'minicnn[cuda]').

examples:
  minicnn bench kernels
  minicnn bench kernels conv --shape batch=64 --repeats 50 --out times.json
"""


def add(commands: Any) -> None:
    """Declare the command."""
    parser = add_command(commands, "bench", run, "measure the speed of the CUDA kernels", DETAILS)
    parts = parser.add_subparsers(metavar="PART", required=True)
    kernels = add_command(parts, "kernels", run, "every CUDA kernel, on a GPU", KERNELS)
    add_names(kernels)
    add_sizes(kernels)
    kernels.add_argument("--repeats", type=count, default=20, metavar="N", help="runs for a median (%(default)s)")
    kernels.add_argument("--out", type=Path, metavar="FILE", help="also write the times to this JSON file")


def run(options: argparse.Namespace) -> None:
    """Run the command.

    Raises
    ------
    DeviceError
        If there is no GPU.
    """
    check_gpu()
    about = about_gpu()
    print(", ".join(f"{name} {value}" for name, value in about.items() if value is not None))
    header, last, results = ["kernel", "ms", "TFLOP/s", "GB/s", "of the bound"], "", []
    rows = [header]

    def flush() -> None:
        if len(rows) > 1:
            print(text_table(rows, left=(0,)))

    for timing in bench(choose(options.names).rungs, options.dtype, dict(options.shape), options.repeats):
        if timing.workload != last:
            flush()
            rows[1:], last = [], timing.workload
            print(f"\n{timing.workload}: {timing.call}", flush=True)
        values = timing.as_dict()
        share = share_of_bound(timing, about["device"], options.dtype)
        rates = [f"{values.get('tflop_per_s', 0):.3g}", f"{values.get('gb_per_s', 0):.3g}"]
        rows.append([timing.kernel, f"{timing.milliseconds:.4f}", *rates, "-" if share is None else f"{share:.0%}"])
        results.append(values)
    flush()
    if options.out:
        result = {**about, "dtype": options.dtype, "repeats": options.repeats, "times": results}
        options.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
        print(f"\n{options.out}")
