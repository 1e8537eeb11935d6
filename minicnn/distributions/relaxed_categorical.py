"""The relaxed categorical distribution, also called Gumbel-softmax: vectors near a class, with gradients."""

from math import lgamma
from typing import Any, Self

from minicnn.autograd.tensor import Size, Tensor
from minicnn.distributions import constraints
from minicnn.distributions.categorical import Categorical
from minicnn.distributions.distribution import Distribution, Shape, broadcast_all
from minicnn.distributions.logits import clamp_probs
from minicnn.distributions.transformed_distribution import TransformedDistribution
from minicnn.distributions.transforms import ExpTransform
from minicnn.ops.create import full_like
from minicnn.ops.reduce import logsumexp
from minicnn.ops.sampling import rand

__all__ = ["ExpRelaxedCategorical", "RelaxedOneHotCategorical"]


class ExpRelaxedCategorical(Distribution):
    """The logarithm of a relaxed categorical variable: log softmax((logits + Gumbel noise) / temperature).

    Parameters
    ----------
    temperature : Tensor or float
    probs, logits : Tensor, (..., K)
        As in `Categorical`.
    validate_args : bool, optional

    References
    ----------
    Maddison, Mnih and Teh, "The concrete distribution", 2017.
    """

    arg_constraints = {"probs": constraints.simplex, "logits": constraints.real_vector}  # noqa: RUF012
    support = constraints.real_vector  # the values are also normalised
    has_rsample = True

    def __init__(
        self, temperature: Tensor | float, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        self._categorical, self.temperature = Categorical(probs, logits), temperature
        super().__init__(self._categorical.batch_shape, self._categorical.param_shape[-1:], validate_args)

    def expand(self, batch_shape: Shape, _instance: Any = None) -> Self:
        new = self._like(batch_shape)
        new.temperature = self.temperature
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

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        u = clamp_probs(rand(shape, dtype=self.logits.dtype, device=self.logits.device))
        scores = (self.logits - (-u.log()).log()) / self.temperature
        return scores - logsumexp(scores, -1, keepdim=True)

    def _log_prob(self, value: Tensor) -> Tensor:
        logits, value = broadcast_all(self.logits, value)
        k = self._event_shape[0]
        log_temperature = broadcast_all(self.temperature, full_like(logits[..., 0], 1.0))[0].log()
        score = logits - value * self.temperature
        return (score - logsumexp(score, -1, keepdim=True)).sum(-1) + (k - 1) * log_temperature + lgamma(k)


class RelaxedOneHotCategorical(TransformedDistribution):
    """softmax((logits + Gumbel noise) / temperature); for small temperatures near a one-hot vector.

    Parameters
    ----------
    temperature : Tensor or float
    probs, logits : Tensor, (..., K)
        As in `Categorical`.
    validate_args : bool, optional

    References
    ----------
    Maddison, Mnih and Teh, "The concrete distribution", 2017. Jang, Gu and Poole, "Categorical reparameterization with
    Gumbel-softmax", 2017.
    """

    arg_constraints = {"probs": constraints.simplex, "logits": constraints.real_vector}  # noqa: RUF012
    base_dist: ExpRelaxedCategorical

    def __init__(
        self, temperature: Tensor | float, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        base = ExpRelaxedCategorical(temperature, probs, logits, validate_args)
        super().__init__(base, ExpTransform(), validate_args)

    @property
    def support(self) -> constraints.Constraint:
        return constraints.simplex

    @property
    def temperature(self) -> Tensor | float:
        """The temperature."""
        return self.base_dist.temperature

    @property
    def logits(self) -> Tensor:
        """The logarithms of the probabilities."""
        return self.base_dist.logits

    @property
    def probs(self) -> Tensor:
        """The probabilities of the classes."""
        return self.base_dist.probs
