"""docs/mutants.md: how many mutants of each part the tests kill, and why the others live."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

from tests.mutants.mutants import Mutant

HEAD = """# Do the tests notice faults?

`make mutants` puts small faults into the sources, one at a time, and runs the tests: a fault that no test notices is a
hole in the tests. It exchanges operators (`+` and `-`, `<` and `<=`, `&&` and `||`, ...), moves whole numbers by one,
exchanges minimum and maximum, and leaves out `continue` and early returns. It mutates the C++ and CUDA kernels and the
Python of ops, autograd, optim, nn and imaging. First the tests of the mutated file run, and for Python those of its
whole part after them.

A mutant is *equivalent* if the compiler makes the same machine code of it, or if `tests/mutants/explained.json` says
why it changes no result. A fault that ends in an endless loop counts as killed. What does not compile is left out.
Where a longer loop would run beyond an array, C++ does not define what happens, so that is left out too.

The Python package mutmut 3.8 was tried first and does not fit: it leaves out every decorated function and all code
outside of functions. Here the primitives are decorated and the gradient rules are lambdas at the level of the module:
of `minicnn/ops/conv.py` it mutates the helpers `padded` and `_grouped` and nothing of the three convolutions.

"""

AFTER = """Tests were added for mutants that lived at
first, and the table counts these as killed: in a new sample some may live."""

Change = tuple[str, str, int, str, str]  # file, text of the line, place in it, what stood there, what stands there


def change_of(mutant: Mutant) -> Change:
    return mutant.file, mutant.text, mutant.column, mutant.before, mutant.after


def explanations(root: Path) -> dict[Change, str]:
    """Why a mutant changes no result."""
    entries = json.loads((root / "tests" / "mutants" / "explained.json").read_text(encoding="utf-8"))
    return {(e["file"], e["text"], e["column"], e["before"], e["after"]): e["why"] for e in entries}


def write(root: Path, mutants_of: dict[str, list[Mutant]], known: dict[str, dict[str, Any]]) -> str:
    """Write docs/mutants.md about all mutants that were judged, and return its table."""
    reasons, lines, lived, equal = explanations(root), [], [], []
    for part, mutants in mutants_of.items():
        counts: Counter[str] = Counter()
        for m in mutants:
            entry = known.get(m.key)
            if entry is None or entry["text"] != m.text:
                continue
            verdict = entry["verdict"]
            why = reasons.get(change_of(m))
            if verdict == "survived" and why:
                verdict = "explained"
                equal.append(f"- `{m.file}`: in `{m.text}`, `{m.before}` becomes `{m.after or 'nothing'}`: {why}")
            elif verdict == "survived":
                lived.append(f"- `{m.file}`: in `{m.text}`, `{m.before}` becomes `{m.after or 'nothing'}`")
            counts[verdict] += 1
        killed, judged = counts["killed"] + counts["timeout"], sum(counts.values()) - counts["invalid"]
        different = judged - counts["equivalent"] - counts["explained"]
        share = f"{100 * killed / different:.0f} %" if different else "–"
        row = (part, judged, counts["killed"], counts["timeout"], counts["survived"])
        lines.append("| " + " | ".join(map(str, (*row, counts["equivalent"] + counts["explained"], share))) + " |")
    table = "\n".join(
        [
            "| part | mutants | killed | endless | survived | equivalent | killed of those that differ |",
            "|---|---|---|---|---|---|---|",
            *lines,
        ]
    )
    text = HEAD + f"## Results\n\nEach part was sampled at random, with a seed. {AFTER}\n\n{table}\n"
    text += "\n## Mutants that live\n\n" + ("\n".join(lived) or "None.") + "\n"
    text += "\n## Mutants that change no result\n\n" + ("\n".join(equal) or "None.") + "\n"
    (root / "docs" / "mutants.md").write_text(text, encoding="utf-8")
    return table
