"""Tests of parametrizations. oracles/calls/parameters.py has PyTorch's results and names."""

import copy

import numpy as np
import pytest

import minicnn
import minicnn.nn.utils.parametrize as P
from minicnn import ArgumentError, nn
from minicnn.nn.utils import parametrize


class Symmetric(nn.Module):
    def forward(self, x):
        return (x + x.T) / 2


class Scaled(nn.Module):
    def __init__(self):
        super().__init__()
        self.factor = nn.Parameter(minicnn.tensor(2.0))

    def forward(self, x):
        return self.factor * x

    def right_inverse(self, x):
        return x / self.factor


def test_the_module_has_two_names():
    assert parametrize is P is nn.utils.parametrize


def test_a_layer_stays_symmetric_in_training():
    layer = P.register_parametrization(nn.Linear(3, 3), "weight", Symmetric())
    optimizer = minicnn.optim.SGD(layer.parameters(), lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        (layer(minicnn.randn(4, 3)) ** 2).sum().backward()
        optimizer.step()
    weight = layer.weight.detach().numpy()
    np.testing.assert_array_equal(weight, weight.T)
    assert (layer.parametrizations.weight.original.detach().numpy() != weight).any()


def test_a_parametrization_may_have_parameters_and_an_inverse():
    layer = nn.Linear(2, 2)
    before = layer.weight.detach().numpy().copy()
    P.register_parametrization(layer, "weight", Scaled())
    np.testing.assert_array_equal(layer.weight.detach().numpy(), before)
    layer.weight = minicnn.ones(2, 2)
    assert layer.parametrizations.weight.original.tolist() == [[0.5, 0.5], [0.5, 0.5]]
    layer(minicnn.ones(1, 2)).sum().backward()
    assert layer.parametrizations.weight[0].factor.grad.item() == 2.0


def test_copies_are_independent():
    layer = P.register_parametrization(nn.Linear(2, 2), "weight", Scaled())
    other = copy.deepcopy(layer)
    P.register_parametrization(other, "bias", Scaled())
    P.remove_parametrizations(other, "weight")
    assert P.is_parametrized(layer, "weight")
    assert not P.is_parametrized(layer, "bias")
    assert [P.is_parametrized(other, name) for name in ("weight", "bias")] == [False, True]
    assert isinstance(layer.bias, nn.Parameter)
    assert layer(minicnn.ones(1, 2)).shape == other(minicnn.ones(1, 2)).shape == (1, 2)


def test_the_state_goes_round_and_a_chain_uses_it():
    def chain():
        return nn.Sequential(P.register_parametrization(nn.Conv2d(1, 2, 3), "weight", Scaled()), nn.ReLU())

    first, second, x = chain(), chain(), minicnn.randn(1, 1, 5, 5)
    second.load_state_dict(first.state_dict())
    np.testing.assert_array_equal(second(x).detach().numpy(), first(x).detach().numpy())
    assert first.double()[0].weight.dtype == minicnn.float64


def test_cached_computes_once():
    layer = P.register_parametrization(nn.Linear(2, 2), "weight", Symmetric())
    with P.cached():
        first = layer.weight
        assert layer.weight is first
    assert layer.weight is not first
    with P.cached():
        assert layer.weight is not first  # the cache is empty again


def test_mistakes():
    layer = nn.Linear(2, 3)
    with pytest.raises(ArgumentError, match="Linear has no parameter or buffer 'weights'"):
        P.register_parametrization(layer, "weights", Scaled())
    with pytest.raises(ArgumentError, match=r"must return float32 of \(3, 2\), as before, got float32 of \(6,\)"):
        P.register_parametrization(layer, "weight", nn.Flatten(0))
    assert not P.is_parametrized(layer)
    assert isinstance(layer.weight, nn.Parameter)
    with pytest.raises(ArgumentError, match="'weight' of Linear is not parametrized"):
        P.remove_parametrizations(layer, "weight")
    with pytest.raises(ArgumentError, match="Flatten has none, so the tensor cannot be assigned"):
        P.register_parametrization(layer, "bias", nn.Flatten(0)).bias = minicnn.zeros(3)
    with pytest.raises(ArgumentError, match="there is no parametrization"):
        P.ParametrizationList([], minicnn.zeros(1))
