"""Draw the three plots of a run: ratios to PyTorch, the roofline, and growth with the problem size."""

from pathlib import Path
from typing import Any

from benchmarks.report import GOALS, geometric_mean, seconds, to_torch

__all__ = ["draw"]

Record = dict[str, Any]
COLOURS = {"minicnn": "#0b6e99", "numpy": "#d98e04", "reference": "#9a9a9a", "torch": "#b5342b"}
NAMES = {"minicnn": "minicnn", "numpy": "minicnn, NumPy only", "reference": "minicnn, reference", "torch": "PyTorch"}


def draw(found: Record, folder: Path) -> None:
    """Write ratios.png, roofline.png and growth.png."""
    import matplotlib as mpl

    mpl.use("Agg")
    style = {"font.size": 9, "axes.spines.top": False, "axes.spines.right": False, "figure.dpi": 150}
    folder.mkdir(exist_ok=True)
    with mpl.rc_context(style):
        for name, picture in {"ratios": ratios, "roofline": roofline, "growth": growth}.items():
            figure = picture(found)
            figure.savefig(folder / f"{name}.png", bbox_inches="tight")
            mpl.pyplot.close(figure)


def ratios(found: Record) -> Any:
    """Draw a row for each goal: a dot for each case, and a bar at the geometric mean."""
    import matplotlib.pyplot as plt

    goals = [g for g in GOALS if g.contender == "minicnn"]
    figure, axes = plt.subplots(figsize=(8, 5.2))
    for row, goal in enumerate(reversed(goals)):
        for shift, name in ((0.17, "minicnn"), (-0.17, "numpy")):
            values = [x for r in found["cases"] if goal.chosen(r) and (x := to_torch(r, name)) is not None]
            if values:
                axes.plot(values, [row + shift] * len(values), "o", ms=4, alpha=0.55, mew=0, color=COLOURS[name])
                axes.plot(geometric_mean(values), row + shift, "|", ms=15, mew=2.5, color=COLOURS[name])
        axes.plot([goal.reach] * 2, [row - 0.4, row + 0.4], color="black", lw=1, ls=":")
    axes.axvline(1, color=COLOURS["torch"], lw=1)
    axes.set_xscale("log")
    axes.set_xticks([0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20], ["0.05", "0.1", "0.2", "0.5", "1", "2", "5", "10", "20"])
    axes.minorticks_off()
    axes.set_yticks(range(len(goals)), [g.title for g in reversed(goals)])
    axes.set_xlabel("time (memory) over that of PyTorch at its best: left of the red line, minicnn is ahead")
    axes.grid(axis="x", alpha=0.2)
    dot = {"marker": "o", "ls": "", "ms": 5}
    handles = [plt.Line2D([], [], **dot, color=COLOURS[n], label=NAMES[n]) for n in ("minicnn", "numpy")]
    handles.append(plt.Line2D([], [], color="black", marker="|", ls="", ms=11, mew=2, label="geometric mean"))
    handles.append(plt.Line2D([], [], color="black", lw=1, ls=":", label="to reach"))
    figure.legend(handles=handles, loc="lower center", ncol=4, frameon=False, bbox_to_anchor=(0.5, -0.06))
    return figure


def roofline(found: Record) -> Any:
    """Draw GFLOP/s over FLOP per byte for every convolution, and the limits of the machine."""
    import matplotlib.pyplot as plt

    peak, bandwidth = found["peaks"]["flop_per_s"], found["peaks"]["bytes_per_s"]
    figure, panels = plt.subplots(1, 2, figsize=(9, 4), sharey=True)
    for axes, backward in zip(panels, (False, True), strict=True):
        chosen = [r for r in found["cases"] if r["group"] == "conv" and r["backward"] == backward]
        intensity = [r["flops"] / r["bytes"] for r in chosen]
        roof = sorted([min(intensity, default=1) / 1.5, peak / bandwidth, max(intensity, default=100) * 1.5])
        axes.plot(roof, [min(peak, bandwidth * x) / 1e9 for x in roof], color="black", lw=1)
        for name, marker in (("torch", "x"), ("numpy", "."), ("minicnn", "o")):
            times = [(x, r["flops"], seconds(r, name)) for x, r in zip(intensity, chosen, strict=True)]
            points = [(x, flops / s / 1e9) for x, flops, s in times if s]
            if points:
                look = {"ms": 5, "ls": "", "alpha": 0.8, "color": COLOURS[name], "label": NAMES[name]}
                axes.plot(*zip(*points, strict=True), marker, **look)
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.xaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_major_formatter("{x:g}")
        axes.set_title("forward + backward" if backward else "forward", fontsize=9, loc="left")
        axes.set_xlabel("FLOP a byte, if each array moved once")
        axes.grid(alpha=0.15, which="both")
    panels[0].set_ylabel("GFLOP/s of the definition")
    note = f"roof: {bandwidth / 1e9:.0f} GB/s, a copy;\n{peak / 1e9:.0f} GFLOP/s, the fastest matrix product"
    panels[0].text(0.03, 0.97, note, transform=panels[0].transAxes, va="top", fontsize=8)
    panels[0].set_ylim(top=5 * peak / 1e9)  # room for Winograd: with fewer operations, it is above the roof
    panels[1].legend(frameon=False, loc="lower right")
    figure.tight_layout()
    return figure


def growth(found: Record) -> Any:
    """Draw time per image and per pixel, and the speedup of a second thread."""
    import matplotlib.pyplot as plt

    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(11, 3.6))
    cases = found["cases"]
    generator = ("growth: CNNGenerator", "training: CNNGenerator")
    batches = [r for r in cases if r["key"].startswith(generator) and r["threads"] > 1]
    pixels = [r for r in cases if r["key"].startswith("growth: residual denoiser") and not r["backward"]]
    for axes, chosen, number, share, title in (
        (left, batches, _batch, _batch, "CNNGenerator, training step: µs an image"),
        (middle, pixels, _side, lambda r: _side(r) ** 2 / 1e3, "residual denoiser, inference: µs for 1,000 pixels"),
    ):
        for name in ("minicnn", "numpy", "torch"):
            points = sorted((number(r), s / share(r) * 1e6) for r in chosen if (s := seconds(r, name)))
            if points:
                axes.plot(*zip(*points, strict=True), "o-", ms=4, color=COLOURS[name], label=NAMES[name])
        axes.set_xscale("log", base=2)
        axes.set_yscale("log")
        ticks = sorted({number(r) for r in chosen})
        axes.set_xticks(ticks, map(str, ticks))
        axes.set_title(title, fontsize=9, loc="left")
        axes.grid(alpha=0.15, which="both")
    left.set_xlabel("images in the batch")
    middle.set_xlabel("pixels a side")
    left.legend(frameon=False)
    _second_thread(right, cases)
    figure.tight_layout()
    return figure


def _second_thread(axes: Any, cases: list[Record]) -> None:
    alone = [r for r in cases if r["group"] == "growth" and r["threads"] == 1]
    plain = {(r["name"], r["backward"]): r for r in cases if r.get("threads", 1) > 1}
    names = ("minicnn", "numpy", "torch")
    for i, name in enumerate(names):
        gains = [_gain(r, plain.get((r["name"], r["backward"])), name) for r in alone]
        axes.barh([y + (i - 1) * 0.26 for y in range(len(alone))], gains, 0.24, color=COLOURS[name])
    labels = [r["key"].removeprefix("growth: ").removesuffix(", 1 thread").replace(", ", "\n") for r in alone]
    axes.set_yticks(range(len(alone)), labels, fontsize=7)
    axes.invert_yaxis()
    axes.axvline(2, color="black", lw=1, ls=":")
    axes.set_title("times faster with a second thread", fontsize=9, loc="left")


def _gain(alone: Record, plain: Record | None, name: str) -> float:
    one, two = seconds(alone, name), plain and seconds(plain, name)
    return one / two if one and two else 0.0


def _batch(record: Record) -> int:
    return int(record["name"].partition(", ")[2].partition(" ")[0])


def _side(record: Record) -> int:
    return int(record["name"].rpartition(" ")[2].rstrip("²"))
