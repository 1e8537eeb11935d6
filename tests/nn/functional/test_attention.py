"""Tests of attention. test_against_torch.py compares results and gradients with PyTorch's."""

import numpy as np
import pytest

import minicnn
import minicnn.nn.functional as F
from minicnn import ArgumentError, DTypeError, ShapeError
from minicnn.autograd import gradcheck


def draw(*shape):
    return minicnn.randn(*shape, dtype=minicnn.float64).requires_grad_(True)


def test_gradients_of_any_order():
    q, k, v = draw(2, 3, 4), draw(2, 5, 4), draw(2, 5, 2)
    assert gradcheck(F.scaled_dot_product_attention, (q, k, v))
    seen = minicnn.tensor([[True, False, True, True, False]] * 3)
    assert gradcheck(lambda q, k, v: F.scaled_dot_product_attention(q, k, v, attn_mask=seen), (q, k, v))


def test_attention_by_its_equation():
    q, k, v = draw(3, 4), draw(5, 4), draw(5, 2)
    weights = np.exp(q.detach().numpy() @ k.detach().numpy().T / 2)
    expected = weights / weights.sum(1, keepdims=True) @ v.detach().numpy()
    np.testing.assert_allclose(F.scaled_dot_product_attention(q, k, v).detach().numpy(), expected)


def test_dropout_removes_weights_and_keeps_the_mean():
    minicnn.manual_seed(0)
    q, v = minicnn.zeros(1, 4), minicnn.ones(2000, 1)
    y = F.scaled_dot_product_attention(q, minicnn.zeros(2000, 4), v, dropout_p=0.5)
    assert y.item() != 1
    assert abs(y.item() - 1) < 0.1
    assert F.scaled_dot_product_attention(q, minicnn.zeros(2000, 4), v, dropout_p=1.0).item() == 0


def test_no_query_and_no_picture():
    assert F.scaled_dot_product_attention(draw(2, 0, 4), draw(2, 5, 4), draw(2, 5, 3)).shape == (2, 0, 3)
    assert F.scaled_dot_product_attention(draw(0, 3, 4), draw(0, 5, 4), draw(0, 5, 3)).shape == (0, 3, 3)


def test_mistakes_of_attention():
    q, k, v = draw(3, 4), draw(5, 4), draw(5, 2)
    attention = F.scaled_dot_product_attention
    with pytest.raises(ShapeError, match=r"need two axes or more, got query \(4,\)"):
        attention(draw(4), k, v)
    with pytest.raises(ShapeError, match=r"equal widths, key and value equal lengths, got query \(3, 3\)"):
        attention(draw(3, 3), k, v)
    with pytest.raises(ShapeError, match="key and value equal lengths"):
        attention(q, k, draw(4, 2))
    with pytest.raises(ArgumentError, match="attn_mask and is_causal exclude each other"):
        attention(q, k, v, attn_mask=minicnn.ones(3, 5), is_causal=True)
    with pytest.raises(DTypeError, match="attn_mask must be of bool or float64, got int64"):
        attention(q, k, v, attn_mask=minicnn.ones(3, 5, dtype=minicnn.int64))
    with pytest.raises(ArgumentError, match=r"p must be a probability from 0 to 1, got 1\.5"):
        attention(q, k, v, dropout_p=1.5)


def test_heads_share_keys_in_groups():
    q, k = draw(2, 4, 3, 2), draw(2, 2, 5, 2)
    shared = F.scaled_dot_product_attention(q, k, k, enable_gqa=True)
    repeated = minicnn.stack([k, k], 2).reshape(2, 4, 5, 2)
    np.testing.assert_allclose(
        shared.detach().numpy(), F.scaled_dot_product_attention(q, repeated, repeated).detach().numpy()
    )
    assert gradcheck(lambda q, k: F.scaled_dot_product_attention(q, k, k, enable_gqa=True), (q, k))
    with pytest.raises(ShapeError, match=r"must be a multiple of the heads .* got \(2, 3, 3, 2\) and \(2, 2, 5, 2\)"):
        F.scaled_dot_product_attention(q[:, :3], k, k, enable_gqa=True)
