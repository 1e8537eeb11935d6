"""Tests of the measures of generated pictures."""

import numpy as np
import pytest

from minicnn.generation.features import clothes_features, texture_features
from minicnn.generation.pictures import PictureSet
from recipes import measuring
from recipes.measuring import Subject, principal_components, sample_normal, subject


@pytest.fixture
def clothes():
    rng = np.random.default_rng(0)
    labels = np.arange(240) % 2
    shapes = np.zeros((240, 1, 28, 28), np.uint8)
    for picture, label in zip(shapes, labels, strict=True):
        top, left = rng.integers(2, 12, 2)
        picture[0, top : top + 14, left : left + 6 + 6 * label] = rng.integers(120, 256)
    return PictureSet(shapes, labels.astype(np.int64), ("narrow", "wide"))


@pytest.fixture
def measured(clothes):
    other = clothes.part(slice(60, 120)).floats()
    return Subject(clothes.part(slice(120, None)), clothes.part(slice(60)), other, clothes_features)


def test_real_pictures_have_better_measures_than_noise(measured):
    found = measured.measures(measured.other)
    bad = measured.measures(np.random.default_rng(1).random(measured.other.shape, np.float32))
    assert list(found) == ["FID", "FD64", "1-NN", "precision", "recall", "new"]
    assert found["FID"] < bad["FID"] / 3
    assert found["FD64"] < bad["FD64"] / 3
    assert found["1-NN"] < 0.7 < bad["1-NN"]
    assert found["precision"] > 0.3 > bad["precision"]
    assert 0.5 < found["new"] < 2
    assert measured.measures(measured.training.floats()[:60])["new"] < 0.01


def test_the_fid_does_not_depend_on_the_unit_of_the_features(measured):
    tenfold = Subject(measured.training, measured.real, measured.other, lambda x: 10 * clothes_features(x))
    assert tenfold.measures(measured.other)["FID"] == pytest.approx(measured.measures(measured.other)["FID"])


def test_baselines_are_ordered(measured):
    found = measured.baselines
    assert list(found) == [
        "real pictures",
        "a normal distribution of 64 components",
        "a normal distribution of each class",
        "32 principal components",
    ]
    real, normal, by_class, kept = (values["FID"] for values in found.values())
    assert real < by_class < normal
    assert kept < normal
    assert 10 < found["32 principal components"]["PSNR"] < 40


def test_samples_have_the_mean_and_the_covariance():
    rng = np.random.default_rng(0)
    pictures = (rng.standard_normal((500, 6)) @ rng.standard_normal((6, 6)) + 3).astype(np.float32)
    made = sample_normal(pictures.reshape(500, 1, 2, 3), 20_000, rng)
    assert made.shape == (20_000, 1, 2, 3)
    assert made.dtype == np.float32
    rows = made.reshape(20_000, 6)
    np.testing.assert_allclose(rows.mean(0), pictures.mean(0), atol=0.1)
    np.testing.assert_allclose(np.cov(rows.T), np.cov(pictures.T), atol=0.04 * np.cov(pictures.T).max())


def test_principal_components_keep_more_than_the_mean(clothes):
    pictures = clothes.floats()
    kept = principal_components(pictures[50:], pictures[:50], 32)
    assert kept.shape == (50, 1, 28, 28)
    error = ((kept - pictures[:50]) ** 2).mean()
    assert error < ((pictures[50:].mean(0) - pictures[:50]) ** 2).mean() / 2
    assert error < ((principal_components(pictures[50:], pictures[:50], 8) - pictures[:50]) ** 2).mean()
    np.testing.assert_allclose(principal_components(pictures, pictures, 784), pictures, atol=1e-3)


def test_few_held_out_pictures_are_compared_with_training_pictures(monkeypatch):
    colour = PictureSet(np.arange(50 * 3 * 8 * 8).reshape(50, 3, 8, 8).astype(np.uint8))
    parts = colour.part(slice(10, None)), colour.part(slice(10))
    monkeypatch.setattr(measuring, "load_pictures", lambda source: parts)
    found = subject.__wrapped__("some folder")
    assert found.features is texture_features
    assert len(found.real) == len(found.other) == 10
    assert all(any(np.array_equal(x, y) for y in parts[0].floats()) for x in found.other)
    monkeypatch.setattr(measuring, "COUNT", 4)
    found = subject.__wrapped__("fashion-mnist")
    assert found.features is clothes_features
    np.testing.assert_array_equal(found.real.pictures, colour.pictures[:4])
    np.testing.assert_array_equal(found.other, colour.floats()[4:8])
