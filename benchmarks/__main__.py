"""Time minicnn against other engines. README.md in this folder explains the method and shows the last full results."""

import argparse
import json
import signal
import sys
from pathlib import Path

from benchmarks import report
from benchmarks.cases import find
from benchmarks.contenders import CONTENDERS, OURS, add_before
from benchmarks.suite import run

HERE = Path(__file__).parent
QUICK = ("minicnn", "numpy", "torch")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help=f"some cases, fewer rounds, {', '.join(QUICK)} alone")
    parser.add_argument("--only", nargs="+", default=[], metavar="WORD", help="cases with one of these in their names")
    parser.add_argument("--contenders", metavar="NAMES", help=f"some of {','.join(CONTENDERS)}")
    parser.add_argument("--against", type=Path, metavar="CHECKOUT", help="compare with minicnn of another checkout")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write everything there, as JSON")
    parser.add_argument("--list", action="store_true", help="name the cases, time nothing")
    parser.add_argument("--report", type=Path, metavar="FILE", help="write the tables and plots from this JSON")
    options = parser.parse_args()
    if options.report:
        publish(json.loads(options.report.read_text(encoding="utf-8")))
        return
    if options.list:
        print("\n".join(case.key for case in find(options.only, options.quick)))
        return
    names = options.contenders.split(",") if options.contenders else [*(QUICK if options.quick else CONTENDERS)]
    if options.against:
        names = [*("minicnn", "numpy"), *add_before(options.against)]
    if unknown := [name for name in names if name not in CONTENDERS]:
        parser.error(f"there is no contender {unknown[0]!r}; there are {', '.join(CONTENDERS)}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))  # runs all `finally` blocks, to end stopped processes
    found = run(options.only, names, options.quick, lambda record: print(report.line(record), flush=True))
    if not found["cases"]:
        parser.error(f"no case has any of {options.only} in its name; --list names them")
    print(report.summary(found))
    complete = not (options.only or options.quick or options.contenders or options.against)
    for file in filter(None, (options.out, HERE / "results.json" if complete else None)):
        file.write_text(as_text(found), encoding="utf-8")
    if complete:
        publish(found)
    wrong = [r["key"] for r in found["cases"] for name in OURS if "failed" in r["results"].get(name, {})]
    if wrong:
        sys.exit(f"minicnn failed in: {', '.join(wrong)}")


def as_text(found: dict) -> str:
    """Return the results as JSON, with a line for each case."""
    about, peaks = (json.dumps(found[part], ensure_ascii=False) for part in ("about", "peaks"))
    lines = ",\n".join(json.dumps(record, ensure_ascii=False) for record in found["cases"])
    return f'{{"about": {about},\n"peaks": {peaks},\n"cases": [\n{lines}\n]}}\n'


def publish(found: dict) -> None:
    """Write the tables in both READMEs, and the plots."""
    from benchmarks import plots

    report.replace_table(HERE / "README.md", report.tables(found))
    report.replace_table(HERE.parent / "README.md", report.headline(found))
    plots.draw(found, HERE / "plots")


if __name__ == "__main__":
    main()
