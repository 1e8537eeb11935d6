"""Tests of the mutator: it makes the expected mutants, and the files, tests and lines that it names exist."""

from pathlib import Path

import pytest

from minicnn.backends.native import library
from tests.mutants import parts
from tests.mutants.mutants import mutants_of
from tests.mutants.parts import BESIDES, PARTS, WHOLE, files_of
from tests.mutants.report import change_of, explanations

ROOT = Path(__file__).parents[2]
KERNELS = ROOT / "kernels" / "cpu"

CPP = """// a - b
#define HALF(x) ((x) / 2)
for (int i = 0; i < count; ++i) to[i] = min(a[i], 0.5f) + *b;   // 1 + 1
for (int i = 0; i < LANES; ++i) v[i] = w[LANES - i];
if (done && x == 'a') return;
float table[8], sum[TAPS];
for (int i = 0; i < TAPS; ++i) sum[i] = x[i];
for (int i = 0; i < 7; ++i) table[i] = x[i];
__global__ void __launch_bounds__(256, 4) kernel() {}
"""
PYTHON = """
Index = int | str
def f(x: int | None) -> "1 + 1":
    if not x or x is None:
        raise ValueError(x + 1)
    return max(x, 2) // 3
"""


def made(folder, name, text):
    (folder / name).write_text(text)
    mutants = mutants_of(folder, name)
    lines = text.splitlines()
    for m in mutants:
        assert lines[m.line - 1].strip() == m.text
        assert m.text[m.column :].startswith(m.before)
        assert m.applied(text) == text[: m.start] + m.after + text[m.start + len(m.before) :]
    return {(m.line, m.before, m.after) for m in mutants}


def test_mutants_of_cpp(tmp_path):
    assert made(tmp_path, "a.cpp", CPP) == {
        (3, "0", "1"),
        (3, "<", "<="),
        (3, "min", "max"),
        (3, "0.5f", "(1 + 0.5f)"),
        (3, "+", "-"),
        (4, "0", "1"),
        (4, "-", "+"),
        (5, "&&", "||"),
        (5, "==", "!="),
        (5, "return;", ";"),
        (6, "8", "9"),
        (6, "8", "7"),
        (7, "0", "1"),
        (8, "0", "1"),
        (8, "<", "<="),
        (8, "7", "8"),
        (8, "7", "6"),
    }


def test_mutants_of_python(tmp_path):
    assert made(tmp_path, "a.py", PYTHON) == {
        (4, "not ", ""),
        (4, "or", "and"),
        (4, "is", "is not"),
        (6, "max", "min"),
        (6, "2", "(2 + 1)"),
        (6, "2", "(2 - 1)"),
        (6, "//", "*"),
        (6, "3", "(3 + 1)"),
        (6, "3", "(3 - 1)"),
    }


@pytest.mark.parametrize("part", PARTS)
def test_every_file_has_tests_that_exist(part):
    files = files_of(ROOT, part)
    assert files
    for file in files:
        runs = parts.tests_of(ROOT, part, file)
        assert runs
        assert all((ROOT / t).exists() for run in (*runs, WHOLE[part]) for t in run if t.startswith("tests/"))


def test_besides_names_kernels_and_tests():
    for name, tests in BESIDES.items():
        assert (KERNELS / name).is_file()
        assert all((ROOT / t).is_file() for t in tests)


def test_paths_name_sources():
    if library.missing():
        pytest.skip(library.missing())  # without a compiler, its import would register kernels that cannot run
    from tests.backends.native.path_table import CASES

    assert {case.source for case in CASES} <= {p.stem for p in KERNELS.glob("*.cpp")}


def test_every_explanation_is_of_a_mutant():
    reasons = explanations(ROOT)
    files = {file for file, *_ in reasons}
    assert reasons.keys() <= {change_of(m) for file in files for m in mutants_of(ROOT, file)}
