"""Print the lines of kernels/cpu that no test reaches: `python -m tests.coverage_kernels [-march=...] [arguments]`.

The kernels are built anew with gcov's counters, in a folder of their own, by a compiler that is this file. A line
counts as reached if it is in any instantiation of a template, for float or double. With -march=x86-64-v3 or x86-64-v2
the kernels are those of a machine with vectors of 32 or 16 bytes.
"""

import gzip
import json
import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).parents[1]
KERNELS = ROOT / "kernels" / "cpu"
TESTS = [
    "tests/backends/native",
    "tests/ops/test_primitives.py",
    "--deselect=tests/backends/native/test_checks.py",
]
REASONS = {  # of lines that no test reaches
    "implicit_gemm.hpp: struct ImplicitGemm {": "what frees its memory after an error of allocation",
    "pool_inputs.hpp: }": "what frees its memory after an error of allocation",
    "masked.hpp: store(to, v);": "counted where the function is inlined, in simd.hpp",
    "threads.cpp: void replace_pool() { pool = new Pool; }": "runs in forked children, which end without their counts",
    "threads.cpp: for (int64_t i = 0; i < tasks; ++i) work(context, i);": "gcov counts it with test_threads.py alone",
}
COMPILER, FOLDER, FLAGS = "COVERAGE_CXX", "COVERAGE_FOLDER", "COVERAGE_FLAGS"  # environment variables


def compile_with_counters(arguments: list[str]) -> int:
    """Compile as the compiler would, with counters; the object file stays, because the counts are written beside it."""
    program, folder = os.environ[COMPILER], os.environ[FOLDER]
    if "--version" in arguments:
        return subprocess.run([program, *arguments], check=False).returncode
    source = next(a for a in arguments if a.endswith(".cpp"))
    kept = Path(tempfile.mkdtemp(dir=folder)) / "kernels.cpp"
    kept.write_text(Path(source).read_text())
    counted = ["-O1", "--coverage", "-fprofile-update=atomic", *os.environ[FLAGS].split()]
    output = arguments.index("-o")
    libraries = [a for a in arguments[output + 2 :] if a != source]
    options = [a for a in arguments[:output] if a != "-shared" and not a.startswith("-Wl,")]
    linking = [a for a in arguments[:output] if a == "-shared" or a.startswith("-Wl,") or a == "-pthread"]
    # In the source's folder, so that names of files stay as its #line directives give them.
    compiled = [program, *options, *counted, "-c", kept.name, "-o", "kernels.o"]
    first = subprocess.run(compiled, cwd=kept.parent, check=False)
    linked = [program, *linking, "--coverage", str(kept.parent / "kernels.o"), "-o", arguments[output + 1], *libraries]
    return first.returncode or subprocess.run(linked, check=False).returncode


def counted(folder: Path) -> dict[str, dict[int, int]]:
    """Return for each file the count of each line, summed over all libraries."""
    lines: dict[str, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    for data in folder.glob("*/*.gcda"):
        subprocess.run(["gcov", "--json-format", data.name], cwd=data.parent, check=True, capture_output=True)
        for report in data.parent.glob("*.gcov.json.gz"):
            for file in json.loads(gzip.decompress(report.read_bytes()))["files"]:
                name = Path(file["file"]).name
                if (KERNELS / name).is_file():
                    for line in file["lines"]:
                        lines[name][line["line_number"]] += line["count"]
    return lines


def report(lines: dict[str, dict[int, int]]) -> str:
    """Return the lines that no test reached, for each file, and a total."""
    out, all_lines, all_reached = [], 0, 0
    for name in sorted(lines):
        text = (KERNELS / name).read_text().splitlines()
        missed = [number for number, count in sorted(lines[name].items()) if not count]
        all_lines, all_reached = all_lines + len(lines[name]), all_reached + len(lines[name]) - len(missed)
        out.append(f"{name}: {len(lines[name]) - len(missed)} of {len(lines[name])} lines")
        for number in missed:
            reason = REASONS.get(f"{name}: {text[number - 1].strip()}", "")
            out.append(f"  {number:4}  {text[number - 1].strip()}{reason and f'    ({reason})'}")
    share = 100 * all_reached / max(all_lines, 1)
    return "\n".join([*out, f"all: {all_reached} of {all_lines} lines, {share:.1f} %"])


def main(arguments: list[str]) -> int:
    from minicnn.backends.build import compiler

    flags = [a for a in arguments if a.startswith("-m")]
    tests = [a for a in arguments if a not in flags] or TESTS
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        wrapper = folder / "compiler"
        wrapper.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{Path(__file__).resolve()}" --compile "$@"\n')
        wrapper.chmod(0o755)
        environment = {
            **os.environ,
            COMPILER: compiler()[0],
            FOLDER: name,
            FLAGS: " ".join(flags),
            "CXX": str(wrapper),
            "XDG_CACHE_HOME": str(folder / "cache"),
            "OPENBLAS_NUM_THREADS": "1",
        }
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:xdist", "-p", "no:cacheprovider", *tests]
        status = subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode
        print(report(counted(folder)))
    return status


if __name__ == "__main__":
    if sys.argv[1:2] == ["--compile"]:
        sys.exit(compile_with_counters(sys.argv[2:]))
    sys.exit(main(sys.argv[1:]))
