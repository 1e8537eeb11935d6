"""Tests of resizing: mathematical properties and error messages. test_against_torch.py tests its values."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minicnn
from minicnn import DTypeError, ShapeError
from minicnn.nn import functional as F

X = minicnn.ones(1, 2, 3, 4)
sizes = st.integers(1, 6)


def test_an_empty_batch_stays_empty():
    assert F.adaptive_avg_pool2d(X[:0], 1).shape == (0, 2, 1, 1)
    assert F.pixel_unshuffle(minicnn.ones(0, 1, 4, 4), 2).shape == (0, 4, 2, 2)


def test_adaptive_average_of_one_is_the_mean():
    x = minicnn.rand(2, 3, 5, 7)
    np.testing.assert_allclose(F.adaptive_avg_pool2d(x, 1).numpy()[..., 0, 0], x.numpy().mean((2, 3)), rtol=1e-6)


@given(st.integers(1, 3), sizes, sizes, sizes)
def test_unshuffle_undoes_shuffle(r, c, h, w):
    x = minicnn.randn(2, c * r * r, h, w)
    assert F.pixel_unshuffle(F.pixel_shuffle(x, r), r).tolist() == x.tolist()


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: F.adaptive_avg_pool2d(X[0, 0], 1), ShapeError, r"adaptive_avg_pool2d: input must be .* got \(3, 4\)"),
        (lambda: F.adaptive_avg_pool2d(X, (1, 0)), ShapeError, r"output_size must be 2 integers >= 1 .* got \(1, 0\)"),
        (lambda: F.adaptive_avg_pool1d(X[0].long(), 1), DTypeError, "adaptive_avg_pool1d: the tensor holds int64"),
        (
            lambda: F.pixel_shuffle(X, 2),
            ShapeError,
            r"pixel_shuffle: .* multiple of upscale_factor² = 4, got \(1, 2, 3",
        ),
        (lambda: F.pixel_unshuffle(X, 2), ShapeError, r"pixel_unshuffle: .* multiples of downscale_factor = 2, got"),
    ],
)
def test_messages(call, error, message):
    with pytest.raises(error, match=message):
        call()
