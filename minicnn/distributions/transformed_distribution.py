"""TransformedDistribution: the distribution of f(x), where x has a known distribution and f is invertible."""

from collections.abc import Sequence
from typing import Any, Self

from minicnn.autograd.tape import no_grad
from minicnn.autograd.tensor import Tensor
from minicnn.distributions import constraints
from minicnn.distributions.distribution import Distribution, Shape
from minicnn.distributions.independent import Independent, sum_rightmost
from minicnn.distributions.transforms import ComposeTransform, Transform
from minicnn.errors import ArgumentError

__all__ = ["TransformedDistribution"]


class TransformedDistribution(Distribution):
    """The distribution of y = f(x): log p(y) = log p(x) - log |dy/dx|.

    Parameters
    ----------
    base_distribution : Distribution
        Of x.
    transforms : Transform or sequence of Transform
        Applied one after another.
    validate_args : bool, optional

    Raises
    ------
    ArgumentError
        If `transforms` are no transforms, or the values of the base distribution have too few axes.
    """

    def __init__(
        self,
        base_distribution: Distribution,
        transforms: Transform | Sequence[Transform],
        validate_args: bool | None = None,
    ) -> None:
        self.transforms = [transforms] if isinstance(transforms, Transform) else list(transforms)
        if not all(isinstance(t, Transform) for t in self.transforms):
            raise ArgumentError(
                f"TransformedDistribution: transforms must be a Transform or several, got {transforms!r}"
            )
        whole = ComposeTransform(self.transforms)
        shape = base_distribution.batch_shape + base_distribution.event_shape
        if len(shape) < whole.domain.event_dim:
            raise ArgumentError(
                f"TransformedDistribution: the base distribution needs {whole.domain.event_dim} axes, got {shape}"
            )
        after = whole.forward_shape(shape)
        before = whole.inverse_shape(after)
        if before != shape:  # parameters of the transforms have more axes
            base_distribution = base_distribution.expand(before[: len(before) - len(base_distribution.event_shape)])
        more = whole.domain.event_dim - len(base_distribution.event_shape)
        self.base_dist: Distribution = Independent(base_distribution, more) if more > 0 else base_distribution
        events = whole.codomain.event_dim + max(len(base_distribution.event_shape) - whole.domain.event_dim, 0)
        super().__init__(after[: len(after) - events], after[len(after) - events :], validate_args)

    def expand(self, batch_shape: Shape, _instance: Any = None) -> Self:
        new = self._like(batch_shape)
        new.base_dist = self.base_dist.expand(batch_shape)
        return new

    @property
    def has_rsample(self) -> bool:  # type: ignore[override]
        """Whether `rsample` gives gradients to the parameters."""
        return self.base_dist.has_rsample

    @property
    def support(self) -> constraints.Constraint:
        if not self.transforms:
            return self.base_dist.support
        return constraints.with_event_dim(self.transforms[-1].codomain, len(self._event_shape))

    def sample(self, sample_shape: Shape = ()) -> Tensor:
        with no_grad():
            x = self.base_dist.sample(sample_shape)
            for transform in self.transforms:
                x = transform(x)
            return x

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        x = self.base_dist.rsample(sample_shape)
        for transform in self.transforms:
            x = transform(x)
        return x

    def _log_prob(self, value: Tensor) -> Tensor:
        events = len(self._event_shape)
        total: Any = 0.0
        y = value
        for transform in reversed(self.transforms):
            x = transform._inv_call(y)
            events += transform.domain.event_dim - transform.codomain.event_dim
            total = total - sum_rightmost(transform.log_abs_det_jacobian(x, y), events - transform.domain.event_dim)
            y = x
        result: Tensor = total + sum_rightmost(self.base_dist.log_prob(y), events - len(self.base_dist.event_shape))
        return result

    def _monotone(self, value: Tensor) -> Tensor:
        """Return p, or 1 - p if the transforms fall."""
        sign = ComposeTransform(self.transforms).sign
        return value if isinstance(sign, int) and sign == 1 else sign * (value - 0.5) + 0.5

    def _cdf(self, value: Tensor) -> Tensor:
        for transform in reversed(self.transforms):
            value = transform._inv_call(value)
        return self._monotone(self.base_dist.cdf(value))

    def icdf(self, value: Tensor) -> Tensor:
        x = self.base_dist.icdf(self._monotone(value))
        for transform in self.transforms:
            x = transform(x)
        return x
