"""Reductions, scans and the search for extremes."""

from collections.abc import Callable
from typing import Any

import numpy as np

from minicnn.autograd.tensor import Tensor
from minicnn.dtypes import bool_, int64
from minicnn.onnx.registry import operator
from minicnn.onnx.values import axes_of, integers, number
from minicnn.ops.create import full, ones_like, zeros_like
from minicnn.ops.indexing import cat
from minicnn.ops.ranges import arange

__all__: list[str] = []

Axes = Tensor | tuple[int, ...] | None


def _lowest(dtype: Any, sign: int) -> float:
    """Return the least value of a type, or with sign -1 the greatest: the extreme of no elements."""
    if dtype == bool_:
        return sign < 0
    if dtype.kind == "f":
        return -sign * float("inf")
    return int(np.iinfo(dtype).min if sign > 0 else np.iinfo(dtype).max)


def _extreme(x: Tensor, axes: list[int], keepdims: bool, sign: int) -> Tensor:
    if 0 in (x.shape[axis] for axis in axes):
        sizes = [1 if i in axes else n for i, n in enumerate(x.shape) if keepdims or i not in axes]
        return full(sizes, _lowest(x.dtype, sign), dtype=x.dtype, device=x.device)
    return x.amax(axes, keepdims) if sign > 0 else x.amin(axes, keepdims)


def _log_sum_exp(x: Tensor, axes: list[int], keepdims: bool) -> Tensor:
    return x.logsumexp(axes, keepdims)


# Each takes the tensor, at least one axis, and whether these axes stay with size 1.
REDUCTIONS: dict[str, Callable[[Tensor, list[int], bool], Tensor]] = {
    "ReduceL1": lambda x, axes, keepdims: x.abs().sum(axes, keepdims, dtype=x.dtype),
    "ReduceL2": lambda x, axes, keepdims: (x * x).sum(axes, keepdims, dtype=x.dtype).sqrt().to(x.dtype),
    "ReduceLogSum": lambda x, axes, keepdims: x.sum(axes, keepdims).log(),
    "ReduceLogSumExp": _log_sum_exp,
    "ReduceMax": lambda x, axes, keepdims: _extreme(x, axes, keepdims, 1),
    "ReduceMean": lambda x, axes, keepdims: x.mean(axes, keepdims),
    "ReduceMin": lambda x, axes, keepdims: _extreme(x, axes, keepdims, -1),
    "ReduceProd": lambda x, axes, keepdims: x.prod(axes, keepdims, dtype=x.dtype),
    "ReduceSum": lambda x, axes, keepdims: x.sum(axes, keepdims, dtype=x.dtype),
    "ReduceSumSquare": lambda x, axes, keepdims: (x * x).sum(axes, keepdims, dtype=x.dtype),
}
# What the reduction does with each element: all that is left of it when it reduces no axis.
ELEMENTWISE: dict[str, Callable[[Tensor], Tensor]] = {
    "ReduceL1": Tensor.abs,
    "ReduceL2": Tensor.abs,
    "ReduceLogSum": Tensor.log,
    "ReduceSumSquare": Tensor.square,
}


def _reduction(name: str) -> Callable[..., Tensor]:
    reduce = REDUCTIONS[name]

    def call(x: Tensor, axes: Axes = None, *, keepdims: int = 1, noop_with_empty_axes: int = 0) -> Tensor:
        chosen = [] if axes is None else integers(axes)
        if not chosen and noop_with_empty_axes:
            return ELEMENTWISE[name](x) if name in ELEMENTWISE else x
        chosen = axes_of(chosen or None, x.ndim)
        return reduce(x, chosen, bool(keepdims)) if chosen else reduce(x.reshape(1), [0], False)

    call.__doc__ = f"ONNX's {name}: over all axes where none are given."
    return call


for _name in REDUCTIONS:
    operator(_name)(_reduction(_name))


# --- extremes and their places --------------------------------------------------------------------------------


@operator("ArgMax")
def _arg_max(x: Tensor, *, axis: int = 0, keepdims: int = 1, select_last_index: int = 0) -> Tensor:
    if not select_last_index:
        return x.argmax(axis, keepdim=bool(keepdims))
    return x.shape[axis] - 1 - x.flip(axis).argmax(axis, keepdim=bool(keepdims))


@operator("ArgMin")
def _arg_min(x: Tensor, *, axis: int = 0, keepdims: int = 1, select_last_index: int = 0) -> Tensor:
    if not select_last_index:
        return x.argmin(axis, keepdim=bool(keepdims))
    return x.shape[axis] - 1 - x.flip(axis).argmin(axis, keepdim=bool(keepdims))


@operator("TopK")
def _top_k(x: Tensor, k: Tensor | int, *, axis: int = -1, largest: int = 1, sorted: int = 1) -> tuple[Tensor, Tensor]:
    """Of equal elements the first comes first; the result is always sorted."""
    values, index = x.sort(axis, descending=bool(largest), stable=True)
    count = number(k)
    return values.narrow(axis, 0, count), index.narrow(axis, 0, count)


@operator("Unique")
def _unique(x: Tensor, *, axis: int | None = None, sorted: int = 1) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The different elements or slices, the place of the first of each, the number of each element, and the counts."""
    values, inverse, counts = x.unique(return_inverse=True, return_counts=True, dim=axis)
    inverse = inverse.reshape(-1)
    places = arange(inverse.shape[0], device=x.device)
    none = full((counts.shape[0],), inverse.shape[0], dtype=int64, device=x.device)
    first = none.scatter_reduce(0, inverse, places, "amin")
    if sorted:
        return values, first, inverse, counts
    order = first.argsort()  # by their first places
    return values.index_select(axis or 0, order), first[order], order.argsort()[inverse], counts[order]


# --- scans ----------------------------------------------------------------------------------------------------


def _scan(
    x: Tensor, axis: int, exclusive: int, reverse: int, scan: Callable[..., Tensor], neutral: Callable[[Tensor], Tensor]
) -> Tensor:
    x = x.flip(axis) if reverse else x
    if exclusive:
        x = cat([neutral(x.narrow(axis, 0, 1)), x.narrow(axis, 0, x.shape[axis] - 1)], axis)
    y = scan(x, axis, dtype=x.dtype)
    return y.flip(axis) if reverse else y


@operator("CumSum")
def _cum_sum(x: Tensor, axis: Tensor, *, exclusive: int = 0, reverse: int = 0) -> Tensor:
    return _scan(x, number(axis), exclusive, reverse, Tensor.cumsum, zeros_like)


@operator("CumProd")
def _cum_prod(x: Tensor, axis: Tensor, *, exclusive: int = 0, reverse: int = 0) -> Tensor:
    return _scan(x, number(axis), exclusive, reverse, Tensor.cumprod, ones_like)
