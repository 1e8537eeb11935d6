"""The categorical distribution, with vectors that are 1 at the class and 0 elsewhere as values."""

from typing import Any, Self

from minicnn.autograd.tensor import Size, Tensor
from minicnn.distributions import constraints
from minicnn.distributions.categorical import Categorical
from minicnn.distributions.distribution import Distribution, Shape
from minicnn.nn.functional import one_hot
from minicnn.ops.create import eye
from minicnn.ops.reduce import argmax
from minicnn.ops.shape import broadcast_to, reshape

__all__ = ["OneHotCategorical", "OneHotCategoricalStraightThrough"]


class OneHotCategorical(Distribution):
    """A vector of K elements that is 1 at the class k with the probability probs[..., k], and 0 elsewhere.

    Parameters
    ----------
    probs, logits : Tensor, (..., K)
        As in `Categorical`.
    validate_args : bool, optional
    """

    arg_constraints = {"probs": constraints.simplex, "logits": constraints.real_vector}  # noqa: RUF012
    support = constraints.one_hot
    has_enumerate_support = True

    def __init__(self, probs: Any = None, logits: Any = None, validate_args: bool | None = None) -> None:
        self._categorical = Categorical(probs, logits, validate_args)
        super().__init__(self._categorical.batch_shape, self._categorical.param_shape[-1:], validate_args)

    def expand(self, batch_shape: Shape, _instance: Any = None) -> Self:
        new = self._like(batch_shape)
        new._categorical = self._categorical.expand(batch_shape)
        return new

    @property
    def probs(self) -> Tensor:
        """The probabilities of the classes."""
        found: Tensor = self._categorical.probs
        return found

    @property
    def logits(self) -> Tensor:
        """The logarithms of the probabilities."""
        found: Tensor = self._categorical.logits
        return found

    @property
    def param_shape(self) -> Size:
        """The shape of the parameter."""
        return self._categorical.param_shape

    @property
    def mean(self) -> Tensor:
        return self.probs

    @property
    def mode(self) -> Tensor:
        return one_hot(argmax(self.probs, -1), self._event_shape[0]).to(self.probs.dtype)

    @property
    def variance(self) -> Tensor:
        return self.probs * (1 - self.probs)

    def sample(self, sample_shape: Shape = ()) -> Tensor:
        return one_hot(self._categorical.sample(sample_shape), self._event_shape[0]).to(self.probs.dtype)

    def _log_prob(self, value: Tensor) -> Tensor:
        return self._categorical.log_prob(argmax(value, -1))

    def entropy(self) -> Tensor:
        return self._categorical.entropy()

    def enumerate_support(self, expand: bool = True) -> Tensor:
        n = self._event_shape[0]
        values = eye(n, dtype=self.probs.dtype, device=self.probs.device)
        values = reshape(values, (n, *(1,) * len(self._batch_shape), n))
        return broadcast_to(values, (n, *self._batch_shape, n)) if expand else values


class OneHotCategoricalStraightThrough(OneHotCategorical):
    """As `OneHotCategorical`, with samples whose gradient goes to the probabilities unchanged.

    References
    ----------
    Bengio, Léonard and Courville, "Estimating or propagating gradients through stochastic neurons for conditional
    computation", 2013.
    """

    has_rsample = True

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        probs = self.probs
        return self.sample(sample_shape) + (probs - probs.detach())
