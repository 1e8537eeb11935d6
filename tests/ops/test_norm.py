"""Tests of normalisation against its definition, also for inputs with little variance.

Gradients, and kernels against the references, are tested in test_primitives.py, for all primitives.
"""

import numpy as np
import pytest
from hypothesis import given

from minicnn.autograd.tensor import Tensor
from minicnn.ops.norm import normalize, rstd
from minicnn.runtime.devices import to_host
from minicnn.testing import cases


@given(case=cases("normalize"))
def test_against_the_definition(case, device):
    (x,), axes, eps = case.inputs, case.params["axes"], case.params["eps"]
    t = Tensor._of(x, device=device)
    scale = 1 / np.sqrt(np.var(x, axes, keepdims=True) + eps)
    np.testing.assert_allclose(to_host(rstd(t, **case.params).array), scale, rtol=1e-9)
    expected = (x - x.mean(axes, keepdims=True)) * scale
    np.testing.assert_allclose(to_host(normalize(t, **case.params).array), expected, rtol=1e-9, atol=1e-9)


def test_mean_zero_and_variance_one():
    x = Tensor._of(np.random.default_rng(0).standard_normal((8, 3, 5)) * 100 + 7)
    y = normalize(x, axes=(0, 2), eps=1e-5)
    np.testing.assert_allclose(y.mean((0, 2)).array, 0, atol=1e-12)
    np.testing.assert_allclose(y.var((0, 2), correction=0).array, 1, rtol=1e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_constants_stay_finite(dtype):
    x = Tensor._of(np.full((4, 2), 3, dtype), requires_grad=True)
    y = normalize(x, axes=(0,), eps=1e-5)
    (y * y).sum().backward()
    assert y.dtype == x.grad.dtype == dtype
    assert not y.array.any()
    assert np.isfinite(x.grad.array).all()


def test_the_gradient_is_orthogonal_to_what_normalisation_removes():
    x = Tensor._of(np.random.default_rng(0).standard_normal((6, 4)), requires_grad=True)
    w = Tensor._of(np.random.default_rng(1).standard_normal((6, 4)))
    (normalize(x, axes=(0,), eps=0.0) * w).sum().backward()
    np.testing.assert_allclose(x.grad.sum(0).array, 0, atol=1e-12)  # y does not change if a constant is added to x,
    np.testing.assert_allclose((x.grad * x).sum(0).array, 0, atol=1e-12)  # or if x is scaled
