"""Tests of pooling with disjoint windows: values, winners and gradients as in the reference, also for NaN and ties."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicnn.geometry import pool_spec
from minicnn.runtime.devices import CPU
from minicnn.runtime.dispatch import kernels

NUMPY = ("numpy",)


@given(st.data())
def test_equals_the_reference(data):
    axes = data.draw(st.integers(1, 3))
    kernel = tuple(data.draw(st.integers(1, 3)) for _ in range(axes))
    stride = tuple(k + data.draw(st.integers(0, 1)) for k in kernel)
    size = tuple(data.draw(st.integers(k, 9)) for k in kernel)
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    dtype = data.draw(st.sampled_from([np.float32, np.float64]))
    x = rng.integers(-2, 3, (3, 2, *size)).astype(dtype)  # many ties
    x[rng.random(x.shape) < data.draw(st.sampled_from([0, 0.2]))] = np.nan
    x[rng.random(x.shape) < 0.1] = -np.inf
    spec = pool_spec("test", x.shape, kernel, stride, axes=axes)
    fast, *_, reference = kernels("max_pool", CPU, NUMPY)
    assert fast.supports(x, spec=spec)
    values, winner = fast.function(x, spec=spec)
    expected = reference.function(x, spec=spec)
    np.testing.assert_array_equal(values, expected[0])
    np.testing.assert_array_equal(winner, expected[1])
    assert winner.dtype == expected[1].dtype
    g = rng.normal(size=values.shape).astype(dtype)
    g[rng.random(g.shape) < 0.1] = np.inf
    fast, *_, reference = kernels("max_unpool", CPU, NUMPY)
    np.testing.assert_array_equal(fast.function(g, winner, spec=spec), reference.function(g, winner, spec=spec))


@pytest.mark.parametrize(
    "arguments", [{"kernel_size": 3, "stride": 2}, {"kernel_size": 2, "padding": 1}, {"kernel_size": 2, "dilation": 2}]
)
def test_leaves_the_rest_to_runs(arguments):
    x = np.zeros((1, 1, 8, 8), np.float32)
    assert not kernels("max_pool", CPU, NUMPY)[0].supports(x, spec=pool_spec("test", x.shape, **arguments))
