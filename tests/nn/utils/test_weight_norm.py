"""Tests of weight normalisation by a hook. oracles/calls/parameters.py has PyTorch's results."""

import numpy as np
import pytest

import minicnn
from minicnn import ArgumentError, nn
from minicnn.autograd import gradcheck, gradgradcheck
from minicnn.nn.utils.weight_norm import norm_except_dim


def test_length_and_direction_are_apart():
    layer = nn.utils.weight_norm(nn.Linear(3, 2).double())
    before, x = layer.weight.detach().numpy().copy(), minicnn.randn(4, 3, dtype=minicnn.float64)
    with minicnn.no_grad():
        layer.weight_v.mul_(5.0)  # the length of v has no effect
    layer(x)
    np.testing.assert_allclose(layer.weight.detach().numpy(), before)
    with minicnn.no_grad():
        layer.weight_g.copy_(minicnn.tensor([[1.0], [2.0]], dtype=minicnn.float64))
    layer(x)
    np.testing.assert_allclose(np.linalg.norm(layer.weight.detach().numpy(), axis=1), [1, 2])


@pytest.mark.parametrize("dim", [0, 1, None])
def test_gradients_of_both_orders(dim):
    """PyTorch's second gradient takes the norm for a constant, so it is not recorded."""
    v = minicnn.randn(2, 3, dtype=minicnn.float64).requires_grad_()
    g = norm_except_dim(minicnn.randn(2, 3, dtype=minicnn.float64), dim).requires_grad_()
    assert gradcheck(lambda g, v: v * (g / norm_except_dim(v, dim)), (g, v))
    assert gradgradcheck(lambda g, v: v * (g / norm_except_dim(v, dim)), (g, v))


def test_it_trains_and_can_be_removed():
    layer = nn.utils.weight_norm(nn.Conv2d(1, 2, 3))
    optimizer = minicnn.optim.SGD(layer.parameters(), lr=0.1)
    x = minicnn.randn(2, 1, 5, 5)
    losses = []
    for _ in range(5):
        optimizer.zero_grad()
        loss = (layer(x) ** 2).mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]
    y = layer(x).detach().numpy()
    assert nn.utils.remove_weight_norm(layer) is layer
    assert [name for name, _ in layer.named_parameters()] == ["bias", "weight"]
    np.testing.assert_allclose(layer(x).detach().numpy(), y, rtol=1e-6)


def test_mistakes():
    layer = nn.utils.weight_norm(nn.Linear(3, 2))
    with pytest.raises(ArgumentError, match="'weight' of Linear is normalised already; call it once"):
        nn.utils.weight_norm(layer)
    with pytest.raises(ArgumentError, match="ReLU has no parameter 'weight'"):
        nn.utils.weight_norm(nn.ReLU())
    with pytest.raises(ArgumentError, match="remove_weight_norm: 'weight' of Linear is not normalised"):
        nn.utils.remove_weight_norm(nn.Linear(3, 2))
