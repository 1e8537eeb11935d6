"""The table of all kernels in kernels/README.md, which `replace_table` writes between two markers."""

from collections.abc import Iterator
from pathlib import Path

from minicnn.backends.cuda.launch import Source
from minicnn.errors import KernelError
from minicnn.profiling.ladder import rungs, sources
from minicnn.profiling.nvrtc import ARCHITECTURES, nvrtc_version
from minicnn.profiling.report import compiled, count, reachable, widths

__all__ = ["replace_table", "rows", "table"]

BEGIN, END = "<!-- made by: minicnn kernels table -->", "<!-- end of what was made -->"
STATIC = ("entry", "registers", "shared", "occupancy", "FMA", "loads and stores of the loop")
COUNTED = ("requested", "moved", "banks")
TABLE_ARCHITECTURE = "sm_80"  # for columns that show a single architecture


def rows(source: Source) -> Iterator[list[str]]:
    """Yield a row for each entry of a file, with the columns `STATIC`, in float32."""
    codes = {architecture: compiled(source, architecture, "float32") for architecture in ARCHITECTURES}
    for entry in source.entries:
        versions = [codes[architecture][entry] for architecture in ARCHITECTURES]
        code = codes[TABLE_ARCHITECTURE][entry]
        loops = [c.inner_loop for c in versions]
        share = " / ".join(f"{loop.share:.0%}" if loop else "-" for loop in loops) if any(loops) else "-"
        yield [
            f"`{entry}`",
            " / ".join(str(c.registers) for c in versions),
            str(code.shared),
            f"{reachable(source, entry, code, TABLE_ARCHITECTURE).share:.0%}",
            share,
            widths(code),
        ]


def table() -> str:
    """Return the whole table in Markdown.

    Raises
    ------
    DeviceError
        If there is no C++ compiler, which the simulator needs.
    MissingPackageError
        If NVIDIA's compiler is not installed.
    """
    counted = count(rungs())
    lines = [f"float32, compiled by NVRTC {nvrtc_version()}; columns with three figures: {' / '.join(ARCHITECTURES)}."]
    for file, source in sources().items():
        lines += [f"\n**{file}**\n", f"| {' | '.join(STATIC + COUNTED)} |", "|---|" + "--:|" * 4 + "---|" + "--:|" * 3]
        for row in rows(source):
            found = counted.get(row[0].strip("`"))
            counts = found.figures if found else ["-"] * 3
            lines.append(f"| {' | '.join([*row, *counts])} |")
    return "\n".join(lines) + "\n"


def replace_table(page: Path, text: str) -> None:
    """Replace the text between the markers of a page.

    Raises
    ------
    KernelError
        If the page has no markers.
    """
    before, begin, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise KernelError(f"{page} must have the lines {BEGIN!r} and {END!r}, between which the table is written")
    page.write_text(f"{before}{begin}\n{text}\n{end}{after}", encoding="utf-8")
