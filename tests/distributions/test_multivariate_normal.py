"""Tests of the normal distribution of vectors. oracles/calls/distributions.py has PyTorch's values."""

import numpy as np
import pytest

import minicnn
from minicnn import ArgumentError
from minicnn import distributions as D
from minicnn.autograd import gradcheck, gradgradcheck

LOC = minicnn.tensor([1.0, -2.0], dtype=minicnn.float64)
COVARIANCE = minicnn.tensor([[2.0, 0.6], [0.6, 0.5]], dtype=minicnn.float64)


def test_moments_are_those_of_samples():
    minicnn.manual_seed(0)
    d = D.MultivariateNormal(LOC, COVARIANCE)
    x = d.sample((40_000,)).numpy()
    np.testing.assert_allclose(x.mean(0), LOC.numpy(), atol=0.03)
    np.testing.assert_allclose(np.cov(x.T), COVARIANCE.numpy(), atol=0.06)
    np.testing.assert_allclose(d.variance.numpy(), [2.0, 0.5])
    np.testing.assert_allclose(d.entropy().item(), -d.log_prob(d.sample((40_000,))).mean().item(), atol=0.02)


def test_the_three_matrices_mean_the_same():
    x = minicnn.randn(5, 2, dtype=minicnn.float64)
    expected = D.MultivariateNormal(LOC, COVARIANCE)
    for options in (
        {"precision_matrix": minicnn.linalg.inv(COVARIANCE)},
        {"scale_tril": minicnn.linalg.cholesky(COVARIANCE)},
    ):
        d = D.MultivariateNormal(LOC, **options)
        np.testing.assert_allclose(d.log_prob(x).numpy(), expected.log_prob(x).numpy())
        np.testing.assert_allclose(d.covariance_matrix.numpy(), COVARIANCE.numpy())
        np.testing.assert_allclose(d.precision_matrix.numpy(), expected.precision_matrix.numpy())
        np.testing.assert_allclose(d.scale_tril.numpy(), expected.scale_tril.numpy())


def test_a_diagonal_covariance_is_independent():
    scale = minicnn.tensor([0.5, 2.0], dtype=minicnn.float64)
    joint = D.MultivariateNormal(LOC, scale_tril=minicnn.eye(2).double() * scale)
    plain = D.Independent(D.Normal(LOC, scale), 1)
    x = minicnn.randn(4, 2, dtype=minicnn.float64)
    np.testing.assert_allclose(joint.log_prob(x).numpy(), plain.log_prob(x).numpy())
    np.testing.assert_allclose(joint.entropy().numpy(), plain.entropy().numpy())


def test_gradients_of_both_orders():
    loc, root = LOC.clone().requires_grad_(), minicnn.randn(2, 2, dtype=minicnn.float64).requires_grad_()
    x = minicnn.randn(3, 2, dtype=minicnn.float64)

    def log_prob(loc, root):
        covariance = root @ root.T + minicnn.eye(2, dtype=minicnn.float64)
        return D.MultivariateNormal(loc, covariance, validate_args=False).log_prob(x)

    assert gradcheck(log_prob, (loc, root))
    assert gradgradcheck(log_prob, (loc, root))
    assert D.MultivariateNormal(loc, COVARIANCE).rsample().requires_grad


def test_batches():
    d = D.MultivariateNormal(minicnn.zeros(3, 1, 2), minicnn.eye(2).expand(4, 2, 2))
    assert d.batch_shape == (3, 4)
    assert d.sample((5,)).shape == (5, 3, 4, 2)
    large = d.expand((6, 3, 4))
    assert large.log_prob(minicnn.zeros(2)).shape == (6, 3, 4)
    assert large.covariance_matrix.shape == (6, 3, 4, 2, 2)


def test_mistakes():
    with pytest.raises(ArgumentError, match=r"give exactly one of .* got none"):
        D.MultivariateNormal(LOC)
    with pytest.raises(ArgumentError, match="got covariance_matrix, scale_tril"):
        D.MultivariateNormal(LOC, COVARIANCE, scale_tril=COVARIANCE)
    with pytest.raises(ArgumentError, match=r"loc must be \(..., n\) and covariance_matrix \(..., n, n\), got"):
        D.MultivariateNormal(LOC, LOC)
    with pytest.raises(ArgumentError, match=r"covariance_matrix must be \(..., 2, 2\), got \(3, 3\)"):
        D.MultivariateNormal(LOC, minicnn.eye(3).double())
    with pytest.raises(ArgumentError, match="covariance_matrix must satisfy PositiveDefinite"):
        D.MultivariateNormal(LOC, -COVARIANCE)
    with pytest.raises(ArgumentError, match="scale_tril must satisfy LowerCholesky"):
        D.MultivariateNormal(LOC, scale_tril=COVARIANCE)
