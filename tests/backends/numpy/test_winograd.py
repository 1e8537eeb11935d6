"""Tests of NumPy's Winograd kernels with values that are not finite; test_paths.py compares the others."""

import numpy as np
import pytest

from minicnn.backends.numpy import im2col, winograd
from minicnn.geometry import conv_spec

PAIRS = {
    "xw": (winograd.conv_winograd, im2col.conv_im2col),
    "gw": (winograd.conv_input_grad_winograd, im2col.conv_input_grad_im2col),
    "xg": (winograd.conv_weight_grad_winograd, im2col.conv_weight_grad_im2col),
}


@pytest.mark.parametrize("value", [np.nan, np.inf, 3e38])
@pytest.mark.parametrize("letters", PAIRS)
def test_what_is_not_finite_does_not_spread(letters, value):
    rng = np.random.default_rng(0)
    arrays = {"x": (2, 96, 20, 20), "w": (96, 96, 3, 3), "g": (2, 96, 20, 20)}
    inputs = [rng.standard_normal(arrays[letter]).astype(np.float32) for letter in letters]
    inputs[0][1, 3, 7, 8] = value
    spec = conv_spec("test", arrays["x"], arrays["w"], padding=1)
    fast, plain = PAIRS[letters]
    with np.errstate(all="ignore"):
        expected = plain(*inputs, spec=spec)
        np.testing.assert_array_equal(fast(*inputs, spec=spec), expected)
    if np.isnan(value):
        assert np.isnan(expected).sum() == 9 * 96
