"""Probability distributions, with PyTorch's names: samples with gradients, densities, entropies, divergences.

`distribution.py` has the base class. `constraints` are sets of values, `transforms` invertible functions.
"""

from minicnn.distributions import constraints as constraints
from minicnn.distributions import transforms as transforms
from minicnn.distributions.bernoulli import Bernoulli
from minicnn.distributions.beta import Beta
from minicnn.distributions.categorical import Categorical
from minicnn.distributions.dirichlet import Dirichlet
from minicnn.distributions.distribution import Distribution
from minicnn.distributions.exponential import Exponential
from minicnn.distributions.gamma import Gamma
from minicnn.distributions.independent import Independent
from minicnn.distributions.kl import kl_divergence, register_kl
from minicnn.distributions.laplace import Laplace
from minicnn.distributions.log_normal import LogNormal
from minicnn.distributions.multivariate_normal import MultivariateNormal
from minicnn.distributions.normal import Normal
from minicnn.distributions.one_hot_categorical import OneHotCategorical, OneHotCategoricalStraightThrough
from minicnn.distributions.relaxed_bernoulli import RelaxedBernoulli
from minicnn.distributions.relaxed_categorical import RelaxedOneHotCategorical
from minicnn.distributions.transformed_distribution import TransformedDistribution
from minicnn.distributions.transforms import (
    AffineTransform,
    ComposeTransform,
    ExpTransform,
    SigmoidTransform,
    TanhTransform,
    Transform,
    identity_transform,
)
from minicnn.distributions.uniform import Uniform

__all__ = [
    "AffineTransform",
    "Bernoulli",
    "Beta",
    "Categorical",
    "ComposeTransform",
    "Dirichlet",
    "Distribution",
    "ExpTransform",
    "Exponential",
    "Gamma",
    "Independent",
    "Laplace",
    "LogNormal",
    "MultivariateNormal",
    "Normal",
    "OneHotCategorical",
    "OneHotCategoricalStraightThrough",
    "RelaxedBernoulli",
    "RelaxedOneHotCategorical",
    "SigmoidTransform",
    "TanhTransform",
    "Transform",
    "TransformedDistribution",
    "Uniform",
    "identity_transform",
    "kl_divergence",
    "register_kl",
]
