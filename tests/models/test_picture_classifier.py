"""Tests of the classifier of small pictures."""

import numpy as np
import pytest

import minicnn
from minicnn.errors import ArgumentError
from minicnn.models import PictureClassifier, build
from minicnn.nn.functional import cross_entropy


@pytest.mark.parametrize("size", [4, 28, 31])
def test_shapes(size):
    network = PictureClassifier(3, size, 5, width=4).eval()
    x = minicnn.rand(2, 3, size, size)
    assert network(x).shape == (2, 5)
    assert network.features(x).shape == (2, 64)
    other = build("PictureClassifier", network.arguments).eval()
    other.load_state_dict(network.state_dict())
    np.testing.assert_array_equal(other(x).detach().numpy(), network(x).detach().numpy())


def test_it_learns_to_tell_pictures_apart():
    minicnn.manual_seed(0)
    network = PictureClassifier(1, 8, 2, width=4)
    optimizer = minicnn.optim.Adam(network.parameters(), lr=5e-3)
    dark, light = minicnn.rand(32, 1, 8, 8) * 0.5, minicnn.rand(32, 1, 8, 8) * 0.5 + 0.4
    pictures, labels = minicnn.cat([dark, light]), minicnn.tensor([0] * 32 + [1] * 32)
    for _ in range(30):
        optimizer.zero_grad()
        cross_entropy(network(pictures), labels).backward()
        optimizer.step()
    assert (network.eval()(pictures).argmax(1) == labels).float().mean().item() > 0.95


def test_arguments_are_checked():
    with pytest.raises(ArgumentError, match="PictureClassifier: classes must be a positive integer, got 0"):
        PictureClassifier(classes=0)
    with pytest.raises(ArgumentError, match="PictureClassifier: size must be at least 4, got 3"):
        PictureClassifier(size=3)
