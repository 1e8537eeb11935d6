"""Tests of dropout layers: active in training mode, inactive in eval mode."""

import pytest

import minicnn
from minicnn import ArgumentError, nn


@pytest.mark.parametrize("layer", [nn.Dropout, nn.Dropout2d])
def test_only_training_drops(layer):
    x = minicnn.ones(4, 5, 6, 6)
    net = nn.Sequential(layer(0.5))
    assert (net(x) == 0).any().item()
    assert net.eval()(x) is x


@pytest.mark.parametrize("layer", [nn.Dropout, nn.Dropout2d])
def test_messages(layer):
    with pytest.raises(ArgumentError, match=f"{layer.__name__}: p must be a probability from 0 to 1, got -0.1"):
        layer(-0.1)
