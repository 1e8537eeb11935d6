"""The Bernoulli distribution: 0 or 1."""

from math import nan
from typing import Any

from minicnn.autograd.tape import no_grad
from minicnn.autograd.tensor import Size, Tensor
from minicnn.distributions import constraints
from minicnn.distributions.distribution import Distribution, Shape, broadcast_all, lazy_property
from minicnn.distributions.logits import logits_to_probs, one_of, probs_to_logits
from minicnn.nn.functional import binary_cross_entropy_with_logits
from minicnn.ops.comparison import where
from minicnn.ops.create import full_like
from minicnn.ops.ranges import arange
from minicnn.ops.sampling import rand
from minicnn.ops.shape import broadcast_to, reshape

__all__ = ["Bernoulli"]


class Bernoulli(Distribution):
    """1 with the probability `probs`, otherwise 0.

    Parameters
    ----------
    probs : Tensor or float, optional
    logits : Tensor or float, optional
        log(probs / (1 - probs)), instead of `probs`.
    validate_args : bool, optional

    Raises
    ------
    ArgumentError
        If both or none of probs and logits are given.
    """

    arg_constraints = {"probs": constraints.unit_interval, "logits": constraints.real}  # noqa: RUF012
    support = constraints.boolean
    has_enumerate_support = True

    def __init__(self, probs: Any = None, logits: Any = None, validate_args: bool | None = None) -> None:
        one_of("Bernoulli", probs, logits)
        if probs is not None:
            (self.probs,) = broadcast_all(probs)
        else:
            (self.logits,) = broadcast_all(logits)
        super().__init__(self._param.shape, validate_args=validate_args)

    @lazy_property
    def logits(self) -> Tensor:
        return probs_to_logits(self.probs, is_binary=True)

    @lazy_property
    def probs(self) -> Tensor:
        return logits_to_probs(self.logits, is_binary=True)

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
    def mean(self) -> Tensor:
        return self.probs

    @property
    def mode(self) -> Tensor:
        likely = (self.probs >= 0.5).to(self.probs.dtype)
        return where(self.probs == 0.5, full_like(likely, nan), likely)

    @property
    def variance(self) -> Tensor:
        return self.probs * (1 - self.probs)

    def sample(self, sample_shape: Shape = ()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        with no_grad():
            u = rand(shape, dtype=self._param.dtype, device=self._param.device)
            return (u < self.probs).to(self._param.dtype)

    def _log_prob(self, value: Tensor) -> Tensor:
        logits, value = broadcast_all(self.logits, value)
        return -binary_cross_entropy_with_logits(logits, value.to(logits.dtype), reduction="none")

    def entropy(self) -> Tensor:
        return binary_cross_entropy_with_logits(self.logits, self.probs, reduction="none")

    def enumerate_support(self, expand: bool = True) -> Tensor:
        values = arange(2, dtype=self._param.dtype, device=self._param.device)
        values = reshape(values, (2,) + (1,) * len(self._batch_shape))
        return broadcast_to(values, (2, *self._batch_shape)) if expand else values
