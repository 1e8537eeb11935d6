"""Parts and orders of axes, by the operations of `shape.py` and `indexing.py`: PyTorch's shorter names for them."""

from collections.abc import Sequence
from typing import Any

from minicnn.autograd.tensor import Tensor
from minicnn.errors import ShapeError
from minicnn.ops.axes import axis_of, numpy_names, sizes_by_name, sizes_of
from minicnn.ops.indexing import cat, getitem
from minicnn.ops.shape import broadcast_to, permute, repeat, reshape, transpose

__all__ = [
    "concat",
    "concatenate",
    "moveaxis",
    "movedim",
    "narrow",
    "numel",
    "ravel",
    "select",
    "swapaxes",
    "swapdims",
    "t",
    "tile",
]

concat = concatenate = cat


def swapaxes(input: Tensor, axis0: int, axis1: int) -> Tensor:
    """Return the tensor with two axes swapped, as `transpose`."""
    return transpose(input, axis0, axis1)


def swapdims(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """Return the tensor with two axes swapped, as `transpose`."""
    return transpose(input, dim0, dim1)


def ravel(input: Tensor) -> Tensor:
    """Return the elements in row-major order as a vector; a view if possible."""
    return reshape(input, input.array.size)


def t(input: Tensor) -> Tensor:
    """Return a matrix with its axes swapped. A vector and a 0-d tensor stay as they are.

    Raises
    ------
    ShapeError
        If there are more than 2 axes.
    """
    if input.ndim > 2:
        raise ShapeError(f"t: expected at most 2 axes, got {input.shape}; use mT or transpose")
    return permute(input, *range(input.ndim - 1, -1, -1))


@numpy_names
def narrow(input: Tensor, dim: int, start: int, length: int) -> Tensor:
    """Return the part of an axis that begins at `start` and has `length` elements; a view.

    Raises
    ------
    ShapeError
        If the axis has no such part.

    Examples
    --------
    >>> import minicnn
    >>> narrow(minicnn.arange(5), 0, 1, 3).tolist()
    [1, 2, 3]
    """
    if not input.ndim:
        raise ShapeError("narrow: a 0-d tensor has no axis")
    axis = axis_of("narrow", dim, input.ndim)
    size, begin = input.shape[axis], int(start)
    begin += size if begin < 0 else 0
    if not 0 <= begin <= begin + length <= size:
        raise ShapeError(f"narrow: start={start} and length={length} leave an axis of size {size}")
    return getitem(input, (slice(None),) * axis + (slice(begin, begin + length),))


@numpy_names
def select(input: Tensor, dim: int, index: int) -> Tensor:
    """Return the part of the tensor at one index of an axis, which is removed; a view.

    Raises
    ------
    ShapeError
        If the index is out of range.
    """
    return getitem(input, (slice(None),) * axis_of("select", dim, input.ndim) + (index,))


def movedim(input: Tensor, source: int | Sequence[int], destination: int | Sequence[int]) -> Tensor:
    """Move axes to other places; the other axes keep their order.

    Raises
    ------
    ShapeError
        If the numbers of sources and destinations differ, or one appears twice.
    """
    sources, places = (
        [axis_of("movedim", d, input.ndim) for d in ([dims] if isinstance(dims, int) else dims)]
        for dims in (source, destination)
    )
    if len(sources) != len(places) or len(set(sources)) != len(sources) or len(set(places)) != len(places):
        raise ShapeError(f"movedim: source={source} and destination={destination} must name as many different axes")
    rest = iter(i for i in range(input.ndim) if i not in sources)
    order = {place: axis for axis, place in zip(sources, places, strict=True)}
    return permute(input, [order[i] if i in order else next(rest) for i in range(input.ndim)])


moveaxis = movedim


@sizes_by_name("dims")
def tile(input: Tensor, *dims: Any) -> Tensor:
    """Return copies of a tensor side by side, as `repeat`; missing numbers at the front are 1.

    Raises
    ------
    ShapeError
        If a number is negative.
    """
    times = sizes_of("tile", dims)
    return repeat(input, (1,) * (input.ndim - len(times)) + times)


def numel(input: Tensor) -> int:
    """Return the number of elements."""
    return int(input.array.size)


def _expand_as(input: Tensor, other: Tensor) -> Tensor:
    """Broadcast to the shape of another tensor, without a copy."""
    return broadcast_to(input, other.shape)


def _view_as(input: Tensor, other: Tensor) -> Tensor:
    """Return the elements in the shape of another tensor; errors as in `view`."""
    view: Tensor = input.view(other.shape)
    return view


def _reshape_as(input: Tensor, other: Tensor) -> Tensor:
    """Return the elements in the shape of another tensor."""
    return reshape(input, other.shape)
