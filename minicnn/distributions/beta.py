"""The beta distribution: numbers from 0 to 1."""

from typing import Any

from minicnn.autograd.tensor import Tensor
from minicnn.distributions import constraints
from minicnn.distributions.dirichlet import Dirichlet
from minicnn.distributions.distribution import Distribution, Shape, broadcast_all
from minicnn.ops.indexing import stack

__all__ = ["Beta"]


class Beta(Distribution):
    """The beta distribution: x^(a - 1) (1 - x)^(b - 1) / B(a, b), with a = concentration1 and b = concentration0.

    Samples have gradients of the first order. Mixup draws its weights from it (Zhang et al., 2018).

    Parameters
    ----------
    concentration1, concentration0 : Tensor or float
    validate_args : bool, optional
    """

    arg_constraints = {  # noqa: RUF012
        "concentration1": constraints.positive,
        "concentration0": constraints.positive,
    }
    support = constraints.unit_interval
    has_rsample = True

    def __init__(self, concentration1: Any, concentration0: Any, validate_args: bool | None = None) -> None:
        self.concentration1, self.concentration0 = broadcast_all(concentration1, concentration0)
        super().__init__(self.concentration1.shape, validate_args=validate_args)

    @property
    def _pairs(self) -> Dirichlet:
        """The distribution of (x, 1 - x)."""
        return Dirichlet(stack([self.concentration1, self.concentration0], -1), validate_args=False)

    @property
    def mean(self) -> Tensor:
        return self.concentration1 / (self.concentration1 + self.concentration0)

    @property
    def mode(self) -> Tensor:
        return self._pairs.mode[..., 0]

    @property
    def variance(self) -> Tensor:
        total = self.concentration1 + self.concentration0
        return self.concentration1 * self.concentration0 / (total.square() * (total + 1))

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        return self._pairs.rsample(sample_shape)[..., 0]

    def _log_prob(self, value: Tensor) -> Tensor:
        return self._pairs.log_prob(stack([value, 1.0 - value], -1))

    def entropy(self) -> Tensor:
        return self._pairs.entropy()
