"""Independent: several distributions as one, whose values have more axes."""

from typing import Any, Self

from minicnn.autograd.tensor import Tensor
from minicnn.distributions import constraints
from minicnn.distributions.distribution import Distribution, Shape
from minicnn.errors import ArgumentError

__all__ = ["Independent", "sum_rightmost"]


def sum_rightmost(value: Tensor, count: int) -> Tensor:
    """Return the sum over the last `count` axes."""
    if not count:
        return value
    return value.reshape(*value.shape[: value.ndim - count], -1).sum(-1)


class Independent(Distribution):
    """A distribution whose last batch axes are axes of its values; the values are independent along them.

    Parameters
    ----------
    base_distribution : Distribution
    reinterpreted_batch_ndims : int
        The number of these axes.
    validate_args : bool, optional

    Raises
    ------
    ArgumentError
        If the base distribution has fewer batch axes.

    Examples
    --------
    >>> import minicnn
    >>> from minicnn.distributions.normal import Normal
    >>> Independent(Normal(minicnn.zeros(5, 3), 1.0), 1).log_prob(minicnn.zeros(5, 3)).shape
    (5,)
    """

    def __init__(
        self, base_distribution: Distribution, reinterpreted_batch_ndims: int, validate_args: bool | None = None
    ) -> None:
        batch = base_distribution.batch_shape
        if reinterpreted_batch_ndims > len(batch):
            raise ArgumentError(
                f"Independent: reinterpreted_batch_ndims must be at most {len(batch)}, the number of batch axes, "
                f"got {reinterpreted_batch_ndims}"
            )
        shape = batch + base_distribution.event_shape
        self.base_dist, self.reinterpreted_batch_ndims = base_distribution, reinterpreted_batch_ndims
        events = reinterpreted_batch_ndims + len(base_distribution.event_shape)
        super().__init__(shape[: len(shape) - events], shape[len(shape) - events :], validate_args)

    def expand(self, batch_shape: Shape, _instance: Any = None) -> Self:
        new = self._like(batch_shape)
        new.base_dist = self.base_dist.expand((*batch_shape, *self._event_shape[: self.reinterpreted_batch_ndims]))
        return new

    @property
    def has_rsample(self) -> bool:  # type: ignore[override]
        """Whether `rsample` gives gradients to the parameters."""
        return self.base_dist.has_rsample

    @property
    def has_enumerate_support(self) -> bool:  # type: ignore[override]
        """Whether `enumerate_support` works."""
        return not self.reinterpreted_batch_ndims and self.base_dist.has_enumerate_support

    @property
    def support(self) -> constraints.Constraint:
        found = self.base_dist.support
        return (
            constraints.independent(found, self.reinterpreted_batch_ndims) if self.reinterpreted_batch_ndims else found
        )

    @property
    def mean(self) -> Tensor:
        return self.base_dist.mean

    @property
    def mode(self) -> Tensor:
        return self.base_dist.mode

    @property
    def variance(self) -> Tensor:
        return self.base_dist.variance

    def sample(self, sample_shape: Shape = ()) -> Tensor:
        return self.base_dist.sample(sample_shape)

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        return self.base_dist.rsample(sample_shape)

    def log_prob(self, value: Tensor) -> Tensor:
        return sum_rightmost(self.base_dist.log_prob(value), self.reinterpreted_batch_ndims)

    def entropy(self) -> Tensor:
        return sum_rightmost(self.base_dist.entropy(), self.reinterpreted_batch_ndims)

    def enumerate_support(self, expand: bool = True) -> Tensor:
        """Return all values; only without reinterpreted axes, because their number is a product otherwise."""
        if self.reinterpreted_batch_ndims:
            raise NotImplementedError("enumerate_support: the values of an Independent are too many")
        return self.base_dist.enumerate_support(expand)

    def __repr__(self) -> str:
        return f"Independent({self.base_dist!r}, {self.reinterpreted_batch_ndims})"
