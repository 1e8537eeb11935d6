"""Tests of the bias and the errors of convolution functions. test_against_torch.py and tests/ops test their values."""

import numpy as np
import pytest

import minicnn
from minicnn import DTypeError, ShapeError
from minicnn.nn import functional as F

X, W = minicnn.ones(2, 4, 6, 6), minicnn.ones(3, 4, 3, 3)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: F.conv2d(X, W.double()),
            DTypeError,
            "conv2d: .* the same floating-point or complex type, got float32, float64; .*to()",
        ),
        (lambda: F.conv2d(X.long(), W.long()), DTypeError, "conv2d: .* got int64, int64; convert"),
        (lambda: F.conv2d(X, W, minicnn.ones(4)), ShapeError, r"conv2d: bias must be \(3,\), a number .* got \(4,\)"),
        (lambda: F.conv2d(X, W[0]), ShapeError, r"conv2d: weight must have 4 axes \(F, C/groups, .* got \(4, 3, 3\)"),
        (
            lambda: F.conv2d(X[:, :3], W),
            ShapeError,
            "conv2d: input has 3 channels but weight expects 4 .*in_channels=3",
        ),
        (lambda: F.conv_transpose2d(X, W), ShapeError, "conv_transpose2d: input has 4 channels but weight expects 3"),
        (lambda: F.conv_transpose2d(X, W[0]), ShapeError, r"conv_transpose2d: weight must have 4 axes \(C, F/groups"),
        (lambda: F.conv_transpose1d(X, W), ShapeError, "conv_transpose1d: weight must have 3 axes"),
    ],
)
def test_messages(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_one_image_is_a_batch_of_one():
    assert F.conv2d(X[0], W).array.tolist() == F.conv2d(X, W)[0].array.tolist()
    assert F.conv_transpose2d(X[0, :3], W).shape == (4, 8, 8)


@pytest.mark.parametrize("axes", [1, 2, 3])
def test_what_is_left_out_is_one_step_and_no_padding(axes):
    x, w = minicnn.randn(2, 3, *(5,) * axes), minicnn.randn(3, 3, *(2,) * axes)
    plain = {"bias": None, "stride": 1, "padding": 0, "dilation": 1, "groups": 1}
    for name, arguments in ((f"conv{axes}d", plain), (f"conv_transpose{axes}d", {**plain, "output_padding": 0})):
        function = getattr(F, name)
        assert function(x, w).tolist() == function(x, w, **arguments).tolist()


@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize("transposed", [False, True])
def test_the_bias_is_added_to_every_pixel_of_a_channel(n, transposed):
    function = getattr(F, f"conv_transpose{n}d" if transposed else f"conv{n}d")
    x, w = minicnn.randn(2, 3, *(5,) * n), minicnn.randn(*((3, 4) if transposed else (4, 3)), *(3,) * n)
    bias = minicnn.tensor([-1.0, 0.0, 2.0, -30.0])
    expected = function(x, w).numpy() + bias.numpy().reshape(-1, *(1,) * n)
    np.testing.assert_allclose(function(x, w, bias).numpy(), expected, atol=1e-4)
