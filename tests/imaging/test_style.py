"""Tests of style transfer: the parts of the loss, optimised pixels, and the training of a network."""

import json

import numpy as np
import pytest

import minicnn
from minicnn.autograd import gradcheck
from minicnn.errors import ArgumentError, ShapeError
from minicnn.imaging.learning import spoilt_patches
from minicnn.imaging.style import PerceptualLoss, fit_style, gram_matrix, load_texture_classifier, transfer_style
from minicnn.imaging.tasks import PatchRecipe
from minicnn.models import StyleNetwork
from minicnn.ops.create import from_numpy


def shapes(seed, height=40, width=48):
    rng = np.random.default_rng(seed)
    coarse = rng.random((3, height // 8, width // 8)).astype(np.float32)
    return np.ascontiguousarray(coarse.repeat(8, 1).repeat(8, 2))


def stripes(height=40, width=44):
    line = (np.arange(width) // 4 % 2).astype(np.float32)
    return np.ascontiguousarray(np.broadcast_to(line, (3, height, width))) * np.float32(0.8)


@pytest.fixture(scope="module")
def loss():
    return PerceptualLoss(stripes())


def test_the_gram_matrix_is_numpys():
    features = np.random.default_rng(0).normal(size=(2, 3, 4, 5))
    expected = np.einsum("nihw,njhw->nij", features, features) / 20
    np.testing.assert_allclose(gram_matrix(from_numpy(features)).numpy(), expected, rtol=1e-12)
    with pytest.raises(ShapeError, match=r"must be \(N, C, H, W\)"):
        gram_matrix(from_numpy(features[0]))


def test_the_gradient_of_the_gram_matrix():
    x = from_numpy(np.random.default_rng(0).normal(size=(2, 3, 4, 5)))
    assert gradcheck(gram_matrix, (x.requires_grad_(),))


def test_the_gram_matrix_does_not_know_places():
    features = np.random.default_rng(0).normal(size=(1, 3, 20))
    mixed = features[:, :, np.random.default_rng(1).permutation(20)]
    grams = [gram_matrix(from_numpy(np.ascontiguousarray(f.reshape(1, 3, 4, 5)))).numpy() for f in (features, mixed)]
    np.testing.assert_allclose(*grams, rtol=1e-12)


def test_a_photo_has_its_own_content_and_the_style_picture_its_own_style(loss):
    photo, style = (from_numpy(p[np.newaxis]) for p in (shapes(0), stripes()))
    same, other = loss.parts(photo, loss.content(photo)), loss.parts(style, loss.content(style))
    assert float(same.content) == 0 < float(same.style)
    assert float(other.style) < 1e-9
    assert float(loss.parts(photo, loss.content(from_numpy(shapes(1)[np.newaxis]))).content) > 0.1


def test_total_variation_is_the_mean_step_between_neighbours(loss):
    picture = shapes(0)
    expected = sum(np.abs(np.diff(picture, axis=axis)).mean() for axis in (1, 2))
    x = from_numpy(picture[np.newaxis])
    assert float(loss.parts(x, loss.content(x)).tv) == pytest.approx(expected, rel=1e-5)
    assert float(loss.parts(x * 0 + 0.3, loss.content(x)).tv) == 0


def test_the_loss_is_the_weighted_sum_of_its_parts(loss):
    x, photo = from_numpy(shapes(0)[np.newaxis]), from_numpy(shapes(1)[np.newaxis])
    content, style, tv = map(float, loss.parts(x, loss.content(photo)))
    assert float(loss(x, photo)) == pytest.approx(content + 10 * style + tv / 2, rel=1e-5)
    strong = PerceptualLoss(stripes(), 3, classifier=loss.classifier)
    assert float(strong(x, photo)) == pytest.approx(content + 30 * style + tv / 2, rel=1e-5)


def test_the_loss_of_a_batch_is_the_mean_of_its_pictures(loss):
    pictures, photo = [shapes(0), shapes(1)], shapes(2)
    one, two, both = (
        loss.parts(from_numpy(np.stack(p)), loss.content(from_numpy(np.stack([photo] * len(p)))))
        for p in (pictures[:1], pictures[1:], pictures)
    )
    for first, second, mean in zip(one, two, both, strict=True):
        assert float(mean) == pytest.approx((float(first) + float(second)) / 2, rel=1e-4)


def test_optimised_pixels_take_the_style_over():
    losses = []
    photo = shapes(0)
    result = transfer_style(photo, stripes(), steps=25, progress=lambda step, parts: losses.append((step, parts)))
    assert [step for step, _ in losses] == list(range(25))
    assert (result.shape, result.dtype) == (photo.shape, np.float32)
    assert 0 <= result.min() <= result.max() <= 1
    assert float(losses[-1][1].style) < 0.5 * float(losses[0][1].style)
    again = transfer_style(photo, stripes(), steps=25)
    np.testing.assert_array_equal(result, again)
    assert np.abs(np.diff(result, axis=2)).mean() > np.abs(np.diff(result, axis=1)).mean()  # vertical stripes


def test_no_step_changes_nothing():
    np.testing.assert_array_equal(transfer_style(shapes(0), stripes(), steps=0), shapes(0))


def test_mistakes():
    with pytest.raises(
        ShapeError, match=r"the style picture must be \(3, H, W\) with H and W at least 32, got \(3, 31"
    ):
        transfer_style(shapes(0), stripes(31))
    with pytest.raises(ShapeError, match=r"the photo must be \(3, H, W\) with H and W at least 32, got \(1, 40"):
        transfer_style(shapes(0)[:1], stripes())
    with pytest.raises(ArgumentError, match="strength must be above 0, got 0"):
        PerceptualLoss(stripes(), 0)


def test_the_classifier_gets_no_gradient(loss):
    x = from_numpy(shapes(0)[np.newaxis]).requires_grad_()
    loss(x, x.detach()).backward()
    assert float(x.grad.abs().sum()) > 0
    assert all(p.grad is None for p in loss.classifier.parameters())
    assert {str(p.dtype) for p in load_texture_classifier().parameters()} == {"float32"}


def test_a_network_learns_the_style(loss, tmp_path):
    minicnn.manual_seed(0)
    recipe = PatchRecipe(steps=25, batch_size=1, patch=32, learning_rate=5e-3)
    patches = spoilt_patches([shapes(i) for i in range(3)], lambda clean, rng: (clean, clean), recipe)
    network = StyleNetwork(width=4, blocks=1)
    history = fit_style(network, loss, patches, recipe, tmp_path, [shapes(3), shapes(4)], bar=False)
    losses = history.values("loss")
    assert len(losses) == 25
    assert np.mean(losses[-5:]) < 0.9 * np.mean(losses[:5])
    last = json.loads((tmp_path / "losses.jsonl").read_text().splitlines()[-1])
    assert {"content", "style", "tv", "epoch_loss"} <= last.keys()
    parts = [
        loss.parts(network(from_numpy(shapes(i)[np.newaxis])), loss.content(from_numpy(shapes(i)[np.newaxis])))
        for i in (3, 4)
    ]
    assert last["style"] == pytest.approx(np.mean([float(p.style) for p in parts]), rel=1e-4)
    assert (tmp_path / "samples" / "001.jpg").is_file()
    assert (tmp_path / "checkpoint.safetensors").is_file()
