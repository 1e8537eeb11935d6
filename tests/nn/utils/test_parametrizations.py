"""Tests of the parametrizations of weights. oracles/calls/parameters.py has PyTorch's results."""

import numpy as np
import pytest

import minicnn
from minicnn import ArgumentError, nn
from minicnn.errors import ShapeError
from minicnn.nn.utils.parametrizations import orthogonal, spectral_norm, weight_norm


@pytest.mark.parametrize(
    "make", [lambda: nn.Linear(5, 3), lambda: nn.Conv2d(2, 4, 3), lambda: nn.ConvTranspose2d(2, 4, 3)]
)
def test_the_largest_singular_value_becomes_one(make):
    minicnn.manual_seed(0)
    layer = spectral_norm(make().double(), n_power_iterations=500)
    weight = layer.weight.detach().numpy()
    matrix = np.moveaxis(weight, 1 if isinstance(layer, nn.ConvTranspose2d) else 0, 0)
    assert np.linalg.svd(matrix.reshape(len(matrix), -1))[1][0] == pytest.approx(1, rel=1e-4)


def test_eval_makes_no_step():
    layer = spectral_norm(nn.Linear(4, 3))
    layer.parametrizations.weight.original.data = minicnn.randn(3, 4)  # its singular vectors are other ones
    u = layer.parametrizations.weight[0]._u.tolist()
    layer.eval()
    assert layer.weight.tolist() == layer.weight.tolist()
    assert layer.parametrizations.weight[0]._u.tolist() == u
    layer.train()
    first, second = layer.weight, layer.weight
    assert layer.parametrizations.weight[0]._u.tolist() != u
    (first.sum() + second.sum()).backward()
    assert np.isfinite(layer.parametrizations.weight.original.grad.numpy()).all()


def test_weight_norm_keeps_the_weight():
    layer = nn.Conv2d(2, 3, 2)
    before = layer.weight.detach().numpy().copy()
    weight_norm(layer)
    np.testing.assert_allclose(layer.weight.detach().numpy(), before, rtol=1e-6)
    layer.weight = minicnn.ones(3, 2, 2, 2)
    np.testing.assert_allclose(layer.parametrizations.weight.original0.detach().numpy().ravel(), [8**0.5] * 3)


@pytest.mark.parametrize("trivial", [True, False])
@pytest.mark.parametrize("orthogonal_map", ["matrix_exp", "cayley", "householder"])
@pytest.mark.parametrize("size", [(5, 3), (4, 4), (3, 5)])
def test_a_weight_stays_orthogonal_in_training(size, orthogonal_map, trivial):
    minicnn.manual_seed(0)
    layer = orthogonal(nn.Linear(*size), orthogonal_map=orthogonal_map, use_trivialization=trivial)
    optimizer = minicnn.optim.SGD(layer.parameters(), lr=0.1)
    before = layer.weight.detach().clone()
    for _ in range(3):
        optimizer.zero_grad()
        layer(minicnn.randn(4, size[0])).square().sum().backward()
        optimizer.step()
    w = layer.weight.detach()
    assert not minicnn.allclose(w, before, atol=1e-3)
    gram = w @ w.T if w.shape[0] < w.shape[1] else w.T @ w
    if orthogonal_map != "householder" or trivial:  # there the sizes of the diagonal are factors
        assert minicnn.allclose(gram, minicnn.eye(min(size)), atol=1e-5)


def test_an_orthogonal_weight_can_be_set():
    turn = minicnn.tensor([[0.6, -0.8], [0.8, 0.6], [0.0, 0.0]])
    layer = orthogonal(nn.Linear(2, 3))
    layer.weight = turn
    assert minicnn.allclose(layer.weight, turn, atol=1e-6)


def test_mistakes():
    with pytest.raises(ShapeError, match=r"orthogonal: 'bias' must have 2 or more axes, got \(3,\)"):
        orthogonal(nn.Linear(2, 3), "bias")
    with pytest.raises(ArgumentError, match="must be one of matrix_exp, cayley, householder, got 'euler'"):
        orthogonal(nn.Linear(2, 3), orthogonal_map="euler")
    with pytest.raises(ArgumentError, match="orthogonal: ReLU has no parameter or buffer 'weight'"):
        orthogonal(nn.ReLU())
    with pytest.raises(ArgumentError, match="ReLU has no parameter or buffer 'weight'"):
        spectral_norm(nn.ReLU())
    with pytest.raises(ArgumentError, match="n_power_iterations must be at least 1, got 0"):
        spectral_norm(nn.Linear(3, 2), n_power_iterations=0)
