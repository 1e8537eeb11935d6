"""The categorical distribution: one of K classes."""

from math import nan
from typing import Any

import numpy as np

from minicnn.autograd.tape import no_grad
from minicnn.autograd.tensor import Size, Tensor
from minicnn.distributions import constraints
from minicnn.distributions.distribution import Distribution, Shape, lazy_property
from minicnn.distributions.logits import logits_to_probs, one_of, probs_to_logits
from minicnn.dtypes import int64
from minicnn.errors import ArgumentError
from minicnn.ops.create import full
from minicnn.ops.ranges import arange
from minicnn.ops.reduce import argmax, logsumexp
from minicnn.ops.sampling import rand
from minicnn.ops.scans import cumsum
from minicnn.ops.scatter import gather
from minicnn.ops.shape import broadcast_to, reshape

__all__ = ["Categorical"]


class Categorical(Distribution):
    """The class k of 0, ..., K - 1 with the probability probs[..., k].

    Parameters
    ----------
    probs : Tensor, (..., K), optional
        Divided by their sum.
    logits : Tensor, (..., K), optional
        Logarithms of probabilities up to a constant, instead of `probs`.
    validate_args : bool, optional

    Raises
    ------
    ArgumentError
        If both or none of probs and logits are given, or they have no axes.

    Examples
    --------
    >>> import minicnn
    >>> Categorical(minicnn.tensor([1.0, 3.0])).probs.tolist()
    [0.25, 0.75]
    """

    arg_constraints = {"probs": constraints.simplex, "logits": constraints.real_vector}  # noqa: RUF012
    has_enumerate_support = True

    def __init__(self, probs: Any = None, logits: Any = None, validate_args: bool | None = None) -> None:
        one_of("Categorical", probs, logits)
        given = logits if probs is None else probs
        if given.ndim < 1:
            raise ArgumentError(
                "Categorical: probs or logits must have at least one axis, the classes; got a 0-d tensor"
            )
        if probs is not None:
            self.probs = probs / probs.sum(-1, keepdim=True)
        else:
            self.logits = logits - logsumexp(logits, -1, keepdim=True)
        self._num_events = given.shape[-1]
        super().__init__(given.shape[:-1], validate_args=validate_args)

    @lazy_property
    def logits(self) -> Tensor:
        return probs_to_logits(self.probs)

    @lazy_property
    def probs(self) -> Tensor:
        return logits_to_probs(self.logits)

    @property
    def _param(self) -> Tensor:
        """The parameter that was given."""
        found: Tensor = vars(self)["probs" if "probs" in vars(self) else "logits"]
        return found

    @property
    def param_shape(self) -> Size:
        """The shape of the parameter."""
        return self._param.shape

    @property
    def support(self) -> constraints.Constraint:
        return constraints.integer_interval(0, self._num_events - 1)

    @property
    def mean(self) -> Tensor:
        return full(self._batch_shape, nan, dtype=self.probs.dtype, device=self.probs.device)

    @property
    def mode(self) -> Tensor:
        return argmax(self.probs, -1)

    @property
    def variance(self) -> Tensor:
        return self.mean

    def sample(self, sample_shape: Shape = ()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        with no_grad():
            below = cumsum(self.probs, -1)  # class k is from below[k - 1] to below[k]
            u = rand(*shape, 1, dtype=below.dtype, device=below.device) * below[..., -1:]
            return (below <= u).sum(-1).clamp(max=self._num_events - 1)

    def _log_prob(self, value: Tensor) -> Tensor:
        shape = np.broadcast_shapes(value.shape, self._batch_shape)
        index = broadcast_to(value.to(int64), shape).unsqueeze(-1)
        return gather(broadcast_to(self.logits, (*shape, self._num_events)), -1, index).squeeze(-1)

    def entropy(self) -> Tensor:
        logits = self.logits.clamp(min=float(np.finfo(self.logits.dtype).min))  # 0 · -inf would be NaN
        return -(logits * self.probs).sum(-1)

    def enumerate_support(self, expand: bool = True) -> Tensor:
        n = self._num_events
        values = reshape(arange(n, device=self._param.device), (n,) + (1,) * len(self._batch_shape))
        return broadcast_to(values, (n, *self._batch_shape)) if expand else values
