"""Reductions along axes: sums, means, variances, norms, extrema, products.

`dim` is one axis or several; None means all axes. With `keepdim`, a reduced axis keeps the size 1.
"""

import builtins
from collections.abc import Sequence
from math import prod as product
from typing import NamedTuple

from minicnn.autograd.primitive import Primitive, primitive
from minicnn.autograd.tensor import Tensor
from minicnn.dtypes import DType, uint8
from minicnn.errors import ArgumentError, DTypeError, ShapeError
from minicnn.ops.axes import axes_of, axis_of, check_keepdim, named_axes, numpy_names
from minicnn.ops.comparison import eq, maximum, minimum, ne
from minicnn.ops.elementwise import add, div, mul, square, sub
from minicnn.ops.exponentials import exp, log, sqrt
from minicnn.ops.fuse import fuse
from minicnn.ops.masks import masked_fill
from minicnn.ops.operands import require_kind
from minicnn.ops.scans import _accumulator, _prod_grad
from minicnn.ops.scatter import gather
from minicnn.ops.shape import _expand_reduced, _reshape, _sum, as_float, cast, squeeze
from minicnn.runtime.devices import Array

__all__ = [
    "MaxResult",
    "all",
    "amax",
    "amin",
    "any",
    "argmax",
    "argmin",
    "logsumexp",
    "max",
    "mean",
    "min",
    "norm",
    "prod",
    "std",
    "sum",
    "var",
]

Dims = int | Sequence[int] | None


class MaxResult(NamedTuple):
    """Values and their indices along an axis: the result of `max`, `sort`, `topk` and others."""

    values: Tensor
    indices: Tensor


@primitive
def _amax(x: Array, *, axes: tuple[int, ...], keepdim: bool) -> Array:
    return x.max(axis=axes, keepdims=keepdim)


@primitive
def _amin(x: Array, *, axes: tuple[int, ...], keepdim: bool) -> Array:
    return x.min(axis=axes, keepdims=keepdim)


@primitive
def _prod(x: Array, *, axes: tuple[int, ...], keepdim: bool) -> Array:
    return x.prod(axis=axes, keepdims=keepdim)


@primitive
def _argmax(x: Array, *, axis: int | None, keepdim: bool) -> Array:
    return x.argmax(axis=axis, keepdims=keepdim)


@primitive
def _argmin(x: Array, *, axis: int | None, keepdim: bool) -> Array:
    return x.argmin(axis=axis, keepdims=keepdim)


@primitive
def _all(x: Array, *, axes: tuple[int, ...], keepdim: bool) -> Array:
    return x.all(axis=axes, keepdims=keepdim)


@primitive
def _any(x: Array, *, axes: tuple[int, ...], keepdim: bool) -> Array:
    return x.any(axis=axes, keepdims=keepdim)


def _split_among_ties(g: Tensor, x: Tensor, y: Tensor, axes: tuple[int, ...]) -> Tensor:
    """Divide the gradient of a maximum or minimum equally among the elements that are equal to it."""
    is_extremum = cast(eq(x, _expand_reduced(y.detach(), x.shape, axes)), x.dtype)
    return mul(
        _expand_reduced(div(g, _reshape(_sum(is_extremum, axes=axes, keepdim=False), shape=g.shape)), x.shape, axes),
        is_extremum,
    )


_prod.takes_complex = _all.takes_complex = _any.takes_complex = True
_amax.gradient(x=lambda grad, x, y, axes: _split_among_ties(grad, x, y, axes))
_amin.gradient(x=lambda grad, x, y, axes: _split_among_ties(grad, x, y, axes))
_prod.gradient(x=lambda grad, x, axes: _prod_grad(grad, x, axes))


@numpy_names
def sum(input: Tensor, dim: Dims = None, keepdim: bool = False, *, dtype: DType | None = None) -> Tensor:
    """Return the sum along axes; bools and integers give int64. With `dtype`, the elements are converted first.

    Examples
    --------
    >>> import minicnn
    >>> sum(minicnn.tensor([[1, 2], [3, 4]]), dim=0).tolist()
    [4, 6]
    """
    return _sum(_accumulator(input, dtype), axes=axes_of("sum", dim, input.ndim, keepdim), keepdim=keepdim)


@numpy_names
def mean(input: Tensor, dim: Dims = None, keepdim: bool = False, *, dtype: DType | None = None) -> Tensor:
    """Return the arithmetic mean along axes. With `dtype`, the elements are converted first.

    Raises
    ------
    DTypeError
        For bool and integer tensors.
    """
    input = input if dtype is None else cast(input, DType(dtype))
    if input.dtype.kind not in "fc":
        raise DTypeError(f"mean: the tensor holds {input.dtype}; convert it with .float() first")
    axes = axes_of("mean", dim, input.ndim, keepdim)
    return div(_sum(input, axes=axes, keepdim=keepdim), product(input.shape[a] for a in axes))


@numpy_names
def var(
    input: Tensor,
    dim: bool | Dims = None,
    unbiased: bool = True,
    keepdim: bool = False,
    *,
    correction: int | None = None,
) -> Tensor:
    """Return Σ (x - mean)² / (n - correction) along axes, where n is the number of elements of each sum.

    The correction is 1, and 0 with ``unbiased=False``. ``var(x, False)`` is over all axes and not unbiased.

    Raises
    ------
    DTypeError
        If the tensor does not hold floats, or `unbiased` or `keepdim` is not a bool.
    """
    if isinstance(dim, bool):
        return var(input, None, dim, keepdim, correction=correction)
    if not isinstance(unbiased, bool):
        raise DTypeError(f"var: unbiased must be a bool, got {unbiased!r}; name the argument, as in correction=0")
    correction = int(unbiased) if correction is None else correction
    if input.dtype.kind == "c":  # Σ |x - mean|²
        parts = (var(part, dim, keepdim=keepdim, correction=correction) for part in (input.real, input.imag))
        return add(*parts)
    require_kind("var", input.dtype, "f", "floats")
    axes = axes_of("var", dim, input.ndim, keepdim)
    if len(axes) == input.ndim:  # over all axes: one pass, without an array of squares
        total = _reshape(_squared_distance.sum(input, mean(input)), shape=(1,) * input.ndim if keepdim else ())
    else:
        total = _sum(square(sub(input, mean(input, axes or None, keepdim=True))), axes=axes, keepdim=keepdim)
    return div(total, builtins.max(product(input.shape[a] for a in axes) - correction, 0))


@fuse
def _squared_distance(x: Tensor, mean: Tensor) -> Tensor:
    return square(sub(x, mean))


@numpy_names
def std(
    input: Tensor,
    dim: bool | Dims = None,
    unbiased: bool = True,
    keepdim: bool = False,
    *,
    correction: int | None = None,
) -> Tensor:
    """Return the standard deviation, the square root of `var`; the gradient is 0 where it is 0."""
    return _sqrt_zero_grad(var(input, dim, unbiased, keepdim, correction=correction))


def norm(
    input: Tensor, p: float | str = "fro", dim: Dims = None, keepdim: bool = False, *, dtype: DType | None = None
) -> Tensor:
    """Return the p-norm (Σ |x|ᵖ)^(1/p) along axes, or the largest |x| for p = inf; the gradient at 0 is 0.

    For p = -inf, it is the smallest |x|, and for p = 0 the number of elements that are not 0. p = "fro", the Frobenius
    norm, is p = 2. With `dtype`, the elements are converted first.

    Raises
    ------
    ArgumentError
        If p is neither a number nor "fro".

    Examples
    --------
    >>> import minicnn
    >>> norm(minicnn.tensor([3.0, 4.0])).item()
    5.0
    """
    p = 2 if p == "fro" else p
    if not isinstance(p, int | float) or p != p:
        raise ArgumentError(f"norm: p must be a number or 'fro', got {p!r}")
    input = as_float(input) if dtype is None else cast(input, DType(dtype))
    input = input.abs() if input.dtype.kind == "c" else input
    if p == 2:
        return _sqrt_zero_grad(_square.sum(input) if dim is None and not keepdim else sum(square(input), dim, keepdim))
    if p in (float("inf"), float("-inf")):
        return (amax if p > 0 else amin)(input.abs(), dim, keepdim)
    if p == 0:
        return sum(cast(ne(input, 0), input.dtype), dim, keepdim)
    total = sum(input.abs() ** p, dim, keepdim)
    zero = eq(total, 0)
    return masked_fill(masked_fill(total, zero, 1.0) ** (1 / p), zero, 0.0)  # the gradient at 0 is 0


@fuse
def _square(x: Tensor) -> Tensor:
    return square(x)


def _sqrt_zero_grad(x: Tensor) -> Tensor:
    """Return √x, with gradient 0 where x is 0."""
    zero = eq(x, 0)
    return masked_fill(sqrt(masked_fill(x, zero, 1.0)), zero, 0.0)


def _require_nonempty(call: str, x: Tensor, axes: tuple[int, ...]) -> None:
    if builtins.any(x.shape[a] == 0 for a in axes):
        raise ShapeError(f"{call}: a reduced axis must not have size 0, the tensor is {x.shape}")


@numpy_names
def amax(input: Tensor, dim: Dims = (), keepdim: bool = False) -> Tensor:
    """Return the largest element along axes; equal elements share the gradient.

    Raises
    ------
    ShapeError
        If a reduced axis has size 0.
    """
    axes = axes_of("amax", dim, input.ndim, keepdim)
    _require_nonempty("amax", input, axes)
    return _amax(input, axes=axes, keepdim=keepdim)


@numpy_names
def amin(input: Tensor, dim: Dims = (), keepdim: bool = False) -> Tensor:
    """Return the smallest element along axes; equal elements share the gradient.

    Raises
    ------
    ShapeError
        If a reduced axis has size 0.
    """
    axes = axes_of("amin", dim, input.ndim, keepdim)
    _require_nonempty("amin", input, axes)
    return _amin(input, axes=axes, keepdim=keepdim)


def _winner(call: str, winner: Primitive[Tensor], input: Tensor, dim: int | None, keepdim: bool) -> Tensor:
    """Return the index of an extremum along an axis, or in the flattened tensor."""
    axes = axes_of(call, dim, input.ndim, keepdim)
    _require_nonempty(call, input, axes)
    return winner(input, axis=None if dim is None or not axes else axes[0], keepdim=keepdim)


@numpy_names
def argmax(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """Return the index of the first largest element along an axis; without `dim`, the index in the flattened tensor.

    Raises
    ------
    ShapeError
        If a reduced axis has size 0.
    DTypeError
        For bool tensors.
    """
    require_kind("argmax", input.dtype, "iuf", "numbers")
    return _winner("argmax", _argmax, input, dim, keepdim)


@numpy_names
def argmin(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """Return the index of the first smallest element along an axis; without `dim`, the index in the flattened tensor.

    Raises
    ------
    ShapeError
        If a reduced axis has size 0.
    DTypeError
        For bool tensors.
    """
    require_kind("argmin", input.dtype, "iuf", "numbers")
    return _winner("argmin", _argmin, input, dim, keepdim)


@numpy_names
def max(
    input: Tensor, dim: int | Tensor | None = None, keepdim: bool = False, *, other: Tensor | None = None
) -> Tensor | MaxResult:
    """Return the largest element of the tensor; with `dim`, the largest along this axis and its first index.

    With a second tensor, `dim` or `other`, return the larger of the two, element by element.

    Without `dim`, equal elements share the gradient. With `dim`, only the element at the index gets it.

    Raises
    ------
    ShapeError
        If a reduced axis has size 0.

    Examples
    --------
    >>> import minicnn
    >>> values, indices = max(minicnn.tensor([[1, 5], [7, 2]]), dim=1)
    >>> values.tolist(), indices.tolist()
    ([5, 7], [1, 0])
    """
    check_keepdim("max", keepdim)
    if isinstance(dim, Tensor) or other is not None:
        return maximum(input, dim if isinstance(dim, Tensor) else other)
    if dim is None:
        return amax(input)
    axis = axis_of("max", dim, input.ndim)
    return _gather_result(input, _winner("max", _argmax, input, axis, True), axis, keepdim)


@numpy_names
def min(
    input: Tensor, dim: int | Tensor | None = None, keepdim: bool = False, *, other: Tensor | None = None
) -> Tensor | MaxResult:
    """Return the smallest element of the tensor; with `dim`, the smallest along this axis and its first index.

    With a second tensor, `dim` or `other`, return the smaller of the two, element by element.

    Without `dim`, equal elements share the gradient. With `dim`, only the element at the index gets it.

    Raises
    ------
    ShapeError
        If a reduced axis has size 0.
    """
    check_keepdim("min", keepdim)
    if isinstance(dim, Tensor) or other is not None:
        return minimum(input, dim if isinstance(dim, Tensor) else other)
    if dim is None:
        return amin(input)
    axis = axis_of("min", dim, input.ndim)
    return _gather_result(input, _winner("min", _argmin, input, axis, True), axis, keepdim)


def _gather_result(x: Tensor, index: Tensor, dim: int, keepdim: bool) -> MaxResult:
    values = gather(x, dim, index)
    return MaxResult(values, index) if keepdim else MaxResult(values.squeeze(dim), index.squeeze(dim))


@numpy_names
def prod(input: Tensor, dim: Dims = None, keepdim: bool = False, *, dtype: DType | None = None) -> Tensor:
    """Return the product along axes; bools and integers give int64. The gradient is exact if elements are zero.

    With `dtype`, the elements are converted first.
    """
    return _prod(_accumulator(input, dtype), axes=axes_of("prod", dim, input.ndim, keepdim), keepdim=keepdim)


@numpy_names
def all(input: Tensor, dim: Dims = None, keepdim: bool = False) -> Tensor:
    """Return whether all elements along axes are nonzero, as a bool tensor (as uint8 for uint8)."""
    out = _all(input, axes=named_axes("all", dim, input.ndim, keepdim), keepdim=keepdim)
    return cast(out, uint8) if input.dtype == uint8 else out


@numpy_names
def any(input: Tensor, dim: Dims = None, keepdim: bool = False) -> Tensor:
    """Return whether at least one element along axes is nonzero, as a bool tensor (as uint8 for uint8)."""
    out = _any(input, axes=named_axes("any", dim, input.ndim, keepdim), keepdim=keepdim)
    return cast(out, uint8) if input.dtype == uint8 else out


@numpy_names
def logsumexp(input: Tensor, dim: Dims, keepdim: bool = False) -> Tensor:
    """Return log Σ eˣ along axes, without overflow; bools and integers give the default float type.

    Of complex numbers, the angle of the result is in [-π, π].
    """
    input = as_float(input)
    axes = axes_of("logsumexp", dim, input.ndim, keepdim)
    if builtins.any(input.shape[a] == 0 for a in axes):
        return log(sum(exp(input), axes, keepdim))  # log 0
    maximum = amax(input.detach().real if input.dtype.kind == "c" else input.detach(), axes, keepdim=True)
    maximum = masked_fill(maximum, ~maximum.isfinite(), 0.0)
    out = log(sum(exp(sub(input, maximum)), axes, keepdim=True)) + maximum
    return out if keepdim else squeeze(out, axes)
