"""embedding_bag, the sum, mean or maximum of the rows of a table that stand in each bag of numbers."""

from math import inf
from typing import Any

import numpy as np

from minicnn.autograd.tensor import Tensor
from minicnn.errors import ArgumentError, DTypeError, ShapeError
from minicnn.nn.functional.embedding import embedding
from minicnn.ops.comparison import where
from minicnn.ops.create import full, tensor, zeros
from minicnn.ops.indexing import cat, getitem
from minicnn.ops.reduce import max as max_of
from minicnn.ops.shape import reshape, unsqueeze
from minicnn.ops.slices import index_add, index_select

__all__ = ["MODES", "embedding_bag"]

MODES = ("sum", "mean", "max")


def _starts(input: Tensor, offsets: Tensor | None, include_last_offset: bool) -> np.ndarray[Any, Any]:
    """Return where each bag begins in the numbers of all bags, and where the last one ends."""
    call = "embedding_bag"
    if input.ndim == 2:
        if offsets is not None:
            raise ShapeError(f"{call}: the rows of an input with 2 axes are the bags, so offsets must be None")
        return np.arange(len(input) + 1) * input.shape[1]
    if input.ndim != 1 or offsets is None or offsets.ndim != 1:
        shape = None if offsets is None else offsets.shape
        raise ShapeError(f"{call}: give an input (N, L), or (L,) with offsets (N,), got {input.shape} and {shape}")
    if offsets.dtype.kind not in "iu":
        raise DTypeError(f"{call}: offsets must be integers, got {offsets.dtype}")
    starts = offsets.cpu().numpy()
    if not include_last_offset:
        starts = np.append(starts, input.shape[0])
    if len(starts) and (starts[0] != 0 or starts[-1] > input.shape[0] or (np.diff(starts) < 0).any()):
        raise ShapeError(f"{call}: offsets must rise from 0 to at most {input.shape[0]}, got {offsets.tolist()}")
    return starts


def embedding_bag(
    input: Tensor,
    weight: Tensor,
    offsets: Tensor | None = None,
    max_norm: float | None = None,
    norm_type: float = 2,
    scale_grad_by_freq: bool = False,
    mode: str = "mean",
    sparse: bool = False,
    per_sample_weights: Tensor | None = None,
    include_last_offset: bool = False,
    padding_idx: int | None = None,
) -> Tensor:
    """Return for each bag of numbers the sum, mean or maximum of these rows of a table. An empty bag has zeros.

    Parameters
    ----------
    input : Tensor of integers, (N, L), or (L,) with `offsets`
    weight : Tensor, (number of rows, width)
    offsets : Tensor of integers, (N,), optional
        Where each bag begins in an input with one axis.
    max_norm, norm_type, scale_grad_by_freq, sparse
        As in `embedding`.
    mode : "sum", "mean" or "max"
    per_sample_weights : Tensor, shape of the input, optional
        Factors of the rows; for "sum" only.
    include_last_offset : bool
        The last offset is the end of the last bag.
    padding_idx : int, optional
        This number does not count; a negative one counts from the end of the table.

    Returns
    -------
    Tensor, (N, width)

    Raises
    ------
    ShapeError
        If the shapes or offsets do not fit, or a number is out of range.
    DTypeError
        If the input or the offsets do not hold integers.
    ArgumentError
        If the mode is unknown or does not go with another argument, or `sparse` is True.

    Examples
    --------
    >>> import minicnn
    >>> table = minicnn.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    >>> embedding_bag(minicnn.tensor([0, 2, 1]), table, minicnn.tensor([0, 2])).tolist()
    [[3.0, 4.0], [3.0, 4.0]]
    """
    call = "embedding_bag"
    if mode not in MODES:
        raise ArgumentError(f"{call}: mode must be 'sum', 'mean' or 'max', got {mode!r}")
    if mode == "max" and scale_grad_by_freq:
        raise ArgumentError(f"{call}: scale_grad_by_freq does not go with mode='max'")
    if per_sample_weights is not None and mode != "sum":
        raise ArgumentError(f"{call}: per_sample_weights needs mode='sum', got {mode!r}")
    if per_sample_weights is not None and per_sample_weights.shape != input.shape:
        raise ShapeError(
            f"{call}: per_sample_weights must have the input's shape {input.shape}, got {per_sample_weights.shape}"
        )
    if padding_idx is not None and not -len(weight) <= padding_idx < len(weight):
        raise ShapeError(f"{call}: padding_idx must be from {-len(weight)} to {len(weight) - 1}, got {padding_idx}")
    starts = _starts(input, offsets, include_last_offset)
    flat, count = reshape(input, (-1,)), max(len(starts) - 1, 0)
    rows = embedding(flat, weight, None, max_norm, norm_type, scale_grad_by_freq, sparse)
    if per_sample_weights is not None:
        rows = rows * unsqueeze(reshape(per_sample_weights, (-1,)), 1)
    bags = np.repeat(np.arange(count), np.diff(starts))
    kept = np.arange(len(bags))
    if padding_idx is not None:
        kept = kept[flat.cpu().numpy()[: len(bags)] != padding_idx % len(weight)]
        bags = bags[kept]
    rows = index_select(rows, 0, tensor(kept, device=rows.device))
    sizes = np.bincount(bags, minlength=count)
    if mode == "max":
        return _maxima(rows, bags, sizes)
    sums = index_add(zeros(count, rows.shape[1], dtype=rows.dtype, device=rows.device), 0, _on(rows, bags), rows)
    return sums if mode == "sum" else sums / _on(rows, np.maximum(sizes, 1)[:, None])


def _on(like: Tensor, values: np.ndarray[Any, Any]) -> Tensor:
    return tensor(values, device=like.device)


def _maxima(rows: Tensor, bags: np.ndarray[Any, Any], sizes: np.ndarray[Any, Any]) -> Tensor:
    """Return the maximum of each bag, through a table (bags, longest bag) of the numbers of their rows."""
    count, longest = len(sizes), max(sizes, default=0)
    if not longest:
        return zeros(count, rows.shape[1], dtype=rows.dtype, device=rows.device)
    table = np.full((count, longest), len(rows))
    table[np.arange(longest) < sizes[:, None]] = np.arange(len(rows))
    filled = cat([rows, full((1, rows.shape[1]), -inf, dtype=rows.dtype, device=rows.device)], 0)
    highest, _ = max_of(getitem(filled, _on(rows, table)), 1)
    return where(_on(rows, sizes[:, None] > 0), highest, 0.0)
