"""The relaxed Bernoulli distribution: numbers from 0 to 1 instead of 0 or 1, with gradients."""

from typing import Any, Self

from minicnn.autograd.tensor import Size, Tensor
from minicnn.distributions import constraints
from minicnn.distributions.distribution import Distribution, Shape, broadcast_all, lazy_property
from minicnn.distributions.logits import clamp_probs, logits_to_probs, one_of, probs_to_logits
from minicnn.distributions.transformed_distribution import TransformedDistribution
from minicnn.distributions.transforms import SigmoidTransform
from minicnn.ops.activation import softplus
from minicnn.ops.exponentials import log1p
from minicnn.ops.sampling import rand

__all__ = ["LogitRelaxedBernoulli", "RelaxedBernoulli"]


class LogitRelaxedBernoulli(Distribution):
    """The logit of a relaxed Bernoulli variable: (logits + logistic noise) / temperature.

    Parameters
    ----------
    temperature : Tensor or float
    probs, logits : Tensor or float
        As in `Bernoulli`.
    validate_args : bool, optional

    References
    ----------
    Maddison, Mnih and Teh, "The concrete distribution", 2017.
    """

    arg_constraints = {"probs": constraints.unit_interval, "logits": constraints.real}  # noqa: RUF012
    support = constraints.real
    has_rsample = True

    def __init__(
        self, temperature: Tensor | float, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        one_of("LogitRelaxedBernoulli", probs, logits)
        self.temperature: Tensor | float = temperature
        if probs is not None:
            (self.probs,) = broadcast_all(probs)
        else:
            (self.logits,) = broadcast_all(logits)
        super().__init__(self._param.shape, validate_args=validate_args)

    def expand(self, batch_shape: Shape, _instance: Any = None) -> Self:
        new = super().expand(batch_shape)
        new.temperature = self.temperature
        return new

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

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        p = clamp_probs(self.probs)
        u = clamp_probs(rand(shape, dtype=p.dtype, device=p.device))
        return (u.log() - log1p(-u) + p.log() - log1p(-p)) / self.temperature

    def _log_prob(self, value: Tensor) -> Tensor:
        logits, value = broadcast_all(self.logits, value)
        difference = logits - value * self.temperature
        log_temperature = broadcast_all(self.temperature, difference)[0].log()
        return log_temperature + difference - 2 * softplus(difference)


class RelaxedBernoulli(TransformedDistribution):
    """The sigmoid of (logits + logistic noise) / temperature; for small temperatures near 0 or 1.

    Parameters
    ----------
    temperature : Tensor or float
    probs, logits : Tensor or float
        As in `Bernoulli`.
    validate_args : bool, optional

    References
    ----------
    Maddison, Mnih and Teh, "The concrete distribution", 2017. Jang, Gu and Poole, "Categorical reparameterization with
    Gumbel-softmax", 2017.
    """

    arg_constraints = {"probs": constraints.unit_interval, "logits": constraints.real}  # noqa: RUF012
    base_dist: LogitRelaxedBernoulli

    def __init__(
        self, temperature: Tensor | float, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        base = LogitRelaxedBernoulli(temperature, probs, logits, validate_args)
        super().__init__(base, SigmoidTransform(), validate_args)

    @property
    def temperature(self) -> Tensor | float:
        """The temperature."""
        return self.base_dist.temperature

    @property
    def logits(self) -> Tensor:
        """The logits."""
        found: Tensor = self.base_dist.logits
        return found

    @property
    def probs(self) -> Tensor:
        """The probabilities of 1."""
        found: Tensor = self.base_dist.probs
        return found
