"""Tell which of the names that PyTorch programs use minicnn has, and list its functions: `make surface`.

`surface.tsv` counts the names that 54 public repositories of this field use (those in two or more of them). A name is
there if it can be found under `minicnn` instead of `torch`; a keyword, if the signature takes it. Those that are not
there stand in ABSENT with a reason. docs/surface.md gets the result, and a table of all functions with the number of
PyTorch's recorded results that they are compared with.
"""

import csv
import importlib
import inspect
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import minicnn
from minicnn.autograd.primitive import primitives
from minicnn.runtime.devices import CPU
from minicnn.runtime.dispatch import kernels
from tests.oracles.calls import TOPICS

__all__ = ["ABSENT", "Name", "read", "report"]

FOLDER = Path(__file__).parent
PAGE = FOLDER.parents[1] / "docs" / "surface.md"

ABSENT = {  # the beginning of a name -> why it is not there
    r"torch\.distributed\.": "training runs in one process",
    r"torch\.cuda\.(Event|Stream|current_stream|stream)": "kernels run one after another, on one stream",
    r"torch\.utils\.cpp_extension\.": "builds extensions of PyTorch itself",
    r"torch\.(library|_utils|utils\._pytree)\.": "inner parts of PyTorch",
    r"\.(cov|cumprod|rot90|allclose|isclose|flip)\((rowvar|axis|k|atol|rel_tol)=\)": "a keyword of NumPy or of Python",
    r"torch\.ByteTensor\(size=\)": "sizes have no name in PyTorch either",
}
HOMES = (minicnn.Tensor, minicnn.nn.Module, minicnn.nn.Sequential, minicnn.optim.Optimizer)
MODULES = ("", "nn.functional", "linalg", "fft", "nn", "nn.init", "nn.utils", "nn.utils.parametrizations")
MODULES += ("nn.utils.prune", "nn.utils.rnn", "optim", "optim.lr_scheduler", "optim.swa_utils", "distributions")
MODULES += ("autograd.functional", "func", "special")


class Name(NamedTuple):
    """A name that programs use: its kind, how many repositories use it, and how often."""

    kind: str
    name: str
    repositories: int
    uses: int

    @property
    def is_there(self) -> bool:
        """Whether minicnn has it."""
        if self.kind == "method":
            return any(hasattr(home, self.name.strip(".()")) for home in HOMES)
        path, _, keyword = self.name.rstrip("=)").partition("(")
        try:
            things = [_find(path)] if path[0] != "." else [getattr(h, path[1:]) for h in HOMES if hasattr(h, path[1:])]
        except AttributeError:
            return False
        return bool(things) if not keyword else any(_takes(thing, keyword) for thing in things)

    @property
    def reason(self) -> str:
        """Why it is not there."""
        return next((reason for beginning, reason in ABSENT.items() if re.match(beginning, self.name)), "")


def _find(path: str) -> Any:
    thing: Any = minicnn
    for part in path.split(".")[1:]:
        thing = getattr(thing, part)
    return thing


def _takes(function: Any, keyword: str) -> bool:
    if keyword in ("axis", "keepdims") and inspect.unwrap(function) is not function:  # `numpy_names` wraps it
        return True
    try:
        parameters = inspect.signature(function).parameters
    except ValueError:
        return True
    return keyword in parameters or any(p.kind is p.VAR_KEYWORD for p in parameters.values())


def read() -> list[Name]:
    """Return the names, the most used ones first."""
    with (FOLDER / "surface.tsv").open(encoding="utf-8") as file:
        rows = [row for row in csv.reader(file, delimiter="\t") if len(row) == 4]
    return [Name(kind, name, int(repositories), int(uses)) for kind, name, repositories, uses in rows]


def report(names: list[Name]) -> list[str]:
    """Return the lines of the report."""
    missing = [name for name in names if not name.is_there]
    lines = ["| kind | names | there | share of the uses |", "|---|---|---|---|"]
    for kind in (*dict.fromkeys(name.kind for name in names), "all"):
        group = [name for name in names if kind in (name.kind, "all")]
        there = [name for name in group if name.is_there]
        share = sum(n.uses for n in there) / sum(n.uses for n in group)
        lines.append(f"| {kind} | {len(group)} | {len(there)} | {share:.2%} |")
    lines += ["", "Not there:", ""]
    for reason in dict.fromkeys(name.reason for name in missing):
        found = ", ".join(f"`{n.name}` ({n.repositories})" for n in missing if n.reason == reason)
        lines.append(f"- {reason or 'MISSING'}: {found}")
    return lines


# --- the table of functions ---------------------------------------------------------------------------------------


def _rows() -> Iterator[str]:
    """Yield a row for each public function and class, with the checks that it has."""
    calls, gradients = Counter[str](), Counter[str]()
    for topic in TOPICS.values():
        for call in topic.CALLS:
            words = set(re.findall(r"[A-Za-z_]\w*", call))
            calls.update(words)
            if "gradients(" in call:
                gradients.update(words)
    known = primitives()
    for module in MODULES:
        owner = importlib.import_module(".".join(filter(None, ("minicnn", module))))
        for name in sorted(owner.__all__):
            thing = getattr(owner, name)
            if not callable(thing) or (inspect.isclass(thing) and issubclass(thing, Exception)):
                continue
            primitive = name if name in known and not inspect.isclass(thing) else ""
            rungs = ", ".join(k.name for k in kernels(name, CPU)) if primitive else ""
            title = ".".join(filter(None, (module, name)))
            yield f"| `{title}` | {calls[name] or ''} | {gradients[name] or ''} | {rungs} |"


def main() -> None:
    """Print the report, and write docs/surface.md."""
    lines = report(read())
    print("\n".join(lines))
    text = [
        "# The surface",
        "",
        "`make surface` writes this page. 54 public repositories of this field (GANs, VAEs, diffusion,",
        "super-resolution, denoising, style transfer, U-Nets, classifiers) use the names below; each name is used by",
        "two or more. The number of repositories that use a name stands in brackets. `tests/test_signatures.py`",
        "compares the signatures of all functions, classes and methods with PyTorch's, and lists the differences.",
        "",
        *lines,
        "",
        "## Functions and classes",
        "",
        "*calls*: how many recorded results of PyTorch use the name (`tests/oracles/calls/`); *gradients*: how many",
        "of them compare first and second gradients. *kernels*: the kernels of a primitive on a CPU, the fastest",
        "first. The generic tests check each of them, and gradients to second order, on every device.",
        "",
        "| name | calls | gradients | kernels |",
        "|---|---|---|---|",
        *_rows(),
    ]
    PAGE.write_text("\n".join(text) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
