"""Tests of spectral normalisation by a hook; test_against_torch.py compares the names of the state."""

import copy

import numpy as np
import pytest

import minicnn
from minicnn import ArgumentError, nn
from minicnn.autograd import gradcheck

LAYERS = {
    "linear": (lambda: nn.Linear(5, 3), (2, 5), 0),
    "conv": (lambda: nn.Conv2d(2, 4, 3), (1, 2, 5, 4), 0),
    "transposed": (lambda: nn.ConvTranspose2d(2, 4, 3), (1, 2, 3, 2), 1),
}


@pytest.mark.parametrize("name", LAYERS)
def test_the_largest_singular_value_becomes_one(name):
    make, shape, axis = LAYERS[name]
    layer = nn.utils.spectral_norm(make().double(), n_power_iterations=200)
    x = minicnn.randn(*shape, dtype=minicnn.float64)
    y = layer(x)
    original, normalised = (w.detach().numpy() for w in (layer.weight_orig, layer.weight))
    matrix = np.moveaxis(original, axis, 0).reshape(original.shape[axis], -1)
    np.testing.assert_allclose(normalised, original / np.linalg.svd(matrix)[1][0], rtol=1e-9)
    plain = make().double()
    plain.load_state_dict({"weight": layer.weight.detach(), "bias": layer.bias.detach()})
    np.testing.assert_allclose(y.detach().numpy(), plain(x).detach().numpy())


def test_each_forward_in_training_is_a_step_of_the_power_iteration():
    layer = nn.utils.spectral_norm(nn.Linear(4, 3).double())
    w, u, v = (t.detach().numpy().copy() for t in (layer.weight_orig, layer.weight_u, layer.weight_v))
    x = minicnn.randn(2, 4, dtype=minicnn.float64)
    layer.eval()(x)
    np.testing.assert_allclose(layer.weight.detach().numpy(), w / (u @ w @ v))
    np.testing.assert_array_equal(layer.weight_u.numpy(), u)
    layer.train()
    for _ in range(2):
        layer(x)
        v = w.T @ u / np.linalg.norm(w.T @ u)
        u = w @ v / np.linalg.norm(w @ v)
        np.testing.assert_allclose(layer.weight_u.numpy(), u)
        np.testing.assert_allclose(layer.weight.detach().numpy(), w / (u @ w @ v))


def test_the_gradient_goes_through_the_singular_value():
    layer = nn.utils.spectral_norm(nn.Linear(3, 2).double()).eval()
    x = minicnn.randn(4, 3, dtype=minicnn.float64)

    def loss(w):
        with minicnn.no_grad():
            u, v = layer.weight_u, layer.weight_v
        return (nn.functional.linear(x, w / (u @ (w @ v)), layer.bias) ** 2).sum()

    w = layer.weight_orig.detach().requires_grad_(True)
    assert gradcheck(loss, (w,))
    loss(w).backward()
    (layer(x) ** 2).sum().backward()
    np.testing.assert_allclose(layer.weight_orig.grad.numpy(), w.grad.numpy())


def test_two_forwards_before_a_backward_pass():
    layer = nn.utils.spectral_norm(nn.Linear(3, 2))
    a, b = layer(minicnn.ones(1, 3)), layer(minicnn.zeros(1, 3))  # as a discriminator of real and made pictures
    (a - b).sum().backward()
    assert np.isfinite(layer.weight_orig.grad.numpy()).all()


def test_a_normalised_layer_is_saved_copied_and_fused_chains_use_it():
    chain = nn.Sequential(nn.utils.spectral_norm(nn.Conv2d(1, 2, 3), n_power_iterations=5), nn.ReLU())
    x = minicnn.randn(1, 1, 6, 6)
    with minicnn.no_grad():
        chain(x)
        other = copy.deepcopy(chain.eval())
        chain[0].weight_orig.mul_(4.0)  # the normalised weight stays the same
    np.testing.assert_allclose(chain(x).detach().numpy(), other(x).detach().numpy(), rtol=1e-5, atol=1e-6)
    with minicnn.no_grad():
        other[0].weight_orig.copy_(minicnn.randn(2, 1, 3, 3))
    assert np.abs(chain(x).detach().numpy() - other(x).detach().numpy()).max() > 0.1
    new = nn.Sequential(nn.utils.spectral_norm(nn.Conv2d(1, 2, 3)), nn.ReLU()).eval()
    new.load_state_dict(chain.state_dict())
    np.testing.assert_array_equal(new(x).detach().numpy(), chain(x).detach().numpy())


def test_the_normalisation_can_be_removed():
    layer = nn.utils.spectral_norm(nn.Linear(3, 2)).eval()
    x = minicnn.randn(4, 3)
    y = layer(x).detach().numpy()
    assert nn.utils.remove_spectral_norm(layer) is layer
    assert [name for name, _ in layer.named_parameters()] == ["bias", "weight"]
    assert list(layer.named_buffers()) == []
    np.testing.assert_array_equal(layer(x).detach().numpy(), y)


def test_mistakes_of_spectral_norm():
    layer = nn.utils.spectral_norm(nn.Linear(3, 2))
    with pytest.raises(ArgumentError, match="'weight' of Linear is normalised already; call it once"):
        nn.utils.spectral_norm(layer)
    with pytest.raises(ArgumentError, match="ReLU has no parameter 'weight'; pass the name of its weight"):
        nn.utils.spectral_norm(nn.ReLU())
    with pytest.raises(ArgumentError, match="n_power_iterations must be at least 1, got 0"):
        nn.utils.spectral_norm(nn.Linear(3, 2), n_power_iterations=0)
    with pytest.raises(ArgumentError, match="remove_spectral_norm: 'weight' of Linear is not normalised"):
        nn.utils.remove_spectral_norm(nn.Linear(3, 2))
