"""Tests of the short programs in docs/programs: each runs for a few steps, learns, and writes pictures."""

import runpy
from pathlib import Path

import numpy as np
import pytest

from minicnn.data import TensorDataset, read_image

PROGRAMS = Path(__file__).parents[1] / "docs" / "programs"
LONGEST = 66  # lines, with the text at the head


@pytest.mark.parametrize("name", ["flow", "gan", "vae"])
def test_a_program_learns(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = PROGRAMS / f"{name}.py"
    assert len(path.read_text().splitlines()) <= LONGEST
    rng = np.random.default_rng(0)
    pictures = rng.random((256, 1, 4, 4)).astype(np.float32).repeat(7, 2).repeat(7, 3)
    main = runpy.run_path(str(path))["main"]
    data = TensorDataset(pictures, np.arange(256) % 10)
    short, long = (main(steps, width=8, data=data) for steps in (4, 60))
    assert long < short
    assert read_image(tmp_path / f"{name}.png").shape == (3, 2 * 30 + 2, 10 * 30 + 2)
