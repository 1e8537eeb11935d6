"""Tests of `minicnn kernels`."""

import shutil

import pytest

from minicnn.backends.build import kernel_folder
from minicnn.backends.cuda.launch import Source
from minicnn.cli import kernels as module
from minicnn.errors import MissingPackageError
from minicnn.profiling.nvrtc import ARCHITECTURES, nvrtc_version
from minicnn.profiling.report import no_simulator


@pytest.fixture
def wheels() -> None:
    """Skip the test if NVIDIA's compiler is not installed."""
    try:
        nvrtc_version()
    except MissingPackageError as error:
        pytest.skip(str(error))


@pytest.fixture
def simulator() -> None:
    """Skip the test if the simulator cannot be built."""
    if no_simulator():
        pytest.skip(no_simulator())


@pytest.mark.parametrize("action", ["list", "compile", "report", "check", "table"])
def test_every_action_is_explained(run, action):
    assert f"    {action} " in run("kernels", "--help").out
    assert run("kernels", action, "--help").code == 0
    assert "in minicnn's cache, where" in run("kernels", "compile", "--help").out


def test_the_list_has_everything_in_the_order_in_which_it_is_tried(run):
    result = run("kernels")
    assert result.code == 0
    lines = result.out.splitlines()
    start = lines.index("relu")
    kernels = [
        line.split()[0].rstrip(",") for line in lines[start + 1 : start + 9] if line.startswith("  ") and line[2] != " "
    ]
    assert kernels[:3] == ["vec4", "direct", "reference"]
    assert "      elementwise.cu: relu_direct: A thread for each element" in lines
    assert {"conv", "max_pool", "matmul"} <= set(lines)
    assert result.out == run("kernels", "list").out


def test_the_list_of_one_name(run):
    out = run("kernels", "list", "relu/direct").out
    assert out.startswith("relu\n")
    assert "relu_direct" in out
    assert "conv" not in out


def test_a_name_that_is_not_there(mistake):
    line = mistake("kernels", "list", "paint")
    assert line.startswith("minicnn kernels: there is no operation, kernel, file or entry 'paint'; the operations are")


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("report", "--arch", "sm_1"), "argument --arch: invalid choice: 'sm_1'"),
        (("report", "--dtype", "int8"), "argument --dtype: invalid choice: 'int8'"),
        (
            ("report", "relu", "--shape", "batch"),
            "argument --shape: must be a name and a positive integer, for example batch=8",
        ),
        (("report", "relu", "--shape", "batch=0"), "positive integer, for example batch=8, got batch=0"),
        (("report", "relu", "--shape", "=4"), "positive integer, for example batch=8, got =4"),
        (("report", "relu", "--shape", "depth=4"), "there is no size depth; the sizes are batch, channels, size"),
        (("paint",), "invalid choice: 'paint'"),
    ],
)
def test_wrong_arguments(mistake, arguments, line):
    assert line in mistake("kernels", *arguments)


@pytest.mark.usefixtures("wheels")
def test_a_report(run, tmp_path):
    pytest.importorskip("matplotlib")
    result = run(
        "kernels", "report", "relu", "--arch", "sm_80", "--shape", "batch=2", "--no-count", "--out", tmp_path / "out"
    )
    assert result.code == 0
    assert "relu: 2 x 64 x 56 x 56" in result.out
    text = (tmp_path / "out" / "report.txt").read_text()
    assert result.out.startswith(text)
    assert "sm_75" not in text
    assert (tmp_path / "out" / "report.png").stat().st_size > 10_000
    assert result.out.endswith(f"\n{tmp_path / 'out' / 'report.txt'}, {tmp_path / 'out' / 'report.png'}\n")


@pytest.mark.usefixtures("wheels", "simulator")
def test_a_report_counts(run):
    assert (
        "relu_direct       1.00   1.00      -  2 x 8 x 32 x 32"
        in run("kernels", "report", "relu", "--arch", "sm_80").out
    )


@pytest.mark.usefixtures("wheels")
def test_a_file_that_does_not_compile(run, tmp_path):
    (tmp_path / "wrong.cu").write_text('extern "C" __global__ void f(Real* x) { x[0] = z; }\n')
    result = run("kernels", "report", tmp_path / "wrong.cu", "--arch", "sm_80")
    assert result.code == 2
    assert 'wrong.cu(1): error: identifier "z" is undefined' in result.err
    assert "Traceback" not in result.err


def test_without_the_wheels_the_extra_is_named(mistake, monkeypatch):
    def missing(*arguments):
        raise MissingPackageError("kernels: needs a package; install it with: pip install 'minicnn[kernels]'")

    monkeypatch.setattr(module, "compile_cuda", missing)
    assert mistake("kernels", "compile").endswith("pip install 'minicnn[kernels]'")


def test_compiling_ahead(run, monkeypatch):
    compiled = []
    monkeypatch.setattr(module, "compile_cuda", lambda name, text, *rest: compiled.append((name, *rest)))
    result = run("kernels", "compile", "--dtype", "float32", "--arch", "sm_75", "sm_90")
    assert result.code == 0
    assert ("gemm.cu", "sm_75", "float32") in compiled
    assert {c[1:] for c in compiled} == {("sm_75", "float32"), ("sm_90", "float32")}
    assert "gemm.cu: " in result.out
    compiled.clear()
    run("kernels", "compile")
    assert {c[1:] for c in compiled} == {(a, d) for a in ARCHITECTURES for d in ("float32", "float64")}


@pytest.mark.usefixtures("simulator")
def test_checking(run, monkeypatch):
    asked = []
    monkeypatch.setattr(module, "check_with_sanitizers", lambda names: asked.append(names) or 0)
    result = run("kernels", "check", "relu/direct")
    assert (result.code, result.out) == (0, "traced   relu: direct: clean\n")
    assert asked == [["relu/direct"]]
    monkeypatch.setattr(module, "check_with_sanitizers", lambda names: 2)
    assert "the checks under AddressSanitizer failed; see above" in run("kernels", "check", "relu/direct").err


def test_a_check_that_fails(run, monkeypatch):
    def find(rungs, mode):
        yield rungs[0], "out of bounds"
        yield rungs[1], ""

    monkeypatch.setattr(module, "check_here", find)
    result = run("kernels", "check", "relu")
    assert result.code == 2
    assert "traced   relu: vec4: out of bounds\n" in result.out
    assert "minicnn kernels: 1 of 2 calls failed; see above" in result.err


def test_making_the_table(run, monkeypatch, tmp_path):
    shutil.copy(kernel_folder() / "README.md", tmp_path)
    monkeypatch.setattr(module, "kernel_folder", lambda: tmp_path)
    monkeypatch.setattr(module, "table", lambda: "a new table\n")
    assert run("kernels", "table").out == f"{tmp_path / 'README.md'}\n"
    assert "\na new table\n" in (tmp_path / "README.md").read_text()


@pytest.mark.skipif(no_simulator() != "", reason="needs a C++ compiler")
def test_compiling_for_the_simulator(run, monkeypatch):
    compiled = []
    monkeypatch.setattr(Source, "compile", lambda self, like, real: compiled.append((self.name, like.dtype.name, real)))
    result = run("kernels", "compile", "--device", "cudasim")
    assert ("gemm.cu", "float64", "double") in compiled
    assert "gemm.cu" in result.out
    assert "for cudasim, float32, float64" in result.out
