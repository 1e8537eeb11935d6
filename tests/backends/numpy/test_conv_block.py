"""Tests of bias and ReLU in place, outer products and optimizer steps against the references."""

import numpy as np
import pytest

from minicnn.geometry import conv_spec
from minicnn.runtime.devices import CPU
from minicnn.runtime.dispatch import kernels

NUMPY = ("numpy",)


@pytest.mark.parametrize(
    "operation", ["conv_bias", "conv_bias_relu", "conv_transpose_bias", "conv_transpose_bias_relu"]
)
@pytest.mark.parametrize("n", [1, 40])
def test_bias_and_relu_in_place(operation, n):
    spec = conv_spec("test", (n, 8, 33, 33), (16, 8, 3, 3), 1, 1)
    rng = np.random.default_rng(0)
    transposed = "transpose" in operation
    x, w = rng.normal(size=(n, 16 if transposed else 8, 33, 33)), rng.normal(size=(16, 8, 3, 3))
    b = rng.normal(size=8 if transposed else 16)
    before = x.copy()
    fast, *_, reference = kernels(operation, CPU, NUMPY)
    assert fast.supports(x, w, b, spec=spec)
    np.testing.assert_allclose(fast.function(x, w, b, spec=spec), reference.function(x, w, b, spec=spec), atol=1e-11)
    np.testing.assert_array_equal(x, before)


def test_a_column_times_a_row():
    fast, *_, reference = kernels("matmul", CPU, NUMPY)
    rng = np.random.default_rng(0)
    for a, b in (((5, 1), (1, 7)), ((2, 5, 1), (2, 1, 7))):
        x, y = rng.normal(size=a), rng.normal(size=b)
        assert fast.supports(x, y)
        np.testing.assert_array_equal(fast.function(x, y), reference.function(x, y))
    assert not fast.supports(np.zeros((5, 2)), np.zeros((2, 7)))
