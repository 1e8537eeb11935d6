"""Tests of the measures of generated clothes."""

import numpy as np
import pytest

from minicnn.generation.pictures import PictureSet
from recipes import generators
from recipes.generators import gaussian, main, measures


@pytest.fixture
def clothes():
    rng = np.random.default_rng(0)
    labels = np.arange(240) % 2
    shapes = np.zeros((240, 1, 28, 28), np.uint8)
    for picture, label in zip(shapes, labels, strict=True):
        top, left = rng.integers(2, 12, 2)
        picture[0, top : top + 14, left : left + 6 + 6 * label] = rng.integers(120, 256)
    return PictureSet(shapes, labels.astype(np.int64), ("narrow", "wide"))


def test_real_pictures_have_better_measures_than_noise(clothes):
    pictures = clothes.floats()
    real, other, training = pictures[:60], pictures[60:120], pictures[120:]
    noise = np.random.default_rng(1).random(other.shape, np.float32)
    found, bad = measures(other, real, training), measures(noise, real, training)
    assert list(found) == ["FID", "FD64", "1-NN", "precision", "recall", "new"]
    assert found["FID"] < bad["FID"] / 3
    assert found["FD64"] < bad["FD64"] / 3
    assert found["1-NN"] < 0.7 < bad["1-NN"]
    assert found["precision"] > 0.3 > bad["precision"]
    assert 0.5 < found["new"] < 2
    assert measures(training[:60], real, training)["new"] < 0.01


def test_the_baseline_has_the_mean_of_each_class(clothes, monkeypatch):
    monkeypatch.setattr(generators, "COUNT", 200)
    made = gaussian(clothes, np.random.default_rng(0))
    assert made.shape == (200, 1, 28, 28)
    assert 0 <= made.min() <= made.max() <= 1
    for label in (0, 1):
        mean = clothes.floats()[clothes.labels == label].mean(0)
        assert np.abs(made[100 * label : 100 * label + 100].mean(0) - mean).mean() < 0.06


def test_unknown_names(tmp_path):
    with pytest.raises(SystemExit, match="there is no training or file cloths; choose from clothes, clothes-latent"):
        main(tmp_path, ["cloths"])
