"""Order statistics: sort, the largest k, medians, quantiles.

An array module sorts the numbers; the values are then taken with `gather`, which has the gradient. NaN counts as the
largest number. Elements that are equal keep their order, so the index of a tie is the first one.
"""

from math import prod
from typing import Any

from minicnn.autograd.tensor import Tensor
from minicnn.dtypes import int64
from minicnn.errors import ArgumentError, DTypeError, ShapeError
from minicnn.ops.arithmetic import lerp
from minicnn.ops.arrangement import movedim
from minicnn.ops.axes import axis_of, check_keepdim, numpy_names
from minicnn.ops.comparison import eq, isfinite, isnan, logical_and, where
from minicnn.ops.create import as_tensor
from minicnn.ops.elementwise import add, ceil, div, floor, mul, round, sub
from minicnn.ops.indexing import _index
from minicnn.ops.masks import masked_fill
from minicnn.ops.operands import require_kind
from minicnn.ops.reduce import MaxResult, sum
from minicnn.ops.scans import _running
from minicnn.ops.scatter import gather
from minicnn.ops.shape import broadcast_to, cast, reshape, squeeze
from minicnn.runtime.devices import xp

__all__ = ["argsort", "kthvalue", "median", "mode", "msort", "nanmedian", "nanquantile", "quantile", "sort", "topk"]


def _order(x: Tensor, axis: int, descending: bool = False) -> Tensor:
    """Return the indices that sort along an axis; equal elements keep their order, also in descending order."""
    require_kind("sort", x.dtype, "biuf", "real numbers: complex numbers have no order")
    a, m = x.array, xp(x.array)
    if not a.ndim:
        return Tensor._wrap(m.zeros((), int64), x.device)
    if not descending:
        return Tensor._wrap(m.argsort(a, axis=axis, kind="stable"), x.device)
    backwards = m.flip(m.argsort(m.flip(a, axis), axis=axis, kind="stable"), axis)
    return Tensor._wrap(m.subtract(a.shape[axis] - 1, backwards), x.device)


def _taken(x: Tensor, axis: int, order: Tensor) -> MaxResult:
    return MaxResult(gather(x, axis, order), order)


@numpy_names
def argsort(input: Tensor, dim: int = -1, descending: bool = False, *, stable: bool = False) -> Tensor:
    """Return the indices that sort along an axis. The order is always stable.

    Examples
    --------
    >>> import minicnn
    >>> argsort(minicnn.tensor([3, 1, 2])).tolist()
    [1, 2, 0]
    """
    return _order(input, axis_of("argsort", dim, input.ndim), descending)


@numpy_names
def sort(input: Tensor, dim: int = -1, descending: bool = False, *, stable: bool | None = None) -> MaxResult:
    """Return the sorted elements along an axis, and their indices. The order is always stable; NaN is the largest.

    Examples
    --------
    >>> import minicnn
    >>> values, indices = sort(minicnn.tensor([3, 1, 2]), descending=True)
    >>> values.tolist(), indices.tolist()
    ([3, 2, 1], [0, 2, 1])
    """
    axis = axis_of("sort", dim, input.ndim)
    return _taken(input, axis, _order(input, axis, descending))


def msort(input: Tensor) -> Tensor:
    """Return the sorted elements along the first axis."""
    return sort(input, 0).values


@numpy_names
def topk(input: Tensor, k: int, dim: int = -1, largest: bool = True, sorted: bool = True) -> MaxResult:
    """Return the k largest elements along an axis, or the k smallest, and their indices; they are always sorted.

    Raises
    ------
    ArgumentError
        If the axis has fewer than k elements.
    DTypeError
        For bools.

    Examples
    --------
    >>> import minicnn
    >>> topk(minicnn.tensor([3, 1, 2]), 2).values.tolist()
    [3, 2]
    """
    axis = axis_of("topk", dim, input.ndim)
    require_kind("topk", input.dtype, "iuf", "numbers")
    n = input.shape[axis] if input.ndim else 1
    if not 0 <= k <= n:
        raise ArgumentError(f"topk: k must be from 0 to {n}, the size of dim={dim}, got {k}")
    if not input.ndim:
        return _taken(input, axis, _order(input, axis, largest))
    return _taken(input, axis, _first(input, axis, k, largest))


def _first(x: Tensor, axis: int, k: int, largest: bool) -> Tensor:
    """Return the indices of the k largest (or smallest) elements in their order, without sorting the others."""
    n, m, part = x.shape[axis], x.device.xp, (slice(None),) * axis
    if not 0 < 4 * k < n:
        return _index(_order(x, axis, largest), index=(*part, slice(k)))
    found = m.argpartition(x.array, n - k if largest else k - 1, axis=axis)
    found = m.sort(found[(*part, slice(n - k, n) if largest else slice(k))], axis=axis)
    candidates = Tensor._wrap(m.take_along_axis(x.array, found, axis), x.device)
    return Tensor._wrap(m.take_along_axis(found, _order(candidates, axis, largest).array, axis), x.device)


def _nonempty(call: str, input: Tensor, axis: int) -> int:
    """Return the size of an axis, which must not be 0."""
    n = input.shape[axis] if input.ndim else 1
    if not n:
        raise ShapeError(f"{call}: the axis dim={axis} must not have size 0, the tensor is {input.shape}")
    return n


def _pick(input: Tensor, axis: int, order: Tensor, place: Any, keepdim: bool) -> MaxResult:
    """Return the element at one place of the sorted axis; `place` may be a tensor that has size 1 there."""
    if input.ndim:
        if not isinstance(place, Tensor):
            shape = (*input.shape[:axis], 1, *input.shape[axis + 1 :])
            place = Tensor._wrap(input.device.xp.full(shape, place, int64), input.device)
        order = gather(order, axis, place)
    values = gather(input, axis, order)
    return MaxResult(values, order) if keepdim else MaxResult(squeeze(values, axis), squeeze(order, axis))


@numpy_names
def kthvalue(input: Tensor, k: int, dim: int = -1, keepdim: bool = False) -> MaxResult:
    """Return the k-th smallest element along an axis, counted from 1, and its index.

    Raises
    ------
    ArgumentError
        If the axis has fewer than k elements, or k is below 1.
    DTypeError
        For bools.
    """
    check_keepdim("kthvalue", keepdim)
    axis = axis_of("kthvalue", dim, input.ndim)
    require_kind("kthvalue", input.dtype, "iuf", "numbers")
    n = input.shape[axis] if input.ndim else 1
    if not 1 <= k <= n:
        raise ArgumentError(f"kthvalue: k must be from 1 to {n}, the size of dim={dim}, got {k}")
    return _pick(input, axis, _order(input, axis), k - 1, keepdim)


@numpy_names
def median(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Any:
    """Return the median of all elements; with `dim`, the median along this axis and its index.

    Of an even number of elements, it is the lower of the two in the middle; with a NaN, it is NaN. Without `dim`,
    elements that are equal to it share the gradient.

    Raises
    ------
    ShapeError
        If the axis has size 0.
    DTypeError
        For bools.

    Examples
    --------
    >>> import minicnn
    >>> median(minicnn.tensor([4.0, 1.0, 3.0, 2.0])).item()
    2.0
    """
    return _median("median", input, dim, keepdim, ignore_nan=False)


@numpy_names
def nanmedian(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Any:
    """Return the median as `median` does, but of the elements that are not NaN.

    Raises
    ------
    ShapeError
        If the axis has size 0.
    DTypeError
        For bools.
    """
    return _median("nanmedian", input, dim, keepdim, ignore_nan=True)


def _median(call: str, input: Tensor, dim: int | None, keepdim: bool, ignore_nan: bool) -> Any:
    check_keepdim(call, keepdim)
    if input.dtype.kind == "b":
        raise DTypeError(f"{call}: bools have no median; convert with .int()")
    if dim is None:
        flat = reshape(input, prod(input.shape))
        if not flat.array.size:
            return input.new_tensor(float("nan") if input.dtype.kind == "f" else 0)
        value = _median(call, flat.detach(), 0, False, ignore_nan).values
        if not input.requires_grad:
            return value
        equal = cast(logical_and(eq(flat, value), isfinite(flat)), input.dtype)
        zero = masked_fill(sub(flat, flat.detach()), ~isfinite(flat), 0.0)  # it brings the gradient
        return add(value, div(sum(mul(zero, equal)), sum(equal).clamp(min=1)))
    axis = axis_of(call, dim, input.ndim)
    n = _nonempty(call, input, axis)
    order = _order(input, axis)
    place: Any = (n - 1) // 2
    if input.dtype.kind == "f" and input.ndim:
        nans = sum(isnan(input), axis, keepdim=True)
        if ignore_nan:
            place = ((n - nans - 1) // 2).clamp(min=0)
        else:  # the first NaN
            place = where(eq(nans, 0), place, n - nans)
    return _pick(input, axis, order, place, keepdim)


@numpy_names
def mode(input: Tensor, dim: int = -1, keepdim: bool = False) -> MaxResult:
    """Return the most frequent element along an axis, the smallest of several, and the index where it is last.

    Raises
    ------
    ShapeError
        If the axis has size 0.
    """
    check_keepdim("mode", keepdim)
    axis = axis_of("mode", dim, input.ndim)
    n = _nonempty("mode", input, axis)
    order = _order(input, axis)
    if not input.ndim:
        return _pick(input, axis, order, 0, keepdim)
    m = input.device.xp
    a = m.take_along_axis(input.array, order.array, axis)
    a = a.swapaxes(axis, -1)
    place = m.arange(n)
    starts = m.concatenate([m.ones((*a.shape[:-1], 1), bool), a[..., 1:] != a[..., :-1]], -1)
    run = place - _running(m.maximum, m.where(starts, place, 0))  # how many equal elements are before this one
    last = run.argmax(-1, keepdims=True).swapaxes(axis, -1)
    return _pick(input, axis, order, Tensor._wrap(last, input.device), keepdim)


INTERPOLATIONS = ("linear", "lower", "higher", "midpoint", "nearest")


@numpy_names
def quantile(
    input: Tensor, q: Any, dim: int | None = None, keepdim: bool = False, *, interpolation: str = "linear"
) -> Tensor:
    """Return the q-quantiles along an axis, or of all elements: the numbers at q (n - 1) of n sorted elements.

    Parameters
    ----------
    input : Tensor
        float32 or float64.
    q : float or Tensor
        Numbers in [0, 1]. A vector adds a first axis to the result.
    dim : int, optional
    keepdim : bool
    interpolation : {"linear", "lower", "higher", "midpoint", "nearest"}
        What counts between two elements.

    Raises
    ------
    DTypeError
        If the tensor does not hold floats, or q holds others.
    ArgumentError
        If a number of q is not in [0, 1], or the interpolation is unknown.
    ShapeError
        If the tensor is empty, or q has more than one axis.

    Examples
    --------
    >>> import minicnn
    >>> quantile(minicnn.tensor([1.0, 2.0, 4.0]), 0.75).item()
    3.0
    """
    return _quantile("quantile", input, q, dim, keepdim, interpolation, ignore_nan=False)


@numpy_names
def nanquantile(
    input: Tensor, q: Any, dim: int | None = None, keepdim: bool = False, *, interpolation: str = "linear"
) -> Tensor:
    """Return quantiles as `quantile` does, but of the elements that are not NaN; errors as in `quantile`."""
    return _quantile("nanquantile", input, q, dim, keepdim, interpolation, ignore_nan=True)


def _quantile(
    call: str, input: Tensor, q: Any, dim: int | None, keepdim: bool, interpolation: str, ignore_nan: bool
) -> Tensor:
    check_keepdim(call, keepdim)
    if input.dtype.kind != "f" or (isinstance(q, Tensor) and q.dtype != input.dtype):
        got = f"{input.dtype} and q of {q.dtype}" if isinstance(q, Tensor) else f"{input.dtype}"
        raise DTypeError(f"{call}: expected a tensor of floats, and q of the same type, got {got}")
    if interpolation not in INTERPOLATIONS:
        raise ArgumentError(f"{call}: interpolation must be one of {', '.join(INTERPOLATIONS)}, got {interpolation!r}")
    q = as_tensor(q, input.dtype, input.device)
    if q.ndim > 1:
        raise ShapeError(f"{call}: q must be a number or a vector, got {q.shape}")
    if q.array.size and not bool(((q >= 0) & (q <= 1)).all()):
        raise ArgumentError(f"{call}: q must be in [0, 1], got {q.tolist()}")
    if not input.array.size:
        raise ShapeError(f"{call}: the tensor must not be empty, it is {input.shape}")
    axis = 0 if dim is None else axis_of(call, dim, input.ndim)
    x = reshape(input, prod(input.shape)) if dim is None or not input.ndim else input
    n = x.shape[axis]
    x = movedim(x, axis, -1)
    ordered = gather(x, -1, _order(x, x.ndim - 1))
    nans = sum(isnan(x), -1, keepdim=True)
    if ignore_nan:
        rank = mul(cast((n - nans - 1).clamp(min=0), x.dtype), q)
    else:
        rank = masked_fill(broadcast_to(mul(q, n - 1), (*x.shape[:-1], q.array.size)), nans > 0, n - 1)
    rank = reshape(rank, (*x.shape[:-1], q.array.size))
    if interpolation in ("lower", "higher", "nearest"):
        out = gather(ordered, -1, {"lower": floor, "higher": ceil, "nearest": round}[interpolation](rank).long())
    else:
        below, above = gather(ordered, -1, floor(rank).long()), gather(ordered, -1, ceil(rank).long())
        out = lerp(below, above, 0.5 if interpolation == "midpoint" else sub(rank, floor(rank)))
    out = movedim(out, -1, 0)
    if keepdim:
        kept = (1,) * input.ndim if dim is None else (*input.shape[:axis], 1, *input.shape[axis + 1 :])
        out = reshape(out, (q.array.size, *(kept if input.ndim else ())))
    return out if q.ndim else reshape(out, out.shape[1:])
