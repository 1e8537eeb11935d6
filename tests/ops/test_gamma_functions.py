"""Tests of the gamma function against the standard library. test_primitives.py tests gradients and devices."""

from math import lgamma as exact
from math import pi

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minicnn
from minicnn.ops.gamma_functions import _gamma_derivative, digamma, lgamma

EULER = 0.5772156649015329


def test_the_logarithm_has_the_accuracy_of_float64():
    x = np.concatenate([10.0 ** np.linspace(-8, 8, 1001), np.linspace(0.5, 3, 501)])
    expected = np.vectorize(exact)(x)
    np.testing.assert_allclose(lgamma(minicnn.tensor(x)).numpy(), expected, rtol=1e-13, atol=3e-14)


@given(st.floats(0.01, 50), st.integers(1, 4))
def test_each_derivative_follows_the_recurrence(x, order):
    """ψ⁽ⁿ⁾(x + 1) = ψ⁽ⁿ⁾(x) + (-1)ⁿ n! / xⁿ⁺¹, which is the derivative of log Γ(x + 1) = log Γ(x) + log x."""
    here, there = (_gamma_derivative(minicnn.tensor(x + i, dtype=minicnn.float64), order=order).item() for i in (0, 1))
    n = order - 1
    step = (-1) ** n * float(np.prod(np.arange(1, n + 1))) / x ** (n + 1)
    assert there == pytest.approx(here + step, rel=1e-9, abs=1e-12 * abs(step))


def test_known_values():
    one = minicnn.tensor(1.0, dtype=minicnn.float64)
    assert digamma(one).item() == pytest.approx(-EULER, rel=1e-14)
    assert _gamma_derivative(one, order=2).item() == pytest.approx(pi**2 / 6, rel=1e-14)
    assert lgamma(one * 0).item() == float("inf")
