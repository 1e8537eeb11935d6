"""Views whose index is an affine function: diagonals, overlapping windows, any strides.

Element j of the result is element start + Σₖ jₖ stepₖ of the tensor, where start and each stepₖ have a number for each
of its axes. So the view needs no copy. Its gradient adds at these places, which may repeat.
"""

from collections.abc import Sequence
from math import prod
from typing import Any

from minicnn.autograd.primitive import primitive
from minicnn.autograd.tensor import Tensor
from minicnn.errors import ArgumentError, ShapeError
from minicnn.ops.arrangement import movedim
from minicnn.ops.axes import axis_of
from minicnn.ops.indexing import _index_add, _index_put
from minicnn.ops.shape import _reshape
from minicnn.runtime.devices import Array, xp

__all__ = ["as_strided", "diag", "diag_embed", "diagonal"]

Steps = tuple[tuple[int, ...], ...]


@primitive(view=True)
def _affine(x: Array, *, shape: tuple[int, ...], start: tuple[int, ...], steps: Steps) -> Array:
    """Return the view of x with this shape whose element j is x[start + Σ j steps]."""
    strides = tuple(sum(n * s for n, s in zip(step, x.strides, strict=True)) for step in steps)
    corner = x[tuple(slice(s, None) for s in start)]
    return xp(x).lib.stride_tricks.as_strided(corner, shape, strides)


def _places(m: Any, shape: tuple[int, ...], start: tuple[int, ...], steps: Steps) -> tuple[Any, ...]:
    """Return for each axis of x the indices of the elements of the view."""
    grid = [m.arange(n).reshape((-1,) + (1,) * (len(shape) - 1 - k)) for k, n in enumerate(shape)]
    places = []
    for axis, first in enumerate(start):
        place = m.full((1,) * len(shape), first, int)
        for along, step in zip(grid, steps, strict=True):
            place = place + along * step[axis] if step[axis] else place
        places.append(place)
    places[0] = m.broadcast_to(places[0], shape)
    return tuple(places)


_affine.takes_complex = True
_affine.gradient(
    x=lambda grad, x_shape, shape, start, steps: _index_add(
        grad, index=_places(grad.device.xp, shape, start, steps), shape=x_shape
    )
)
_affine.write_back = lambda x, v, shape, start, steps: _index_put(x, v, index=_places(x.device.xp, shape, start, steps))


def _unit(axis: int, ndim: int, size: int = 1) -> tuple[int, ...]:
    return tuple(size * (i == axis) for i in range(ndim))


def diagonal(input: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    """Return the diagonals of the matrices along two axes, as a last axis; a view.

    Parameters
    ----------
    input : Tensor
    offset : int
        Above 0: a diagonal above the main one, below 0: below it.
    dim1, dim2 : int

    Raises
    ------
    ShapeError
        If the axes are the same, or do not exist.

    Examples
    --------
    >>> import minicnn
    >>> diagonal(minicnn.tensor([[1, 2], [3, 4]])).tolist()
    [1, 4]
    """
    a, b = axis_of("diagonal", dim1, input.ndim), axis_of("diagonal", dim2, input.ndim)
    if a == b or input.ndim < 2:
        raise ShapeError(f"diagonal: dim1={dim1} and dim2={dim2} must be two axes of {input.shape}")
    n, m, shape = input.shape[a], input.shape[b], input.shape
    length = max(min(n, m - offset) if offset >= 0 else min(n + offset, m), 0)
    rest = [i for i in range(input.ndim) if i not in (a, b)]
    start = tuple(max(-offset, 0) * (i == a) + max(offset, 0) * (i == b) for i in range(input.ndim))
    along = tuple(int(i in (a, b)) for i in range(input.ndim))
    steps = (*(_unit(i, input.ndim) for i in rest), along)
    return _affine(input, shape=(*(shape[i] for i in rest), length), start=start, steps=steps)


def diag_embed(input: Tensor, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """Return matrices along two new axes that have the last axis of input as a diagonal, and zeros elsewhere.

    Raises
    ------
    ShapeError
        If the axes are the same, do not exist, or input has no axes.

    Examples
    --------
    >>> import minicnn
    >>> diag_embed(minicnn.tensor([1, 2]), offset=1).tolist()
    [[0, 1, 0], [0, 0, 2], [0, 0, 0]]
    """
    a, b = axis_of("diag_embed", dim1, input.ndim + 1), axis_of("diag_embed", dim2, input.ndim + 1)
    if a == b or not input.ndim:
        raise ShapeError(f"diag_embed: dim1={dim1} and dim2={dim2} must be two axes, input is {input.shape}")
    m, length = input.device.xp, input.shape[-1]
    size = length + abs(offset)
    along = m.arange(length)
    index = (..., along + max(-offset, 0), along + max(offset, 0))
    matrices = _index_add(input, index=index, shape=(*input.shape[:-1], size, size))
    return movedim(matrices, (-2, -1), (a, b))


def diag(input: Tensor, diagonal: int = 0) -> Tensor:
    """Return the diagonal of a matrix as a copy, or the matrix with a vector as its diagonal.

    Raises
    ------
    ShapeError
        If input is neither a vector nor a matrix.
    """
    if input.ndim not in (1, 2):
        raise ShapeError(f"diag: expected a vector or a matrix, got {input.shape}; see diagonal and diag_embed")
    return diag_embed(input, diagonal) if input.ndim == 1 else _diagonal(input, diagonal).clone()


_diagonal = diagonal  # `diag` has an argument of this name


def _unfold(input: Tensor, dimension: int, size: int, step: int) -> Tensor:
    """Return the windows of `size` elements along an axis, one every `step` elements, as a last axis; a view.

    Parameters
    ----------
    input : Tensor, (..., n, ...)
    dimension : int
    size, step : int

    Returns
    -------
    Tensor, (..., (n - size) // step + 1, ..., size)

    Raises
    ------
    ShapeError
        If the axis is shorter than the window.
    ArgumentError
        If size is negative, or step is below 1.

    Examples
    --------
    >>> import minicnn
    >>> minicnn.arange(4).unfold(0, 2, 1).tolist()
    [[0, 1], [1, 2], [2, 3]]
    """
    axis = axis_of("unfold", dimension, input.ndim)
    x = input if input.ndim else _reshape(input, shape=(1,))
    if size < 0 or step < 1:
        raise ArgumentError(f"unfold: size must not be negative and step must be at least 1, got {size} and {step}")
    if size > x.shape[axis]:
        raise ShapeError(f"unfold: a window of {size} does not fit into dim={dimension} of {input.shape}")
    count = (x.shape[axis] - size) // step + 1
    steps = (*(_unit(i, x.ndim, step if i == axis else 1) for i in range(x.ndim)), _unit(axis, x.ndim))
    windows = _affine(x, shape=(*x.shape[:axis], count, *x.shape[axis + 1 :], size), start=(0,) * x.ndim, steps=steps)
    return windows if input.ndim else _reshape(windows, shape=(size,))


def as_strided(input: Tensor, size: Sequence[int], stride: Sequence[int], storage_offset: int | None = None) -> Tensor:
    """Return a view of the memory of a tensor with this size; stride and offset count elements.

    Parameters
    ----------
    input : Tensor
    size, stride : sequence of int
        A number for each axis.
    storage_offset : int, optional
        The first element; default: that of input.

    Raises
    ------
    ShapeError
        If the view leaves the memory, or this memory is not in row-major order.

    Examples
    --------
    >>> import minicnn
    >>> as_strided(minicnn.arange(5), (2, 3), (1, 1)).tolist()
    [[0, 1, 2], [1, 2, 3]]
    """
    whole = input
    while whole._origin is not None:
        whole = whole._origin[0]
    if not whole.array.flags.c_contiguous or len(size) != len(stride) or any(n < 0 for n in (*size, *stride)):
        raise ShapeError("as_strided: needs memory in row-major order, and a size and a stride >= 0 for each axis")
    start = storage_offset
    if start is None:
        start = (_address(input.array) - _address(whole.array)) // input.array.itemsize
    last = start + sum((n - 1) * s for n, s in zip(size, stride, strict=True))
    total = prod(whole.shape)
    if prod(size) and not 0 <= start <= last < total:
        got = f"size {tuple(size)} with strides {tuple(stride)} from {start}"
        raise ShapeError(f"as_strided: {got} leaves the memory of {total} elements")
    flat = _reshape(whole, shape=(total,))
    return _affine(flat, shape=tuple(size), start=(start,), steps=tuple((s,) for s in stride))


def _address(array: Array) -> int:
    return int(array.data.ptr if hasattr(array.data, "ptr") else array.__array_interface__["data"][0])
