"""Tests of StyleNetwork: sizes, gradients, instance norm, and tiles that fit exactly."""

import numpy as np
import pytest

import minicnn
from minicnn.errors import ArgumentError, ShapeError
from minicnn.imaging.editing import edit
from minicnn.models import StyleNetwork
from minicnn.ops.create import from_numpy


def network_of(width=4, blocks=1):
    minicnn.manual_seed(0)
    return StyleNetwork(width=width, blocks=blocks).eval()


def picture(height, width, seed=0):
    """A picture whose contrast and colours change from left to right, so that tiles have other statistics."""
    rng = np.random.default_rng(seed)
    noise = rng.random((3, height, width), np.float32) - 0.5
    ramp = np.linspace(0, 1, width, dtype=np.float32)
    return (0.2 + 0.5 * ramp + 0.3 * ramp * noise).astype(np.float32)


@pytest.mark.parametrize("size", [(1, 1), (7, 9), (8, 8), (16, 24)])
def test_the_size_is_kept_and_the_result_lies_between_0_and_1(size):
    y = network_of()(minicnn.rand(2, 3, *size))
    assert y.shape == (2, 3, *size)
    assert float(y.min()) > 0
    assert float(y.max()) < 1


def test_instance_norm_takes_the_contrast_away():
    network, x = network_of(), minicnn.rand(1, 3, 32, 32)
    pale = 0.5 + (x - 0.5) * 0.2
    np.testing.assert_allclose(network(pale).detach().numpy(), network(x).detach().numpy(), atol=1e-2)


def test_all_parameters_get_gradients():
    network = network_of().train()
    network(minicnn.rand(1, 3, 16, 16)).square().mean().backward()
    assert all(p.grad is not None for p in network.parameters())
    assert float(network.head[0].weight.grad.abs().sum()) > 0


def test_statistics_of_the_whole_image_give_the_whole_result():
    network, x = network_of(), from_numpy(picture(64, 96)[np.newaxis])
    fixed = network.with_statistics(x)
    np.testing.assert_allclose(fixed(x).detach().numpy(), network(x).detach().numpy(), atol=5e-3)
    assert not any(layer.track_running_stats for layer in network.modules() if hasattr(layer, "track_running_stats"))


@pytest.mark.parametrize("blocks", [0, 1, 3])
def test_with_fixed_statistics_the_radius_is_limited(blocks):
    network = network_of(blocks=blocks)
    image = picture(176, 176)
    fixed = network.with_statistics(from_numpy(image[np.newaxis]))
    whole = fixed(from_numpy(image[np.newaxis])).detach().numpy()[0]
    fixed.global_statistics = False
    for tile in (32, 88):
        np.testing.assert_allclose(edit(fixed, image, tile=tile), whole, atol=2e-5)
    fixed.radius -= 8
    assert np.abs(edit(fixed, image, tile=32) - whole).max() > 1e-4


def test_edit_shows_no_seams():
    network, image = network_of(), picture(96, 200)
    whole = network(from_numpy(image[np.newaxis])).detach().numpy()[0]
    tiled = edit(network, image, tile=64)
    np.testing.assert_allclose(tiled, whole, atol=2e-3)
    network.global_statistics = False  # without the statistics of the whole image there are seams
    assert np.abs(edit(network, image, tile=64) - whole).max() > 0.05


def test_a_large_image_is_measured_in_bands_and_has_no_seams():
    network, image = network_of(), picture(40, 1200)
    tiled = edit(network, image, tile=256)
    whole = network(from_numpy(image[np.newaxis])).detach().numpy()[0]
    assert np.abs(tiled - whole).mean() < 0.05
    columns = np.abs(np.diff(tiled, axis=2)).mean((0, 1))
    edges = [240 * i - 1 for i in range(1, 5)]  # five tiles of 240 pixels
    assert columns[edges].mean() < 1.5 * columns.mean()


def test_a_grey_picture_gets_the_colours_of_the_style():
    network = network_of()
    grey = (picture(40, 100)[:1] * 255).astype(np.uint8)
    result = edit(network, grey, tile=48)
    assert result.dtype == np.uint8
    np.testing.assert_array_equal(result, edit(network, np.repeat(grey, 3, 0), tile=48))
    assert (result[0] != result[1]).any()


def test_mistakes():
    with pytest.raises(ArgumentError, match="StyleNetwork: width must be a positive integer"):
        StyleNetwork(width=0)
    with pytest.raises(ShapeError, match=r"StyleNetwork: input must be \(N, 3, H, W\)"):
        network_of()(minicnn.zeros(1, 1, 8, 8))
