"""Tests of messages and laws; oracles/calls/pooling.py has the values."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minicnn
import minicnn.nn.functional as F
from minicnn import ArgumentError, DTypeError, ShapeError, nn

X, PLACES = minicnn.ones(1, 2, 4, 4), minicnn.zeros(1, 2, 2, 2).long()
SMALL = X[..., :2, :2]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: F.adaptive_max_pool2d(X[0, 0], 2),
            ShapeError,
            r"adaptive_max_pool2d: input must be \(N, C, 2",
        ),
        (lambda: F.adaptive_max_pool1d(X[0], None), ShapeError, "adaptive_max_pool1d: output_size must be 1 integers"),
        (lambda: F.adaptive_max_pool2d(X.long(), 2), DTypeError, "adaptive_max_pool2d: the input must be floating"),
        (
            lambda: F.fractional_max_pool2d(X, 2),
            ArgumentError,
            "fractional_max_pool2d: give output_size or",
        ),
        (lambda: F.fractional_max_pool2d(X, 2, 4), ShapeError, r"\(4, 4\) windows of \(2, 2\) are too many for"),
        (
            lambda: F.fractional_max_pool2d(X, 2, 2, _random_samples=X),
            ShapeError,
            r"_random_samples must be float32 of \(1, 2, 2\), got float32 of \(1, 2, 4, 4\)",
        ),
        (lambda: F.max_unpool2d(SMALL, PLACES + 16, 2), ShapeError, "must be positions from 0 to 15 in an output of"),
        (lambda: F.max_unpool2d(SMALL, PLACES.int(), 2), DTypeError, "max_unpool2d: indices must be int64, got int32"),
        (lambda: F.max_unpool2d(SMALL, PLACES[0], 2), ShapeError, r"indices must have the shape \(1, 2, 2, 2\) of the"),
        (
            lambda: F.max_unpool2d(SMALL, PLACES, 2, output_size=(6, 4)),
            ShapeError,
            r"must differ from \(4, 4\) by",
        ),
        (lambda: F.lp_pool1d(X[0], 0, 2), ArgumentError, "lp_pool1d: norm_type must not be 0"),
        (lambda: nn.FractionalMaxPool2d(2), ArgumentError, "FractionalMaxPool2d: give either output_size"),
        (lambda: nn.FractionalMaxPool3d(2, output_ratio=1.5), ArgumentError, "must be between 0 and 1, got 1.5"),
    ],
)
def test_messages(call, error, message):
    with pytest.raises(error, match=message):
        call()


@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 2**31))
def test_adaptive_windows_are_those_of_the_definition(size, out, seed):
    x = np.random.default_rng(seed).integers(0, 4, (1, 2, size)).astype(float)
    values, indices = F.adaptive_max_pool1d(minicnn.from_numpy(x), out, True)
    windows = [slice(o * size // out, -(-(o + 1) * size // out)) for o in range(out)]
    np.testing.assert_array_equal(values.numpy()[0].T, [x[0, :, w].max(1) for w in windows])
    np.testing.assert_array_equal(indices.numpy()[0].T, [x[0, :, w].argmax(1) + w.start for w in windows])


@given(st.integers(2, 12), st.integers(1, 3), st.integers(1, 12), st.integers(0, 2**31))
def test_fractional_windows_are_inside_and_in_order(size, kernel, out, seed):
    if out + kernel - 1 > size:
        return
    minicnn.manual_seed(seed)
    x = minicnn.arange(float(size)).expand(3, 2, 1, size)
    last = F.fractional_max_pool2d(x, (1, kernel), (1, out))[..., 0, :].numpy()
    assert last.min() >= kernel - 1
    assert (last[..., -1] == size - 1).all()
    assert (np.diff(last) >= 0).all()


def test_unpooling_puts_the_maxima_back():
    x = minicnn.randn(2, 3, 6, 8)
    y, places = F.max_pool2d(x, 2, return_indices=True)
    back = F.max_unpool2d(y, places, 2)
    assert ((back == x) | (back == 0)).all().item()
    assert F.max_pool2d(back.abs(), 2).tolist() == y.abs().tolist()
