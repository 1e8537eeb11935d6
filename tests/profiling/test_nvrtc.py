"""Tests of compiling CUDA C++ without a GPU."""

import re

import pytest

from minicnn.backends.build import flattened
from minicnn.errors import KernelError
from minicnn.profiling import nvrtc
from minicnn.profiling.nvrtc import ARCHITECTURES, REALS, compile_cuda, nvrtc_version

pytestmark = pytest.mark.usefixtures("wheels")


def compile_toy(toy, architecture, dtype):
    return compile_cuda(toy.name, flattened(toy), architecture, dtype)


def test_the_compiler_tells_its_version():
    assert re.fullmatch(r"1[2-9]\.\d+", nvrtc_version())


@pytest.mark.parametrize("dtype", REALS)
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_file_becomes_machine_code(toy, architecture, dtype):
    cubin = compile_toy(toy, architecture, dtype)
    assert cubin.read_bytes()[:4] == b"\x7fELF"
    assert b"toy_tiled" in cubin.read_bytes()


def test_the_same_is_compiled_once_and_a_change_again(toy, monkeypatch):
    first = compile_toy(toy, "sm_80", "float32")
    with monkeypatch.context() as patch:
        patch.setattr(nvrtc, "_compile", lambda *arguments: pytest.fail("compiled again"))
        assert compile_toy(toy, "sm_80", "float32") == first
    others = {compile_toy(toy, "sm_75", "float32"), compile_toy(toy, "sm_80", "float64")}
    header = toy.with_name("common.cuh")
    header.write_text(header.read_text() + "// changed\n")
    others.add(compile_toy(toy, "sm_80", "float32"))
    toy.write_text(toy.read_text() + "// changed\n")
    others.add(compile_toy(toy, "sm_80", "float32"))
    assert len(others - {first}) == 4


def test_what_does_not_compile_is_told_with_file_line_and_reason(toy):
    toy.write_text(toy.read_text().replace("y[i] = 2 * x[i]", "y[i] = 2 * z[i]"))
    with pytest.raises(
        KernelError, match=r"^toy\.cu: NVRTC cannot compile it with --gpu-architecture=sm_80 .*Real=double"
    ) as e:
        compile_toy(toy, "sm_80", "float64")
    assert 'toy.cu(9): error: identifier "z" is undefined' in str(e.value)


def test_other_failures_are_told_too():
    with pytest.raises(KernelError, match=r"^NVRTC: GetProgramLog failed: NVRTC_ERROR_INVALID_"):
        nvrtc._call("GetProgramLog", None, None)
