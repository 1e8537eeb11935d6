"""Formulas of kl_divergence from moments: KL(p ‖ q) = -entropy of p - mean of log q(x) for x from p.

For a q whose log-density is made of x, x², log x or e⁻ˣ, the mean needs only such a moment of p.
"""

from math import log, pi
from typing import Any

from minicnn.autograd.tensor import Tensor
from minicnn.distributions.bernoulli import Bernoulli
from minicnn.distributions.beta import Beta
from minicnn.distributions.continuous_bernoulli import ContinuousBernoulli
from minicnn.distributions.counts import Binomial, Geometric, Poisson
from minicnn.distributions.exponential import Exponential
from minicnn.distributions.gamma import Gamma, xlogy
from minicnn.distributions.half import HalfCauchy, HalfNormal
from minicnn.distributions.kl import _infinite, _mean_logarithm, _outside_of_the_support, kl_divergence, register_kl
from minicnn.distributions.laplace import Laplace
from minicnn.distributions.low_rank import LowRankMultivariateNormal
from minicnn.distributions.multivariate_normal import MultivariateNormal
from minicnn.distributions.normal import Normal
from minicnn.distributions.quantiles import EULER, Cauchy, Gumbel, Pareto
from minicnn.distributions.uniform import Uniform
from minicnn.distributions.wishart import Wishart, mean_log_determinant
from minicnn.ops.comparison import where
from minicnn.ops.create import zeros_like
from minicnn.ops.exponentials import exp, log1p
from minicnn.ops.gamma_functions import lgamma
from minicnn.ops.matrices import solve_triangular
from minicnn.special import multigammaln

__all__: list[str] = []


# --- two distributions of one class ---------------------------------------------------------------------------------


@register_kl(Geometric, Geometric)
def _geometric(p: Geometric, q: Geometric) -> Tensor:
    return -p.entropy() - p.mean * log1p(-q.probs) - q.probs.log()


@register_kl(Binomial, Binomial)
def _binomial(p: Binomial, q: Binomial) -> Tensor:
    """The sums over the ways cancel only if the numbers of trials are equal."""
    if (p.total_count < q.total_count).any().item():
        raise NotImplementedError("kl_divergence: no formula for a Binomial with a larger total_count in the second")
    each = p.probs * (p.logits - q.logits) + log1p(-p.probs) - log1p(-q.probs)
    found = p.total_count * each
    return where(p.total_count > q.total_count, _infinite(found), found)


@register_kl(Poisson, Poisson)
def _poisson(p: Poisson, q: Poisson) -> Tensor:
    return p.rate * (p.rate.log() - q.rate.log()) - (p.rate - q.rate)


@register_kl(HalfNormal, HalfNormal)
@register_kl(HalfCauchy, HalfCauchy)
def _half(p: Any, q: Any) -> Tensor:
    return kl_divergence(p.base_dist, q.base_dist)


@register_kl(Cauchy, Cauchy)
def _cauchy(p: Cauchy, q: Cauchy) -> Tensor:
    """(Chyzak and Nielsen: A closed-form formula for the Kullback-Leibler divergence between Cauchy distributions.)"""
    return (((p.scale + q.scale).square() + (p.loc - q.loc).square()) / (4 * p.scale * q.scale)).log()


@register_kl(Pareto, Pareto)
def _pareto(p: Pareto, q: Pareto) -> Tensor:
    ratio, alpha = p.scale / q.scale, q.alpha / p.alpha
    found = q.alpha * ratio.log() - alpha.log() + alpha - 1
    return where(p.scale < q.scale, _infinite(found), found)


@register_kl(LowRankMultivariateNormal, LowRankMultivariateNormal)
@register_kl(LowRankMultivariateNormal, MultivariateNormal)
@register_kl(MultivariateNormal, LowRankMultivariateNormal)
def _low_rank(p: Any, q: Any) -> Tensor:
    return kl_divergence(*(MultivariateNormal(d.loc, scale_tril=d.scale_tril, validate_args=False) for d in (p, q)))


@register_kl(Wishart, Wishart)
def _wishart(p: Wishart, q: Wishart) -> Tensor:
    """The mean of tr(V⁻¹ S) is df tr(V⁻¹ Vₚ), the sum of the squares of L⁻¹ Lₚ, for V = L Lᵀ of q."""
    n, half = q.event_shape[-1], q.df / 2
    trace = p.df * solve_triangular(q.scale_tril, p.scale_tril, upper=False).square().sum((-2, -1))
    normalizer = half * (n * log(2) + q._log_determinant()) + multigammaln(half, n)
    return normalizer + trace / 2 - (half - (n + 1) / 2) * mean_log_determinant(p) - p.entropy()


# --- q whose log-density is linear in x, or has x and x² --------------------------------------------------------------


@register_kl(ContinuousBernoulli, ContinuousBernoulli)
@register_kl(Beta, ContinuousBernoulli)
def _to_continuous_bernoulli(p: Any, q: ContinuousBernoulli) -> Tensor:
    found: Tensor = q._log_normalizer - q.logits * p.mean - p.entropy()
    return found


@register_kl(Uniform, ContinuousBernoulli)
def _uniform_continuous_bernoulli(p: Uniform, q: ContinuousBernoulli) -> Tensor:
    found = _to_continuous_bernoulli(p, q)
    return where((p.low < 0) | (p.high > 1), _infinite(found), found)


@register_kl(ContinuousBernoulli, Uniform)
def _continuous_bernoulli_uniform(p: ContinuousBernoulli, q: Uniform) -> Tensor:
    found = (q.high - q.low).log() - p.entropy()
    return where((q.low > 0) | (q.high < 1), _infinite(found), found)


@register_kl(ContinuousBernoulli, Exponential)
@register_kl(Pareto, Exponential)
def _to_exponential(p: Any, q: Exponential) -> Tensor:
    found: Tensor = q.rate * p.mean - q.rate.log() - p.entropy()
    return found


@register_kl(ContinuousBernoulli, Normal)
@register_kl(Gumbel, Normal)
@register_kl(Pareto, Normal)
def _to_normal(p: Any, q: Normal) -> Tensor:
    square = (p.variance + (p.mean - q.loc).square()) / q.scale.square()
    found: Tensor = 0.5 * square + q.scale.log() + 0.5 * log(2 * pi) - p.entropy()
    return found


@register_kl(Bernoulli, Poisson)
def _bernoulli_poisson(p: Bernoulli, q: Poisson) -> Tensor:
    return q.rate - p.probs * q.rate.log() - p.entropy()


# --- q with log x -----------------------------------------------------------------------------------------------------


@register_kl(Pareto, Gamma)
def _pareto_gamma(p: Pareto, q: Gamma) -> Tensor:
    mean = (q.concentration - 1) * (p.scale.log() + 1 / p.alpha) - q.rate * p.mean
    return lgamma(q.concentration) - xlogy(q.concentration, q.rate) - mean - p.entropy()


@register_kl(Uniform, Pareto)
def _uniform_pareto(p: Uniform, q: Pareto) -> Tensor:
    inside = p.low >= q.scale
    low, high = (where(inside, t, zeros_like(t) + k) for t, k in ((p.low, 1.0), (p.high, 2.0)))
    found = (q.alpha + 1) * _mean_logarithm(low, high) - q.alpha.log() - q.alpha * q.scale.log() - p.entropy()
    return where(inside, found, _infinite(found))


# --- q with exp(-x / scale), whose mean is the Laplace transform of p -------------------------------------------------


def _to_gumbel(p: Any, q: Gumbel, transform: Tensor) -> Tensor:
    y = (q.loc - p.mean) / q.scale
    found: Tensor = transform * exp(q.loc / q.scale) - y + q.scale.log() - p.entropy()
    return found


@register_kl(Gumbel, Gumbel)
def _gumbel(p: Gumbel, q: Gumbel) -> Tensor:
    ratio = p.scale / q.scale
    power = exp((q.loc - p.loc) / q.scale + lgamma(1 + ratio))
    return power - (q.loc - p.loc) / q.scale + ratio * EULER - ratio.log() - (1 + EULER)


@register_kl(Exponential, Gumbel)
def _exponential_gumbel(p: Exponential, q: Gumbel) -> Tensor:
    return _to_gumbel(p, q, p.rate / (p.rate + 1 / q.scale))


@register_kl(Gamma, Gumbel)
def _gamma_gumbel(p: Gamma, q: Gumbel) -> Tensor:
    return _to_gumbel(p, q, (1 + 1 / (p.rate * q.scale)) ** -p.concentration)


@register_kl(Normal, Gumbel)
def _normal_gumbel(p: Normal, q: Gumbel) -> Tensor:
    return _to_gumbel(p, q, exp(0.5 * (p.scale / q.scale).square() - p.loc / q.scale))


@register_kl(Uniform, Gumbel)
def _uniform_gumbel(p: Uniform, q: Gumbel) -> Tensor:
    falls = exp(-p.low / q.scale) - exp(-p.high / q.scale)
    return _to_gumbel(p, q, q.scale * falls / (p.high - p.low))


# --- the first has values that the second has not ---------------------------------------------------------------------

for _p, _many in {
    Poisson: (Bernoulli, Binomial),
    Beta: (Pareto,),
    ContinuousBernoulli: (Pareto,),
    Exponential: (ContinuousBernoulli, Pareto),
    Gamma: (ContinuousBernoulli, Pareto),
    Gumbel: (Beta, ContinuousBernoulli, Exponential, Gamma, Pareto, Uniform),
    Laplace: (ContinuousBernoulli, Pareto),
    Normal: (ContinuousBernoulli, Pareto),
    Pareto: (Beta, ContinuousBernoulli, Uniform),
}.items():
    for _q in _many:
        register_kl(_p, _q)(_outside_of_the_support)
