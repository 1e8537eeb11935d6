"""Tests of the layers of rectifiers that oracles/calls/activations.py does not cover."""

import pytest

import minicnn
from minicnn import ArgumentError, nn


def test_older_names_of_the_limits_work_with_a_warning():
    with pytest.warns(FutureWarning, match="Hardtanh: min_value is an older name; write min_val=-3"):
        layer = nn.Hardtanh(min_value=-3)
    assert (layer.min_val, layer.max_val) == (-3, 1.0)
    with pytest.raises(ArgumentError, match="Hardtanh: min_val must be below max_val, got 1 and 1"):
        nn.Hardtanh(1, 1)


def test_rrelu_is_random_in_training_only():
    x, layer = minicnn.full((1000,), -1.0), nn.RReLU(0.1, 0.3)
    y = layer(x)
    assert -0.3 <= y.amin().item() < -0.29
    assert -0.11 < y.amax().item() <= -0.1
    assert set(layer.eval()(minicnn.tensor([-1.0]).double()).tolist()) == {-0.2}


def test_a_prelu_trains_its_weight():
    layer = nn.PReLU(2)
    layer(minicnn.tensor([[-1.0, 2.0], [-3.0, -1.0]])).sum().backward()
    assert layer.weight.grad.tolist() == [-4.0, -1.0]
