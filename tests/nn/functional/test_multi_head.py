"""Tests of attention with several heads. oracles/calls/attention.py has PyTorch's results."""

import numpy as np
import pytest

import minicnn
import minicnn.nn.functional as F
from minicnn import ArgumentError, DTypeError, ShapeError
from minicnn.autograd import gradcheck, gradgradcheck


def draw(*shape):
    return minicnn.randn(*shape, dtype=minicnn.float64).requires_grad_(True)


def attention(x, y, z, w, o, **options):
    return F.multi_head_attention_forward(x, y, z, 4, 2, w, None, None, None, False, 0.0, o, None, **options)


def test_gradients_of_both_orders():
    inputs = draw(2, 1, 4), draw(3, 1, 4), draw(3, 1, 4), draw(12, 4), draw(4, 4)
    for need_weights in (True, False):
        assert gradcheck(lambda *inputs, n=need_weights: attention(*inputs, need_weights=n)[0], inputs)
        assert gradgradcheck(lambda *inputs, n=need_weights: attention(*inputs, need_weights=n)[0], inputs)


def test_with_and_without_weights_it_is_the_same():
    inputs = draw(2, 3, 4), draw(5, 3, 4), draw(5, 3, 4), draw(12, 4), draw(4, 4)
    mask = minicnn.rand(6, 2, 5) < 0.3
    padding = minicnn.rand(3, 5) < 0.2
    mask[..., 0] = padding[:, 0] = False  # each query sees a key
    options = {"attn_mask": mask, "key_padding_mask": padding}
    with_weights, weights = attention(*inputs, **options)
    without, none = attention(*inputs, **options, need_weights=False)
    assert none is None
    np.testing.assert_allclose(without.detach().numpy(), with_weights.detach().numpy(), atol=1e-12)
    np.testing.assert_allclose(weights.detach().sum(-1).numpy(), 1)
    assert (weights.detach().numpy()[np.broadcast_to(padding.numpy()[:, None], weights.shape)] == 0).all()


def test_one_head_is_plain_attention():
    x, eye = draw(3, 2, 4), minicnn.eye(4, dtype=minicnn.float64)
    y, _ = F.multi_head_attention_forward(
        x, x, x, 4, 1, minicnn.cat([eye, eye, eye]), None, None, None, False, 0.0, eye, None
    )
    plain = F.scaled_dot_product_attention(*[x.transpose(0, 1)] * 3).transpose(0, 1)
    np.testing.assert_allclose(y.detach().numpy(), plain.detach().numpy(), atol=1e-12)


def test_it_runs_on_every_device(device):
    inputs = [minicnn.randn(*shape) for shape in ((2, 1, 4), (3, 1, 4), (3, 1, 4), (12, 4), (4, 4))]
    mask = minicnn.tensor([[True, False, False], [False, True, False]])
    here = attention(*inputs, attn_mask=mask)[0]
    there = attention(*(t.to(device) for t in inputs), attn_mask=mask.to(device))[0]
    assert there.device is device
    np.testing.assert_allclose(there.cpu().numpy(), here.numpy(), rtol=1e-5, atol=1e-5)


def test_mistakes():
    x, w, o = minicnn.ones(2, 1, 4), minicnn.ones(12, 4), minicnn.ones(4, 4)
    with pytest.raises(ShapeError, match=r"or all \(length, width\); got \(4,\)"):
        attention(x[0, 0], x, x, w, o)
    with pytest.raises(ShapeError, match="the query's width must be embed_dim = 4"):
        attention(minicnn.ones(2, 1, 6), x, x, w, o)
    with pytest.raises(ShapeError, match=r"attn_mask must be \(L, S\) = \(2, 2\) or .* = \(2, 2, 2\), got \(1, 2\)"):
        attention(x, x, x, w, o, attn_mask=minicnn.zeros(1, 2))
    with pytest.raises(ShapeError, match=r"key_padding_mask must be \(N, S\) = \(1, 2\), got \(2, 2\)"):
        attention(x, x, x, w, o, key_padding_mask=minicnn.zeros(2, 2))
    with pytest.raises(ShapeError, match=r"static_k and static_v must be .* = \(2, S, 2\), got \(2, 1, 4\)"):
        attention(x, x, x, w, o, static_k=x)
    with pytest.raises(DTypeError, match="attn_mask must be of bool or float, got int64"):
        attention(x, x, x, w, o, attn_mask=minicnn.zeros(2, 2, dtype=minicnn.int64))
    with pytest.raises(ArgumentError, match="is_causal says what attn_mask is"):
        attention(x, x, x, w, o, is_causal=True)
    with pytest.raises(ArgumentError, match="a weight of the projections is None"):
        attention(x, x, x, None, o)
