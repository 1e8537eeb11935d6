"""Format the results of a run as text: the lines during the run, the summary, and the tables in README.md."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import exp, log
from pathlib import Path
from statistics import median

from benchmarks.contenders import BEFORE, CONTENDERS, OURS, PEERS
from benchmarks.suite import Record, disturbed

__all__ = [
    "GOALS",
    "Goal",
    "geometric_mean",
    "headline",
    "line",
    "ratio",
    "replace_table",
    "seconds",
    "summary",
    "tables",
    "to_torch",
]

BEGIN, END = "<!-- made by: make bench -->", "<!-- end of what was made -->"


@dataclass(frozen=True)
class Goal:
    """A group of cases and the target for its geometric mean; `each` is the upper limit for every single case."""

    title: str
    reach: float
    chosen: Callable[[Record], bool]
    contender: str = "minicnn"
    each: float | None = None


GOALS = [
    Goal(
        "training step of CNNGenerator at batch 64",
        0.45,
        lambda r: r["key"] == "training: CNNGenerator, 64 of 32², step",
    ),
    Goal("all whole training steps", 0.7, lambda r: r["group"] == "training"),
    Goal("inference", 0.7, lambda r: r["group"] == "inference"),
    Goal("convolution, forward", 0.8, lambda r: r["group"] == "conv" and not r["backward"], each=1.5),
    Goal("convolution, forward + backward", 0.9, lambda r: r["group"] == "conv" and r["backward"], each=1.5),
    Goal("pooling, both ways", 0.4, lambda r: r["group"] == "pool"),
    Goal("batch norm, both ways", 0.8, lambda r: r["group"] == "batch norm"),
    Goal("activations and losses, both ways", 1.0, lambda r: r["group"] == "one pass"),
    Goal("op on one element, forward + backward", 2.0, lambda r: r["group"] == "one element"),
    Goal("peak memory of training steps", 1.0, lambda r: r["group"] == "memory"),
    Goal("the training steps on NumPy kernels only", 2.0, lambda r: r["group"] == "training", contender="numpy"),
]
PEER_REACH = 5.0  # times faster than every peer

HEADINGS = {
    "training": "Training steps",
    "inference": "Inference",
    "conv": "Convolution",
    "pool": "Pooling",
    "batch norm": "Batch norm",
    "one pass": "Activations and losses",
    "one element": "Operations on one element",
    "memory": "Peak memory of training steps",
    "growth": "Growth with the batch, the picture and the threads",
}


# --- figures ------------------------------------------------------------------------------------------------


def seconds(record: Record, name: str) -> float | None:
    """Return the median time of a contender in seconds; None without times."""
    result = record["results"].get(name, {})
    return median(result["turns"]) if result.get("turns") and "failed" not in result else None


def ratio(record: Record, name: str, to: str) -> float | None:
    """Return the time (or memory) of `name` over that of `to`: the median over their common rounds."""
    ours, theirs = (record["results"].get(n, {}) for n in (name, to))
    if "failed" in ours or "failed" in theirs:
        return None
    if "bytes" in ours and "bytes" in theirs:
        return float(ours["bytes"] / theirs["bytes"])
    if not ours.get("turns") or not theirs.get("turns"):
        return None
    return median(a / b for a, b in zip(ours["turns"], theirs["turns"], strict=False))


def at_least(record: Record, name: str) -> float | None:
    """Return the time of a peer over that of minicnn; a lower bound if the peer ran into the time limit."""
    longer, ours = record["results"].get(name, {}).get("longer"), seconds(record, "minicnn")
    return longer / ours if longer and ours else ratio(record, name, "minicnn")


def to_torch(record: Record, name: str = "minicnn") -> float | None:
    """Return the ratio to PyTorch at its best; for memory, to the setting of PyTorch that needs less."""
    ways = ("torch", "torch-default") if record["group"] == "memory" else ("torch",)
    return max((r for way in ways if (r := ratio(record, name, way)) is not None), default=None)


def geometric_mean(values: list[float]) -> float | None:
    return exp(sum(map(log, values)) / len(values)) if values else None


def worst_error(record: Record, name: str) -> float | None:
    return max(record["results"].get(name, {}).get("errors", {}).values(), default=None)


def _figure(value: float | None, bold: bool = False) -> str:
    if value is None:
        return "–"
    text = f"{value:.2f}" if value < 10 else f"{value:.0f}"
    return f"**{text}**" if bold else text


def _error(value: float | None) -> str:
    return "–" if value is None else f"{value:.0e}".replace("e-0", "e-")


# --- while it runs ------------------------------------------------------------------------------------------


def line(record: Record) -> str:
    """Return the results of a case as lines of text."""
    parts = []
    for name, result in record["results"].items():
        time = seconds(record, name)
        if time is None:
            size = f"{result['bytes'] / 2**20:.0f} MiB" if "bytes" in result else ""
            longer = f"more than {result['longer']:.0f} s" if "longer" in result else ""
            parts.append(f"{name} {result.get('failed') or result.get('skipped') or longer or size}")
            continue
        text = f"{name} {time * 1e3:.3g} ms"
        if name != "torch" and (r := ratio(record, name, "torch")):
            text += f" = {r:.2f}"
        if record.get("flops") and record["group"] != "one element":
            text += f", {record['flops'] / time / 1e9:.0f} GFLOP/s"
        if (error := worst_error(record, name)) is not None:
            text += f", error {_error(error)}"
        parts.append(text)
    if disturbed(record):
        parts.append("DISTURBED by others on this machine")
    taken = record["results"].get("minicnn", {}).get("kernels", {})
    kernels = ", ".join(f"{operation} {kernel}" for operation, kernel in taken.items() if "reference" not in kernel)
    return f"{record['key']}\n    {' | '.join(parts)}" + (f"\n    {kernels}" if kernels else "")


# --- the summary --------------------------------------------------------------------------------------------


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [f"| {' | '.join(head)} |", "|---|" + "--:|" * (len(head) - 1)]
    return "\n".join(lines + [f"| {' | '.join(row)} |" for row in rows])


def _goal(goal: Goal, cases: list[Record]) -> list[str] | None:
    """Return a row of the summary; None without results."""
    chosen = [r for r in cases if goal.chosen(r)]
    ratios = {r["key"]: value for r in chosen if (value := to_torch(r, goal.contender)) is not None}
    mean = geometric_mean(list(ratios.values()))
    if mean is None:
        return None
    worst = max(ratios, key=ratios.__getitem__)
    reached = mean <= goal.reach and (goal.each is None or ratios[worst] <= goal.each)
    lost = len(chosen) - len(ratios)
    count = f"{len(ratios)}" + (f", {lost} without a result" if lost else "")
    as_it_comes = [x for r in chosen if (x := ratio(r, goal.contender, "torch-default")) is not None]
    reach = f"≤ {goal.reach}" + (f", none above {goal.each}" if goal.each else "")
    return [
        goal.title,
        reach,
        f"{_figure(mean, bold=True)} {'✓' if reached else '✗'}",
        _figure(geometric_mean(as_it_comes)),
        f"{_figure(ratios[worst])} ({worst.partition(': ')[2]})" if len(ratios) > 1 else "",
        count,
    ]


def _against_peers(cases: list[Record]) -> Iterator[list[str]]:
    chosen = [r for r in cases if r["group"] == "conv" and r["backward"]]
    for name in PEERS:
        ratios = {r["key"]: x for r in chosen if (x := at_least(r, name)) is not None}
        if not ratios:
            continue
        least = min(ratios, key=ratios.__getitem__)
        mean = geometric_mean(list(ratios.values()))
        reached = "✓" if ratios[least] >= PEER_REACH else "✗"
        nearest = f"{_figure(ratios[least])} {reached} ({least.partition(': ')[2].partition(', forward')[0]})"
        yield [CONTENDERS[name].title, f"≥ {PEER_REACH:.0f}", _figure(mean, bold=True), nearest, str(len(ratios))]


def _against_before(cases: list[Record]) -> Iterator[list[str]]:
    """Yield a row for each goal: the time of this checkout over the time of the other checkout."""
    for goal in GOALS:
        name = goal.contender
        chosen = [r for r in cases if goal.chosen(r)]
        ratios = {r["key"]: x for r in chosen if (x := ratio(r, name, BEFORE + name)) is not None}
        if ratios:
            worst = max(ratios, key=ratios.__getitem__)
            mean = geometric_mean(list(ratios.values()))
            yield [goal.title, _figure(mean, bold=True), f"{_figure(ratios[worst])} ({worst.partition(': ')[2]})"]


def summary(found: Record) -> str:
    """Return a table of goals and results, in Markdown."""
    cases = found["cases"]
    goals = [row for goal in GOALS if (row := _goal(goal, cases))]
    parts = []
    if goals:
        head = ["time (memory) over PyTorch's", "to reach", "reached", "PyTorch as it comes", "worst case", "cases"]
        parts.append(_table(head, goals))
    if peers := list(_against_peers(cases)):
        head = ["convolution, forward + backward: time over minicnn's", "to reach", "mean", "least", "cases"]
        parts.append(_table(head, peers))
    if before := list(_against_before(cases)):
        parts.append(_table(["time (memory) over that of the other checkout", "mean", "worst case"], before))
    if trouble := sum(map(disturbed, cases)):
        parts.append(
            f"**Do not quote this run**: in {trouble} cases (marked †) another program used the processors, from which "
            "engines that wait for all of their threads suffer most."
        )
    return "\n\n".join(parts)


def headline(found: Record) -> str:
    """Return the table for the project's README: the geometric means, and the machine."""
    about, rows = found["about"], [row for goal in GOALS if (row := _goal(goal, found["cases"]))]
    rows = [[title, mean.split()[0], default, worst or "–"] for title, _, mean, default, worst, _ in rows]
    torch, numpy = about["versions"].get("torch", {}).get("library"), about["versions"].get("minicnn", {}).get("NumPy")
    where = f"{about['cpu']} ({about['simd']}), {about['threads']} threads, PyTorch {torch}, NumPy {numpy}"
    head = ["time (memory) over PyTorch's", "at its best", "as it comes", "worst case, at its best"]
    return f"{_table(head, rows)}\n\n{where}, {about['date'].partition(' ')[0]}."


# --- everything ---------------------------------------------------------------------------------------------


def tables(found: Record) -> str:
    """Return the results for benchmarks/README.md: machine, summary, every case, errors, imports."""
    parts = [_machine(found), summary(found)]
    for group, heading in HEADINGS.items():
        chosen = [r for r in found["cases"] if r["group"] == group]
        if chosen:
            make = _memory if group == "memory" else _cases
            parts += [f"### {heading}", make(chosen)]
    parts += [section for make in (_peers, _errors, _imports) if (section := make(found["cases"]))]
    return "\n\n".join(parts) + "\n"


def _machine(found: Record) -> str:
    about, peaks, versions = found["about"], found["peaks"], found["about"]["versions"]
    others = {n: v["library"] for n, v in versions.items() if n != "torch-default" and n not in OURS}
    libraries = [f"{CONTENDERS[n].title.partition(' at ')[0]} {v}" for n, v in others.items()]
    ours = versions.get("minicnn", {})
    absent = "".join(f" {CONTENDERS[n].title} did not compete: {reason}." for n, reason in about["absent"].items())
    return (
        f"{about['date']}, commit {about['commit']}: {about['cpu']} ({about['simd']}), {about['cores']} cores, "
        f"{about['threads']} threads, {about['gigabytes']} GB, {about['system']}, {about['compiler']}, "
        f"Python {ours.get('Python')}, NumPy {ours.get('NumPy')}, {', '.join(libraries)}.{absent} "
        f"The fastest matrix product (2048³, NumPy's or PyTorch's) reached {peaks['flop_per_s'] / 1e9:.0f} GFLOP/s, "
        f"a copy {peaks['bytes_per_s'] / 1e9:.0f} GB/s. The run took {about['minutes']:.0f} minutes."
    )


def _cell(record: Record, name: str) -> str:
    result = record["results"].get(name, {})
    return result.get("failed") or _figure(to_torch(record, name), bold=name == "minicnn")


def _cases(records: list[Record]) -> str:
    """Return a table of ratios to PyTorch at its best, and PyTorch's time."""
    rows = []
    rated = any(r["flops"] for r in records) and records[0]["group"] != "one element"
    for r in records:
        ours, theirs = seconds(r, "minicnn"), seconds(r, "torch")
        rate = f"{r['flops'] / ours / 1e9:.0f}" if r["flops"] and ours else "–"
        rows.append(
            [
                r["key"].partition(": ")[2] + " †" * disturbed(r),
                *(_cell(r, name) for name in ("minicnn", "numpy", "reference", "torch-default")),
                f"{theirs * 1e3:.3g}" if theirs else r["results"].get("torch", {}).get("failed", "–"),
                *([rate] if rated else []),
                _error(worst_error(r, "minicnn")),
                _error(worst_error(r, "torch")),
            ]
        )
    head = ["", "minicnn", "NumPy only", "reference", "PyTorch as it comes", "PyTorch, ms"]
    return _table([*head, *(["GFLOP/s"] if rated else []), "error", "PyTorch's error"], rows)


def _memory(records: list[Record]) -> str:
    names = ("minicnn", "numpy", "torch", "torch-default")
    rows = []
    for r in records:
        sizes = [f"{size / 2**20:.0f}" if (size := r["results"].get(n, {}).get("bytes")) else "–" for n in names]
        rows.append([r["name"], *sizes, _figure(to_torch(r), bold=True)])
    return _table(["MiB", *(CONTENDERS[n].title for n in names), "minicnn / the leaner PyTorch"], rows)


def _peers(cases: list[Record]) -> str:
    """Return a table with the time of each peer over that of minicnn."""
    chosen = [r for r in cases if r["group"] == "conv" and r["backward"]]
    present = [n for n in PEERS if any(n in r["results"] for r in chosen)]
    if not present:
        return ""
    rows = []
    for r in chosen:
        ours = seconds(r, "minicnn")
        results = {n: r["results"].get(n, {}) for n in present}
        reasons = {n: result.get("skipped") or result.get("failed") for n, result in results.items()}
        more = {n: "> " * ("longer" in results[n]) for n in present}
        cells = [reasons[n] or more[n] + _figure(at_least(r, n)) for n in present]
        rows.append([r["name"] + " †" * disturbed(r), f"{ours * 1e3:.3g}" if ours else "–", *cells])
    head = ["forward + backward: time over minicnn's", "minicnn, ms", *(CONTENDERS[n].title for n in present)]
    return f"### Convolution in other engines\n\n{_table(head, rows)}"


def _kernel(part: str, transposed: bool, kernels: dict[str, str]) -> tuple[str, str] | None:
    """Return the operation and the kernel that computed a part of a convolution's results."""
    forward = ("conv_input_grad", "conv_transpose_bias") if transposed else ("conv", "conv_bias")
    back = ("conv",) if transposed else ("conv_input_grad",)
    makers = {"output": forward, "gradient of input": back, "gradient of weight": ("conv_weight_grad",)}
    known = [(o, kernels[o]) for o in makers.get(part, ()) if o in kernels]
    fast = [pair for pair in known if not pair[1].startswith("reference")]  # the fast kernel did the work
    return next(iter(fast or known[-1:]), None)


def _errors(cases: list[Record]) -> str:
    """Return tables of the largest errors: for each kernel of a convolution, and for each contender and group."""
    worst: dict[tuple[str, str], list[float]] = {}
    for r in cases:
        if r["group"] not in ("conv", "growth"):
            continue
        for name in OURS:
            result = r["results"].get(name, {})
            for part, error in result.get("errors", {}).items():
                if taken := _kernel(part, r["name"].startswith("transposed"), result.get("kernels", {})):
                    worst.setdefault(taken, []).append(error)
    kernels = [[f"`{o}` {k}", _error(max(e)), str(len(e))] for (o, k), e in sorted(worst.items())]
    names = [*OURS, "torch", *(n for n in PEERS if any(n in r["results"] for r in cases))]
    groups = []
    for group in ("conv", "pool", "batch norm", "one pass", "training", "inference"):
        chosen = [r for r in cases if r["group"] == group]
        errors = [max((e for r in chosen if (e := worst_error(r, n)) is not None), default=None) for n in names]
        groups.append([HEADINGS[group], *map(_error, errors)])
    return (
        "### Errors\n\nThe norm of the difference to the float64 result, over that result's norm; the worst case.\n\n"
        + _table(["", *(CONTENDERS[n].title for n in names)], groups)
        + (f"\n\n{_table(['kernel', 'worst error', 'cases'], kernels)}" if kernels else "")
    )


def _imports(cases: list[Record]) -> str:
    found = [r for r in cases if r["group"] == "import"]
    if not found:
        return ""
    rows = sorted(((seconds(found[0], n), n) for n in found[0]["results"]), key=lambda row: row[0] or 0.0)
    titles = {"nothing": "Python alone", "numpy": "NumPy", "torch": "PyTorch"}
    cells = [[titles.get(n, CONTENDERS[n].title if n in CONTENDERS else n), f"{(s or 0) * 1e3:.0f}"] for s, n in rows]
    return f"### Import\n\n{_table(['a Python that imports it and ends', 'ms'], cells)}"


def replace_table(page: Path, text: str) -> None:
    """Replace the text between the markers of a page."""
    before, begin, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{page} has no lines {BEGIN!r} and {END!r} to put the table between")
    page.write_text(f"{before}{begin}\n{text}\n{end}{after}", encoding="utf-8")
