"""Tests of the features of pictures, with the trained classifiers."""

import numpy as np
import pytest

from minicnn.errors import CheckpointError, ShapeError
from minicnn.generation import features
from minicnn.generation.features import CLOTHES_CLASSIFIER, clothes_features, texture_features
from minicnn.imaging.editing import save_editor
from minicnn.models import ResidualEditor


def test_the_classifier_is_small():
    assert CLOTHES_CLASSIFIER.stat().st_size < 0.6e6


def test_features_have_one_row_for_each_picture(monkeypatch):
    pictures = np.random.default_rng(0).random((7, 1, 28, 28)).astype(np.float32)
    together = clothes_features(pictures)
    assert together.shape == (7, 64)
    monkeypatch.setattr(features, "BATCH", 3)
    np.testing.assert_allclose(clothes_features(pictures), together, atol=1e-4)
    assert together.std() > 0


def test_features_of_pictures_in_colour(monkeypatch):
    pictures = np.random.default_rng(0).random((5, 3, 9, 16)).astype(np.float32)
    together = texture_features(pictures)
    assert together.shape == (5, 96)
    assert together.dtype == np.float64
    monkeypatch.setattr(features, "BATCH", 2)
    np.testing.assert_allclose(texture_features(pictures), together, atol=1e-4)
    assert np.abs(texture_features(pictures[:, ::-1]) - together).max() > 0.01
    with pytest.raises(ShapeError, match=r"input must be \(N, 3, H, W\) with H and W at least 8, got \(2, 1, 9, 16\)"):
        texture_features(np.zeros((2, 1, 9, 16), np.float32))


def test_other_shapes():
    with pytest.raises(ShapeError, match=r"pictures must be \(N, 1, 28, 28\), got \(2, 3, 28, 28\)"):
        clothes_features(np.zeros((2, 3, 28, 28), np.float32))


def test_another_network_in_the_file(tmp_path, monkeypatch):
    save_editor(tmp_path / "x.safetensors", ResidualEditor(width=4, blocks=1))
    monkeypatch.setattr(features, "CLOTHES_CLASSIFIER", tmp_path / "x.safetensors")
    features._classifier.cache_clear()
    with pytest.raises(CheckpointError, match="holds ResidualEditor, another network; install"):
        clothes_features(np.zeros((1, 1, 28, 28), np.float32))
    features._classifier.cache_clear()
