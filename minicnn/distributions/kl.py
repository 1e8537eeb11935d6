"""kl_divergence and the table of its formulas: KL(p ‖ q) is the mean of log p(x) - log q(x) for x from p.

`register_kl` adds the formula of two classes. A call takes the formula of the nearest classes.
"""

from collections.abc import Callable
from math import inf, pi, sqrt
from typing import Any

from minicnn.autograd.tensor import Tensor
from minicnn.distributions.bernoulli import Bernoulli
from minicnn.distributions.beta import Beta
from minicnn.distributions.categorical import Categorical
from minicnn.distributions.dirichlet import Dirichlet
from minicnn.distributions.distribution import Distribution
from minicnn.distributions.exponential import Exponential
from minicnn.distributions.gamma import Gamma, xlogy
from minicnn.distributions.independent import Independent, sum_rightmost
from minicnn.distributions.laplace import Laplace
from minicnn.distributions.multivariate_normal import MultivariateNormal, squared_distance
from minicnn.distributions.normal import Normal
from minicnn.distributions.one_hot_categorical import OneHotCategorical
from minicnn.distributions.transformed_distribution import TransformedDistribution
from minicnn.distributions.uniform import Uniform
from minicnn.errors import ArgumentError
from minicnn.ops.activation import softplus
from minicnn.ops.comparison import where
from minicnn.ops.create import full_like, ones_like
from minicnn.ops.exponentials import exp
from minicnn.ops.gamma_functions import digamma, lgamma
from minicnn.ops.matrices import solve_triangular

__all__ = ["kl_divergence", "register_kl"]

Formula = Callable[[Any, Any], Tensor]
_formulas: dict[tuple[type, type], Formula] = {}


def register_kl(type_p: type, type_q: type) -> Callable[[Formula], Formula]:
    """Register the decorated function of (p, q) as the divergence of two classes of distributions.

    Raises
    ------
    ArgumentError
        If they are not classes of distributions.
    """
    for kind in (type_p, type_q):
        if not (isinstance(kind, type) and issubclass(kind, Distribution)):
            raise ArgumentError(f"register_kl: expected a class of distributions, got {kind!r}")

    def register(formula: Formula) -> Formula:
        _formulas[type_p, type_q] = formula
        return formula

    return register


def kl_divergence(p: Distribution, q: Distribution) -> Tensor:
    """Return KL(p ‖ q), the mean of log p(x) - log q(x) for x from p.

    Parameters
    ----------
    p, q : Distribution

    Returns
    -------
    Tensor, of the batch shape

    Raises
    ------
    NotImplementedError
        If there is no formula for the two classes.
    ArgumentError
        If the shapes do not fit.

    References
    ----------
    Kullback and Leibler, "On information and sufficiency", 1951.

    Examples
    --------
    >>> kl_divergence(Normal(1.0, 1.0), Normal(0.0, 1.0)).item()
    0.5
    """
    first, second = type(p).__mro__, type(q).__mro__
    found = [pair for pair in _formulas if pair[0] in first and pair[1] in second]
    if not found:
        raise NotImplementedError(
            f"kl_divergence: no formula for {type(p).__name__} and {type(q).__name__}; register_kl"
        )
    nearest = min(found, key=lambda pair: (first.index(pair[0]), second.index(pair[1])))
    return _formulas[nearest](p, q)


def _infinite(t: Tensor) -> Tensor:
    return full_like(t, inf)


# --- two distributions of one class ---------------------------------------------------------------------------------


@register_kl(Normal, Normal)
def _normal(p: Normal, q: Normal) -> Tensor:
    ratio = (p.scale / q.scale).square()
    return 0.5 * (ratio + ((p.loc - q.loc) / q.scale).square() - 1 - ratio.log())


@register_kl(MultivariateNormal, MultivariateNormal)
def _multivariate_normal(p: MultivariateNormal, q: MultivariateNormal) -> Tensor:
    if p.event_shape != q.event_shape:
        raise ArgumentError(f"kl_divergence: the vectors have different sizes, {p.event_shape} and {q.event_shape}")
    spread = solve_triangular(q._root, p._root, upper=False).square().sum((-2, -1))
    distance = squared_distance(q._root, q.loc - p.loc)
    logarithms = q._half_log_determinant() - p._half_log_determinant()
    return logarithms + 0.5 * (spread + distance - p.event_shape[0])


@register_kl(Laplace, Laplace)
def _laplace(p: Laplace, q: Laplace) -> Tensor:
    ratio, distance = p.scale / q.scale, (p.loc - q.loc).abs()
    return -ratio.log() + distance / q.scale + ratio * exp(-distance / p.scale) - 1


@register_kl(Exponential, Exponential)
def _exponential(p: Exponential, q: Exponential) -> Tensor:
    ratio = q.rate / p.rate
    return ratio - ratio.log() - 1


@register_kl(Uniform, Uniform)
def _uniform(p: Uniform, q: Uniform) -> Tensor:
    found = ((q.high - q.low) / (p.high - p.low)).log()
    return where((q.low > p.low) | (q.high < p.high), _infinite(found), found)


@register_kl(Bernoulli, Bernoulli)
def _bernoulli(p: Bernoulli, q: Bernoulli) -> Tensor:
    one = p.probs * (softplus(-q.logits) - softplus(-p.logits))
    zero = (1 - p.probs) * (softplus(q.logits) - softplus(p.logits))
    one = where(q.probs == 0, _infinite(one), one)
    one = where(p.probs == 0, full_like(one, 0.0), one)
    zero = where(q.probs == 1, _infinite(zero), zero)
    return one + where(p.probs == 1, full_like(zero, 0.0), zero)


@register_kl(Categorical, Categorical)
def _categorical(p: Categorical, q: Categorical) -> Tensor:
    terms = p.probs * (p.logits - q.logits)
    terms = where(q.probs == 0, _infinite(terms), terms)
    return where(p.probs == 0, full_like(terms, 0.0), terms).sum(-1)


@register_kl(OneHotCategorical, OneHotCategorical)
def _one_hot(p: OneHotCategorical, q: OneHotCategorical) -> Tensor:
    return _categorical(p._categorical, q._categorical)


@register_kl(Independent, Independent)
def _independent(p: Independent, q: Independent) -> Tensor:
    if p.reinterpreted_batch_ndims != q.reinterpreted_batch_ndims:
        raise NotImplementedError("kl_divergence: the two Independent have different numbers of axes")
    return sum_rightmost(kl_divergence(p.base_dist, q.base_dist), p.reinterpreted_batch_ndims)


@register_kl(TransformedDistribution, TransformedDistribution)
def _transformed(p: TransformedDistribution, q: TransformedDistribution) -> Tensor:
    if [type(t) for t in p.transforms] != [type(t) for t in q.transforms] or p.event_shape != q.event_shape:
        raise NotImplementedError("kl_divergence: the two distributions have different transforms")
    return kl_divergence(p.base_dist, q.base_dist)


@register_kl(Gamma, Gamma)
def _gamma(p: Gamma, q: Gamma) -> Tensor:
    logarithms = q.concentration * (p.rate / q.rate).log() + lgamma(q.concentration) - lgamma(p.concentration)
    moved = (p.concentration - q.concentration) * digamma(p.concentration)
    return logarithms + moved + (q.rate - p.rate) * (p.concentration / p.rate)


@register_kl(Dirichlet, Dirichlet)
def _dirichlet(p: Dirichlet, q: Dirichlet) -> Tensor:
    a, b = p.concentration, q.concentration
    total = a.sum(-1)
    logarithms = lgamma(total) - lgamma(b.sum(-1)) + (lgamma(b) - lgamma(a)).sum(-1)
    return logarithms + ((a - b) * (digamma(a) - digamma(total).unsqueeze(-1))).sum(-1)


@register_kl(Beta, Beta)
def _beta(p: Beta, q: Beta) -> Tensor:
    return _dirichlet(p._pairs, q._pairs)


# --- two classes ------------------------------------------------------------------------------------------------------


@register_kl(Exponential, Normal)
@register_kl(Laplace, Normal)
@register_kl(Uniform, Normal)
@register_kl(Gamma, Normal)
@register_kl(Beta, Normal)
def _with_moments(p: Any, q: Normal) -> Tensor:
    """The mean of log q depends on mean and variance of p only."""
    squares, entropy = p.variance + (p.mean - q.loc).square(), p.entropy()
    found: Tensor = 0.5 * (2 * pi * q.variance).log() + squares / (2 * q.variance) - entropy
    return found


@register_kl(Beta, Exponential)
@register_kl(Uniform, Exponential)
@register_kl(Gamma, Exponential)
def _with_the_mean(p: Any, q: Exponential) -> Tensor:
    """The mean of log q depends on the mean of p only, if all values are above 0."""
    found = q.rate * p.mean - q.rate.log() - p.entropy()
    return where(p.low < 0, _infinite(found), found) if isinstance(p, Uniform) else found


@register_kl(Exponential, Gamma)
def _exponential_gamma(p: Exponential, q: Gamma) -> Tensor:
    return _gamma(Gamma(ones_like(p.rate), p.rate, validate_args=False), q)


@register_kl(Beta, Gamma)
def _beta_gamma(p: Beta, q: Gamma) -> Tensor:
    logarithm = digamma(p.concentration1) - digamma(p.concentration1 + p.concentration0)
    mean = xlogy(q.concentration, q.rate) - lgamma(q.concentration) + (q.concentration - 1) * logarithm
    return q.rate * p.mean - mean - p.entropy()


@register_kl(Beta, Uniform)
def _beta_uniform(p: Beta, q: Uniform) -> Tensor:
    found = (q.high - q.low).log() - p.entropy()
    return where((q.low > 0) | (q.high < 1), _infinite(found), found)


def _mean_logarithm(low: Tensor, high: Tensor) -> Tensor:
    """Return the mean of log x for x from `low` to `high`."""
    return (xlogy(high, high) - xlogy(low, low)) / (high - low) - 1


@register_kl(Uniform, Gamma)
def _uniform_gamma(p: Uniform, q: Gamma) -> Tensor:
    mean = (q.concentration - 1) * _mean_logarithm(p.low, p.high) - q.rate * p.mean
    found = lgamma(q.concentration) - xlogy(q.concentration, q.rate) - mean - p.entropy()
    return where(p.low < 0, _infinite(found), found)


@register_kl(Uniform, Beta)
def _uniform_beta(p: Uniform, q: Beta) -> Tensor:
    a, b = q.concentration1, q.concentration0
    mean = (a - 1) * _mean_logarithm(p.low, p.high) + (b - 1) * _mean_logarithm(1 - p.high, 1 - p.low)
    found = lgamma(a) + lgamma(b) - lgamma(a + b) - mean - p.entropy()
    return where((p.low < 0) | (p.high > 1), _infinite(found), found)


@register_kl(Normal, Laplace)
def _normal_laplace(p: Normal, q: Laplace) -> Tensor:
    """The mean of |x - q.loc| is that of a folded normal distribution."""
    distance = p.loc - q.loc
    t = distance / p.scale
    mean = p.scale * sqrt(2 / pi) * exp(-0.5 * t.square()) + distance * (t / sqrt(2)).erf()
    return (2 * q.scale).log() + mean / q.scale - p.entropy()


@register_kl(Exponential, Uniform)
@register_kl(Exponential, Beta)
@register_kl(Gamma, Uniform)
@register_kl(Gamma, Beta)
@register_kl(Laplace, Uniform)
@register_kl(Laplace, Exponential)
@register_kl(Laplace, Gamma)
@register_kl(Laplace, Beta)
@register_kl(Normal, Uniform)
@register_kl(Normal, Exponential)
@register_kl(Normal, Gamma)
@register_kl(Normal, Beta)
def _outside_of_the_support(p: Any, q: Any) -> Tensor:
    """The first has values that the second has not."""
    return _infinite(p.mean)
