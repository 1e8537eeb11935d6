"""The Dirichlet distribution: vectors of probabilities."""

import numpy as np

from minicnn.autograd.tensor import Tensor
from minicnn.distributions import constraints
from minicnn.distributions.distribution import Distribution, Shape
from minicnn.distributions.gamma import standard_gamma, xlogy
from minicnn.errors import ArgumentError
from minicnn.nn.functional import one_hot
from minicnn.ops.comparison import where
from minicnn.ops.gamma_functions import digamma, lgamma
from minicnn.ops.reduce import argmax

__all__ = ["Dirichlet"]


class Dirichlet(Distribution):
    """Vectors of K probabilities, with the density Γ(Σ c) Π xᵢ^(cᵢ - 1) / Π Γ(cᵢ) for c = concentration.

    Samples have gradients of the first order.

    Parameters
    ----------
    concentration : Tensor, (..., K)
    validate_args : bool, optional

    Raises
    ------
    ArgumentError
        If the concentration has no axes.
    """

    arg_constraints = {"concentration": constraints.independent(constraints.positive, 1)}  # noqa: RUF012
    support = constraints.simplex
    has_rsample = True

    def __init__(self, concentration: Tensor, validate_args: bool | None = None) -> None:
        if concentration.ndim < 1:
            raise ArgumentError("Dirichlet: concentration must have at least one axis, got a 0-d tensor")
        self.concentration = concentration
        super().__init__(concentration.shape[:-1], concentration.shape[-1:], validate_args)

    @property
    def mean(self) -> Tensor:
        return self.concentration / self.concentration.sum(-1, keepdim=True)

    @property
    def mode(self) -> Tensor:
        less = (self.concentration - 1).clamp(min=0.0)
        found = less / less.sum(-1, keepdim=True)
        peaks = (self.concentration < 1).all(-1, keepdim=True)  # one at each corner, as high as the others
        first = one_hot(argmax(found, -1), self._event_shape[0]).to(found.dtype)
        return where(peaks, first, found)

    @property
    def variance(self) -> Tensor:
        c = self.concentration
        total = c.sum(-1, keepdim=True)
        return c * (total - c) / (total.square() * (total + 1))

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        c = self.concentration
        parts = standard_gamma(c.double(), self._extended_shape(sample_shape))
        info = np.finfo(c.dtype)
        return (parts / parts.sum(-1, keepdim=True)).to(c.dtype).clamp(float(info.tiny), float(1 - info.eps / 2))

    def _log_prob(self, value: Tensor) -> Tensor:
        c = self.concentration
        return xlogy(c + value * 0 - 1, value + c * 0).sum(-1) + lgamma(c.sum(-1)) - lgamma(c).sum(-1)

    def entropy(self) -> Tensor:
        c, k = self.concentration, self._event_shape[0]
        total = c.sum(-1)
        return lgamma(c).sum(-1) - lgamma(total) - (k - total) * digamma(total) - ((c - 1.0) * digamma(c)).sum(-1)
