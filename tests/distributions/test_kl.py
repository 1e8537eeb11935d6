"""Tests of divergences against samples. oracles/calls/distributions.py has PyTorch's values of all pairs."""

import numpy as np
import pytest

import minicnn
from minicnn import ArgumentError
from minicnn import distributions as D
from minicnn.distributions.kl import _formulas, kl_divergence

A, B = minicnn.tensor([0.5, 1.0], dtype=minicnn.float64), minicnn.tensor([1.25, 2.0], dtype=minicnn.float64)
EXAMPLES = {
    D.Normal: (D.Normal(A, B), D.Normal(B, A)),
    D.Laplace: (D.Laplace(A, B), D.Laplace(B, A)),
    D.MultivariateNormal: (
        D.MultivariateNormal(A, minicnn.eye(2).double() * B),
        D.MultivariateNormal(B, minicnn.tensor([[2.0, 0.5], [0.5, 1.0]], dtype=minicnn.float64)),
    ),
    D.Wishart: (
        D.Wishart(A + 2, minicnn.eye(2).double()),
        D.Wishart(B + 3, minicnn.tensor([[2.0, 0.5], [0.5, 1.0]], dtype=minicnn.float64)),
    ),
    D.Gamma: (D.Gamma(A, B), D.Gamma(B, A)),
    D.Beta: (D.Beta(A + 1, B), D.Beta(B, A + 1)),
    D.Dirichlet: (D.Dirichlet(A + 1), D.Dirichlet(B)),
    D.Exponential: (D.Exponential(A), D.Exponential(B)),
    D.Uniform: (D.Uniform(A / 4, A / 2), D.Uniform(A - 1, B + 1)),
    D.Bernoulli: (D.Bernoulli(A / 2), D.Bernoulli(B / 3)),
    D.Categorical: (D.Categorical(A), D.Categorical(B * B)),
    D.OneHotCategorical: (D.OneHotCategorical(A), D.OneHotCategorical(B * B)),
    D.Independent: (D.Independent(D.Normal(A, B), 1), D.Independent(D.Normal(B, A), 1)),
    D.Geometric: (D.Geometric(A / 2), D.Geometric(B / 3)),
    D.Binomial: (D.Binomial(4, A / 2), D.Binomial(4, B / 3)),
    D.Poisson: (D.Poisson(A), D.Poisson(B)),
    D.HalfNormal: (D.HalfNormal(A), D.HalfNormal(B)),
    D.HalfCauchy: (D.HalfCauchy(A), D.HalfCauchy(B)),
    D.Cauchy: (D.Cauchy(A, B), D.Cauchy(B, A)),
    D.Gumbel: (D.Gumbel(A, B), D.Gumbel(B, A + 2)),
    D.Pareto: (D.Pareto(A, B + 5), D.Pareto(B / 20, A + 3)),
    D.ContinuousBernoulli: (D.ContinuousBernoulli(A / 2), D.ContinuousBernoulli(B / 3)),
    D.LowRankMultivariateNormal: (
        D.LowRankMultivariateNormal(A, B.reshape(2, 1), A),
        D.LowRankMultivariateNormal(B, A.reshape(2, 1), B),
    ),
    D.TransformedDistribution: (D.LogNormal(A, B), D.LogNormal(B, A)),
}


@pytest.mark.parametrize("pair", _formulas, ids=lambda pair: f"{pair[0].__name__}-{pair[1].__name__}")
def test_the_divergence_is_the_mean_of_the_difference(pair):
    minicnn.manual_seed(0)
    p, q = EXAMPLES[pair[0]][0], EXAMPLES[pair[1]][1]
    found = kl_divergence(p, q).numpy()
    q._validate_args = False
    x = p.sample((40_000,))
    expected = (p.log_prob(x) - q.log_prob(x)).mean(0).numpy()
    if np.isinf(found).any():  # p has values that q has not
        outside = [~np.asarray(q.support.check(x).numpy()).all(0)]
        assert np.any(outside)
        assert np.isinf(found).all()
    else:
        np.testing.assert_allclose(found, expected, atol=0.06, rtol=0.05)


@pytest.mark.parametrize("kind", EXAMPLES)
def test_it_is_zero_for_the_same(kind):
    p = EXAMPLES[kind][0]
    np.testing.assert_allclose(kl_divergence(p, p).numpy(), 0, atol=1e-12)


def test_the_nearest_formula_is_taken():
    class Mine(D.Normal):
        pass

    assert kl_divergence(Mine(0.0, 1.0), Mine(1.0, 1.0)).item() == 0.5
    before = dict(_formulas)
    try:

        @D.register_kl(Mine, D.Normal)
        def _formula(p, q):
            return p.loc + 7

        assert kl_divergence(Mine(0.0, 1.0), Mine(1.0, 1.0)).item() == 7
        assert kl_divergence(D.Normal(0.0, 1.0), Mine(1.0, 1.0)).item() == 0.5
    finally:
        _formulas.clear()
        _formulas.update(before)


def test_mistakes():
    vectors = [D.MultivariateNormal(minicnn.zeros(n), minicnn.eye(n)) for n in (2, 3)]
    with pytest.raises(ArgumentError, match=r"the vectors have different sizes, \(2,\) and \(3,\)"):
        kl_divergence(*vectors)
    with pytest.raises(NotImplementedError, match="no formula for Bernoulli and Normal"):
        kl_divergence(D.Bernoulli(0.5), D.Normal(0.0, 1.0))
    with pytest.raises(ArgumentError, match="expected a class of distributions, got <class 'int'>"):
        D.register_kl(int, D.Normal)
    with pytest.raises(NotImplementedError, match="different transforms"):
        kl_divergence(D.LogNormal(0.0, 1.0), D.TransformedDistribution(D.Normal(0.0, 1.0), D.TanhTransform()))


def test_wishart_distributions_of_a_batch_are_those_one_by_one():
    """PyTorch 2.13 adds the terms of a batch up; the recorded results are of single distributions."""
    v = minicnn.tensor([[[2.0, 0.3], [0.3, 1.5]], [[1.0, -0.9], [-0.9, 3.0]]], dtype=minicnn.float64)
    p, q = D.Wishart(minicnn.tensor([2.5, 4.0]).double(), v), D.Wishart(minicnn.tensor([5.0, 3.0]).double(), v.flip(0))
    one_by_one = [D.kl_divergence(*(D.Wishart(d.df[i], d.covariance_matrix[i]) for d in (p, q))).item() for i in (0, 1)]
    np.testing.assert_allclose(D.kl_divergence(p, q).tolist(), one_by_one, rtol=1e-12)
