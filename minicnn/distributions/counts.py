"""Distributions of counts: of trials until a success, of successes, of events, of each of several classes."""

from math import inf
from typing import Any, Self

import numpy as np

from minicnn.autograd.tape import no_grad
from minicnn.autograd.tensor import Size, Tensor
from minicnn.distributions import constraints
from minicnn.distributions.categorical import Categorical
from minicnn.distributions.distribution import Distribution, Shape, broadcast_all, lazy_property
from minicnn.distributions.gamma import xlogy
from minicnn.distributions.logits import logits_to_probs, one_of, probs_to_logits
from minicnn.errors import ArgumentError
from minicnn.nn.functional import binary_cross_entropy_with_logits, logsigmoid
from minicnn.ops.activation import softplus
from minicnn.ops.comparison import where
from minicnn.ops.create import as_tensor, ones_like, zeros_like
from minicnn.ops.exponentials import exp, log1p
from minicnn.ops.gamma_functions import lgamma
from minicnn.ops.ranges import arange
from minicnn.ops.sampling import rand
from minicnn.ops.shape import broadcast_to, reshape
from minicnn.runtime.devices import to_host
from minicnn.runtime.random import generator

__all__ = ["Binomial", "Geometric", "Multinomial", "NegativeBinomial", "Poisson"]


def _host(t: Tensor, dtype: Any = np.float64) -> Any:
    return to_host(t.detach().array).astype(dtype)


def _as(like: Tensor, numbers: Any) -> Tensor:
    """Return drawn numbers as a tensor of the element type and device of another one."""
    return as_tensor(np.asarray(numbers).astype(like.dtype), device=like.device)


class _Successes(Distribution):
    """The base class of counts of trials that succeed with the probability `probs`, whose logit is `logits`."""

    support: constraints.Constraint = constraints.nonnegative_integer

    def _set(self, probs: Any, logits: Any, *others: Any) -> list[Tensor]:
        """Set the given one of both, and return the other parameters with its shape and element type."""
        one_of(type(self).__name__, probs, logits)
        *rest, given = broadcast_all(*others, logits if probs is None else probs)
        if probs is None:
            self.logits = given
        else:
            self.probs = given
        return [t.to(given.dtype) for t in rest]

    @lazy_property
    def logits(self) -> Tensor:
        return probs_to_logits(self.probs, is_binary=True)

    @lazy_property
    def probs(self) -> Tensor:
        return logits_to_probs(self.logits, is_binary=True)

    @property
    def _param(self) -> Tensor:
        found: Tensor = vars(self)["probs" if "probs" in vars(self) else "logits"]
        return found

    @property
    def param_shape(self) -> Size:
        """The shape of the parameter."""
        return self._param.shape


class Geometric(_Successes):
    """The number of failures before the first success: P(k) = (1 - probs)ᵏ probs.

    Parameters
    ----------
    probs : Tensor or float, optional
        In (0, 1].
    logits : Tensor or float, optional
        log(probs / (1 - probs)), instead of `probs`.
    validate_args : bool, optional

    Raises
    ------
    ArgumentError
        If both or none of probs and logits are given, or a probability is 0.
    """

    arg_constraints = {"probs": constraints.unit_interval, "logits": constraints.real}  # noqa: RUF012

    def __init__(self, probs: Any = None, logits: Any = None, validate_args: bool | None = None) -> None:
        self._set(probs, logits)
        super().__init__(self._param.shape, validate_args=validate_args)
        if self._validate_args and probs is not None and not (self.probs > 0).all().item():
            raise ArgumentError(f"Geometric: probs must be above 0, got {self.probs.detach()}")

    @property
    def mean(self) -> Tensor:
        return 1 / self.probs - 1

    @property
    def mode(self) -> Tensor:
        return zeros_like(self.probs)

    @property
    def variance(self) -> Tensor:
        return self.mean / self.probs

    def sample(self, sample_shape: Shape = ()) -> Tensor:
        with no_grad():
            u = rand(self._extended_shape(sample_shape), dtype=self.probs.dtype, device=self.probs.device)
            return (log1p(-u) / log1p(-self.probs)).floor()

    def _log_prob(self, value: Tensor) -> Tensor:
        value, probs = broadcast_all(value, self.probs)
        sure = (probs == 1) & (value == 0)
        return value * log1p(-where(sure, zeros_like(probs), probs)) + self.probs.log()

    def entropy(self) -> Tensor:
        return binary_cross_entropy_with_logits(self.logits, self.probs, reduction="none") / self.probs


class Binomial(_Successes):
    """The number of successes in `total_count` trials.

    Parameters
    ----------
    total_count : Tensor or int
    probs : Tensor or float, optional
        The probability of a success.
    logits : Tensor or float, optional
        log(probs / (1 - probs)), instead of `probs`.
    validate_args : bool, optional

    Raises
    ------
    ArgumentError
        If both or none of probs and logits are given.
    """

    arg_constraints = {  # noqa: RUF012
        "total_count": constraints.nonnegative_integer,
        "probs": constraints.unit_interval,
        "logits": constraints.real,
    }
    has_enumerate_support = True

    def __init__(
        self, total_count: Any = 1, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        (self.total_count,) = self._set(probs, logits, total_count)
        super().__init__(self._param.shape, validate_args=validate_args)

    @property
    def support(self) -> constraints.Constraint:  # type: ignore[override]
        return constraints.integer_interval(0, self.total_count)

    @property
    def mean(self) -> Tensor:
        return self.total_count * self.probs

    @property
    def mode(self) -> Tensor:
        return ((self.total_count + 1) * self.probs).floor().minimum(self.total_count)

    @property
    def variance(self) -> Tensor:
        return self.mean * (1 - self.probs)

    def sample(self, sample_shape: Shape = ()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        n, p = _host(self.total_count, np.int64), _host(self.probs)
        return _as(self._param, generator().binomial(n, p, shape))

    def _log_prob(self, value: Tensor) -> Tensor:
        n = self.total_count
        ways = lgamma(n + 1) - lgamma(value + 1) - lgamma(n - value + 1)
        return value * self.logits - n * softplus(self.logits) + ways

    def entropy(self) -> Tensor:
        found = self._log_prob(self.enumerate_support(False))
        return -(exp(found) * found).sum(0)

    def enumerate_support(self, expand: bool = True) -> Tensor:
        n = int(self.total_count.max().item())
        if self.total_count.min().item() != n:
            raise NotImplementedError("Binomial: different total counts have different values")
        values = arange(n + 1, dtype=self._param.dtype, device=self._param.device)
        values = reshape(values, (n + 1,) + (1,) * len(self._batch_shape))
        return broadcast_to(values, (n + 1, *self._batch_shape)) if expand else values


class NegativeBinomial(_Successes):
    """The number of successes before `total_count` failures; `total_count` need not be an integer.

    Parameters
    ----------
    total_count : Tensor or float
    probs : Tensor or float, optional
        The probability of a success, in [0, 1).
    logits : Tensor or float, optional
        log(probs / (1 - probs)), instead of `probs`.
    validate_args : bool, optional

    Raises
    ------
    ArgumentError
        If both or none of probs and logits are given.
    """

    arg_constraints = {  # noqa: RUF012
        "total_count": constraints.nonnegative,
        "probs": constraints.half_open_interval(0.0, 1.0),
        "logits": constraints.real,
    }

    def __init__(
        self, total_count: Any, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        (self.total_count,) = self._set(probs, logits, total_count)
        super().__init__(self._param.shape, validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        return self.total_count * exp(self.logits)

    @property
    def mode(self) -> Tensor:
        return ((self.total_count - 1) * exp(self.logits)).floor().clamp(min=0.0)

    @property
    def variance(self) -> Tensor:
        return self.mean * (1 + exp(self.logits))

    def sample(self, sample_shape: Shape = ()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        means = generator().standard_gamma(_host(self.total_count), shape) * np.exp(_host(self.logits))
        return _as(self._param, generator().poisson(means))

    def _log_prob(self, value: Tensor) -> Tensor:
        n = self.total_count
        never = n + value == 0
        total = where(never, ones_like(n + value), n + value)
        ways = lgamma(total) - lgamma(1 + value) - lgamma(where(never, ones_like(total), n + zeros_like(total)))
        return n * logsigmoid(-self.logits) + value * logsigmoid(self.logits) + ways


class Poisson(Distribution):
    """The number of events that happen at a constant rate: P(k) = rateᵏ e⁻ʳᵃᵗᵉ / k!.

    Parameters
    ----------
    rate : Tensor or float
        The mean.
    validate_args : bool, optional
    """

    arg_constraints = {"rate": constraints.nonnegative}  # noqa: RUF012
    support = constraints.nonnegative_integer

    def __init__(self, rate: Any, validate_args: bool | None = None) -> None:
        (self.rate,) = broadcast_all(rate)
        super().__init__(self.rate.shape, validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        return self.rate

    @property
    def mode(self) -> Tensor:
        return self.rate.floor()

    @property
    def variance(self) -> Tensor:
        return self.rate

    def sample(self, sample_shape: Shape = ()) -> Tensor:
        return _as(self.rate, generator().poisson(_host(self.rate), self._extended_shape(sample_shape)))

    def _log_prob(self, value: Tensor) -> Tensor:
        rate, value = broadcast_all(self.rate, value)
        return xlogy(value, rate) - rate - lgamma(value + 1)


class Multinomial(Distribution):
    """How often each of K classes was drawn, in `total_count` draws.

    Parameters
    ----------
    total_count : int
    probs, logits : Tensor, (..., K)
        As in `Categorical`.
    validate_args : bool, optional

    Raises
    ------
    NotImplementedError
        If `total_count` is not an integer.
    """

    arg_constraints = {"probs": constraints.simplex, "logits": constraints.real_vector}  # noqa: RUF012

    def __init__(
        self, total_count: int = 1, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        if not isinstance(total_count, int):
            raise NotImplementedError(f"Multinomial: total_count must be an integer, got {total_count!r}")
        self.total_count, self._draw = total_count, Categorical(probs, logits)
        super().__init__(self._draw.batch_shape, self._draw.param_shape[-1:], validate_args)

    def expand(self, batch_shape: Shape, _instance: Any = None) -> Self:
        new = self._like(batch_shape)
        new._draw = self._draw.expand(batch_shape)
        return new

    @property
    def support(self) -> constraints.Constraint:
        return constraints.multinomial(self.total_count)

    @property
    def probs(self) -> Tensor:
        """The probabilities of the classes."""
        return self._draw.probs

    @property
    def logits(self) -> Tensor:
        """Their logarithms."""
        return self._draw.logits

    @property
    def param_shape(self) -> Size:
        """The shape of the parameter."""
        return self._draw.param_shape

    @property
    def mean(self) -> Tensor:
        return self.probs * self.total_count

    @property
    def variance(self) -> Tensor:
        return self.mean * (1 - self.probs)

    def sample(self, sample_shape: Shape = ()) -> Tensor:
        p = _host(self.probs)
        numbers = generator().multinomial(
            self.total_count, p / p.sum(-1, keepdims=True), (*sample_shape, *p.shape[:-1])
        )
        return _as(self.probs, numbers)

    def _log_prob(self, value: Tensor) -> Tensor:
        logits, value = broadcast_all(self.logits, value)
        logits = where((value == 0) & (logits == -inf), zeros_like(logits), logits)
        return lgamma(value.sum(-1) + 1) - lgamma(value + 1).sum(-1) + (logits * value).sum(-1)

    def entropy(self) -> Tensor:
        n = self.total_count
        each = Binomial(n, self.probs, validate_args=False)
        values = each.enumerate_support(expand=False)[1:]
        repeated = (exp(each._log_prob(values)) * lgamma(values + 1)).sum((0, -1))
        return n * self._draw.entropy() - lgamma(ones_like(repeated) * (n + 1)) + repeated
