"""Questions about numbers: equal, close, infinite, in a set. The answers have no gradient."""

from typing import Any

import numpy as np

from minicnn.autograd.tensor import Tensor
from minicnn.dtypes import DType, int64
from minicnn.errors import ArgumentError, DTypeError
from minicnn.ops.comparison import eq, isfinite, isnan, le, logical_and, logical_or
from minicnn.ops.elementwise import abs, add, mul, sub
from minicnn.ops.operands import require_kind
from minicnn.ops.shape import as_float, cast
from minicnn.runtime.devices import to_host

__all__ = ["allclose", "equal", "isclose", "isin", "isinf", "isneginf", "isposinf"]


def isinf(input: Tensor) -> Tensor:
    """Return whether each element is infinite, as a bool tensor."""
    if input.dtype.kind == "c":
        return logical_or(isinf(input.real), isinf(input.imag))
    return logical_or(isposinf(input), isneginf(input))


def isposinf(input: Tensor) -> Tensor:
    """Return whether each element is positive infinity, as a bool tensor.

    Raises
    ------
    DTypeError
        If the tensor is complex.
    """
    require_kind("isposinf", input.dtype, "biuf", "real numbers")
    return eq(input, float("inf"))


def isneginf(input: Tensor) -> Tensor:
    """Return whether each element is negative infinity, as a bool tensor.

    Raises
    ------
    DTypeError
        If the tensor is complex.
    """
    require_kind("isneginf", input.dtype, "biuf", "real numbers")
    return eq(input, float("-inf"))


def isclose(input: Tensor, other: Tensor, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Tensor:
    """Return whether |input - other| <= atol + rtol |other|, element by element; equal infinities are close.

    Raises
    ------
    DTypeError
        If the element types differ.
    ArgumentError
        If a tolerance is negative.

    Examples
    --------
    >>> import minicnn
    >>> isclose(minicnn.tensor([1.0, 2.0]), minicnn.tensor([1.0, 2.1])).tolist()
    [True, False]
    """
    if input.dtype != other.dtype:
        raise DTypeError(f"isclose: both tensors need one element type, got {input.dtype} and {other.dtype}")
    if rtol < 0 or atol < 0:
        raise ArgumentError(f"isclose: tolerances must not be negative, got rtol={rtol} and atol={atol}")
    a, b = input.detach(), other.detach()
    close = eq(a, b)
    if equal_nan:
        close = logical_or(close, logical_and(isnan(a), isnan(b)))
    if a.dtype.kind not in "fc":
        a, b = cast(a, int64), cast(b, int64)
    distance = abs(sub(a, b))
    allowed = add(mul(abs(as_float(b)), rtol), atol)
    return logical_or(close, logical_and(isfinite(distance), le(distance, allowed)))


def allclose(input: Tensor, other: Tensor, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> bool:
    """Return whether all elements are close, as `isclose` defines it; errors as in `isclose`."""
    return bool(isclose(input, other, rtol, atol, equal_nan).array.all())


def equal(input: Tensor, other: Tensor) -> bool:
    """Return whether two tensors have the same shape and equal elements.

    Raises
    ------
    DTypeError
        If one is no tensor.
    """
    if not isinstance(input, Tensor) or not isinstance(other, Tensor):
        raise DTypeError(f"equal: expected tensors, got {type(input).__name__} and {type(other).__name__}")
    return input.shape == other.shape and bool(eq(input, other).array.all())


def isin(elements: Any, test_elements: Any, *, assume_unique: bool = False, invert: bool = False) -> Tensor:
    """Return whether each element is among the test elements, as a bool tensor; with `invert`, whether it is not.

    Either may be a number. `assume_unique` has no effect.

    Raises
    ------
    DTypeError
        For complex numbers.

    Examples
    --------
    >>> import minicnn
    >>> isin(minicnn.tensor([1, 2, 3]), minicnn.tensor([3, 1])).tolist()
    [True, False, True]
    """
    tensor = elements if isinstance(elements, Tensor) else test_elements
    a, b = (to_host(t.array) if isinstance(t, Tensor) else np.asarray(t) for t in (elements, test_elements))
    for array in (a, b):
        require_kind("isin", DType(array.dtype), "biuf", "real numbers")
    return Tensor._of(tensor.device.array(np.isin(a, b, invert=invert)), device=tensor.device)
