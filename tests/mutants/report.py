"""Write docs/mutants.md: the killed mutants of each part, and the reasons for the others."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

from tests.mutants.mutants import Mutant

HEAD = """# Do the tests notice faults?

`make mutants` puts small faults (mutants) into the sources, one at a time, and runs the tests. A mutant that no test
notices shows a hole in the tests. The mutator exchanges operators (`+` and `-`, `<` and `<=`, `&&` and `||`, ...),
changes integers by 1, exchanges minimum and maximum, and removes `continue` and early returns. It works on the C++ and
CUDA kernels and on the Python code of ops, autograd, optim, nn and imaging. The tests of the changed file run first.
For Python, the other tests of the part follow. For the CPU kernels, the compiler's sanitizers follow: an access beyond
an array often changes no result.

A mutant is *equivalent* if the compiler makes the same machine code, or if `tests/mutants/explained.json` says why it
changes no result. A mutant with an endless loop counts as killed. Mutants that do not compile are left out.

The Python package mutmut 3.8 does not fit here: it skips decorated functions and all code outside of functions. Our
primitives are decorated, and the gradient rules are lambdas at module level. In `minicnn/ops/conv.py` mutmut changes
only the helpers `padded` and `_grouped`, and nothing of the three convolutions.

"""

AFTER = """Some mutants lived at
first. New tests kill them now, and the table counts them as killed. In a new sample others may live."""

Change = tuple[str, str, int, str, str]  # file, text of the line, place in it, what stood there, what stands there


def change_of(mutant: Mutant) -> Change:
    return mutant.file, mutant.text, mutant.column, mutant.before, mutant.after


def explanations(root: Path) -> dict[Change, str]:
    """Return the reason why a mutant changes no result."""
    entries = json.loads((root / "tests" / "mutants" / "explained.json").read_text(encoding="utf-8"))
    return {(e["file"], e["text"], e["column"], e["before"], e["after"]): e["why"] for e in entries}


def write(root: Path, mutants_of: dict[str, list[Mutant]], known: dict[str, dict[str, Any]]) -> str:
    """Write docs/mutants.md about all mutants with a result, and return its table."""
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
