"""Tensors that are put together, cut, repeated or turned: stacks, block matrices, splits, repetitions, rotations."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from minicnn.autograd.tensor import Size, Tensor
from minicnn.dtypes import int64, result_type
from minicnn.errors import ArgumentError, ShapeError
from minicnn.ops.axes import axis_of, numpy_names
from minicnn.ops.create import as_tensor
from minicnn.ops.indexing import _index, _pad, cat, stack
from minicnn.ops.operands import common_shape
from minicnn.ops.scatter import _check_integers
from minicnn.ops.shape import broadcast_to, cast, flip, permute, reshape, unsqueeze
from minicnn.runtime.devices import to_host

__all__ = [
    "atleast_1d",
    "atleast_2d",
    "atleast_3d",
    "block_diag",
    "broadcast_shapes",
    "broadcast_tensors",
    "column_stack",
    "dsplit",
    "dstack",
    "fliplr",
    "flipud",
    "hsplit",
    "hstack",
    "repeat_interleave",
    "rot90",
    "row_stack",
    "tensor_split",
    "vsplit",
    "vstack",
]


def _list(tensors: tuple[Any, ...]) -> list[Tensor]:
    """Return the tensors of a call f(a, b) or f([a, b])."""
    return list(tensors[0]) if len(tensors) == 1 and isinstance(tensors[0], list | tuple) else list(tensors)


# --- at least so many axes --------------------------------------------------------------------------------------------


def atleast_1d(*tensors: Any) -> Any:
    """Return a tensor without axes with one axis, and others as they are; several tensors give a tuple."""
    return _each(tensors, lambda t: t if t.ndim else reshape(t, 1))


def atleast_2d(*tensors: Any) -> Any:
    """Return tensors with at least two axes: a vector becomes a row; several tensors give a tuple."""
    return _each(tensors, lambda t: t if t.ndim > 1 else reshape(t, 1, t.array.size))


def atleast_3d(*tensors: Any) -> Any:
    """Return tensors with at least three axes: a vector becomes (1, n, 1), a matrix gets a last axis."""
    return _each(tensors, lambda t: t if t.ndim > 2 else unsqueeze(t if t.ndim == 2 else atleast_2d(t), -1))


def _each(tensors: tuple[Any, ...], function: Any) -> Any:
    several = len(tensors) != 1 or isinstance(tensors[0], list | tuple)
    return tuple(map(function, _list(tensors))) if several else function(tensors[0])


# --- stacks -----------------------------------------------------------------------------------------------------------


def hstack(tensors: Sequence[Tensor]) -> Tensor:
    """Concatenate tensors side by side: vectors along their axis, others along the second axis; errors as in `cat`."""
    parts = [atleast_1d(t) for t in tensors]
    return cat(parts, 0 if not parts or parts[0].ndim == 1 else 1)


def vstack(tensors: Sequence[Tensor]) -> Tensor:
    """Concatenate tensors along the first axis, with vectors as rows; errors as in `cat`."""
    return cat([atleast_2d(t) for t in tensors], 0)


row_stack = vstack


def dstack(tensors: Sequence[Tensor]) -> Tensor:
    """Concatenate tensors along the third axis; errors as in `cat`."""
    return cat([atleast_3d(t) for t in tensors], 2)


def column_stack(tensors: Sequence[Tensor]) -> Tensor:
    """Concatenate vectors as the columns of a matrix, and matrices along the second axis; errors as in `cat`."""
    return cat([t if t.ndim > 1 else reshape(t, t.array.size, 1) for t in tensors], 1)


def block_diag(*tensors: Tensor) -> Tensor:
    """Return a matrix with these matrices along its diagonal, and zeros elsewhere; vectors are rows.

    Raises
    ------
    ShapeError
        If a tensor has more than two axes.

    Examples
    --------
    >>> import minicnn
    >>> block_diag(minicnn.ones(1, 2), minicnn.tensor(3.0)).tolist()
    [[1.0, 1.0, 0.0], [0.0, 0.0, 3.0]]
    """
    if any(t.ndim > 2 for t in tensors):
        raise ShapeError(f"block_diag: expected matrices, got {', '.join(str(t.shape) for t in tensors)}")
    if not tensors:
        return as_tensor(np.zeros((1, 0), np.float32))
    dtype = result_type([t.dtype for t in tensors], [], [])
    blocks = [atleast_2d(cast(t, dtype)) for t in tensors]
    width, left, rows = sum(b.shape[1] for b in blocks), 0, []
    for block in blocks:
        right = width - left - block.shape[1]
        rows.append(_pad(block, widths=((0, 0), (left, right)), value=0.0))
        left += block.shape[1]
    return cat(rows, 0)


# --- splits -----------------------------------------------------------------------------------------------------------


@numpy_names
def tensor_split(input: Tensor, indices_or_sections: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """Split along an axis into a number of almost equal parts (the first are larger), or before the indices in a list.

    Raises
    ------
    ShapeError
        If input has no axes, or the number is below 1.

    Examples
    --------
    >>> import minicnn
    >>> [part.tolist() for part in tensor_split(minicnn.arange(5), 2)]
    [[0, 1, 2], [3, 4]]
    """
    if not input.ndim:
        raise ShapeError("tensor_split: expected a tensor with at least one axis, got a 0-d tensor")
    axis = axis_of("tensor_split", dim, input.ndim)
    cuts = indices_or_sections
    cuts = cuts.tolist() if isinstance(cuts, Tensor) else cuts
    n = input.shape[axis]
    if isinstance(cuts, int):
        if cuts < 1:
            raise ShapeError(f"tensor_split: the number of parts must be at least 1, got {cuts}")
        size, more = divmod(n, cuts)
        cuts = [size * i + min(i, more) for i in range(1, cuts)]
    bounds = zip([None, *cuts], [*cuts, None], strict=True)
    return tuple(_index(input, index=(slice(None),) * axis + (slice(a, b),)) for a, b in bounds)


def _split_evenly(call: str, input: Tensor, parts: Any, axis: int, least: int) -> tuple[Tensor, ...]:
    if input.ndim < least:
        raise ShapeError(f"{call}: expected at least {least} axes, got {input.shape}")
    if isinstance(parts, int) and (parts < 1 or input.shape[axis] % parts):
        raise ShapeError(f"{call}: {parts} equal parts do not fit into {input.shape[axis]}; see tensor_split")
    return tensor_split(input, parts, axis)


def hsplit(input: Tensor, indices_or_sections: Any) -> tuple[Tensor, ...]:
    """Split along the second axis (a vector along its axis) into equal parts, or before the indices in a list.

    Raises
    ------
    ShapeError
        If the parts would not be equal, or there is no axis.
    """
    return _split_evenly("hsplit", input, indices_or_sections, 0 if input.ndim == 1 else 1, 1)


def vsplit(input: Tensor, indices_or_sections: Any) -> tuple[Tensor, ...]:
    """Split along the first axis into equal parts, or before the indices in a list.

    Raises
    ------
    ShapeError
        If the parts would not be equal, or there are fewer than 2 axes.
    """
    return _split_evenly("vsplit", input, indices_or_sections, 0, 2)


def dsplit(input: Tensor, indices_or_sections: Any) -> tuple[Tensor, ...]:
    """Split along the third axis into equal parts, or before the indices in a list.

    Raises
    ------
    ShapeError
        If the parts would not be equal, or there are fewer than 3 axes.
    """
    return _split_evenly("dsplit", input, indices_or_sections, 2, 3)


# --- repetition -------------------------------------------------------------------------------------------------------


def broadcast_tensors(*tensors: Any) -> tuple[Tensor, ...]:
    """Return the tensors, broadcast to their common shape without a copy; errors as in `add`."""
    parts = _list(tensors)
    shape = common_shape("broadcast_tensors", parts) if parts else ()
    return tuple(broadcast_to(t, shape) for t in parts)


def broadcast_shapes(*shapes: Any) -> Size:
    """Return the common shape to which tensors of these shapes broadcast.

    Raises
    ------
    ShapeError
        If they do not.

    Examples
    --------
    >>> broadcast_shapes((2, 1), (3,))
    (2, 3)
    """
    try:
        return Size(np.broadcast_shapes(*shapes))
    except ValueError as error:
        raise ShapeError(f"broadcast_shapes: {', '.join(map(str, shapes))} do not broadcast: {error}") from error


def repeat_interleave(
    input: Tensor, repeats: Any = None, dim: int | None = None, *, output_size: int | None = None
) -> Tensor:
    """Repeat each element, or with `dim` each slice, so that copies are neighbours.

    Parameters
    ----------
    input : Tensor
        Alone, it is the repeats: the result has each index i so often as input[i] says.
    repeats : int or Tensor
        The number of copies, or one for each element or slice.
    dim : int, optional
        Without it, input is flattened.
    output_size : int, optional
        Has no effect.

    Raises
    ------
    ShapeError
        If the number of repeats is not that of the slices.
    ArgumentError
        If a repeat is negative.
    DTypeError
        If the repeats do not hold integers.

    Examples
    --------
    >>> import minicnn
    >>> repeat_interleave(minicnn.tensor([1, 2]), 2).tolist()
    [1, 1, 2, 2]
    """
    if repeats is None:
        input, repeats = Tensor._wrap(input.device.xp.arange(input.array.size), input.device), input
    x = reshape(input, input.array.size) if dim is None else input if input.ndim else reshape(input, 1)
    axis = 0 if dim is None else axis_of("repeat_interleave", dim, x.ndim)
    n = x.shape[axis]
    if isinstance(repeats, Tensor):
        _check_integers("repeat_interleave", repeats, 1 << 62, negative=True)
        counts = to_host(repeats.array)
    else:
        counts = np.asarray(repeats, int64)
    if counts.ndim > 1 or (counts.size not in (1, n)):
        raise ShapeError(f"repeat_interleave: {n} slices need one repeat or as many, got {counts.shape}")
    if (counts < 0).any():
        raise ArgumentError(f"repeat_interleave: repeats must not be negative, got {counts.tolist()}")
    times = int(counts.flat[0]) if counts.size else 0
    if times and x.array.size >= 100 * times and (counts == times).all():
        # Of many elements faster than indexing, most of all in the backward pass, which becomes a few strided sums.
        return reshape(stack([x] * times, axis + 1), (*x.shape[:axis], times * n, *x.shape[axis + 1 :]))
    index = np.repeat(np.arange(n), counts if counts.size == n else int(counts.reshape(())))
    return _index(x, index=(slice(None),) * axis + (x.device.array(index), ...))


# --- turns ------------------------------------------------------------------------------------------------------------


def rot90(input: Tensor, k: int = 1, dims: Sequence[int] = (0, 1)) -> Tensor:
    """Turn the plane of two axes by k · 90 degrees, from the first axis toward the second.

    Raises
    ------
    ShapeError
        If there are fewer than two axes, or both are the same.
    """
    if input.ndim < 2 or len(dims) != 2:
        raise ShapeError(f"rot90: expected two axes, got {tuple(dims)} of {input.shape}")
    a, b = (axis_of("rot90", d, input.ndim) for d in dims)
    if a == b:
        raise ShapeError(f"rot90: the axes must differ, got {tuple(dims)}")
    order = list(range(input.ndim))
    order[a], order[b] = b, a
    turns = k % 4
    if turns == 0:
        return input.clone()
    if turns == 2:
        return flip(input, (a, b))
    return permute(flip(input, b), order) if turns == 1 else flip(permute(input, order), b)


def fliplr(input: Tensor) -> Tensor:
    """Return a copy with the columns, the second axis, in reverse order.

    Raises
    ------
    ShapeError
        If there are fewer than 2 axes.
    """
    if input.ndim < 2:
        raise ShapeError(f"fliplr: expected at least 2 axes, got {input.shape}")
    return flip(input, 1)


def flipud(input: Tensor) -> Tensor:
    """Return a copy with the rows, the first axis, in reverse order.

    Raises
    ------
    ShapeError
        If there are no axes.
    """
    if not input.ndim:
        raise ShapeError("flipud: a tensor without axes has no rows")
    return flip(input, 0)
