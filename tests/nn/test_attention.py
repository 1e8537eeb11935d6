"""Tests of the layer MultiheadAttention. oracles/calls/attention.py has PyTorch's results."""

import numpy as np
import pytest

import minicnn
from minicnn import ShapeError, nn


def test_it_learns_to_look_at_one_key():
    """The value of the key that the query marks: only attention can find it."""
    minicnn.manual_seed(0)
    layer = nn.MultiheadAttention(8, 2, batch_first=True)
    optimizer = minicnn.optim.Adam(layer.parameters(), lr=0.02)
    losses = []
    for _ in range(150):
        places = minicnn.randint(4, (64,))
        keys = minicnn.eye(4, 8).unsqueeze(0).repeat(64, 1, 1)
        values = minicnn.randn(64, 4, 8)
        query = keys[minicnn.arange(64), places].unsqueeze(1)
        y, _ = layer(query, keys, values)
        loss = ((y[:, 0] - values[minicnn.arange(64), places]) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.3 * losses[0]


def test_batch_first_swaps_the_axes():
    a, b = nn.MultiheadAttention(4, 2), nn.MultiheadAttention(4, 2, batch_first=True)
    b.load_state_dict(a.state_dict())
    x, y = minicnn.randn(3, 2, 4), minicnn.randn(5, 2, 4)
    first, weights = a(x, y, y)
    second, same = b(x.transpose(0, 1), y.transpose(0, 1), y.transpose(0, 1))
    np.testing.assert_array_equal(second.detach().transpose(0, 1).numpy(), first.detach().numpy())
    np.testing.assert_array_equal(same.detach().numpy(), weights.detach().numpy())


def test_dropout_is_for_training_only():
    layer, x = nn.MultiheadAttention(4, 2, dropout=0.5), minicnn.randn(6, 3, 4)
    assert layer(x, x, x)[0].tolist() != layer(x, x, x)[0].tolist()
    layer.eval()
    assert layer(x, x, x)[0].tolist() == layer(x, x, x)[0].tolist()


def test_types_and_mistakes():
    assert {p.dtype for p in nn.MultiheadAttention(4, 2, add_bias_kv=True, dtype=minicnn.float64).parameters()} == {
        minicnn.float64
    }
    with pytest.raises(ShapeError, match="embed_dim=4 must be a multiple of num_heads=3"):
        nn.MultiheadAttention(4, 3)
    with pytest.raises(ShapeError, match="num_heads must be an integer >= 1"):
        nn.MultiheadAttention(4, 0)


def test_the_choice_of_a_kernel_has_no_effect():
    q = minicnn.randn(1, 2, 3, 4)
    expected = nn.functional.scaled_dot_product_attention(q, q, q)
    with nn.attention.sdpa_kernel([nn.attention.SDPBackend.MATH, nn.attention.SDPBackend.FLASH_ATTENTION]):
        assert nn.functional.scaled_dot_product_attention(q, q, q).tolist() == expected.tolist()
