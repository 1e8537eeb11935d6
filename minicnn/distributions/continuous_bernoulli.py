"""The continuous Bernoulli distribution: grey values from 0 to 1 in a variational autoencoder."""

from typing import Any

from minicnn.autograd.tensor import Tensor
from minicnn.distributions import constraints
from minicnn.distributions.counts import _Successes
from minicnn.distributions.distribution import Shape
from minicnn.distributions.logits import clamp_probs
from minicnn.ops.comparison import where
from minicnn.ops.create import ones_like
from minicnn.ops.exponentials import exp, expm1, log1p
from minicnn.ops.sampling import rand

__all__ = ["ContinuousBernoulli"]


class ContinuousBernoulli(_Successes):
    """Numbers x from 0 to 1 with a density in proportion to e^(λx), with λ = logits.

    The density is e^(λx - A) with A = log((e^λ - 1) / λ) = h + log(sinh h / h) for h = λ / 2. All else follows from A:
    the mean is its first derivative, the variance its second.

    Parameters
    ----------
    probs : Tensor or float, optional
        The sigmoid of λ. It is not the mean.
    logits : Tensor or float, optional
        λ, instead of `probs`.
    lims : tuple of float
        Between these probs a Taylor series replaces sinh h / h, which would be 0 / 0.
    validate_args : bool, optional

    Raises
    ------
    ArgumentError
        If both or none of probs and logits are given.

    References
    ----------
    Loaiza-Ganem and Cunningham: The continuous Bernoulli: fixing a pervasive error in variational autoencoders. 2019.
    """

    arg_constraints = {"probs": constraints.unit_interval, "logits": constraints.real}  # noqa: RUF012
    support = constraints.unit_interval
    has_rsample = True

    def __init__(
        self,
        probs: Any = None,
        logits: Any = None,
        lims: tuple[float, float] = (0.499, 0.501),
        validate_args: bool | None = None,
    ) -> None:
        self._set(probs, logits)
        self._lims = lims
        super().__init__(self._param.shape, validate_args=validate_args)
        if probs is not None:
            self.probs = clamp_probs(self.probs)

    @property
    def _half(self) -> tuple[Tensor, Tensor, Tensor]:
        """Return whether h is near 0, h, and h with 1 where it is near 0."""
        near = (self.probs > self._lims[0]) & (self.probs <= self._lims[1])
        h = self.logits / 2
        return near, h, where(near, ones_like(h), h)

    @property
    def _log_normalizer(self) -> Tensor:
        """A."""
        near, h, far = self._half
        size = far.abs()
        exact = size + log1p(-exp(-2 * size)) - (2 * size).log()
        return h + where(near, h**2 / 6 - h**4 / 180, exact)

    @property
    def mean(self) -> Tensor:
        near, h, far = self._half
        return 0.5 + where(near, h / 3 - h**3 / 45, 1 / far.tanh() - 1 / far) / 2

    @property
    def variance(self) -> Tensor:
        near, h, far = self._half
        return where(near, 1 / 3 - h**2 / 15, 1 / far**2 - 1 / far.sinh() ** 2) / 4

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        like = self._param
        return self.icdf(rand(self._extended_shape(sample_shape), dtype=like.dtype, device=like.device))

    def sample(self, sample_shape: Shape = ()) -> Tensor:
        return self.rsample(sample_shape).detach()

    def _log_prob(self, value: Tensor) -> Tensor:
        return self.logits * value - self._log_normalizer

    def _cdf(self, value: Tensor) -> Tensor:
        near, _, far = self._half
        found = where(near, value + 0 * far, expm1(2 * far * value) / expm1(2 * far))
        return where(value <= 0, 0 * found, where(value >= 1, ones_like(found), found))

    def icdf(self, value: Tensor) -> Tensor:
        near, _, far = self._half
        return where(near, value + 0 * far, log1p(value * expm1(2 * far)) / (2 * far))

    def entropy(self) -> Tensor:
        return self._log_normalizer - self.mean * self.logits
