"""Tests of the ways to spoil photos, and of what repairs them."""

import numpy as np
import pytest

from minicnn.imaging.corruptions import as_in_a_file
from minicnn.imaging.damages import DAMAGES, most_spoilt
from minicnn.imaging.metrics import psnr
from minicnn.imaging.photos import centre_crop, load_photo
from minicnn.imaging.tasks import TASKS, holes

pytest.importorskip("skimage")


@pytest.fixture(scope="module")
def clean():
    return np.ascontiguousarray(centre_crop(load_photo("coffee"), 180))


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.name)
def test_classical_methods_repair_a_part_of_a_damage(damage, clean):
    task = TASKS[damage.model]
    spoilt = as_in_a_file(damage.spoil(clean, np.random.default_rng(0)))
    assert spoilt.shape == (task.in_channels, 180 // task.scale, 180 // task.scale)
    if damage.input is not None:
        before = psnr(damage.input(spoilt), clean)
    elif task.scale > 1:
        before = psnr(spoilt.repeat(task.scale, 1).repeat(task.scale, 2), clean)
    else:
        before = psnr(spoilt[:, holes(spoilt)], clean[:, holes(spoilt)])
    for name, method in damage.classical.items():
        repaired = method(spoilt)
        assert repaired.shape == clean.shape
        inside = task.inside(spoilt)
        assert psnr(repaired[inside], clean[inside]) > before + 0.1, name


def test_the_most_spoilt_part_is_shown():
    clean = np.zeros((3, 100, 130), np.float32)
    spoilt = clean.copy()
    spoilt[:, 45:55, 95:105] = 1
    crop = most_spoilt(spoilt, clean, 50)
    assert spoilt[crop].shape == (3, 50, 50)
    assert spoilt[crop].sum() == 300
    assert most_spoilt(spoilt, clean, 200)[1:] == (slice(0, 200), slice(0, 200))
