"""Put small faults (mutants) into the sources, one at a time, and run the tests to see whether they fail.

    python -m tests.mutants [part ...] [--sample N] [--seed S] [--again] [--file NAME] [--report]

A part is cpu, cuda, ops, autograd, optim, nn or imaging; without one, all of them. The results are kept in
runs/mutants.jsonl, so an interrupted run goes on where it was; a larger sample with the same seed contains the smaller.
docs/mutants.md is written anew at the end.
"""

import argparse
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from minicnn.backends.build import REFUSED
from tests.mutants.mutants import Mutant, mutants_of
from tests.mutants.parts import PARTS, WHOLE, files_of, tests_of
from tests.mutants.report import change_of, explanations, write

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "runs" / "mutants.jsonl"
SAMPLE = 30  # of each part
PATIENCE = 3  # times as long as the tests take without a mutant
MEMORY = 16 << 30  # bytes of addresses: a wrong size ends the process and not the machine


def _prepare(tests: list[str]) -> None:
    """Limit the memory, and accept Ctrl-C: a shell makes its background processes ignore it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    if tests != WHOLE["cpu"]:  # sanitizers reserve terabytes of addresses
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


class Sandbox:
    """A copy of the project; mutants change the sources of the copy."""

    def __init__(self, folder: Path) -> None:
        self.root, self.cache = folder / "project", folder / "cache"
        self.root.mkdir()
        for name in ("minicnn", "kernels", "tests"):
            shutil.copytree(ROOT / name, self.root / name, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "pyproject.toml", self.root)
        for name in ("docs", "README.md", "CHANGELOG.md"):
            (self.root / name).symlink_to(ROOT / name)
        compiler = folder / "compiler"
        compiler.write_text('#!/bin/sh\nexec g++ "$@" -O1\n')
        compiler.chmod(0o755)
        self.environment = {
            **os.environ,
            "CXX": str(compiler),
            "XDG_CACHE_HOME": str(self.cache),
            "PYTHONPATH": str(self.root),
            "PYTHONDONTWRITEBYTECODE": "1",
            "OPENBLAS_NUM_THREADS": "1",
            "OMP_NUM_THREADS": "1",
            "HYPOTHESIS_PROFILE": "mutants",
        }
        self.usual: dict[tuple[str, ...], float] = {}  # seconds that tests take
        self.known: set[bytes] = set()  # machine code without a mutant

    def run(self, tests: list[str], limit: float) -> tuple[str, float]:
        """Return "passed", "failed", "refused" or "timeout", and the seconds."""
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:xdist", "-p", "no:cacheprovider"]
        command += ["--no-header", "--tb=line"]
        command += [t for t in tests if not t.startswith("tests/") or (self.root / t).exists()]
        begin = time.monotonic()
        output = self.root.parent / "output"
        process = subprocess.Popen(
            command,
            cwd=self.root,
            env=self.environment,
            stdout=output.open("w"),
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=partial(_prepare, tests),
        )
        try:
            status = process.wait(limit)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return "timeout", limit
        finally:
            shutil.rmtree(self.root / ".hypothesis", ignore_errors=True)
        seconds = time.monotonic() - begin
        if REFUSED in output.read_text(encoding="utf-8", errors="replace"):
            return "refused", seconds  # by the compiler
        return "passed" if status in (0, 5) else "failed", seconds

    def limit(self, tests: list[str]) -> float:
        """Return the time limit of these tests. They must pass without a mutant."""
        key = tuple(tests)
        if key not in self.usual:
            verdict, seconds = self.run(tests, 1200)
            if verdict != "passed":
                end = (self.root.parent / "output").read_text(encoding="utf-8", errors="replace")[-2000:]
                raise SystemExit(f"{end}\nwithout a mutant these tests do not pass: {' '.join(tests)}")
            self.usual[key] = seconds
            self.known |= {self._code(p) for p in self._libraries()}
        return PATIENCE * self.usual[key] + 20

    def _libraries(self) -> list[Path]:
        return sorted(self.cache.rglob("*.so"))

    def _code(self, library: Path) -> bytes:
        stripped = library.with_suffix(".stripped")
        subprocess.run(["strip", "-s", "-R", ".note.gnu.build-id", "-o", stripped, library], check=True)
        code = stripped.read_bytes()
        stripped.unlink()
        return code

    def verdict(self, mutant: Mutant, part: str) -> dict[str, Any]:
        """Return the result of a mutant: killed, survived, ..., and the tests that killed it."""
        runs = tests_of(self.root, part, mutant.file)
        self.limit(runs[0])
        file, libraries = self.root / mutant.file, set(self._libraries())
        original = file.read_text(encoding="utf-8")
        file.write_text(mutant.applied(original), encoding="utf-8")
        try:
            if part == "cpu" and (found := self._built(libraries)):
                return {"verdict": found, "by": ""}
            for tests in runs:
                if tuple(tests) not in self.usual:
                    file.write_text(original, encoding="utf-8")
                    before = set(self._libraries())
                    self.limit(tests)
                    libraries |= set(self._libraries()) - before
                    file.write_text(mutant.applied(original), encoding="utf-8")
                result, seconds = self.run(tests, self.limit(tests))
                if result != "passed":
                    word = {"failed": "killed", "refused": "invalid"}.get(result, result)
                    return {"verdict": word, "by": " ".join(tests), "seconds": round(seconds, 1)}
            new = set(self._libraries()) - libraries
            same = part == "cuda" and new and all(self._code(p) in self.known for p in new)
            return {"verdict": "equivalent" if same else "survived", "by": ""}
        finally:
            file.write_text(original, encoding="utf-8")
            for library in set(self._libraries()) - libraries:
                library.unlink()

    def _built(self, before: set[Path]) -> str:
        """Build all native libraries. Return whether all have the same machine code, or one does not compile."""
        code = "from minicnn.backends.native import library\nassert library.build_all()"
        status = subprocess.run(
            [sys.executable, "-c", code], cwd=self.root, env=self.environment, capture_output=True, check=False
        )
        if status.returncode:
            return "invalid"
        new = set(self._libraries()) - before
        return "equivalent" if new and all(self._code(p) in self.known for p in new) else ""


def sample(part: str, size: int, seed: int, name: str) -> list[Mutant]:
    """Return a random sample of a part's mutants. For the same seed, a larger sample contains the smaller one."""
    mutants = [m for file in files_of(ROOT, part) if name in file for m in mutants_of(ROOT, file)]
    random.Random(seed).shuffle(mutants)
    return mutants[:size]


def results() -> dict[str, dict[str, Any]]:
    """Return the last result of each mutant whose source line still exists."""
    if not RESULTS.exists():
        return {}
    found = {}
    for line in RESULTS.read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        found[entry["key"]] = entry
    return found


def judge(parts: list[str], size: int, seed: int, again: bool, name: str, tell: Callable[[str], None]) -> None:
    known, reasons = results(), explanations(ROOT)
    RESULTS.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder, RESULTS.open("a", encoding="utf-8") as out:
        sandbox = Sandbox(Path(folder))
        for part in parts:
            judged = [m for m in sample(part, 10**6, seed, name) if known.get(m.key, {}).get("text") == m.text]
            if again:
                lived = [m for m in judged if known[m.key]["verdict"] == "survived"]
                chosen = [m for m in lived if change_of(m) not in reasons]
            else:
                keys = {m.key for m in judged}
                chosen = [m for m in sample(part, size, seed, name) if m.key not in keys]
            for number, mutant in enumerate(chosen, 1):
                entry = {"part": part, "key": mutant.key, "file": mutant.file, "line": mutant.line}
                entry |= {"before": mutant.before, "after": mutant.after, "text": mutant.text}
                entry |= sandbox.verdict(mutant, part)
                out.write(json.dumps(entry) + "\n")
                out.flush()
                tell(f"{part} {number}/{len(chosen)}  {entry['verdict']}: {mutant}    {mutant.text}")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__.partition("\n")[0])
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], default=[], metavar="part", help=", ".join(PARTS))
    parser.add_argument("--sample", type=int, default=SAMPLE, help="mutants of each part")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--again", action="store_true", help="run only those again that survived before")
    parser.add_argument("--file", default="", help="only files with this in their names")
    parser.add_argument("--report", action="store_true", help="only write docs/mutants.md")
    options = parser.parse_args()
    parts = options.parts or list(PARTS)
    if not options.report:
        judge(parts, options.sample, options.seed, options.again, options.file, lambda line: print(line, flush=True))
    print(write(ROOT, {part: sample(part, 10**6, options.seed, "") for part in PARTS}, results()))


if __name__ == "__main__":
    main()
