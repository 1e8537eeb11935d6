"""MixtureSameFamily: a value of one of K distributions, which is drawn first."""

from typing import Any, Self

import numpy as np

from minicnn.autograd.tape import no_grad
from minicnn.autograd.tensor import Tensor
from minicnn.distributions import constraints
from minicnn.distributions.categorical import Categorical
from minicnn.distributions.distribution import Distribution, Shape
from minicnn.errors import ArgumentError
from minicnn.ops.activation import log_softmax
from minicnn.ops.reduce import logsumexp
from minicnn.ops.scatter import gather
from minicnn.ops.shape import broadcast_to

__all__ = ["MixtureSameFamily"]


class _OfComponents(constraints.Constraint):
    """Values that all components have."""

    def __init__(self, base_constraint: constraints.Constraint) -> None:
        self.base_constraint = base_constraint
        self.is_discrete, self.event_dim = base_constraint.is_discrete, base_constraint.event_dim

    def check(self, value: Tensor) -> Tensor:
        return self.base_constraint.check(value.unsqueeze(-1 - self.event_dim)).all(-1)


class MixtureSameFamily(Distribution):
    """A mixture of K distributions of one class: p(x) = Σₖ wₖ pₖ(x).

    Parameters
    ----------
    mixture_distribution : Categorical
        The weights wₖ.
    component_distribution : Distribution
        The distributions pₖ, along the last axis of the batch.
    validate_args : bool, optional

    Raises
    ------
    ArgumentError
        If these are not such distributions, or their shapes do not fit.

    Examples
    --------
    >>> import minicnn
    >>> from minicnn.distributions.normal import Normal
    >>> weights, means = minicnn.tensor([0.25, 0.75]), minicnn.tensor([-1.0, 1.0])
    >>> MixtureSameFamily(Categorical(weights), Normal(means, 0.5)).mean.item()
    0.5
    """

    def __init__(
        self,
        mixture_distribution: Categorical,
        component_distribution: Distribution,
        validate_args: bool | None = None,
    ) -> None:
        if not isinstance(mixture_distribution, Categorical) or not isinstance(component_distribution, Distribution):
            raise ArgumentError(
                "MixtureSameFamily: expected a Categorical and a distribution, got "
                f"{type(mixture_distribution).__name__} and {type(component_distribution).__name__}"
            )
        *batch, count = component_distribution.batch_shape or (None,)
        weights = mixture_distribution.param_shape
        try:
            fits = np.broadcast_shapes(weights[:-1], tuple(batch)) is not None and weights[-1] == count
        except ValueError:
            fits = False
        if not fits:
            raise ArgumentError(
                f"MixtureSameFamily: the weights are {weights}, so the batch of the components must be as well, got "
                f"{component_distribution.batch_shape}"
            )
        self.mixture_distribution, self.component_distribution = mixture_distribution, component_distribution
        super().__init__(tuple(batch), component_distribution.event_shape, validate_args)

    def expand(self, batch_shape: Shape, _instance: Any = None) -> Self:
        new = self._like(batch_shape)
        new.component_distribution = self.component_distribution.expand((*batch_shape, self._count))
        new.mixture_distribution = self.mixture_distribution.expand(batch_shape)
        return new

    @property
    def _count(self) -> int:
        return self.component_distribution.batch_shape[-1]

    @property
    def support(self) -> constraints.Constraint:
        return _OfComponents(self.component_distribution.support)

    def _mean(self, values: Tensor) -> Tensor:
        """Return the mean over the components of (..., K, *event)."""
        weights, events = self.mixture_distribution.probs, len(self._event_shape)
        return (weights.reshape(*weights.shape, *[1] * events) * values).sum(-1 - events)

    def _each(self, value: Tensor) -> Tensor:
        """Return the value with an axis for the components."""
        return value.unsqueeze(-1 - len(self._event_shape))

    @property
    def mean(self) -> Tensor:
        return self._mean(self.component_distribution.mean)

    @property
    def variance(self) -> Tensor:
        each = self.component_distribution
        return self._mean(each.variance) + self._mean((each.mean - self._each(self.mean)).square())

    def sample(self, sample_shape: Shape = ()) -> Tensor:
        with no_grad():
            values = self.component_distribution.sample(sample_shape)  # (*sample, *batch, K, *event)
            axis = len(sample_shape) + len(self._batch_shape)
            weights = self.mixture_distribution.expand(self._batch_shape)
            chosen = weights.sample(sample_shape)
            index = chosen.reshape(*chosen.shape, *[1] * (1 + len(self._event_shape)))
            index = broadcast_to(index, (*chosen.shape, 1, *self._event_shape))
            return gather(values, axis, index).squeeze(axis)

    def _log_prob(self, value: Tensor) -> Tensor:
        each = self.component_distribution.log_prob(self._each(value))
        return logsumexp(each + log_softmax(self.mixture_distribution.logits, -1), -1)

    def _cdf(self, value: Tensor) -> Tensor:
        return (self.component_distribution.cdf(self._each(value)) * self.mixture_distribution.probs).sum(-1)

    def __repr__(self) -> str:
        return f"MixtureSameFamily(\n  {self.mixture_distribution},\n  {self.component_distribution})"
