"""Tests of sums of pixels: they are one trilinear form. test_primitives.py tests gradients and devices."""

import numpy as np
from hypothesis import given

from minicnn.autograd.primitive import primitives
from minicnn.testing import cases

sample, input_grad, weight_grad = (
    primitives()[name].body for name in ("sample", "sample_input_grad", "sample_weight_grad")
)


@given(cases("sample"))
def test_the_three_are_one_trilinear_form(case):
    x, w, index = case.inputs
    g = np.random.default_rng(0).standard_normal((*x.shape[:2], w.shape[2]))
    by_values = (sample(x, w, index) * g).sum()
    by_pixels = (input_grad(g, w, index, size=x.shape[2]) * x).sum()
    by_weights = (weight_grad(x, g, index) * w).sum()
    np.testing.assert_allclose([by_pixels, by_weights], by_values, atol=1e-10)


@given(cases("sample"))
def test_the_equation(case):
    x, w, index = case.inputs
    framed = np.pad(x, ((0, 0), (0, 0), (0, 1)))
    expected = np.zeros((*x.shape[:2], w.shape[2]))
    for n, k, p in np.ndindex(w.shape):
        expected[n, :, p] += w[n, k, p] * framed[n, :, index[n, k, p]]
    np.testing.assert_allclose(sample(x, w, index), expected, atol=1e-12)


def test_pixels_outside_are_zero_also_if_the_image_has_nan():
    x, w = np.full((1, 1, 2), np.nan), np.ones((1, 1, 1))
    assert sample(x, w, np.full((1, 1, 1), 2)).item() == 0
