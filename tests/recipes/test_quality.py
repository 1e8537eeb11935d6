"""Tests of the measurement of trained models: settings, baselines and the page."""

import numpy as np
import pytest
from PIL import Image

from minicnn.imaging import editing
from minicnn.imaging.damages import DAMAGES
from minicnn.imaging.editing import save_editor
from minicnn.imaging.tasks import TASKS
from minicnn.models import ResidualEditor
from recipes import models, quality


def test_every_training_is_of_a_task_and_is_measured():
    assert models.TRAININGS.keys() == {s.model for s in DAMAGES}
    for name, arguments in models.TRAININGS.items():
        assert arguments[:2] == ["--task", name]
        assert name in TASKS


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "held-out").mkdir()
    for i in range(2):
        pixels = np.random.default_rng(i).integers(0, 256, (220, 230, 3), np.uint8)
        Image.fromarray(pixels).save(tmp_path / "held-out" / f"{i}.png")
    return tmp_path


def test_photos_are_cut_to_sides_that_scales_divide(folder):
    assert [p.shape for p in quality.held_out(folder).values()] == [(3, 216, 228)] * 2
    with pytest.raises(SystemExit, match="no photos in"):
        quality.held_out(folder / "none")


@pytest.mark.parametrize(("name", "scale"), [("clean-jpeg", 1), ("enlarge-x2", 2)])
def test_the_page_of_a_model_that_changes_nothing(folder, monkeypatch, name, scale):
    model = ResidualEditor(width=4, blocks=0, scale=scale)
    model.load_state_dict({key: t * 0 for key, t in model.state_dict().items()})
    save_editor(folder / "trained" / f"{name}.safetensors", model, task=name)
    monkeypatch.setattr(editing, "TRAINED", folder / "trained")
    monkeypatch.setattr(quality, "ROOT", folder)
    monkeypatch.setattr(quality, "section", lambda: "")  # the generators are in another test
    (folder / "docs" / "pictures").mkdir(parents=True)
    (folder / "docs" / "pictures" / quality.CURVES.name).touch()
    quality.main(folder)
    page = (folder / "docs" / "quality.md").read_text()
    rows = [line for line in page.splitlines() if line.startswith(f"| {name}")]
    assert len(rows) == sum(s.model == name for s in DAMAGES)
    for row in rows:
        _, _, _, before, classical, own, best, _, _ = row.split("|")
        expected = float(before) if scale == 1 else float(classical.split(",")[0].split()[-1])  # bicubic
        assert float(own.strip(" *")) == pytest.approx(expected, abs=0.06)
        assert float(best) == pytest.approx(expected, abs=0.06)
    assert all(
        (folder / "docs" / line[line.index("(") + 1 : -1]).exists() for line in page.splitlines() if "![" in line
    )
