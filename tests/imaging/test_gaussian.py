"""Tests of the Gaussian window against its formula, and of the Gaussian filter against SciPy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import correlate

from minicnn.imaging.gaussian import gaussian_window, slide


@pytest.mark.parametrize(("sigma", "radius"), [(0.3, 2), (1.5, 5), (4.0, 16)])
def test_the_window_is_a_gaussian_with_sum_one(sigma, radius):
    window = gaussian_window(sigma, radius)
    assert len(window) == 2 * radius + 1
    assert window.sum() == pytest.approx(1)
    assert window[radius + 1] / window[radius] == pytest.approx(np.exp(-1 / (2 * sigma**2)))
    np.testing.assert_array_equal(window, window[::-1])


@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 2), st.integers(0, 2**32 - 1))
def test_sliding_is_a_correlation_where_the_window_fits(height, width, radius, seed):
    image = np.random.default_rng(seed).standard_normal((2, height + 2 * radius, width + 2 * radius))
    window = gaussian_window(1.0, radius)
    whole = correlate(image, np.outer(window, window)[np.newaxis], mode="constant")
    valid = whole[:, radius : radius + height, radius : radius + width]
    np.testing.assert_allclose(slide(image, window), valid, atol=1e-12)
