"""Tests of native libraries: built once, arguments checked in every call, and NumPy kernels if they cannot be built."""

import os
import re
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

import minicnn
from minicnn.backends import build
from minicnn.backends.native import library
from minicnn.backends.native.library import Source, contiguous, floats
from minicnn.errors import KernelError

ROOT = Path(__file__).parents[3]
SCALED = """
#include <stdint.h>
/* extern "C" void commented(const Real* x) */
extern "C" void scaled(const Real* x, Real* __restrict__ y, int64_t n, Real by, const uint8_t* mask,
                       const int64_t* where) {
    for (int64_t i = 0; i < n; ++i) y[i] = by * x[where ? where[i] : i] * (mask ? mask[i] : 1);
}
extern "C" void nothing(int64_t n) {}
"""
F32, F64 = np.dtype(np.float32), np.dtype(np.float64)
with_compiler = pytest.mark.skipif(bool(library.missing()), reason=library.missing())


def planted(text: str) -> Source:
    source = Source("planted.cpp")
    vars(source)["text"] = text
    return source


@with_compiler
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_function_is_called_with_arrays_and_numbers(dtype):
    source = planted(SCALED)
    assert source.works(np.dtype(dtype))
    x, y = np.array([1, 2, 3], dtype), np.empty(3, dtype)
    source.call("scaled", x, y, 3, 0.5, None, None)
    assert y.tolist() == [0.5, 1.0, 1.5]
    source.call("scaled", x, y, 2, 2, np.array([1, 0, 1], np.uint8), np.array([2, 1, 0]))
    assert y.tolist() == [6.0, 0.0, 1.5]


@with_compiler
def test_signatures_are_read_from_the_source():
    assert planted(SCALED).signatures == {
        "scaled": [
            ("x", "Real", True, True),
            ("y", "Real", True, False),
            ("n", "int64_t", False, False),
            ("by", "Real", False, False),
            ("mask", "uint8_t", True, True),
            ("where", "int64_t", True, True),
        ],
        "nothing": [("n", "int64_t", False, False)],
    }


def read_only(x):
    x.flags.writeable = False
    return x


X, Y = np.ones(4, F32), np.ones(4, F32)


@with_compiler
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((X, Y, 4), "scaled: takes 6 arguments, got 3"),
        ((X[::2], Y, 2, 1.0, None, None), "scaled: x must be a contiguous array of float32"),
        ((X, Y.astype(F64), 4, 1.0, None, None), "scaled: y must be a contiguous, writable array of float32"),
        ((X, read_only(Y.copy()), 4, 1.0, None, None), "scaled: y must be a contiguous, writable array of float32"),
        ((X, Y, 4, 1.0, np.ones(4, bool), None), "scaled: mask must be a contiguous array of uint8"),
        ((X, Y, 4, 1.0, None, [0, 1, 2, 3]), "scaled: where must be a contiguous array of int64"),
        ((4, np.ones(3, np.int64)), "scaled: takes at least one float32 or float64 array, got none"),
    ],
)
def test_wrong_arguments_are_errors_and_no_crashes(arguments, message):
    with pytest.raises(KernelError, match=f"^{re.escape(message)}$"):
        planted(SCALED).call("scaled", *arguments)


@with_compiler
def test_a_read_only_input_is_welcome():
    y = np.empty(4, F32)
    planted(SCALED).call("scaled", read_only(X.copy()), y, 4, 1.0, None, None)
    assert y.tolist() == [1.0] * 4


@with_compiler
def test_what_the_compiler_refuses_is_told_once_and_does_not_run():
    source = planted('#error "not here"')
    with pytest.warns(RuntimeWarning, match=r"NumPy runs instead of planted.cpp: (.|\n)*not here") as found:
        assert not source.works(F32)
    assert len(found) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert not source.works(F32)


@with_compiler
def test_numpy_runs_where_the_compiler_refuses(monkeypatch):
    from minicnn.backends.native import fuse

    broken = planted('#error "not here"')
    monkeypatch.setattr(fuse, "source", broken)
    x = minicnn.ones(100_000)
    with pytest.warns(RuntimeWarning, match=r"NumPy runs instead of planted.cpp"):
        assert minicnn.relu(x).sum().item() == 100_000
    assert minicnn.relu(x).sum().item() == 100_000  # without a second warning
    assert "native/one_step: does not support this" in minicnn.explain("relu", x)


@with_compiler
def test_all_files_are_built_when_the_first_is_needed(monkeypatch):
    library._build_all.cache_clear()
    built = []
    monkeypatch.setattr(Source, "build", lambda self, real: built.append((self.file, real)))
    sources = [planted(SCALED), planted(SCALED)]
    assert sources[0].works(F64)
    library._build_all.cache_clear()  # so that other tests build the libraries again
    assert built.count(("planted.cpp", "double")) >= 2
    assert {real for _, real in built} == {"double"}


SETS = "fma movbe avx f16c abm bmi1 avx2 bmi2"
SETS_512 = f"{SETS} avx512f avx512dq avx512cd avx512bw avx512vl"


@pytest.mark.parametrize(
    ("machine", "lines", "expected"),
    [
        ("x86_64", ["Zen 3", SETS], "x86-64-v3"),
        ("x86_64", ["Zen 5", SETS_512], "x86-64-v4"),
        ("x86_64", ["old", "sse4_2 avx"], "native"),
        ("x86_64", ["half", SETS_512.replace("avx512vl", "")], "x86-64-v3"),
        ("aarch64", ["0xd0c", SETS], "native"),
    ],
)
def test_the_target_of_libraries(monkeypatch, machine, lines, expected):
    monkeypatch.setattr(library.platform, "machine", lambda: machine)
    monkeypatch.setattr(library, "_cpu_lines", lambda: lines)
    assert library.target.__wrapped__() == expected


def test_the_key_of_a_library_holds_its_target(monkeypatch):
    def key(target, lines, real="float"):
        monkeypatch.setattr(library, "target", lambda: target)
        monkeypatch.setattr(library, "_cpu_lines", lambda: lines)
        _, text, flags, _ = planted(SCALED)._build_arguments(real)
        assert f"-march={target}" in flags
        return text, *flags

    monkeypatch.setattr(library, "_pool_path", lambda: Path("pool.so"))
    assert key("x86-64-v3", ["a"]) == key("x86-64-v3", ["b"]) != key("x86-64-v4", ["a"])
    assert key("native", ["a"]) != key("native", ["b"])
    assert key("native", ["a"]) != key("native", ["a"], "double")


def test_what_the_system_says_of_a_processor(monkeypatch):
    assert library._cpu_lines()
    monkeypatch.setattr(Path, "read_text", lambda self, encoding: (_ for _ in ()).throw(OSError()))
    assert len(library._cpu_lines()) == 1


def test_contiguous_copies_only_where_needed():
    x = np.arange(6.0).reshape(2, 3)
    assert contiguous(x) is x
    assert contiguous(x.T).tolist() == x.T.tolist()
    assert contiguous(x.T).flags.c_contiguous


def test_floats():
    a, b = np.ones(2, F32), np.ones(2, F64)
    assert floats(a)
    assert floats(b, b)
    assert not floats(a, b)
    assert not floats(np.ones(2, np.int64))
    assert not floats(a.astype(np.float16))


# --- no compiler ----------------------------------------------------------------------------------------------------


@pytest.fixture
def no_compiler(tmp_path):
    """Environment variables for a process that finds no compiler."""
    environment = {name: value for name, value in os.environ.items() if name not in ("PATH", "CXX", "LD_PRELOAD")}
    return {**environment, "PATH": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path)}


def test_without_a_compiler_numpy_runs_and_nothing_is_said(no_compiler):
    code = (
        "import minicnn\n"
        "from minicnn.runtime import dispatch\n"
        "from minicnn.runtime.devices import CPU\n"
        "assert minicnn.relu(minicnn.ones(100_000)).sum().item() == 100_000\n"
        "print({k.backend for name in dispatch.operations() for k in dispatch.kernels(name, CPU)})\n"
    )
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env=no_compiler,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (result.stderr, result.returncode) == ("", 0)
    assert "native" not in result.stdout
    assert "numpy" in result.stdout


def test_without_a_compiler_the_tests_pass(no_compiler):
    """Run a few tests; `make test-bare` runs all."""
    files = [
        "test_tiny.py",
        "runtime/test_dispatch.py",
        "backends/native/test_library.py",
        "nn/test_conv.py",
        "nn/test_fusion.py",
    ]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:xdist", "-p", "no:cacheprovider", "-k", "not without"]
    result = subprocess.run(
        [*command, *(f"tests/{name}" for name in files)],
        env=no_compiler,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]
    assert int(re.search(r"(\d+) passed", result.stdout)[1]) > 50


def test_why_they_are_missing(monkeypatch):
    monkeypatch.setattr(build, "compiler", lambda: (_ for _ in ()).throw(KernelError("kernels: no C++ compiler")))
    monkeypatch.setattr(library, "_pool_path", lambda: build.compiler())
    monkeypatch.setattr(library, "_pool", lambda: library._pool_path())
    assert library.missing.__wrapped__() == "kernels: no C++ compiler"
    monkeypatch.setattr(library, "_pool", lambda: None)
    assert library.missing.__wrapped__() == ""
