"""Tests of VGG-11 and VGG-16: the sizes and names that torchvision documents, and the order of the layers."""

import numpy as np
import pytest

import minicnn
from minicnn.errors import ArgumentError
from minicnn.models import VGG, build, vgg11_bn, vgg16


@pytest.mark.parametrize(
    ("make", "parameters", "last"),
    [(vgg11_bn, 132_868_840, "features.25.weight"), (vgg16, 138_357_544, "features.28.weight")],
)
def test_sizes_and_names_are_those_of_torchvision(make, parameters, last):
    network = make()
    assert sum(parameter.numel() for parameter in network.parameters()) == parameters
    shapes = {name: value.shape for name, value in network.state_dict().items()}
    assert shapes["features.0.weight"] == (64, 3, 3, 3)
    assert shapes[last] == (512, 512, 3, 3)
    assert shapes["classifier.0.weight"] == (4096, 512 * 7 * 7)
    assert shapes["classifier.6.bias"] == (1000,)
    assert abs(float(network.features[0].weight.std()) * (64 * 9 / 2) ** 0.5 - 1) < 0.1
    assert not network.features[0].bias.any()
    assert abs(float(network.classifier[6].weight.std()) - 0.01) < 1e-4


@pytest.mark.parametrize("batch_norm", [False, True])
def test_it_maps_pictures_to_logits(batch_norm, monkeypatch):
    monkeypatch.setattr("minicnn.models.vgg.HIDDEN", 8)
    network = VGG((1, 1, 1, 1, 1), num_classes=3, in_channels=1, batch_norm=batch_norm).eval()
    x = minicnn.rand(2, 1, 33, 47)
    y = network(x)
    assert y.shape == (2, 3)
    other = build("VGG", network.arguments).eval()
    other.load_state_dict(network.state_dict())
    np.testing.assert_array_equal(other(x).detach().numpy(), y.detach().numpy())


def test_arguments_are_checked():
    with pytest.raises(ArgumentError, match=r"VGG: layers must be 5 numbers of convolutions, got \(1,\)"):
        VGG((1,))
    with pytest.raises(ArgumentError, match="VGG: batch_norm must be True or False, got 'no'"):
        VGG(batch_norm="no")
    with pytest.raises(ArgumentError, match="VGG: in_channels must be a positive integer, got 0"):
        VGG(in_channels=0)
