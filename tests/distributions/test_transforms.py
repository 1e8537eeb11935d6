"""Tests of transforms and constraints. oracles/calls/distributions.py has PyTorch's values."""

import numpy as np
import pytest

import minicnn
from minicnn import ArgumentError
from minicnn import distributions as D
from minicnn.distributions import constraints

X = minicnn.tensor([-2.0, -0.5, 0.0, 1.0, 3.0], dtype=minicnn.float64)
TRANSFORMS = [
    D.ExpTransform(),
    D.SigmoidTransform(),
    D.TanhTransform(),
    D.AffineTransform(1.0, -2.0),
    D.ComposeTransform([D.AffineTransform(0.0, 0.5), D.TanhTransform(), D.ExpTransform()]),
]


@pytest.mark.parametrize("transform", TRANSFORMS, ids=str)
def test_inverse_and_derivative(transform):
    x = X.clone().requires_grad_()
    y = transform(x)
    np.testing.assert_allclose(transform.inv(y).detach().numpy(), X.numpy(), atol=1e-9)
    (slope,) = minicnn.autograd.grad(y.sum(), x)
    found = transform.log_abs_det_jacobian(x, y).detach().numpy()
    np.testing.assert_allclose(found, np.log(np.abs(slope.numpy())), atol=1e-9)
    np.testing.assert_allclose(transform.inv.log_abs_det_jacobian(y, x).detach().numpy(), -found)
    assert transform.codomain.check(y).all()
    assert transform.inv.inv is transform


def test_a_cache_returns_the_argument():
    transform = D.TanhTransform(cache_size=1)
    y = transform(X)
    assert transform.inv(y) is X
    assert transform(X) is y
    assert D.TanhTransform().inv(y) is not X


def test_dependent_constraints_cannot_be_checked():
    assert constraints.is_dependent(constraints.dependent)
    with pytest.raises(ArgumentError, match="a dependent constraint cannot be checked"):
        constraints.dependent.check(X)
    with pytest.raises(ArgumentError, match=r"expected at least 1 axes, got \(\)"):
        constraints.real_vector.check(minicnn.tensor(1.0))
