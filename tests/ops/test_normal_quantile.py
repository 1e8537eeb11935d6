"""Tests of the normal quantile against the standard library. test_primitives.py tests gradients and devices."""

from statistics import NormalDist

import numpy as np
import pytest

import minicnn
from minicnn.ops.normal_quantile import normal_quantile


def test_it_has_the_accuracy_of_float64():
    p = np.concatenate(
        [np.linspace(1e-4, 1 - 1e-4, 2001), 10.0 ** np.linspace(-300, -1, 500), 1 - 0.1 ** np.arange(1, 16)]
    )
    expected = np.vectorize(NormalDist().inv_cdf)(p)
    np.testing.assert_allclose(normal_quantile(minicnn.tensor(p)).numpy(), expected, rtol=1e-12, atol=1e-13)


def test_it_is_the_inverse_of_the_distribution_function():
    y = minicnn.linspace(-5, 5, 101, dtype=minicnn.float64)
    p = 0.5 * (1 + (y / 2**0.5).erf())
    np.testing.assert_allclose(normal_quantile(p).numpy(), y.numpy(), atol=1e-9)


@pytest.mark.parametrize(
    ("p", "y"), [(0.0, -np.inf), (1.0, np.inf), (0.5, 0.0), (-0.1, np.nan), (1.1, np.nan), (np.nan, np.nan)]
)
def test_ends_and_outside(p, y):
    np.testing.assert_array_equal(normal_quantile(minicnn.tensor([p])).numpy(), [y])
