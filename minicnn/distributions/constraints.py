"""Constraints: sets of values, such as the support of a distribution, with a check for each value."""

from typing import Any

import numpy as np

from minicnn.autograd.tensor import Tensor
from minicnn.errors import ArgumentError
from minicnn.ops.comparison import eq, logical_and
from minicnn.ops.create import full
from minicnn.ops.linalg import mT
from minicnn.ops.matrices import eigvalsh
from minicnn.ops.ranges import arange

__all__ = [
    "Constraint",
    "boolean",
    "corr_cholesky",
    "dependent",
    "greater_than",
    "greater_than_eq",
    "half_open_interval",
    "independent",
    "integer_interval",
    "interval",
    "is_dependent",
    "less_than",
    "lower_cholesky",
    "lower_triangular",
    "multinomial",
    "nonnegative",
    "nonnegative_integer",
    "one_hot",
    "positive",
    "positive_definite",
    "positive_integer",
    "positive_semidefinite",
    "real",
    "real_vector",
    "simplex",
    "square",
    "symmetric",
    "unit_interval",
    "with_event_dim",
]


class Constraint:
    """A set of values. Its elements have `event_dim` axes; other axes are a batch."""

    is_discrete = False
    event_dim = 0

    def check(self, value: Tensor) -> Tensor:
        """Return whether each element of the batch is in the set, as a bool tensor."""
        raise NotImplementedError

    def __repr__(self) -> str:
        return f"{type(self).__name__.strip('_')}()"


class _Dependent(Constraint):
    """Depends on other values, so it cannot be checked alone."""

    def check(self, value: Tensor) -> Tensor:
        raise ArgumentError(
            "constraints: a dependent constraint cannot be checked; use the support of the distribution"
        )


class _Boolean(Constraint):
    is_discrete = True

    def check(self, value: Tensor) -> Tensor:
        return eq(value, 0) | eq(value, 1)


class _OneHot(Constraint):
    is_discrete = True
    event_dim = 1

    def check(self, value: Tensor) -> Tensor:
        return (eq(value, 0) | eq(value, 1)).all(-1) & eq(value.sum(-1), 1)


class _Bounds(Constraint):
    """All numbers between two limits, with or without the limits."""

    lower_bound: Tensor | float
    upper_bound: Tensor | float

    def __init__(self, **bounds: Any) -> None:
        self.__dict__.update(bounds)

    def __repr__(self) -> str:
        bounds = ", ".join(f"{name}={value}" for name, value in vars(self).items())
        return f"{type(self).__name__.strip('_')}({bounds})"


class _IntegerInterval(_Bounds):
    is_discrete = True

    def check(self, value: Tensor) -> Tensor:
        return eq(value % 1, 0) & (value >= self.lower_bound) & (value <= self.upper_bound)


class _IntegerGreaterThan(_Bounds):
    is_discrete = True

    def check(self, value: Tensor) -> Tensor:
        return eq(value % 1, 0) & (value >= self.lower_bound)


class _Real(Constraint):
    def check(self, value: Tensor) -> Tensor:
        return eq(value, value)  # no NaN


class _GreaterThan(_Bounds):
    def check(self, value: Tensor) -> Tensor:
        return value > self.lower_bound


class _GreaterThanEq(_Bounds):
    def check(self, value: Tensor) -> Tensor:
        return value >= self.lower_bound


class _LessThan(_Bounds):
    def check(self, value: Tensor) -> Tensor:
        return value < self.upper_bound


class _Interval(_Bounds):
    def check(self, value: Tensor) -> Tensor:
        return (value >= self.lower_bound) & (value <= self.upper_bound)


class _HalfOpenInterval(_Bounds):
    def check(self, value: Tensor) -> Tensor:
        return (value >= self.lower_bound) & (value < self.upper_bound)


class _Simplex(Constraint):
    event_dim = 1

    def check(self, value: Tensor) -> Tensor:
        return (value >= 0).all(-1) & ((value.sum(-1) - 1).abs() < 1e-6)


class _Multinomial(_Bounds):
    is_discrete = True
    event_dim = 1

    def check(self, value: Tensor) -> Tensor:
        return (value >= 0).all(-1) & (value.sum(-1) <= self.upper_bound)


class _LowerTriangular(Constraint):
    event_dim = 2

    def check(self, value: Tensor) -> Tensor:
        above = arange(value.shape[-2], device=value.device).unsqueeze(1) < arange(value.shape[-1], device=value.device)
        return logical_and(above, value != 0).logical_not().flatten(-2).all(-1)


class _LowerCholesky(_LowerTriangular):
    def check(self, value: Tensor) -> Tensor:
        index = arange(value.shape[-1], device=value.device)
        return super().check(value) & (value[..., index, index] > 0).all(-1)


class _CorrCholesky(_LowerCholesky):
    def check(self, value: Tensor) -> Tensor:
        off = (value.square().sum(-1).sqrt() - 1).abs()
        unit = (off <= 10 * value.shape[-1] * float(np.finfo(value.dtype).eps)).all(-1)
        return logical_and(super().check(value), unit)


class _Square(Constraint):
    event_dim = 2

    def check(self, value: Tensor) -> Tensor:
        fits = value.shape[-1] == value.shape[-2]
        return full(value.shape[:-2], fits, device=value.device)


class _Symmetric(_Square):
    def check(self, value: Tensor) -> Tensor:
        if value.shape[-1] != value.shape[-2]:
            return super().check(value)
        return ((value - mT(value)).abs() <= 1e-6 + 1e-6 * value.abs()).flatten(-2).all(-1)


class _PositiveDefinite(_Symmetric):
    def check(self, value: Tensor) -> Tensor:
        symmetric = super().check(value)
        return symmetric & (eigvalsh(value) > 0).all(-1) if symmetric.any().item() else symmetric


class _PositiveSemidefinite(_Symmetric):
    def check(self, value: Tensor) -> Tensor:
        symmetric = super().check(value)
        return symmetric & (eigvalsh(value) >= 0).all(-1) if symmetric.any().item() else symmetric


class _Independent(Constraint):
    """A constraint whose last batch axes count as axes of its elements."""

    def __init__(self, base_constraint: Constraint, reinterpreted_batch_ndims: int) -> None:
        self.base_constraint, self.reinterpreted_batch_ndims = base_constraint, reinterpreted_batch_ndims

    @property
    def is_discrete(self) -> bool:  # type: ignore[override]
        return self.base_constraint.is_discrete

    @property
    def event_dim(self) -> int:  # type: ignore[override]
        return self.base_constraint.event_dim + self.reinterpreted_batch_ndims

    def check(self, value: Tensor) -> Tensor:
        if value.ndim < self.event_dim:
            raise ArgumentError(f"constraints: expected at least {self.event_dim} axes, got {value.shape}")
        found = self.base_constraint.check(value)
        kept = found.shape[: found.ndim - self.reinterpreted_batch_ndims]
        return found.reshape(*kept, -1).all(-1) if self.reinterpreted_batch_ndims else found

    def __repr__(self) -> str:
        return f"IndependentConstraint({self.base_constraint!r}, {self.reinterpreted_batch_ndims})"


def is_dependent(constraint: Constraint) -> bool:
    """Return whether a constraint depends on other values, so that it cannot be checked alone."""
    return isinstance(constraint, _Dependent)


def greater_than(lower_bound: Any) -> Constraint:
    """Return the set of the numbers above a limit."""
    return _GreaterThan(lower_bound=lower_bound)


def greater_than_eq(lower_bound: Any) -> Constraint:
    """Return the set of the numbers of at least a limit."""
    return _GreaterThanEq(lower_bound=lower_bound)


def less_than(upper_bound: Any) -> Constraint:
    """Return the set of the numbers below a limit."""
    return _LessThan(upper_bound=upper_bound)


def interval(lower_bound: Any, upper_bound: Any) -> Constraint:
    """Return the set of the numbers between two limits, both included."""
    return _Interval(lower_bound=lower_bound, upper_bound=upper_bound)


def half_open_interval(lower_bound: Any, upper_bound: Any) -> Constraint:
    """Return the set of the numbers from the first limit to below the second."""
    return _HalfOpenInterval(lower_bound=lower_bound, upper_bound=upper_bound)


def integer_interval(lower_bound: Any, upper_bound: Any) -> Constraint:
    """Return the set of the integers between two limits, both included."""
    return _IntegerInterval(lower_bound=lower_bound, upper_bound=upper_bound)


def multinomial(upper_bound: int) -> Constraint:
    """Return the set of the vectors of numbers of at least 0 whose sum is at most a limit."""
    return _Multinomial(upper_bound=upper_bound)


def independent(base_constraint: Constraint, reinterpreted_batch_ndims: int) -> Constraint:
    """Return a constraint whose last `reinterpreted_batch_ndims` batch axes are axes of its elements."""
    return _Independent(base_constraint, reinterpreted_batch_ndims)


def with_event_dim(constraint: Constraint, event_dim: int) -> Constraint:
    """Return a constraint whose elements have this number of axes."""
    missing = event_dim - constraint.event_dim
    return independent(constraint, missing) if missing > 0 else constraint


dependent = _Dependent()
boolean = _Boolean()
one_hot = _OneHot()
real = _Real()
real_vector = independent(real, 1)
nonnegative_integer = _IntegerGreaterThan(lower_bound=0)
positive_integer = _IntegerGreaterThan(lower_bound=1)
positive = greater_than(0.0)
nonnegative = greater_than_eq(0.0)
unit_interval = interval(0.0, 1.0)
simplex = _Simplex()
lower_triangular = _LowerTriangular()
lower_cholesky = _LowerCholesky()
corr_cholesky = _CorrCholesky()
square = _Square()
symmetric = _Symmetric()
positive_definite = _PositiveDefinite()
positive_semidefinite = _PositiveSemidefinite()
