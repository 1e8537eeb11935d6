"""Tests of gradient clipping, of parameters as a vector, of spectral normalisation."""

import copy

import numpy as np
import pytest

import minicnn
from minicnn import ArgumentError, AutogradError, ShapeError, nn
from minicnn.autograd import gradcheck


def parameters(*gradients: list[float]) -> list[nn.Parameter]:
    made = [nn.Parameter(minicnn.zeros(len(g))) for g in gradients]
    for p, g in zip(made, gradients, strict=True):
        p.grad = minicnn.tensor(g)
    return made


def gradients(made: list[nn.Parameter]) -> list[float]:
    return [value for p in made for value in p.grad.tolist()]


def test_gradients_are_scaled_together_to_the_norm():
    made = [*parameters([3.0], [0.0, 4.0]), nn.Parameter(minicnn.zeros(1))]  # the last has no gradient
    assert nn.utils.clip_grad_norm_(made, 1.0).item() == 5
    np.testing.assert_allclose(gradients(made[:2]), [0.6, 0, 0.8], rtol=1e-5)


def test_small_gradients_stay():
    made = parameters([3.0], [4.0])
    nn.utils.clip_grad_norm_(iter(made), 10.0)
    assert gradients(made) == [3, 4]


@pytest.mark.parametrize(("norm_type", "norm"), [(1, 7), (float("inf"), 4), (3, 91 ** (1 / 3))])
def test_other_norms(norm_type, norm):
    made = parameters([3.0], [-4.0])
    assert nn.utils.clip_grad_norm_(made, norm / 2, norm_type).item() == pytest.approx(norm)
    np.testing.assert_allclose(gradients(made), [1.5, -2], rtol=1e-5)


def test_one_parameter_and_none():
    (p,) = parameters([2.0])
    nn.utils.clip_grad_norm_(p, 1.0)
    assert p.grad.item() == pytest.approx(1)
    assert nn.utils.clip_grad_norm_([], 1.0).item() == 0


def test_values_are_limited():
    made = parameters([3.0, -0.5], [-4.0])
    nn.utils.clip_grad_value_(made, 1.0)
    assert gradients(made) == [1, -0.5, -1]


def test_vectors_go_round():
    net, other = nn.Linear(2, 3), nn.Linear(2, 3)
    vector = nn.utils.parameters_to_vector(net.parameters())
    assert vector.shape == (9,)
    nn.utils.vector_to_parameters(vector, other.parameters())
    assert other.weight.tolist() == net.weight.tolist()
    assert other.bias.tolist() == net.bias.tolist()
    assert other.weight.requires_grad


def test_messages():
    (p,) = parameters([float("nan")])
    with pytest.raises(AutogradError, match=r"clip_grad_norm_: the norm of the gradients is nan; .*detect_anomaly"):
        nn.utils.clip_grad_norm_(p, 1.0, error_if_nonfinite=True)
    with pytest.raises(ShapeError, match=r"vector_to_parameters: the parameters hold 1 numbers, the vector is \(2,\)"):
        nn.utils.vector_to_parameters(minicnn.zeros(2), [p])


# --- spectral normalisation; test_against_torch.py compares the names of the state ----------------------------------


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
