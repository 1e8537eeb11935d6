"""Tests of TextureClassifier: shapes, errors, and the trained network on photos of scikit-image."""

import numpy as np
import pytest

import minicnn
from minicnn.errors import ArgumentError, ShapeError
from minicnn.imaging import HELD_OUT_PHOTOS, TRAINING_PHOTOS, load_photo
from minicnn.imaging.editing import TEXTURE_CLASSIFIER, load_editor, trained_models
from minicnn.imaging.style import load_texture_classifier
from minicnn.models import TextureClassifier, build
from minicnn.ops.create import from_numpy


def test_each_level_halves_the_resolution_and_adds_channels():
    network = TextureClassifier(classes=7, width=4, levels=3)
    x = minicnn.rand(2, 3, 13, 16)
    assert [f.shape for f in network.features(x)] == [(2, 4, 13, 16), (2, 8, 6, 8), (2, 12, 3, 4)]
    assert network(x).shape == (2, 7)
    assert all(float(f.min()) >= 0 for f in network.features(x))


def test_the_logits_are_linear_in_the_mean_of_the_last_features():
    network = TextureClassifier(classes=7, width=4, levels=2).eval()
    x = minicnn.rand(1, 3, 8, 8)
    features = network.features(x)[-1].detach().numpy()[0].mean((1, 2))
    expected = network.linear.weight.detach().numpy() @ features + network.linear.bias.detach().numpy()
    np.testing.assert_allclose(network(x).detach().numpy()[0], expected, rtol=1e-4, atol=1e-5)


def test_build_makes_it_again():
    network = TextureClassifier(classes=3, width=4, levels=2)
    assert build("TextureClassifier", network.arguments).arguments == network.arguments


def test_mistakes():
    with pytest.raises(ArgumentError, match="width must be a positive integer, got 0"):
        TextureClassifier(width=0)
    with pytest.raises(ShapeError, match=r"H and W at least 8, got \(1, 3, 7, 9\)"):
        TextureClassifier(width=4).features(minicnn.zeros(1, 3, 7, 9))
    with pytest.raises(ShapeError, match=r"must be \(N, 3, H, W\)"):
        TextureClassifier(width=4)(minicnn.zeros(1, 1, 9, 9))


def test_the_trained_network_is_small_and_no_editor():
    assert TEXTURE_CLASSIFIER.stat().st_size < 0.6e6
    assert TEXTURE_CLASSIFIER.stem not in trained_models()
    with pytest.raises(minicnn.errors.CheckpointError, match="holds TextureClassifier, which cannot edit photos"):
        load_editor(TEXTURE_CLASSIFIER)
    network = load_texture_classifier()
    assert not network.training
    assert not any(p.requires_grad for p in network.parameters())


def test_the_features_of_the_trained_network_tell_photos_apart():
    """Patches are recognised by the nearest mean of deep features of other patches of the photo. Chance is 1 / 8."""
    pytest.importorskip("skimage")
    network, rng = load_texture_classifier(), np.random.default_rng(0)
    known, seen = [], []
    for photo in map(load_photo, (*TRAINING_PHOTOS, *HELD_OUT_PHOTOS)):
        half = photo.shape[2] // 2
        for part, found in ((photo[:, :, :half], known), (photo[:, :, half:], seen)):
            corners = [rng.integers(0, (part.shape[1] - 63, part.shape[2] - 63)) for _ in range(12)]
            patches = np.stack([part[:, top : top + 64, left : left + 64] for top, left in corners])
            found.append(network.features(from_numpy(patches))[-1].mean((2, 3)).numpy())
    means = np.stack([k.mean(0) for k in known])
    right = [
        np.argmin(((patch - means) ** 2).sum(1)) == number for number, patches in enumerate(seen) for patch in patches
    ]
    assert len(means) == 8
    assert np.mean(right) > 0.3
