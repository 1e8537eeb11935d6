"""Tests of the benchmark networks: shapes, inputs and parameters."""

import numpy as np
import pytest

import minicnn
from benchmarks.cases import Net
from benchmarks.networks import NETWORKS, inputs, parameters
from minicnn.models import CNNGenerator, DiffusionUNet


def test_the_generator_is_that_of_minicnn():
    ours, theirs = NETWORKS["CNNGenerator"].build(minicnn), CNNGenerator()
    assert [*map(str, ours)] == [*map(str, theirs)]
    theirs.load_state_dict(ours.state_dict())
    x = minicnn.rand(2, 3, 32, 32)
    np.testing.assert_array_equal(ours(x).detach().numpy(), theirs(x).detach().numpy())


def test_the_generator_of_functions_is_the_same_network():
    chain, functions = (NETWORKS[name].build(minicnn) for name in ("CNNGenerator", "CNNGenerator of functions"))
    functions.load_state_dict(chain.state_dict())
    x = minicnn.rand(2, 3, 32, 32)
    np.testing.assert_allclose(functions(x).detach().numpy(), chain(x).detach().numpy(), atol=1e-6)


def test_the_diffusion_network_is_that_of_minicnn():
    ours, theirs = NETWORKS["diffusion U-Net"].build(minicnn), DiffusionUNet(channels=3, classes=10)
    names = {"first": "down_blocks.0", "before": "before.0", "after": "after.0", "last": "up_blocks.0"}
    state = {}
    for name, value in parameters(ours).items():
        first, rest = name.split(".", 1)
        state[f"{names.get(first, first)}.{rest}"] = minicnn.from_numpy(value)
    ours.load_state_dict({name: minicnn.from_numpy(value) for name, value in parameters(ours).items()})
    theirs.load_state_dict(state)
    x, time, label = minicnn.rand(4, 3, 12, 8), minicnn.tensor([0.125, 0.375, 0.625, 0.875]), minicnn.arange(4)
    np.testing.assert_allclose(ours(x).detach().numpy(), theirs(x, time, label).detach().numpy(), rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("network", NETWORKS)
def test_each_network_maps_its_inputs_to_the_shape_of_its_targets(network):
    case = Net(group="training", network=network, batch=2, size=32, training=True)
    x, target = inputs(case)
    y = NETWORKS[network].build(minicnn)(minicnn.from_numpy(x))
    expected = {"cross_entropy": (2, 10), "mse_loss": target.shape, None: ()}
    assert y.shape == expected[NETWORKS[network].loss]
    assert x.dtype == np.float32


def test_parameters_are_the_same_every_time_and_spread_as_he_et_al_say():
    model = NETWORKS["VGG classifier"].build(minicnn)
    first, second = parameters(model), parameters(model)
    assert first.keys() == dict(model.named_parameters()).keys()
    assert all(np.array_equal(first[name], second[name]) for name in first)
    weight = first["3.weight"]  # a 3×3 convolution of 32 channels
    assert weight.std() == pytest.approx(np.sqrt(2 / (32 * 9)), rel=0.05)
    assert first["1.weight"].mean() == pytest.approx(1, abs=0.05)  # weight of a batch norm
