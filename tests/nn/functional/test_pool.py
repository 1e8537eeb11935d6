"""Tests of the error messages of pooling functions. test_against_torch.py and tests/ops test their values."""

import pytest

import minicnn
from minicnn import DTypeError, ShapeError
from minicnn.nn import functional as F

X = minicnn.arange(12.0).reshape(1, 1, 3, 4)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: F.avg_pool2d(X.long(), 2),
            DTypeError,
            r"avg_pool2d: the tensor holds int64; convert it with .float\(\)",
        ),
        (lambda: F.max_pool2d(X, 5), ShapeError, "max_pool2d: a window .* does not fit the input"),
        (lambda: F.max_pool2d(X, 2, padding=2), ShapeError, "max_pool2d: padding must be at most half"),
        (lambda: F.max_pool1d(X, 2), ShapeError, r"max_pool1d: input must have 3 axes .* got \(1, 1, 3, 4\)"),
        (
            lambda: F.avg_pool2d(X, 2, divisor_override=0),
            ShapeError,
            "divisor_override must be an integer other than 0, got 0",
        ),
    ],
)
def test_messages(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_integers_and_single_images_are_pooled_too():
    assert F.max_pool2d(X.long()[0], 2, return_indices=True)[1].tolist() == [[[5, 7]]]
    assert F.max_pool2d(X.long(), (3, 4)).item() == 11
    assert F.avg_pool2d(X[0], 2).tolist() == [[[2.5, 4.5]]]
