"""Tests of selection with bit masks: the same as `where`, for every kind of float value."""

import numpy as np
import pytest

from minicnn.backends.numpy.elementwise import LARGE, keep_where
from minicnn.runtime.devices import CPU
from minicnn.runtime.dispatch import kernels

NUMPY = ("numpy",)
SPECIAL = [0.0, -0.0, 1.5, -1.5, np.inf, -np.inf, np.nan, 1e-40]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_keep_where_keeps_every_bit_or_none(dtype):
    values = np.array(SPECIAL * 2, dtype)
    mask = np.arange(16) < 8
    out = keep_where(values, mask, np.full(16, np.nan, dtype))
    assert out[:8].tobytes() == values[:8].tobytes()
    assert out[8:].tobytes() == np.zeros(8, dtype).tobytes()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_relu_and_its_gradient_equal_the_reference(dtype):
    rng = np.random.default_rng(0)
    x = rng.permutation(np.resize(np.array([*SPECIAL, *rng.normal(size=90)], dtype), LARGE + 7))
    g = rng.permutation(x)
    few = slice(0, 100)
    fast, reference = kernels("relu", CPU, NUMPY)
    assert fast.supports(x)
    np.testing.assert_array_equal(fast.function(x), reference.function(x))
    fast, reference = kernels("relu_grad", CPU, NUMPY)
    assert fast.supports(g, x)
    np.testing.assert_array_equal(fast.function(g, x), reference.function(g, x))
    np.testing.assert_array_equal(fast.function(g[few], x[few]), reference.function(g[few], x[few]))


def test_small_or_strided_arrays_are_left_to_the_reference():
    large = np.zeros((2, LARGE), np.float32)
    assert not kernels("relu", CPU, NUMPY)[0].supports(np.zeros(8, np.float32))
    assert not kernels("relu", CPU, NUMPY)[0].supports(large.T)
