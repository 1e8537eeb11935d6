"""Tests of all distributions: samples follow the density. oracles/calls/distributions.py has PyTorch's values."""

import copy

import numpy as np
import pytest

import minicnn
from minicnn import ArgumentError
from minicnn import distributions as D
from minicnn.autograd import gradcheck, gradgradcheck
from minicnn.distributions.normal import Normal
from minicnn.distributions.relaxed_bernoulli import LogitRelaxedBernoulli

LOC, SCALE = minicnn.tensor([0.5, -1.0], dtype=minicnn.float64), minicnn.tensor([0.5, 2.0], dtype=minicnn.float64)
PROBS = minicnn.tensor([[0.2, 0.3, 0.5], [0.1, 0.0, 0.9]], dtype=minicnn.float64)
INNER = minicnn.tensor([0.2, 0.7], dtype=minicnn.float64)
CONTINUOUS = {
    "Normal": D.Normal(LOC, SCALE),
    "Laplace": D.Laplace(LOC, SCALE),
    "LogNormal": D.LogNormal(LOC, SCALE),
    "Uniform": D.Uniform(LOC - 1, LOC + SCALE),
    "Exponential": D.Exponential(SCALE),
    "Cauchy": D.Cauchy(LOC, SCALE),
    "Gumbel": D.Gumbel(LOC, SCALE),
    "Weibull": D.Weibull(SCALE, LOC.abs()),
    "Pareto": D.Pareto(SCALE, SCALE + 9),
    "GeneralizedPareto": D.GeneralizedPareto(LOC, SCALE, minicnn.tensor([0.2, -0.3], dtype=minicnn.float64)),
    "GeneralizedPareto of 0": D.GeneralizedPareto(LOC, SCALE, 0.0),
    "Kumaraswamy": D.Kumaraswamy(SCALE, LOC.abs() + 1),
    "HalfNormal": D.HalfNormal(SCALE),
    "HalfCauchy": D.HalfCauchy(SCALE),
    "ContinuousBernoulli": D.ContinuousBernoulli(INNER),
    "falling": D.TransformedDistribution(D.Normal(LOC, SCALE), [D.AffineTransform(1.0, -2.0), D.SigmoidTransform()]),
}
DISCRETE = {
    "Bernoulli": D.Bernoulli(INNER),
    "Categorical": D.Categorical(PROBS),
    "Binomial": D.Binomial(4, INNER),
    "OneHotCategorical": D.OneHotCategorical(PROBS),
    "OneHotCategoricalStraightThrough": D.OneHotCategoricalStraightThrough(PROBS),
}
WITHOUT_CDF = {
    "Gamma": D.Gamma(SCALE, LOC.abs()),
    "Beta": D.Beta(SCALE, LOC.abs()),
    "Dirichlet": D.Dirichlet(PROBS + 0.5),
    "Chi2": D.Chi2(SCALE + 1),
    "InverseGamma": D.InverseGamma(SCALE + 5, SCALE),
    "StudentT": D.StudentT(SCALE + 6, LOC, SCALE),
    "LowRankMultivariateNormal": D.LowRankMultivariateNormal(LOC, SCALE.reshape(2, 1), SCALE),
}
SIMPLE = CONTINUOUS | DISCRETE | WITHOUT_CDF
WITHOUT_ENTROPY = {
    "FisherSnedecor": D.FisherSnedecor(SCALE + 5, SCALE + 20),
    "Geometric": D.Geometric(INNER),
    "NegativeBinomial": D.NegativeBinomial(SCALE, INNER / 2),
    "Poisson": D.Poisson(SCALE),
    "Multinomial": D.Multinomial(5, PROBS),
    "MixtureSameFamily": D.MixtureSameFamily(D.Categorical(PROBS), D.Normal(10 * PROBS, 0.1)),
}
SIMPLE |= WITHOUT_ENTROPY
for _name in ("falling", "Categorical", "Cauchy", "HalfCauchy"):  # have no moments
    del SIMPLE[_name]
COUNT = 20_000


@pytest.fixture(autouse=True)
def _seed():
    minicnn.manual_seed(1)


@pytest.mark.parametrize("name", CONTINUOUS)
def test_the_distribution_function_makes_samples_uniform(name):
    """If x is distributed with the function F, F(x) is uniform: Kolmogorov's distance is small."""
    d = CONTINUOUS[name]
    u = np.sort(d.cdf(d.sample((COUNT,))).numpy(), axis=0)
    distance = np.abs(u - (np.arange(COUNT) + 0.5)[:, None] / COUNT).max()
    assert distance < 1.95 / COUNT**0.5  # 0.1 % of samples have a larger one


@pytest.mark.parametrize("name", CONTINUOUS)
def test_the_density_is_the_derivative_of_the_distribution_function(name):
    d = CONTINUOUS[name]
    for p in (0.1, 0.35, 0.8):
        x = d.icdf(minicnn.full((2,), p, dtype=minicnn.float64)).detach().requires_grad_()
        y = d.cdf(x)
        np.testing.assert_allclose(y.detach().numpy(), p, rtol=1e-9)
        (slope,) = minicnn.autograd.grad(y.sum(), x)
        np.testing.assert_allclose(np.abs(slope.numpy()), np.exp(d.log_prob(x).detach().numpy()), rtol=1e-9)


@pytest.mark.parametrize("name", SIMPLE)
def test_moments_are_those_of_samples(name):
    d = SIMPLE[name]
    if name == "LogNormal":
        d = D.LogNormal(LOC, SCALE / 5)
    x = d.sample((COUNT,)).numpy()
    std = d.stddev.numpy()
    np.testing.assert_allclose(x.mean(0), d.mean.numpy(), atol=5 * std.max() / COUNT**0.5)
    np.testing.assert_allclose(x.std(0), std, rtol=0.05, atol=1e-9)


@pytest.mark.parametrize("name", DISCRETE)
def test_probabilities_are_frequencies(name):
    d = DISCRETE[name]
    values = d.enumerate_support()
    probabilities = np.exp(d.log_prob(values).numpy())
    np.testing.assert_allclose(probabilities.sum(0), 1, rtol=1e-9)
    samples = d.sample((COUNT,)).numpy()
    for value, probability in zip(values.numpy(), probabilities, strict=True):
        same = samples == value
        frequency = (same.all(-1) if d.event_shape else same).mean(0)
        np.testing.assert_allclose(frequency, probability, atol=0.02)


@pytest.mark.parametrize("name", sorted((CONTINUOUS | DISCRETE | WITHOUT_CDF).keys() - {"falling"}))
def test_the_entropy_is_the_mean_of_minus_log_prob(name):
    d = (CONTINUOUS | DISCRETE | WITHOUT_CDF)[name]
    found = -d.log_prob(d.sample((COUNT,))).mean(0)
    np.testing.assert_allclose(d.entropy().numpy(), found.numpy(), atol=0.06)


def test_relaxed_values_become_discrete_for_small_temperatures():
    cold = D.RelaxedOneHotCategorical(0.01, PROBS).sample((COUNT,))
    np.testing.assert_allclose(cold.sum(-1).numpy(), 1, rtol=1e-6)
    np.testing.assert_allclose(cold.mean(0).numpy(), PROBS.numpy(), atol=0.02)
    cold = D.RelaxedBernoulli(minicnn.tensor(0.01), INNER).sample((COUNT,))
    np.testing.assert_allclose((cold > 0.5).double().mean(0).numpy(), INNER.numpy(), atol=0.02)


def test_densities_of_relaxed_values_have_the_integral_one():
    x = minicnn.linspace(1e-4, 1 - 1e-4, 20001, dtype=minicnn.float64)
    for temperature in (0.7, 2.0):
        density = D.RelaxedBernoulli(temperature, 0.3).log_prob(x.float()).exp().double()
        assert density.mean().item() == pytest.approx(1, abs=0.02)
        pairs = minicnn.stack([x, 1 - x], -1)
        density = D.RelaxedOneHotCategorical(temperature, INNER / INNER.sum()).log_prob(pairs).exp()
        assert density.mean().item() == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize(
    "make",
    [
        lambda a, b: D.Normal(a, b),
        lambda a, b: D.Laplace(a, b),
        lambda a, b: D.LogNormal(a, b),
        lambda a, b: D.Uniform(a - b, a + b),
        lambda a, b: D.Exponential(a + b),
        lambda a, b: D.RelaxedBernoulli(0.5, logits=a * b),
        lambda a, b: D.RelaxedOneHotCategorical(b.sum(), logits=a),
        lambda a, b: LogitRelaxedBernoulli(b.sum(), logits=a),
    ],
)
def test_samples_have_gradients_of_both_orders(make):
    a, b = (minicnn.tensor(v, dtype=minicnn.float64, requires_grad=True) for v in ([0.5, 1.5], [0.25, 0.75]))

    def function(a, b):
        minicnn.manual_seed(3)
        return make(a, b).rsample((2,))

    assert gradcheck(function, (a, b))
    assert gradgradcheck(function, (a, b))


def test_gradients_of_densities_with_gamma_functions():
    a, b = (minicnn.tensor(v, dtype=minicnn.float64, requires_grad=True) for v in ([0.5, 1.5], [0.25, 0.75]))
    x = minicnn.tensor([0.3, 0.6], dtype=minicnn.float64)
    for make in (D.Gamma, D.Beta, lambda a, b: D.Independent(D.Gamma(a + b, b), 1)):
        assert gradcheck(lambda a, b, make=make: make(a, b).log_prob(x), (a, b))
        assert gradgradcheck(lambda a, b, make=make: make(a, b).log_prob(x), (a, b))


@pytest.mark.parametrize("c", [0.05, 0.7, 3.0, 40.0, 1000.0])
def test_samples_of_gamma_distributions_have_the_gradient_of_their_quantile(c):
    """The gradient of the mean of a function of samples is that of its expectation: of x it is 1, of log x it is ψ'."""
    concentration = minicnn.full((200_000,), c, dtype=minicnn.float64, requires_grad=True)
    x = D.Gamma(concentration, 1.0).rsample()
    for function, expected in ((lambda x: x, 1.0), (lambda x: x.log(), float(minicnn.polygamma(1, LOC * 0 + c)[0]))):
        (slopes,) = minicnn.autograd.grad(function(x).sum(), concentration, retain_graph=True)
        error = 5 * slopes.std().item() / len(slopes) ** 0.5
        assert slopes.mean().item() == pytest.approx(expected, abs=max(error, 1e-9))
        assert error < 0.1 * expected


def test_gradients_of_samples_of_beta_and_dirichlet_distributions():
    """The mean of the share a / (a + b) has the gradient b / (a + b)²."""
    a = minicnn.full((100_000,), 2.0, dtype=minicnn.float64, requires_grad=True)
    (slopes,) = minicnn.autograd.grad(D.Beta(a, 3.0).rsample().sum(), a)
    assert slopes.mean().item() == pytest.approx(3 / 25, abs=2e-3)


def test_angles_are_around_their_mean():
    x = D.VonMises(LOC * 4, SCALE).sample((COUNT,))
    distance = 1 - (x - LOC * 4).cos().mean(0)
    np.testing.assert_allclose(distance.numpy(), D.VonMises(LOC, SCALE).variance.numpy(), atol=0.02)
    assert x.abs().max().item() <= np.pi


def test_straight_through_gradients():
    probs = PROBS.clone().requires_grad_()
    D.OneHotCategoricalStraightThrough(probs).rsample().sum().backward()
    assert np.isfinite(probs.grad.numpy()).all()
    assert not D.Normal(probs, 1.0).sample().requires_grad


def test_lazy_parameters_have_gradients_after_no_grad():
    logits = minicnn.tensor([0.5, -1.0], requires_grad=True)
    d = D.Bernoulli(logits=logits)
    with minicnn.no_grad():
        d.sample()  # computes the probabilities
    d.probs.sum().backward()
    assert (logits.grad.numpy() > 0).all()


@pytest.mark.parametrize("name", CONTINUOUS | DISCRETE | WITHOUT_CDF)
def test_expanded_distributions_are_the_same(name):
    d = (CONTINUOUS | DISCRETE | WITHOUT_CDF)[name]
    large = d.expand((5, *d.batch_shape))
    assert type(large) is type(d)
    assert large.batch_shape == (5, *d.batch_shape)
    x = d.sample()
    np.testing.assert_allclose(large.log_prob(x).numpy(), np.broadcast_to(d.log_prob(x).numpy(), large.batch_shape))
    assert copy.deepcopy(d).sample((3,)).shape == d.sample((3,)).shape
    assert (5, *d.batch_shape, *d.event_shape) == large.sample().shape


def test_samples_are_on_the_device_of_the_parameters(device):
    loc, probs = LOC.float().to(device), PROBS.float().to(device)
    makes = (D.Normal, D.Laplace, lambda loc, _: D.Bernoulli(logits=loc), lambda loc, _: D.Gamma(loc.abs(), 1.0))
    for d in (*(make(loc, 1.0) for make in makes), D.Categorical(probs), D.Dirichlet(probs + 1)):
        x = d.sample((2,))
        assert x.device is d.log_prob(x).device is device
    minicnn.manual_seed(5)
    there = D.Normal(loc, 2.0).sample((3,)).tolist()
    minicnn.manual_seed(5)
    assert D.Normal(LOC.float(), 2.0).sample((3,)).tolist() == there


def test_checks_can_be_turned_off():
    assert D.Normal(0.0, -1.0, validate_args=False).scale.item() == -1
    D.Distribution.set_default_validate_args(False)
    try:
        assert D.Normal(0.0, -1.0).scale.item() == -1
    finally:
        D.Distribution.set_default_validate_args(True)
    with pytest.raises(ArgumentError, match="expected True or False, got 3"):
        D.Distribution.set_default_validate_args(3)


def test_mistakes():
    with pytest.raises(ArgumentError, match=r"Normal: scale must satisfy GreaterThan\(lower_bound=0.0\), got .*-1"):
        D.Normal(0.0, -1.0)
    with pytest.raises(ArgumentError, match=r"values must have a shape that ends with \(2,\), got \(3,\)"):
        Normal(LOC, SCALE).log_prob(minicnn.zeros(3))
    with pytest.raises(ArgumentError, match=r"Exponential: values must be in GreaterThanEq"):
        D.Exponential(1.0).log_prob(minicnn.tensor(-1.0))
    with pytest.raises(ArgumentError, match="Normal: the value must be a tensor, got float"):
        D.Normal(0.0, 1.0).log_prob(0.0)
    with pytest.raises(ArgumentError, match=r"the shapes \(2,\) and \(3,\) of the parameters do not broadcast"):
        D.Normal(LOC, minicnn.ones(3))
    with pytest.raises(ArgumentError, match="parameters must be tensors or numbers, got list"):
        D.Normal([0.0], 1.0)
    with pytest.raises(ArgumentError, match="Uniform: low must be below high"):
        D.Uniform(1.0, 1.0)
    with pytest.raises(ArgumentError, match="Bernoulli: give either probs or logits; got both"):
        D.Bernoulli(0.5, 0.5)
    with pytest.raises(ArgumentError, match="Categorical: probs or logits must have at least one axis"):
        D.Categorical(minicnn.tensor(1.0))
    with pytest.raises(ArgumentError, match="Dirichlet: concentration must have at least one axis"):
        D.Dirichlet(minicnn.tensor(1.0))
    with pytest.raises(NotImplementedError, match="Poisson has no rsample"):
        D.Poisson(1.0).rsample()
    with pytest.raises(ArgumentError, match="Independent: reinterpreted_batch_ndims must be at most 1"):
        D.Independent(D.Normal(LOC, SCALE), 2)
    with pytest.raises(ArgumentError, match="transforms must be a Transform or several"):
        D.TransformedDistribution(D.Normal(0.0, 1.0), [abs])


def test_wishart_samples_have_the_moments_and_gradients():
    minicnn.manual_seed(0)
    v = minicnn.tensor([[2.0, 0.6], [0.6, 1.5]], dtype=minicnn.float64, requires_grad=True)
    df = minicnn.tensor(4.5, dtype=minicnn.float64, requires_grad=True)
    d = D.Wishart(df, v)
    s = d.rsample((40_000,))
    np.testing.assert_allclose(s.mean(0).tolist(), d.mean.tolist(), rtol=0.02)
    np.testing.assert_allclose(s.var(0).tolist(), d.variance.tolist(), rtol=0.05)
    by_df, by_v = minicnn.autograd.grad(s.mean(0)[0, 0], (df, v))  # the mean is df V
    assert by_df.item() == pytest.approx(2.0, rel=0.03)
    assert by_v[0, 0].item() == pytest.approx(4.5, rel=0.02)


def test_wishart_with_few_degrees_warns_and_draws_singular_matrices_again():
    minicnn.manual_seed(0)
    with pytest.warns(UserWarning, match="with df < n = 2, samples can be singular"):
        d = D.Wishart(1.02, minicnn.eye(2))
    again, once = d.sample((2000,)), d.rsample((2000,), max_try_correction=0)
    assert d.support.check(again).all()
    assert not d.support.check(once).all()


def test_roots_of_correlations_have_the_density_of_their_class():
    """The correlation of two numbers is 2 B - 1 with B from Beta(c, c); of more, Beta(c + n/2 - 1, c + n/2 - 1)."""
    minicnn.manual_seed(0)
    for n, c in ((2, 0.7), (4, 2.0)):
        root = D.LKJCholesky(n, c).sample((40_000,))
        np.testing.assert_allclose((root @ root.mT).diagonal(dim1=-2, dim2=-1).numpy(), 1, atol=1e-5)
        part = (root @ root.mT)[:, -1, 0] / 2 + 0.5
        marginal = D.Beta(c + n / 2 - 1, c + n / 2 - 1)
        assert part.mean().item() == pytest.approx(0.5, abs=0.01)
        assert part.var().item() == pytest.approx(marginal.variance.item(), rel=0.03)


def test_the_jacobian_of_roots_of_correlations():
    t = D.CorrCholeskyTransform()
    x = minicnn.tensor([0.3, -0.4, 1.2, 0.5, 0.1, -2.0], dtype=minicnn.float64)
    rows, columns = np.tril_indices(4, -1)
    jacobian = minicnn.autograd.functional.jacobian(lambda x: t(x)[rows, columns], x)
    assert t.log_abs_det_jacobian(x, t(x)).item() == pytest.approx(jacobian.slogdet()[1].item())
    with pytest.raises(ArgumentError, match=r"the last two axes must be equal, got \(2, 3\)"):
        t.inverse_shape((2, 3))
