"""Primitives that combine the elements along axes, and what is built from them."""

import builtins
from collections.abc import Sequence
from math import prod as product
from typing import NamedTuple

from minicnn.autograd.primitive import primitive
from minicnn.autograd.tensor import Tensor
from minicnn.dtypes import int64
from minicnn.errors import ArgumentError, DTypeError, ShapeError
from minicnn.ops import create
from minicnn.ops.axes import axes_of, axis_of
from minicnn.ops.comparison import eq
from minicnn.ops.elementwise import div, exp, log, mul, sqrt, square, sub
from minicnn.ops.fuse import fuse
from minicnn.ops.indexing import gather
from minicnn.ops.shape import _reshape, _spread, _sum, as_float, cast, flip, squeeze
from minicnn.runtime.devices import Array, xp

__all__ = [
    "MaxResult",
    "all",
    "amax",
    "amin",
    "any",
    "argmax",
    "argmin",
    "cumsum",
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
    """What `max` and `min` along one axis return."""

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


@primitive
def _cumsum(x: Array, *, axis: int) -> Array:
    return xp(x).cumsum(x, axis=axis) if x.ndim else x.copy()


def _share(g: Tensor, x: Tensor, y: Tensor, axes: tuple[int, ...]) -> Tensor:
    """Divide the gradient of an extremum equally among the elements that reach it."""
    hit = cast(eq(x, _spread(y.detach(), x.shape, axes)), x.dtype)
    return mul(_spread(div(g, _reshape(_sum(hit, axes=axes, keepdim=False), shape=g.shape)), x.shape, axes), hit)


def _others(x: Tensor, axes: tuple[int, ...]) -> Tensor:
    """For each element the product of the others along the axes, without dividing, so that zeros are exact."""
    kept = [i for i in range(x.ndim) if i not in axes]
    order = (*kept, *axes)
    n = product(x.shape[i] for i in axes)
    rows = x.permute(order).reshape(*(x.shape[i] for i in kept), n)
    table = rows.unsqueeze(-2).expand(*rows.shape[:-1], n, n)
    eye = create.eye(n, dtype=x.dtype, device=x.device)
    others = _prod(table * (1 - eye) + eye, axes=(table.ndim - 1,), keepdim=False)
    back = sorted(range(x.ndim), key=lambda i: order[i])
    return others.reshape(tuple(x.shape[i] for i in order)).permute(back)


_amax.gradient(x=lambda grad, x, y, axes: _share(grad, x, y, axes))
_amin.gradient(x=lambda grad, x, y, axes: _share(grad, x, y, axes))
_prod.gradient(x=lambda grad, x, axes: mul(_spread(grad, x.shape, axes), _others(x, axes)))
_cumsum.gradient(x=lambda grad, axis: flip(_cumsum(flip(grad, axis), axis=axis), axis))


def _countable(x: Tensor) -> Tensor:
    """Return floats as they are, bools and integers as int64, so that many of them can be combined."""
    return x if x.dtype.kind == "f" else cast(x, int64)


def sum(x: Tensor, dim: Dims = None, keepdim: bool = False) -> Tensor:
    """Add up along axes, all of them if `dim` is left out; bools and integers give int64."""
    return _sum(_countable(x), axes=axes_of("sum", dim, x.ndim), keepdim=keepdim)


def mean(x: Tensor, dim: Dims = None, keepdim: bool = False) -> Tensor:
    """Return the arithmetic mean along axes.

    Raises
    ------
    DTypeError
        For integer tensors.
    """
    if x.dtype.kind != "f":
        raise DTypeError(f"mean: the tensor holds {x.dtype}; convert it with .float() first")
    axes = axes_of("mean", dim, x.ndim)
    return div(_sum(x, axes=axes, keepdim=keepdim), product(x.shape[a] for a in axes))


def var(x: Tensor, dim: Dims = None, correction: int = 1, keepdim: bool = False) -> Tensor:
    """Return Σ (x - mean)² / (n - correction) along axes."""
    x = as_float(x)
    axes = axes_of("var", dim, x.ndim)
    if len(axes) == x.ndim:  # one number, so that nothing need be written
        total = _reshape(_squared_distance.sum(x, mean(x)), shape=(1,) * x.ndim if keepdim else ())
    else:
        total = _sum(square(sub(x, mean(x, axes or None, keepdim=True))), axes=axes, keepdim=keepdim)
    return div(total, builtins.max(product(x.shape[a] for a in axes) - correction, 0))


@fuse
def _squared_distance(x: Tensor, mean: Tensor) -> Tensor:
    return square(sub(x, mean))


def std(x: Tensor, dim: Dims = None, correction: int = 1, keepdim: bool = False) -> Tensor:
    """Return the square root of the variance; where that is 0, so is the gradient."""
    return _root(var(x, dim, correction, keepdim))


def norm(x: Tensor, p: float = 2, dim: Dims = None, keepdim: bool = False) -> Tensor:
    """Return (Σ |x|ᵖ)^(1/p) along axes, or the largest |x| for p = inf; the gradient at 0 is 0.

    Raises
    ------
    ArgumentError
        If p is not a number above 0.
    """
    if not isinstance(p, int | float) or not p > 0:
        raise ArgumentError(f"norm: p must be a number above 0, got {p!r}")
    x = as_float(x)
    if p == 2:
        return _root(_square.sum(x) if dim is None and not keepdim else sum(square(x), dim, keepdim))
    if p == float("inf"):
        return amax(x.abs(), dim, keepdim)
    return sum(x.abs() ** p, dim, keepdim) ** (1 / p)


@fuse
def _square(x: Tensor) -> Tensor:
    return square(x)


def _root(x: Tensor) -> Tensor:
    """√x, with the gradient 0 where x is 0."""
    zero = eq(x, 0)
    return sqrt(x.masked_fill(zero, 1.0)).masked_fill(zero, 0.0)


def _not_empty(call: str, x: Tensor, axes: tuple[int, ...]) -> None:
    if builtins.any(x.shape[a] == 0 for a in axes):
        raise ShapeError(f"{call}: there is nothing to choose from along an axis of size 0; the tensor is {x.shape}")


def amax(x: Tensor, dim: Dims = None, keepdim: bool = False) -> Tensor:
    """Return the largest element along axes; equal ones share the gradient."""
    axes = axes_of("amax", dim, x.ndim)
    _not_empty("amax", x, axes)
    return _amax(x, axes=axes, keepdim=keepdim)


def amin(x: Tensor, dim: Dims = None, keepdim: bool = False) -> Tensor:
    """Return the smallest element along axes; equal ones share the gradient."""
    axes = axes_of("amin", dim, x.ndim)
    _not_empty("amin", x, axes)
    return _amin(x, axes=axes, keepdim=keepdim)


def argmax(x: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """Return the index of the first largest element along an axis, or of all elements in row-major order."""
    axes = axes_of("argmax", dim, x.ndim)
    _not_empty("argmax", x, axes)
    return _argmax(x, axis=None if dim is None or not axes else axes[0], keepdim=keepdim)


def argmin(x: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """Return the index of the first smallest element along an axis, or of all elements in row-major order."""
    axes = axes_of("argmin", dim, x.ndim)
    _not_empty("argmin", x, axes)
    return _argmin(x, axis=None if dim is None or not axes else axes[0], keepdim=keepdim)


def max(x: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor | MaxResult:
    """Return the largest element; along one axis, with the index of the first one, which alone gets the gradient."""
    if dim is None:
        return amax(x)
    axis = axis_of("max", dim, x.ndim)
    return _pick(x, argmax(x, axis, keepdim=True), axis, keepdim)


def min(x: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor | MaxResult:
    """Return the smallest element; along one axis, with the index of the first one, which alone gets the gradient."""
    if dim is None:
        return amin(x)
    axis = axis_of("min", dim, x.ndim)
    return _pick(x, argmin(x, axis, keepdim=True), axis, keepdim)


def _pick(x: Tensor, index: Tensor, dim: int, keepdim: bool) -> MaxResult:
    values = gather(x, dim, index)
    return MaxResult(values, index) if keepdim else MaxResult(values.squeeze(dim), index.squeeze(dim))


def prod(x: Tensor, dim: Dims = None, keepdim: bool = False) -> Tensor:
    """Multiply along axes; the gradient is exact where elements are zero; bools and integers give int64."""
    return _prod(_countable(x), axes=axes_of("prod", dim, x.ndim), keepdim=keepdim)


def all(x: Tensor, dim: Dims = None, keepdim: bool = False) -> Tensor:
    """Return whether every element is not 0."""
    return _all(x, axes=axes_of("all", dim, x.ndim), keepdim=keepdim)


def any(x: Tensor, dim: Dims = None, keepdim: bool = False) -> Tensor:
    """Return whether an element is not 0."""
    return _any(x, axes=axes_of("any", dim, x.ndim), keepdim=keepdim)


def cumsum(x: Tensor, dim: int) -> Tensor:
    """Return the running sum along an axis; bools and integers give int64."""
    return _cumsum(_countable(x), axis=axis_of("cumsum", dim, x.ndim))


def logsumexp(x: Tensor, dim: Dims, keepdim: bool = False) -> Tensor:
    """Return log Σ eˣ along axes without overflow."""
    x = as_float(x)
    axes = axes_of("logsumexp", dim, x.ndim)
    top = amax(x.detach(), axes, keepdim=True)
    top = top.masked_fill(~top.isfinite(), 0.0)
    out = log(sum(exp(sub(x, top)), axes, keepdim=True)) + top
    return out if keepdim else squeeze(out, axes)
