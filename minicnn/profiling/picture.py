"""`draw` draws the report as a figure: rooflines with the typical calls, and the FMA fraction of the inner loops.

matplotlib draws, without pyplot. No value in the figure is measured.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from minicnn.errors import MissingPackageError
from minicnn.profiling.gpus import GPUS
from minicnn.profiling.report import Choice, compiled, sized

__all__ = ["draw"]

GOOD_SHARE = 0.85  # inner loops with at least this fraction of FMA are green
TEXT_BOX = {"boxstyle": "square,pad=0.1", "facecolor": "white", "edgecolor": "none", "alpha": 0.8}


def draw(path: Path, choice: Choice, architecture: str, dtype: str, sizes: dict[str, int] | None = None) -> None:
    """Write the figure to a file.

    Parameters
    ----------
    path : Path
    choice : Choice
    architecture : str
        The architecture of the machine code.
    dtype : "float32" or "float64"
    sizes : dict of str to int, optional
        Replace sizes of the typical calls.

    Raises
    ------
    MissingPackageError
        If matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingPackageError(
            "kernels report: figures need matplotlib; install it with: pip install 'minicnn[kernels]'"
        ) from error
    bars = []
    for source, entry in choice.entries:
        loop = compiled(source, architecture, dtype)[entry].inner_loop
        if loop:
            bars.append((entry, loop.share))
    calls = {w.name: w.blank(dtype, **changed) for w, changed in sized(choice.rungs, sizes or {}).items()}
    intensities = {name: call.intensity for name, call in calls.items() if call.flops}
    rows = max(len(bars) * 0.24, 5 + 0.18 * len(intensities))
    figure = Figure(figsize=(16, max(7, 1.5 + rows)), layout="constrained")
    panels: Any = figure.subfigures(1, 2, width_ratios=(3, 2))
    left, right = panels
    if intensities:
        roofs, names = left.subplots(2, 1, sharex=True, height_ratios=(5, max(0.5, 0.18 * len(intensities))))
        _draw_roofline(roofs, intensities, dtype)
        _draw_names(names, intensities)
    _draw_bars(right.subplots(), bars, architecture, dtype)
    figure.savefig(path, dpi=100)


def _draw_roofline(axes: Any, intensities: dict[str, float], dtype: str) -> None:
    low, high = min([*intensities.values(), 0.1]) / 2, max([*intensities.values(), 100.0]) * 3
    for gpu in GPUS:
        x = [low, gpu.ridge(dtype), high]
        y = [low * gpu.bandwidth / 1e3, gpu.peak(dtype), gpu.peak(dtype)]
        axes.loglog(x, y, label=f"{gpu.name}: {gpu.peak(dtype):.3g} TFLOP/s, {gpu.bandwidth:g} GB/s")
    for intensity in intensities.values():
        axes.axvline(intensity, color="0.85", linewidth=0.8, zorder=0)
    axes.set(xlim=(low, high), ylabel="upper bound of TFLOP/s")
    axes.set_title(f"Roofline, {dtype}: upper bounds for the typical calls (no measurements)")
    axes.legend(loc="upper left", fontsize=9)
    axes.grid(alpha=0.3)


def _draw_names(axes: Any, intensities: dict[str, float]) -> None:
    """Draw each call's name at its arithmetic intensity. The vertical axis has no meaning."""
    low, high = axes.get_xlim()
    for row, (name, intensity) in enumerate(sorted(intensities.items(), key=lambda item: item[1])):
        right = intensity > (low * high) ** 0.5
        axes.axvline(intensity, color="0.85", linewidth=0.8, zorder=0)
        axes.plot(intensity, row, "k.", markersize=5)
        place = {"xytext": (-5 if right else 5, 0), "textcoords": "offset points", "ha": "right" if right else "left"}
        axes.annotate(name, (intensity, row), **place, va="center", fontsize=8, bbox=TEXT_BOX)
    axes.set(ylim=(-1, len(intensities)), yticks=[], xlabel="floating-point operations per byte")
    for side in ("left", "right", "top"):
        axes.spines[side].set_visible(False)


def _draw_bars(axes: Any, bars: Sequence[tuple[str, float]], architecture: str, dtype: str) -> None:
    names, shares = [name for name, _ in bars], [share for _, share in bars]
    axes.barh(names, shares, color=["tab:green" if share >= GOOD_SHARE else "tab:blue" for share in shares])
    axes.axvline(GOOD_SHARE, color="0.5", linestyle="--", linewidth=1, zorder=0)
    for row, share in enumerate(shares):
        place = {"xytext": (4, 0), "textcoords": "offset points", "va": "center"}
        axes.annotate(f"{share:.0%}", (share, row), **place, fontsize=8, bbox=TEXT_BOX)
    axes.set(xlim=(0, 1.05), xlabel=f"dashed: {GOOD_SHARE:.0%}")
    axes.set_title(f"FMA in the inner loop, {architecture}, {dtype}")
    axes.tick_params(axis="y", labelsize=8)
    axes.margins(y=0.01)
    axes.invert_yaxis()
