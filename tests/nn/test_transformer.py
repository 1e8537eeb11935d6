"""Transformers beside what PyTorch recorded (tests/oracles/calls/transformers.py): gradients, masks, messages."""

import pytest

import minicnn
from minicnn import nn
from minicnn.autograd import gradcheck, gradgradcheck
from minicnn.errors import ArgumentError, ShapeError


def randn(*shape):
    return minicnn.randn(*shape, dtype=minicnn.float64, requires_grad=True)


@pytest.mark.parametrize("norm_first", [False, True])
def test_gradients_to_second_order(norm_first):
    minicnn.manual_seed(0)
    settings = {"dropout": 0.0, "norm_first": norm_first, "activation": "gelu", "dtype": minicnn.float64}
    model = nn.Transformer(4, 2, 1, 1, 3, **settings)
    src, tgt = randn(3, 1, 4), randn(2, 1, 4)
    assert gradcheck(model, (src, tgt))
    assert gradgradcheck(model, (src, tgt))


def test_a_position_does_not_see_what_the_mask_hides():
    layer = nn.TransformerEncoderLayer(4, 2, 8, 0.0)
    x = minicnn.randn(3, 1, 4)
    mask = nn.Transformer.generate_square_subsequent_mask(3)
    before = layer(x, mask)
    x[2] = 5.0
    after = layer(x, mask)
    assert minicnn.equal(before[:2], after[:2])
    assert not minicnn.allclose(before[2], after[2])


def test_dropout_is_active_in_training_only():
    layer = nn.TransformerDecoderLayer(4, 2, 8, 0.5)
    x = minicnn.ones(2, 1, 4)
    assert not minicnn.equal(layer(x, x), layer(x, x))
    layer.eval()
    assert minicnn.equal(layer(x, x), layer(x, x))


def test_matrices_are_drawn_by_glorots_rule():
    weight = nn.Transformer(32, 4, 1, 1, 32).encoder.layers[0].linear1.weight
    assert 0.28 < weight.abs().max().item() <= (6 / 64) ** 0.5


def test_messages():
    with pytest.raises(ArgumentError, match="activation must be 'relu', 'gelu' or a function of a tensor, got 'tanh'"):
        nn.TransformerEncoderLayer(4, 2, activation="tanh")
    model = nn.Transformer(4, 2, 1, 1, 3)
    with pytest.raises(ShapeError, match=r"the width d_model = 4, got \(3, 1, 4\) and \(2, 2, 4\)"):
        model(minicnn.ones(3, 1, 4), minicnn.ones(2, 2, 4))
