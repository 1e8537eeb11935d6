"""Tests of `minicnn kernels check`: no errors for correct kernels, and an error for each planted bug."""

import numpy as np
import pytest

from minicnn.backends.cuda.launch import Source, contiguous, empty
from minicnn.errors import DeviceError
from minicnn.profiling import checking
from minicnn.profiling.checking import check_here, check_with_sanitizers
from minicnn.profiling.ladder import Rung
from minicnn.profiling.report import choose, no_simulator
from minicnn.profiling.workloads import workloads
from minicnn.runtime.devices import CUDASIM
from minicnn.runtime.dispatch import Kernel

if no_simulator():
    pytest.skip(no_simulator(), allow_module_level=True)

CODE = """\
#include "common.cuh"
extern "C" __global__ void __launch_bounds__(256) planted(const Real* x, Real* y, int count) {
    int i = blockIdx.x * 256 + threadIdx.x;
    if (i < count) y[i] = max(x[i], Real(0));
}
"""


def planted(tmp_path, old="", new=""):
    """Return a relu kernel from the correct code, with `old` replaced by `new`."""
    assert old in CODE
    (tmp_path / "planted.cu").write_text(CODE.replace(old, new) if old else CODE)
    source = Source(tmp_path / "planted.cu")

    def relu(x):
        x = contiguous(x)
        y = empty(x, x.shape)
        source.launch("planted", -(-x.size // 256), 256, x, y, x.size)
        return y

    return Rung(Kernel("relu", "cuda", "planted", relu), workloads("relu")[0], ())


def complaint(rung):
    ((same, text),) = check_here([rung])
    assert same is rung
    return text


def test_what_is_right_is_clean(tmp_path):
    assert complaint(planted(tmp_path)) == ""


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("max(x[i], Real(0))", "x[i]", "differs from the reference by "),
        ("if (i < count) y[i]", "if (i > 0 && i < count) y[i]", "differs from the reference by nan in float32"),
        ("y[i] = max(x[i]", "y[i] = max(x[i + 1]", "planted: out of bounds: "),
    ],
)
def test_what_is_wrong_is_told(tmp_path, old, new, found):
    assert found in complaint(planted(tmp_path, old, new))


def test_another_shape_or_type_is_told():
    def halved(x):
        return np.maximum(x, 0)[: len(x) // 2]

    rung = Rung(Kernel("relu", "cuda", "planted", halved), workloads("relu")[0], ())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checking, "covering", lambda rungs: rungs)  # keeps a kernel without launches
        assert "where the reference returns float32" in complaint(rung)


def test_steps_of_optimizers_are_compared_by_what_they_change():
    assert [text for _, text in check_here(choose(["sgd_step"]).rungs)] == ["", ""]


def test_the_sanitizers_run_in_a_process_of_their_own():
    assert check_with_sanitizers(["relu/direct"]) == 0


def test_without_a_compiler_nothing_is_checked(monkeypatch):
    def refuse(self):
        raise DeviceError("device: cudasim needs a compiler")

    monkeypatch.setattr(type(CUDASIM), "check", refuse)
    with pytest.raises(DeviceError, match="needs a compiler"):
        next(check_here([]))
