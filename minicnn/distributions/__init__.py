"""Probability distributions, with PyTorch's names: samples with gradients, densities, entropies, divergences.

`distribution.py` has the base class. `constraints` are sets of values, `transforms` invertible functions.
"""

from minicnn.distributions import constraints as constraints
from minicnn.distributions import kl_moments as kl_moments  # registers its formulas
from minicnn.distributions import transforms as transforms
from minicnn.distributions.bernoulli import Bernoulli
from minicnn.distributions.beta import Beta
from minicnn.distributions.categorical import Categorical
from minicnn.distributions.constraint_registry import biject_to, transform_to
from minicnn.distributions.continuous_bernoulli import ContinuousBernoulli
from minicnn.distributions.counts import Binomial, Geometric, Multinomial, NegativeBinomial, Poisson
from minicnn.distributions.dirichlet import Dirichlet
from minicnn.distributions.distribution import Distribution
from minicnn.distributions.exponential import Exponential
from minicnn.distributions.gamma import Gamma
from minicnn.distributions.half import HalfCauchy, HalfNormal
from minicnn.distributions.independent import Independent
from minicnn.distributions.kl import kl_divergence, register_kl
from minicnn.distributions.laplace import Laplace
from minicnn.distributions.lkj_cholesky import LKJCholesky
from minicnn.distributions.log_normal import LogNormal
from minicnn.distributions.logistic_normal import LogisticNormal
from minicnn.distributions.low_rank import LowRankMultivariateNormal
from minicnn.distributions.mixture import MixtureSameFamily
from minicnn.distributions.multivariate_normal import MultivariateNormal
from minicnn.distributions.normal import Normal
from minicnn.distributions.one_hot_categorical import OneHotCategorical, OneHotCategoricalStraightThrough
from minicnn.distributions.quantiles import Cauchy, GeneralizedPareto, Gumbel, Kumaraswamy, Pareto, Weibull
from minicnn.distributions.ratios import Chi2, FisherSnedecor, InverseGamma, StudentT
from minicnn.distributions.relaxed_bernoulli import RelaxedBernoulli
from minicnn.distributions.relaxed_categorical import RelaxedOneHotCategorical
from minicnn.distributions.transformed_distribution import TransformedDistribution
from minicnn.distributions.transforms import (
    AbsTransform,
    AffineTransform,
    CatTransform,
    ComposeTransform,
    CorrCholeskyTransform,
    CumulativeDistributionTransform,
    ExpTransform,
    IndependentTransform,
    LowerCholeskyTransform,
    PositiveDefiniteTransform,
    PowerTransform,
    ReshapeTransform,
    SigmoidTransform,
    SoftmaxTransform,
    SoftplusTransform,
    StackTransform,
    StickBreakingTransform,
    TanhTransform,
    Transform,
    identity_transform,
)
from minicnn.distributions.uniform import Uniform
from minicnn.distributions.von_mises import VonMises
from minicnn.distributions.wishart import Wishart

__all__ = [
    "AbsTransform",
    "AffineTransform",
    "Bernoulli",
    "Beta",
    "Binomial",
    "CatTransform",
    "Categorical",
    "Cauchy",
    "Chi2",
    "ComposeTransform",
    "ContinuousBernoulli",
    "CorrCholeskyTransform",
    "CumulativeDistributionTransform",
    "Dirichlet",
    "Distribution",
    "ExpTransform",
    "Exponential",
    "FisherSnedecor",
    "Gamma",
    "GeneralizedPareto",
    "Geometric",
    "Gumbel",
    "HalfCauchy",
    "HalfNormal",
    "Independent",
    "IndependentTransform",
    "InverseGamma",
    "Kumaraswamy",
    "LKJCholesky",
    "Laplace",
    "LogNormal",
    "LogisticNormal",
    "LowRankMultivariateNormal",
    "LowerCholeskyTransform",
    "MixtureSameFamily",
    "Multinomial",
    "MultivariateNormal",
    "NegativeBinomial",
    "Normal",
    "OneHotCategorical",
    "OneHotCategoricalStraightThrough",
    "Pareto",
    "Poisson",
    "PositiveDefiniteTransform",
    "PowerTransform",
    "RelaxedBernoulli",
    "RelaxedOneHotCategorical",
    "ReshapeTransform",
    "SigmoidTransform",
    "SoftmaxTransform",
    "SoftplusTransform",
    "StackTransform",
    "StickBreakingTransform",
    "StudentT",
    "TanhTransform",
    "Transform",
    "TransformedDistribution",
    "Uniform",
    "VonMises",
    "Weibull",
    "Wishart",
    "biject_to",
    "identity_transform",
    "kl_divergence",
    "register_kl",
    "transform_to",
]
