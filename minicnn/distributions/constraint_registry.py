"""`biject_to` and `transform_to`: a transform from all real numbers to the values that a constraint allows.

An optimizer changes x freely, and the parameter is transform_to(constraint)(x).
"""

from collections.abc import Callable
from typing import Any

from minicnn.autograd.tensor import Tensor
from minicnn.distributions import constraints as c
from minicnn.distributions.constraints import Constraint
from minicnn.distributions.transform import (
    AffineTransform,
    ComposeTransform,
    ExpTransform,
    SigmoidTransform,
    Transform,
    identity_transform,
)
from minicnn.distributions.vector_transforms import (
    CorrCholeskyTransform,
    IndependentTransform,
    LowerCholeskyTransform,
    PositiveDefiniteTransform,
    SoftmaxTransform,
    StickBreakingTransform,
)
from minicnn.errors import ArgumentError

__all__ = ["ConstraintRegistry", "biject_to", "transform_to"]

Factory = Callable[[Any], Transform]


class ConstraintRegistry:
    """A function from constraints to transforms, to which classes of constraints can be added."""

    def __init__(self) -> None:
        self._factories: dict[type, Factory] = {}

    def register(self, constraint: Constraint | type, factory: Factory | None = None) -> Any:
        """Register a function that makes the transform of a constraint, or of all constraints of its class.

        Raises
        ------
        ArgumentError
            If the first argument is no constraint.
        """
        if factory is None:
            return lambda function: self.register(constraint, function)
        kind = constraint if isinstance(constraint, type) else type(constraint)
        if not issubclass(kind, Constraint):
            raise ArgumentError(f"register: expected a constraint, got {constraint!r}")
        self._factories[kind] = factory
        return factory

    def __call__(self, constraint: Constraint) -> Transform:
        """Return the transform of a constraint.

        Raises
        ------
        NotImplementedError
            If there is none.
        """
        if type(constraint) not in self._factories:
            raise NotImplementedError(f"there is no transform to {constraint}; register one")
        return self._factories[type(constraint)](constraint)


def _above(constraint: Any) -> Transform:
    return ComposeTransform([ExpTransform(), AffineTransform(constraint.lower_bound, 1)])


def _below(constraint: Any) -> Transform:
    return ComposeTransform([ExpTransform(), AffineTransform(constraint.upper_bound, -1)])


def _between(constraint: Any) -> Transform:
    low, high = constraint.lower_bound, constraint.upper_bound
    if not isinstance(low, Tensor) and not isinstance(high, Tensor) and (low, high) == (0, 1):
        return SigmoidTransform()
    return ComposeTransform([SigmoidTransform(), AffineTransform(low, high - low)])


def _set_up(registry: ConstraintRegistry) -> ConstraintRegistry:
    registry.register(c.real, lambda constraint: identity_transform)
    for above in (c.positive, c.nonnegative):
        registry.register(above, _above)
    registry.register(c.less_than(0.0), _below)
    for between in (c.unit_interval, c.half_open_interval(0.0, 1.0)):
        registry.register(between, _between)
    registry.register(c.lower_cholesky, lambda constraint: LowerCholeskyTransform())
    registry.register(c.corr_cholesky, lambda constraint: CorrCholeskyTransform())
    registry.register(c.positive_definite, lambda constraint: PositiveDefiniteTransform())

    def independent(constraint: Any) -> Transform:
        return IndependentTransform(registry(constraint.base_constraint), constraint.reinterpreted_batch_ndims)

    registry.register(c.real_vector, independent)
    return registry


biject_to, transform_to = _set_up(ConstraintRegistry()), _set_up(ConstraintRegistry())
biject_to.register(c.simplex, lambda constraint: StickBreakingTransform())
transform_to.register(c.simplex, lambda constraint: SoftmaxTransform())
