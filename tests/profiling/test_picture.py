"""Tests of the report as a picture."""

import sys

import numpy as np
import pytest
from PIL import Image

from minicnn.errors import MissingPackageError
from minicnn.profiling.picture import draw
from minicnn.profiling.report import choose


@pytest.mark.usefixtures("wheels")
def test_a_picture_is_drawn(tmp_path):
    pytest.importorskip("matplotlib")
    draw(tmp_path / "a.png", choose(["relu", "matmul/naive"]), "sm_80", "float32", {"n": 64})
    with Image.open(tmp_path / "a.png") as picture:
        assert picture.width == 1600
        pixels = np.asarray(picture.convert("RGB"))
    assert len(np.unique(pixels.reshape(-1, 3), axis=0)) > 100


@pytest.mark.usefixtures("wheels")
def test_a_choice_without_loops_and_calls_is_drawn_too(tmp_path, toy):
    pytest.importorskip("matplotlib")
    toy.write_text('extern "C" __global__ void f(Real* x) { x[0] = 1; }\n')
    draw(tmp_path / "a.png", choose([str(toy)]), "sm_80", "float64")
    assert (tmp_path / "a.png").exists()


def test_without_matplotlib_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingPackageError, match=r"^kernels report: .*pip install 'minicnn\[kernels\]'$"):
        draw(tmp_path / "a.png", choose(["relu"]), "sm_80", "float32")
