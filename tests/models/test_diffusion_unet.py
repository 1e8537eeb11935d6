"""Tests of the U-Net of diffusion and flow models."""

import numpy as np
import pytest

import minicnn
from minicnn.errors import ArgumentError
from minicnn.models import DiffusionUNet


def make(**arguments):
    minicnn.manual_seed(0)
    network = DiffusionUNet(width=8, **arguments)
    with minicnn.no_grad():
        for p in network.parameters():
            p.add_(0.1 * minicnn.randn(*p.shape))
    return network.eval()


@pytest.mark.parametrize("size", [(8, 8), (7, 7), (1, 1), (5, 12), (28, 28)])
@pytest.mark.parametrize("patch", [1, 2])
def test_any_size(size, patch):
    network = make(channels=3, patch=patch)
    y = network(minicnn.randn(2, 3, *size), minicnn.tensor([0.1, 0.9]))
    assert y.shape == (2, 3, *size)
    assert np.isfinite(y.detach().numpy()).all()


def test_it_begins_as_zero():
    y = DiffusionUNet(width=8, classes=2)(minicnn.randn(2, 1, 8, 8), minicnn.tensor([0.0, 1.0]), minicnn.tensor([0, 2]))
    assert (y.detach().numpy() == 0).all()


def test_time_label_and_distant_pixels_matter():
    network = make(classes=3)
    x, time, label = minicnn.randn(1, 1, 16, 16), minicnn.tensor([0.5]), minicnn.tensor([1])
    y = network(x, time, label).detach().numpy()
    assert np.abs(network(x, minicnn.tensor([0.51]), label).detach().numpy() - y).max() > 1e-4
    assert np.abs(network(x, time, minicnn.tensor([3])).detach().numpy() - y).max() > 1e-4
    corner = x.clone()
    corner[0, 0, 0, 0] += 1
    assert np.abs(network(corner, time, label).detach().numpy() - y)[0, 0, -1, -1] > 1e-7  # by attention


def test_guidance_extrapolates_from_the_result_without_a_label():
    network = make(classes=3)
    x, time, labels = minicnn.randn(2, 1, 8, 8), minicnn.tensor([0.2, 0.7]), minicnn.tensor([0, 2])
    y, y0 = (network(x, time, given).detach().numpy() for given in (labels, minicnn.tensor([3, 3])))
    for guidance in (0.0, 1.0, 2.5):
        guided = network.guided(x, time, labels, guidance).detach().numpy()
        np.testing.assert_allclose(guided, y0 + guidance * (y - y0), atol=1e-5)
    plain = make()
    np.testing.assert_array_equal(plain.guided(x, time, None, 3.0).detach().numpy(), plain(x, time).detach().numpy())


@pytest.mark.parametrize("width", range(8, 128, 8))
def test_any_width(width):
    assert DiffusionUNet(width=width)(minicnn.zeros(1, 1, 4, 4), minicnn.zeros(1)).shape == (1, 1, 4, 4)


def test_without_labels_it_is_that_of_no_label():
    network = make(classes=3)
    x, time = minicnn.randn(2, 1, 8, 8), minicnn.tensor([0.2, 0.7])
    expected = network(x, time, minicnn.tensor([3, 3])).detach().numpy()
    np.testing.assert_array_equal(network(x, time).detach().numpy(), expected)


def test_a_tenth_of_the_labels_is_left_out():
    network = make(classes=3)
    assert network.without_some(None) is None
    labels = network.without_some(minicnn.ones(5000, dtype=minicnn.int64)).numpy()
    assert set(labels.tolist()) == {1, 3}
    assert (labels == 3).mean() == pytest.approx(0.1, abs=0.02)


def test_the_gradient_is_that_of_finite_differences():
    network = make(channels=1, classes=2).double()
    time, label = minicnn.tensor([0.3], dtype=minicnn.float64), minicnn.tensor([1])
    from minicnn.autograd import gradcheck

    x = minicnn.randn(1, 1, 4, 4, dtype=minicnn.float64).requires_grad_(True)
    assert gradcheck(lambda x: network(x, time, label), (x,))


def test_mistakes():
    with pytest.raises(ArgumentError, match="DiffusionUNet: width must be a multiple of 8, got 12"):
        DiffusionUNet(width=12)
    with pytest.raises(ArgumentError, match="the network has no classes; leave the labels out"):
        make()(minicnn.zeros(1, 1, 8, 8), minicnn.zeros(1), minicnn.tensor([0]))
    with pytest.raises(ArgumentError, match="DiffusionUNet: patch must be a positive integer, got 0"):
        DiffusionUNet(patch=0)
