"""Distribution, the base class: shapes, checks of arguments and values, and what follows from the methods of a class.

A distribution has parameters of batch shape, one distribution for each element, and its values have event shape: a
sample has the shape sample_shape + batch_shape + event_shape.
"""

import warnings
from collections.abc import Sequence
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np

from minicnn.autograd.tape import enable_grad, no_grad
from minicnn.autograd.tensor import Size, Tensor
from minicnn.distributions.constraints import Constraint, is_dependent
from minicnn.dtypes import default_dtype
from minicnn.errors import ArgumentError
from minicnn.ops.create import tensor
from minicnn.ops.exponentials import exp
from minicnn.ops.shape import broadcast_to

__all__ = ["Distribution", "Shape", "broadcast_all", "lazy_property"]

Shape = Sequence[int]


def broadcast_all(*values: Any) -> list[Tensor]:
    """Return tensors of one shape; numbers get the element type and device of the first tensor, or float32.

    Raises
    ------
    ArgumentError
        If the shapes do not broadcast, or a value is neither a tensor nor a number.
    """
    first = next((v for v in values if isinstance(v, Tensor)), None)
    for v in values:
        if not isinstance(v, Tensor | bool | int | float):
            raise ArgumentError(f"distributions: parameters must be tensors or numbers, got {type(v).__name__}")
    dtype, device = (default_dtype, None) if first is None else (first.dtype, first.device)
    tensors = [v if isinstance(v, Tensor) else tensor(float(v), dtype=dtype, device=device) for v in values]
    try:
        shape = np.broadcast_shapes(*(t.shape for t in tensors))
    except ValueError:
        got = " and ".join(str(t.shape) for t in tensors)
        raise ArgumentError(f"distributions: the shapes {got} of the parameters do not broadcast") from None
    return [t if t.shape == shape else broadcast_to(t, shape) for t in tensors]


class lazy_property(cached_property[Tensor]):  # noqa: N801 (PyTorch's name)
    """A property that is computed at its first use, with its gradient also inside of `no_grad`."""

    def __get__(self, instance: Any, owner: Any = None) -> Tensor:  # type: ignore[override]
        with enable_grad():
            found: Tensor = super().__get__(instance, owner)
        return found


class Distribution:
    """The base class of probability distributions.

    Parameters
    ----------
    batch_shape : Size
        The shape of the parameters: a distribution for each element.
    event_shape : Size
        The shape of a value of one distribution.
    validate_args : bool, optional
        Check the parameters, and the values of `log_prob`; True by default.

    Attributes
    ----------
    arg_constraints : dict of str to Constraint
        The sets of the parameters.
    support : Constraint
        The set of the values.
    has_rsample : bool
        Whether `rsample` gives gradients to the parameters.
    has_enumerate_support : bool
        Whether `enumerate_support` works.

    Raises
    ------
    ArgumentError
        If a parameter is not in its set.
    """

    has_rsample = False
    has_enumerate_support = False
    arg_constraints: ClassVar[dict[str, Constraint]] = {}
    _validate_args: bool = True

    def __init__(self, batch_shape: Shape = (), event_shape: Shape = (), validate_args: bool | None = None) -> None:
        self._batch_shape, self._event_shape = Size(batch_shape), Size(event_shape)
        if validate_args is not None:
            self._validate_args = validate_args
        if not self._validate_args:
            return
        for name, constraint in self.arg_constraints.items():
            computed_later = isinstance(getattr(type(self), name, None), lazy_property) and name not in vars(self)
            if is_dependent(constraint) or computed_later:
                continue
            value = getattr(self, name)
            if not constraint.check(value).all().item():
                raise ArgumentError(
                    f"{type(self).__name__}: {name} must satisfy {constraint}, got {value.detach()}; "
                    "validate_args=False turns the check off"
                )

    @staticmethod
    def set_default_validate_args(value: bool) -> None:
        """Set whether distributions check their arguments when `validate_args` is not given.

        Raises
        ------
        ArgumentError
            If the value is not a bool.
        """
        if value not in (True, False):
            raise ArgumentError(f"set_default_validate_args: expected True or False, got {value!r}")
        Distribution._validate_args = bool(value)

    # --- shapes and properties ------------------------------------------------------------------------------

    @property
    def batch_shape(self) -> Size:
        """The shape of the parameters."""
        return self._batch_shape

    @property
    def event_shape(self) -> Size:
        """The shape of a value of one distribution."""
        return self._event_shape

    @property
    def support(self) -> Constraint:
        """The set of the values."""
        raise NotImplementedError

    @property
    def mean(self) -> Tensor:
        """The mean."""
        raise NotImplementedError

    @property
    def mode(self) -> Tensor:
        """The most probable value."""
        raise NotImplementedError

    @property
    def variance(self) -> Tensor:
        """The variance."""
        raise NotImplementedError

    @property
    def stddev(self) -> Tensor:
        """The standard deviation, the root of the variance."""
        return self.variance.sqrt()

    def expand(self, batch_shape: Shape, _instance: Any = None) -> Self:
        """Return the distribution with its parameters expanded to a larger batch shape."""
        new = self._like(batch_shape)
        for name, constraint in self.arg_constraints.items():
            value = vars(self).get(name)
            if isinstance(value, Tensor):
                event = value.shape[value.ndim - constraint.event_dim :]
                setattr(new, name, broadcast_to(value, (*batch_shape, *event)))
        return new

    def _like(self, batch_shape: Shape) -> Self:
        """Return a new object with the settings of this one, and another batch shape."""
        new = type(self).__new__(type(self))
        vars(new).update({name: value for name, value in vars(self).items() if not isinstance(value, Tensor)})
        new._batch_shape = Size(batch_shape)
        return new

    def _extended_shape(self, sample_shape: Shape = ()) -> Size:
        """Return the shape of samples."""
        return Size((*sample_shape, *self._batch_shape, *self._event_shape))

    # --- samples --------------------------------------------------------------------------------------------

    def sample(self, sample_shape: Shape = ()) -> Tensor:
        """Draw values of shape sample_shape + batch_shape + event_shape, without a gradient."""
        with no_grad():
            return self.rsample(sample_shape)

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        """Draw values as a function of the parameters and of noise, so that they have gradients."""
        raise NotImplementedError(f"{type(self).__name__} has no rsample")

    def sample_n(self, n: int) -> Tensor:
        """Draw n values; an older name of ``sample((n,))``."""
        warnings.warn("sample_n will be removed; use .sample((n,))", UserWarning, stacklevel=2)
        return self.sample((n,))

    # --- probabilities --------------------------------------------------------------------------------------

    def log_prob(self, value: Tensor) -> Tensor:
        """Return the logarithm of the density, or of the probability, of values.

        Raises
        ------
        ArgumentError
            If a value is not in the support, or its shape does not fit.
        """
        if self._validate_args:
            self._validate_sample(value)
        return self._log_prob(value)

    def cdf(self, value: Tensor) -> Tensor:
        """Return the probability of a value of at most `value`.

        Raises
        ------
        ArgumentError
            If a value is not in the support, or its shape does not fit.
        """
        if self._validate_args:
            self._validate_sample(value)
        return self._cdf(value)

    def _log_prob(self, value: Tensor) -> Tensor:
        raise NotImplementedError

    def _cdf(self, value: Tensor) -> Tensor:
        raise NotImplementedError(f"{type(self).__name__} has no cdf")

    def icdf(self, value: Tensor) -> Tensor:
        """Return the quantile: the inverse of `cdf`."""
        raise NotImplementedError

    def enumerate_support(self, expand: bool = True) -> Tensor:
        """Return all values along a new first axis; with `expand`, for each element of the batch."""
        raise NotImplementedError

    def entropy(self) -> Tensor:
        """Return the entropy, the mean of -log_prob."""
        raise NotImplementedError

    def perplexity(self) -> Tensor:
        """Return the exponential of the entropy."""
        return exp(self.entropy())

    def _validate_sample(self, value: Tensor) -> None:
        """Raise ArgumentError if values do not have the shape or are not in the support."""
        name = type(self).__name__
        if not isinstance(value, Tensor):
            raise ArgumentError(f"{name}: the value must be a tensor, got {type(value).__name__}")
        events = len(self._event_shape)
        expected = (*self._batch_shape, *self._event_shape)
        pairs = zip(reversed(value.shape), reversed(expected), strict=False)
        if value.shape[value.ndim - events :] != self._event_shape or any(1 not in (i, j) and i != j for i, j in pairs):
            raise ArgumentError(f"{name}: values must have a shape that ends with {expected}, got {value.shape}")
        if not self.support.check(value).all().item():
            raise ArgumentError(f"{name}: values must be in {self.support}, got {value.detach()}")

    def __repr__(self) -> str:
        found = [name for name in self.arg_constraints if name in vars(self)]
        values = (getattr(self, name) for name in found)
        shown = (v.shape if isinstance(v, Tensor) and v.numel() != 1 else v for v in values)
        return f"{type(self).__name__}({', '.join(f'{name}: {v}' for name, v in zip(found, shown, strict=True))})"
