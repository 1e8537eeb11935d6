"""Cumulative sums, products, extrema and logarithms of sums along an axis, and differences.

The gradient of a cumulative product needs no division, so it is exact if elements are zero. For y = cumprod(x),

    grad_x[i] = y[i-1] s[i],      s[i] = grad[i] + x[i+1] s[i+1],

which is a linear recurrence. The gradients of a linear recurrence are linear recurrences in the other direction.
"""

from typing import Any

import numpy as np

from minicnn.autograd.primitive import primitive
from minicnn.autograd.tensor import Tensor
from minicnn.dtypes import DType, float32, float64, int64
from minicnn.errors import ArgumentError, ShapeError
from minicnn.ops.axes import axis_of, numpy_names
from minicnn.ops.comparison import ne
from minicnn.ops.elementary import logaddexp
from minicnn.ops.elementwise import mul, sub
from minicnn.ops.indexing import _cat, _index, cat
from minicnn.ops.operands import require_kind
from minicnn.ops.scatter import gather
from minicnn.ops.shape import _expand_reduced, _reshape, cast, flip
from minicnn.runtime.devices import Array, xp

__all__ = ["cumprod", "cumsum", "diff", "logcumsumexp"]


def _accumulator(x: Tensor, dtype: DType | None = None) -> Tensor:
    """Convert to an element type; by default bools and integers to int64, so that sums do not overflow."""
    if dtype is not None:
        return cast(x, DType(dtype))
    return x if x.dtype.kind in "fc" else cast(x, int64)


@primitive
def _cumsum(x: Array, *, axis: int) -> Array:
    """Return the cumulative sum; float32 is added in float64, because the running sum is much larger than its terms."""
    if not x.ndim:
        return x.copy()
    return xp(x).cumsum(x, axis=axis, dtype=float64 if x.dtype == float32 else x.dtype).astype(x.dtype, copy=False)


@primitive
def _cumprod(x: Array, *, axis: int) -> Array:
    if not x.ndim:
        return x.copy()
    return xp(x).cumprod(x, axis=axis, dtype=float64 if x.dtype == float32 else x.dtype).astype(x.dtype, copy=False)


@primitive
def _recurrence(g: Array, f: Array, *, axis: int) -> Array:
    """Return s with s[i] = g[i] + f[i] s[i-1], in log2(n) steps that double the reach of each element."""
    s, f = g.swapaxes(0, axis).copy(), f.swapaxes(0, axis).copy()
    reach = 1
    while reach < len(s):
        s[reach:] = s[reach:] + f[reach:] * s[:-reach]
        f[reach:] = f[reach:] * f[:-reach]
        reach *= 2
    return s.swapaxes(0, axis)


def _at(axis: int, part: slice) -> tuple[slice, ...]:
    return (slice(None),) * axis + (part,)


def _shifted(x: Tensor, axis: int, first: float) -> Tensor:
    """Return the elements moved to the next index along an axis; the first one becomes a constant."""
    if not x.shape[axis]:
        return x
    shape = (*x.shape[:axis], 1, *x.shape[axis + 1 :])
    start = Tensor._wrap(x.device.xp.full(shape, first, x.dtype), x.device)
    return _cat(start, _index(x, index=_at(axis, slice(0, -1))), axis=axis)


def _adjoint(grad: Tensor, f: Tensor, axis: int) -> Tensor:
    """Return the recurrence in the other direction, a[i] = grad[i] + f[i+1] a[i+1]."""
    return flip(_recurrence(flip(grad, axis), _shifted(flip(f, axis), axis, 0.0), axis=axis), axis)


def _cumprod_grad(grad: Tensor, x: Tensor, y: Tensor, axis: int) -> Tensor:
    if not x.ndim:
        return grad
    return mul(_shifted(y, axis, 1.0), _adjoint(grad, x, axis))


for _operation in (_cumsum, _cumprod, _recurrence):
    _operation.takes_complex = True
_cumsum.gradient(x=lambda grad, axis: flip(_cumsum(flip(grad, axis), axis=axis), axis))
_cumprod.gradient(x=_cumprod_grad)
_recurrence.gradient(
    adjoint=lambda grad, f, axis: _adjoint(grad, f, axis),
    g=lambda adjoint: adjoint,
    f=lambda adjoint, y, axis: mul(adjoint, _shifted(y, axis, 0.0)),
)


@numpy_names
def cumsum(input: Tensor, dim: int, *, dtype: DType | None = None) -> Tensor:
    """Return the cumulative sum along an axis; bools and integers give int64.

    With `dtype`, the elements are converted first.
    """
    return _cumsum(_accumulator(input, dtype), axis=axis_of("cumsum", dim, input.ndim))


@numpy_names
def cumprod(input: Tensor, dim: int, *, dtype: DType | None = None) -> Tensor:
    """Return the cumulative product along an axis; bools and integers give int64.

    With `dtype`, the elements are converted first.

    Examples
    --------
    >>> import minicnn
    >>> cumprod(minicnn.tensor([1, 2, 3]), 0).tolist()
    [1, 2, 6]
    """
    return _cumprod(_accumulator(input, dtype), axis=axis_of("cumprod", dim, input.ndim))


@numpy_names
def logcumsumexp(input: Tensor, dim: int) -> Tensor:
    """Return the logarithm of the cumulative sum of eˣ along an axis, without overflow.

    Raises
    ------
    DTypeError
        If the tensor does not hold floats.
    """
    axis = axis_of("logcumsumexp", dim, input.ndim)
    require_kind("logcumsumexp", input.dtype, "f", "floats")
    y, reach = input, 1
    while input.ndim and reach < input.shape[axis]:  # each step doubles the number of terms
        first, last = _index(y, index=_at(axis, slice(reach))), _index(y, index=_at(axis, slice(reach, None)))
        before = _index(y, index=_at(axis, slice(0, -reach)))
        y = _cat(first, logaddexp(last, before), axis=axis)
        reach *= 2
    return y.clone() if y is input else y


def _running_extremum(x: Tensor, axis: int, largest: bool) -> tuple[Tensor, Tensor]:
    """Return the extremum of each element and the ones before it, and its index, the last of equal ones."""
    require_kind("cummax" if largest else "cummin", x.dtype, "biuf", "real numbers")
    if not x.ndim:
        return x.clone(), Tensor._wrap(x.device.xp.zeros((), int64), x.device)
    m, a = x.device.xp, x.array.swapaxes(axis, -1)
    values = _running(m.maximum if largest else m.minimum, a)
    new = (a == values) | (a != a)
    index = _running(m.maximum, m.where(new, m.arange(a.shape[-1]), 0)).swapaxes(axis, -1)
    order = Tensor._wrap(index, x.device)
    return gather(x, axis, order), order


def _running(function: Any, a: Array) -> Array:
    """Return the results of an extremum of each element and all before it, along the last axis, in log2(n) steps."""
    reach = 1
    while reach < a.shape[-1]:
        a = xp(a).concatenate([a[..., :reach], function(a[..., reach:], a[..., :-reach])], -1)
        reach *= 2
    return a


@numpy_names
def diff(
    input: Tensor, n: int = 1, dim: int = -1, prepend: Tensor | None = None, append: Tensor | None = None
) -> Tensor:
    """Return the differences of neighbours along an axis, n times; for bools, whether they differ.

    Parameters
    ----------
    input : Tensor
    n, dim : int
    prepend, append : Tensor, optional
        More elements before the first and behind the last, with the other sizes of input.

    Raises
    ------
    ShapeError
        If input has no axes.
    ArgumentError
        If n is negative.

    Examples
    --------
    >>> import minicnn
    >>> diff(minicnn.tensor([1, 4, 9, 16]), n=2).tolist()
    [2, 2]
    """
    if not input.ndim:
        raise ShapeError("diff: a tensor without axes has no differences")
    if n < 0:
        raise ArgumentError(f"diff: n must not be negative, got {n}")
    axis = axis_of("diff", dim, input.ndim)
    parts = [t for t in (prepend, input, append) if t is not None]
    x = input if len(parts) == 1 else cat(parts, axis)
    for _ in range(min(n, x.shape[axis])):
        after, before = _index(x, index=_at(axis, slice(1, None))), _index(x, index=_at(axis, slice(0, -1)))
        x = ne(after, before) if x.dtype.kind == "b" else sub(after, before)
    return x if n else x.clone()


def _product_of_others(x: Tensor, axes: tuple[int, ...]) -> Tensor:
    """Return for each element the product of the other elements along the axes, without a division (exact for 0)."""
    kept = [i for i in range(x.ndim) if i not in axes]
    order = (*kept, *axes)
    rows = _reshape(x.permute(order), shape=(*(x.shape[i] for i in kept), int(np.prod([x.shape[i] for i in axes]))))
    last = len(kept)
    before = _shifted(_cumprod(rows, axis=last), last, 1.0)
    after = flip(_shifted(_cumprod(flip(rows, last), axis=last), last, 1.0), last)
    back = sorted(range(x.ndim), key=lambda i: order[i])
    others: Tensor = _reshape(mul(before, after), shape=tuple(x.shape[i] for i in order)).permute(back)
    return others


def _prod_grad(grad: Tensor, x: Tensor, axes: tuple[int, ...]) -> Tensor:
    """Return the gradient of a product along axes."""
    return mul(_expand_reduced(grad, x.shape, axes), _product_of_others(x, axes))
