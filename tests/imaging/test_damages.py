"""Tests of the ways to spoil photos, and of what repairs them."""

import numpy as np
import pytest

from minicnn.imaging.corruptions import as_in_a_file
from minicnn.imaging.damages import DAMAGES, Comparison, compare
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


def test_the_part_with_the_largest_errors_is_shown():
    clean = np.zeros((3, 100, 130), np.float32)
    result = clean.copy()
    result[:, 45:55, 95:105] = 1
    comparison = Comparison(np.ones_like(clean), {"good": clean, "bad": result}, clean, {})
    crop = comparison.hardest(50)
    assert result[crop].shape == (3, 50, 50)
    assert result[crop].sum() == 300
    assert comparison.hardest(200)[1:] == (slice(0, 200), slice(0, 200))


@pytest.mark.parametrize("name", ["noise, σ = 25", "3 times smaller", "holes and scratches", "no colours"])
def test_a_comparison_scores_input_classical_methods_and_networks_in_the_region_of_the_task(name, clean):
    (damage,) = (damage for damage in DAMAGES if damage.name == name)
    given = []

    def network(spoilt):
        given.append(spoilt)
        return clean + np.float32(0.1)

    found = compare(damage, clean, np.random.default_rng(5), {"network": network})
    spoilt = as_in_a_file(damage.spoil(clean, np.random.default_rng(5)))
    np.testing.assert_array_equal(given[0], spoilt)
    assert found.spoilt.shape == clean.shape
    np.testing.assert_array_equal(
        found.spoilt[: len(spoilt), :: TASKS[damage.model].scale, :: TASKS[damage.model].scale], spoilt
    )
    assert list(found.results) == [*damage.classical, "network"]
    assert list(found.psnr) == ["input"] * (damage.input is not None) + list(found.results)
    assert found.psnr["network"] == pytest.approx(20, abs=1e-4)
    for method, repair in damage.classical.items():
        inside = TASKS[damage.model].inside(spoilt)
        assert found.psnr[method] == psnr(repair(spoilt)[inside], clean[inside])
