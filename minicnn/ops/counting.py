"""Counting and searching: unique elements, histograms, places in a sorted sequence. The results have no gradient.

All of it is computed by NumPy, on the host.
"""

from math import prod
from typing import Any

import numpy as np

from minicnn.autograd.tensor import Tensor
from minicnn.dtypes import DType, float32, float64, int32, int64
from minicnn.errors import ArgumentError, ShapeError
from minicnn.ops.axes import axis_of, numpy_names
from minicnn.ops.operands import require_kind
from minicnn.runtime.devices import Device, to_host

__all__ = ["bincount", "bucketize", "histc", "searchsorted", "unique", "unique_consecutive"]

Host = np.ndarray[Any, Any]


def _on(array: Any, device: Device) -> Tensor:
    return Tensor._of(device.array(np.asarray(array)), device=device)


# --- unique elements --------------------------------------------------------------------------------------------------


@numpy_names
def unique(
    input: Tensor,
    sorted: bool = True,
    return_inverse: bool = False,
    return_counts: bool = False,
    dim: int | None = None,
) -> Any:
    """Return the elements that differ, in sorted order; with `dim`, the slices that differ.

    Parameters
    ----------
    input : Tensor
    sorted : bool
        The result is always sorted.
    return_inverse : bool
        Also return for each element of the input its number in the result.
    return_counts : bool
        Also return how often each element of the result occurs.
    dim : int, optional

    Raises
    ------
    ShapeError
        If the slices along `dim` are empty.

    Examples
    --------
    >>> import minicnn
    >>> values, counts = unique(minicnn.tensor([3, 1, 3]), return_counts=True)
    >>> values.tolist(), counts.tolist()
    ([1, 3], [1, 2])
    """
    rows, axis = _rows("unique", input, dim)
    if rows.shape[1] == 1:
        order = np.argsort(rows[:, 0], kind="stable")
    else:
        order = np.lexsort(rows.T[::-1])
    return _grouped(input, rows[order], order, axis, return_inverse, return_counts)


@numpy_names
def unique_consecutive(
    input: Tensor, return_inverse: bool = False, return_counts: bool = False, dim: int | None = None
) -> Any:
    """Return the elements, or the slices along `dim`, without those that equal the one before.

    The parameters are those of `unique`.

    Raises
    ------
    ShapeError
        If the slices along `dim` are empty.

    Examples
    --------
    >>> import minicnn
    >>> unique_consecutive(minicnn.tensor([1, 1, 2, 1])).tolist()
    [1, 2, 1]
    """
    rows, axis = _rows("unique_consecutive", input, dim)
    return _grouped(input, rows, np.arange(len(rows)), axis, return_inverse, return_counts)


def _rows(call: str, input: Tensor, dim: int | None) -> tuple[Host, int | None]:
    """Return the elements (or slices) as the rows of a matrix, and the axis."""
    require_kind(call, input.dtype, "biuf", "real numbers")
    a = to_host(input.array)
    if dim is None:
        return a.reshape(-1, 1), None
    axis = axis_of(call, dim, input.ndim)
    if not a.ndim:
        return a.reshape(1, 1), None
    rows = np.moveaxis(a, axis, 0)
    if not a.size and a.shape[axis]:
        raise ShapeError(f"{call}: the slices along dim={dim} of {input.shape} are empty")
    return rows.reshape(len(rows), prod(rows.shape[1:])), axis


def _grouped(
    input: Tensor, rows: Host, order: Host, axis: int | None, return_inverse: bool, return_counts: bool
) -> Any:
    """Return the rows that differ from the one before, and what else is wanted."""
    first = np.ones(len(rows), bool)
    first[1:] = (rows[1:] != rows[:-1]).any(1)
    a = to_host(input.array)
    found = rows[first, 0] if axis is None else np.moveaxis(np.take(np.moveaxis(a, axis, 0), order[first], 0), 0, axis)
    results = [found]
    if return_inverse:
        inverse = np.empty(len(rows), int64)
        inverse[order] = np.cumsum(first) - 1
        results.append(inverse.reshape(a.shape) if axis is None else inverse)
    if return_counts:
        results.append(np.diff(np.append(np.flatnonzero(first), len(rows))))
    tensors = tuple(_on(r, input.device) for r in results)
    return tensors if len(tensors) > 1 else tensors[0]


# --- histograms -------------------------------------------------------------------------------------------------------


def bincount(input: Tensor, weights: Tensor | None = None, minlength: int = 0) -> Tensor:
    """Return how often each of 0, 1, 2, ... occurs in a vector, or the sum of the weights of its occurrences.

    Raises
    ------
    DTypeError
        If the tensor does not hold integers.
    ShapeError
        If it is no vector, or the weights have another length.
    ArgumentError
        If an element or `minlength` is negative.

    Examples
    --------
    >>> import minicnn
    >>> bincount(minicnn.tensor([0, 2, 2])).tolist()
    [1, 0, 2]
    """
    require_kind("bincount", input.dtype, "iu", "integers")
    if input.ndim != 1 or (weights is not None and weights.shape != input.shape):
        got = f"{input.shape}" + ("" if weights is None else f" and weights {weights.shape}")
        raise ShapeError(f"bincount: expected a vector, and weights of its length, got {got}")
    a = to_host(input.array)
    if minlength < 0 or (a.size and a.min() < 0):
        raise ArgumentError(f"bincount: numbers and minlength must not be negative, got minlength={minlength}")
    if weights is None:
        return _on(np.bincount(a, minlength=minlength).astype(int64), input.device)
    counted = np.bincount(a, to_host(weights.array), minlength)
    return _on(counted.astype(float32 if weights.dtype == float32 else float64), input.device)


def histc(input: Tensor, bins: int = 100, min: float = 0, max: float = 0) -> Tensor:
    """Return how many elements are in each of `bins` equal intervals from min to max; the last contains its end.

    Elements outside do not count. If min and max are equal, they are the extrema of the tensor.

    Raises
    ------
    DTypeError
        If the tensor does not hold floats.
    ArgumentError
        If there is no bin, or the interval is empty or not finite.

    Examples
    --------
    >>> import minicnn
    >>> histc(minicnn.tensor([1.0, 2.0, 1.0]), bins=3, min=0, max=3).tolist()
    [0.0, 2.0, 1.0]
    """
    require_kind("histc", input.dtype, "f", "floats")
    a = to_host(input.array).ravel()
    low, high = float(min), float(max)
    if low == high and a.size:
        low, high = float(a.min()), float(a.max())
    if low == high:
        low, high = low - 1, high + 1
    if bins < 1 or not (np.isfinite([low, high]).all() and low < high):
        raise ArgumentError(f"histc: expected bins >= 1 and a finite interval, got bins={bins}, from {low} to {high}")
    a = a[(a >= low) & (a <= high)].astype(float64)
    place = np.minimum(((a - low) / (high - low) * bins).astype(int64), bins - 1)
    return _on(np.bincount(place, minlength=bins).astype(input.dtype), input.device)


# --- places in a sorted sequence --------------------------------------------------------------------------------------


def searchsorted(
    sorted_sequence: Tensor,
    input: Any,
    *,
    out_int32: bool = False,
    right: bool = False,
    side: str | None = None,
    sorter: Tensor | None = None,
) -> Tensor:
    """Return where each number must be inserted into a sorted sequence, so that it stays sorted.

    Parameters
    ----------
    sorted_sequence : Tensor, (..., n)
    input : Tensor, (..., m), or number
        Any shape, if the sequence is a vector.
    out_int32 : bool
        Return int32 instead of int64.
    right : bool
        Insert behind equal elements, not before them.
    side : {"left", "right"}, optional
        The same in words.
    sorter : Tensor, (..., n), optional
        The order that sorts the sequence, if it is not sorted.

    Raises
    ------
    ShapeError
        If the sizes do not fit.
    ArgumentError
        If `side` is unknown, or contradicts `right`.

    Examples
    --------
    >>> import minicnn
    >>> searchsorted(minicnn.tensor([1, 3, 5]), minicnn.tensor([3, 6])).tolist()
    [1, 3]
    """
    if side not in (None, "left", "right") or (right and side == "left"):
        raise ArgumentError(f"searchsorted: side must be 'left' or 'right' and fit right={right}, got {side!r}")
    sequence = to_host(sorted_sequence.array)
    values = to_host(input.array) if isinstance(input, Tensor) else np.asarray(input)
    for array in (sequence, values):
        require_kind("searchsorted", DType(array.dtype), "biuf", "real numbers")
    if not sequence.ndim or (sequence.ndim > 1 and values.shape[:-1] != sequence.shape[:-1]):
        raise ShapeError(f"searchsorted: {sequence.shape} has no sorted row for each row of {values.shape}")
    if sorter is not None:
        if sorter.shape != sequence.shape or sorter.dtype != int64:
            raise ShapeError(
                f"searchsorted: sorter must be int64 of {sequence.shape}, got {sorter.dtype} {sorter.shape}"
            )
        sequence = np.take_along_axis(sequence, to_host(sorter.array), -1)
    behind = right or side == "right"
    if sequence.ndim == 1:
        found = np.asarray(np.searchsorted(sequence, values, "right" if behind else "left"))
    else:
        found = np.empty(values.shape, int64)
        for row in np.ndindex(sequence.shape[:-1]):
            found[row] = np.searchsorted(sequence[row], values[row], "right" if behind else "left")
    found[values != values] = sequence.shape[-1]  # behind every number, also behind other NaN
    return _on(found.astype(int32 if out_int32 else int64), sorted_sequence.device)


def bucketize(input: Any, boundaries: Tensor, *, out_int32: bool = False, right: bool = False) -> Tensor:
    """Return for each number the number of its interval between sorted boundaries; see `searchsorted`.

    Raises
    ------
    ShapeError
        If the boundaries are no vector.

    Examples
    --------
    >>> import minicnn
    >>> bucketize(minicnn.tensor([0.5, 2.0]), minicnn.tensor([1.0, 2.0])).tolist()
    [0, 1]
    """
    if boundaries.ndim != 1:
        raise ShapeError(f"bucketize: the boundaries must be a vector, got {boundaries.shape}")
    return searchsorted(boundaries, input, out_int32=out_int32, right=right)
