"""Tests of dropout: shares, whole channels, statistics and messages. oracles/calls/activations.py has more values."""

import numpy as np
import pytest

import minicnn
from minicnn import ArgumentError, DTypeError, ShapeError
from minicnn.nn import functional as F


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda x: F.dropout(x, 1.5), ArgumentError, "dropout: p must be a probability from 0 to 1, got 1.5"),
        (lambda x: F.dropout(x.long()), DTypeError, "dropout: the tensor holds int64"),
        (lambda x: F.dropout1d(x[0, 0]), ShapeError, r"dropout1d: input must be \(N, C, L\) or .* got \(3,\)"),
        (lambda x: F.feature_alpha_dropout(x[0, 0], training=True), ShapeError, "feature_.*: input needs at least 2"),
    ],
)
def test_messages(call, error, message):
    with pytest.raises(error, match=message):
        call(minicnn.ones(2, 4, 3))


def test_dropout_drops_the_share_and_keeps_the_mean():
    x = minicnn.ones(200, 200)
    y = F.dropout(x, 0.3).numpy()
    assert set(np.unique(y)) == {np.float32(0), np.float32(1 / 0.7)}
    assert abs((y == 0).mean() - 0.3) < 0.015  # six standard deviations


def test_dropout_gives_the_same_bits_for_the_same_seed_and_masks_the_gradient():
    x = minicnn.ones(5, 8, requires_grad=True)
    minicnn.manual_seed(3)
    first = F.dropout(x)
    first.sum().backward()
    minicnn.manual_seed(3)
    assert F.dropout(x).tolist() == first.tolist() == x.grad.tolist()


def test_dropout2d_drops_whole_channels():
    y = F.dropout2d(minicnn.ones(20, 30, 2, 3), 0.5).numpy()
    assert set(y.reshape(600, 6).sum(1)) == {0.0, 12.0}


def test_without_training_dropout_is_the_identity():
    x = minicnn.ones(2, 3)
    assert F.dropout(x, 0.9, training=False) is x


@pytest.mark.parametrize(("function", "shape"), [(F.dropout2d, (20, 30, 6)), (F.dropout3d, (600, 6))])
def test_an_unusual_number_of_axes_is_taken_with_a_warning(function, shape):
    with pytest.warns(UserWarning, match=f"{function.__name__}: takes .* as "):
        y = function(minicnn.ones(shape), 0.5).numpy()
    assert set(y.reshape(600, 6).sum(1)) == {0.0, 12.0}


@pytest.mark.parametrize("function", [F.alpha_dropout, F.feature_alpha_dropout])
def test_alpha_dropout_keeps_mean_and_variance(function):
    x = minicnn.randn(200_000, 2).double()
    y = function(x, 0.3, training=True)
    assert abs(y.mean().item()) < 0.02
    assert abs(y.var().item() - 1) < 0.02
    low = y.amin().item()
    share = (y == y[:, :1]).double().mean().item()
    assert low < -1.7
    assert 0.5 < share < 0.7  # equal elements: the first column, and channels that are both dropped


def test_alpha_dropout_in_place():
    x = minicnn.ones(4, 5, requires_grad=True)
    y = x * 1
    assert F.alpha_dropout(y, 0.5, True, True) is y
    y.sum().backward()
    kept = y > 0
    assert ((x.grad > 0) == kept).all().item()
