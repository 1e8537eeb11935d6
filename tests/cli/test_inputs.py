"""Tests of the training data of `minicnn train`: windows that fit into memory, and held-out photos."""

import argparse

import numpy as np
import pytest

from minicnn.cli import inputs as module
from minicnn.cli.inputs import gather, task_of
from minicnn.data import read_image
from minicnn.imaging.tasks import TASKS, PatchRecipe

RECIPE = PatchRecipe(steps=2, batch_size=2, patch=8)


def options(photos=None, inputs=None, targets=None, task=None, seed=0):
    return argparse.Namespace(
        photos=photos, inputs=inputs, targets=targets, task=task, patch=RECIPE.patch, seed=seed, skip_broken=False
    )


def sizes(pictures):
    return {picture.shape[1:] for picture in pictures}


def test_all_of_small_photos_is_used(photos):
    found = gather(TASKS["denoise"], options(photos), RECIPE)
    assert found.task.name == "denoise"
    assert [p.shape for p in found.patches.images] == [(3, 24, 32)] * 5 + [(3, 12, 16)] * 5
    assert found.pictures == 5
    first = read_image(photos / "1.png")
    np.testing.assert_array_equal(found.patches.images[0], first)
    np.testing.assert_allclose(found.patches.images[5][:, 3, 4], first[:, 6:8, 8:10].mean((1, 2)), rtol=1e-6)
    [(noisy, clean)] = found.held_out
    np.testing.assert_array_equal(clean, read_image(photos / "0.png"))
    assert 0.01 < np.abs(noisy - clean).mean() < 0.2


def test_of_large_photos_a_part_is_used(photos, monkeypatch, capsys):
    monkeypatch.setattr(module, "MAX_PIXELS", 6 * 20 * 20)
    monkeypatch.setattr(module, "HELD_OUT_SIZE", 10)
    found = gather(TASKS["denoise"], options(photos), RECIPE)
    assert "6 large images are cropped, so that all images fit into memory" in capsys.readouterr().out
    assert sizes(found.patches.images) == {(20, 20), (10, 10)}
    assert all(picture.base is None for picture in found.patches.images)  # copies, so the whole photos are freed
    assert sizes(found.held_out[0]) == {(10, 10)}
    again = gather(TASKS["denoise"], options(photos), RECIPE)
    for one, other in zip(found.patches.images, again.patches.images, strict=True):
        np.testing.assert_array_equal(one, other)


def test_of_pairs_the_same_part_is_used(make_photos, tmp_path, monkeypatch):
    inputs, targets = make_photos(tmp_path / "in"), tmp_path / "goal"
    make_photos(targets)
    monkeypatch.setattr(module, "MAX_PIXELS", 6 * 2 * 15 * 15)
    given = options(inputs=inputs, targets=targets)
    found = gather(task_of(given), given, RECIPE)
    assert (found.task.name, found.task.scale) == ("pairs", 1)
    for one, other in [*found.patches.images, *found.held_out]:
        assert one.shape == (3, 15, 15)
        np.testing.assert_array_equal(one, other)


def test_a_part_has_room_for_a_patch(photos, monkeypatch):
    monkeypatch.setattr(module, "MAX_PIXELS", 6)
    assert sizes(gather(TASKS["denoise"], options(photos), RECIPE).patches.images) == {(8, 8)}


@pytest.mark.parametrize(("count", "kept"), [(4, 0), (5, 1), (11, 2), (20, 2), (30, 3)])
def test_one_in_ten_is_held_out(make_photos, tmp_path, monkeypatch, count, kept):
    monkeypatch.setattr(module, "MAX_HELD_OUT", 2)
    found = gather(TASKS["denoise"], options(make_photos(tmp_path / "p", count, 8, 8)), RECIPE)
    assert len(found.held_out) == min(kept, 2)
    assert len(found.held_out) + len(found.patches.images) == count
