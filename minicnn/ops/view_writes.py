"""Copies of a tensor in which one of its views is replaced: `select_scatter` for `select`, and so on."""

from collections.abc import Callable

from minicnn.autograd.tensor import Tensor
from minicnn.errors import ShapeError
from minicnn.ops.arrangement import select
from minicnn.ops.axes import axis_of, numpy_names
from minicnn.ops.in_place_methods import InPlaceMethods
from minicnn.ops.indexing import _index
from minicnn.ops.shape import clone, reshape
from minicnn.ops.strided import diag, diagonal

__all__ = ["diagflat", "diagonal_scatter", "select_scatter", "slice_scatter"]


def _replaced(call: str, input: Tensor, src: Tensor, view: Callable[[Tensor], Tensor]) -> Tensor:
    """Return a copy of input whose view has the values of src."""
    out = clone(input)
    part = view(out)
    if part.shape != src.shape:
        raise ShapeError(f"{call}: src must have the shape {part.shape} of the replaced part, got {src.shape}")
    InPlaceMethods.copy_(part, src)
    return out


@numpy_names
def select_scatter(input: Tensor, src: Tensor, dim: int, index: int) -> Tensor:
    """Return a copy of input in which the part at one index of an axis is replaced by src.

    Raises
    ------
    ShapeError
        If src does not have the shape of this part.
    """
    return _replaced("select_scatter", input, src, lambda x: select(x, dim, index))


@numpy_names
def slice_scatter(
    input: Tensor, src: Tensor, dim: int = 0, start: int | None = None, end: int | None = None, step: int = 1
) -> Tensor:
    """Return a copy of input in which a slice of an axis is replaced by src.

    Raises
    ------
    ShapeError
        If src does not have the shape of this slice, or step is below 1.
    """
    axis = axis_of("slice_scatter", dim, input.ndim)
    if step < 1:
        raise ShapeError(f"slice_scatter: step must be at least 1, got {step}")
    return _replaced(
        "slice_scatter", input, src, lambda x: _index(x, index=(slice(None),) * axis + (slice(start, end, step),))
    )


def diagonal_scatter(input: Tensor, src: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    """Return a copy of input in which a diagonal is replaced by src; arguments as in `diagonal`.

    Raises
    ------
    ShapeError
        If src does not have the shape of this diagonal.
    """
    return _replaced("diagonal_scatter", input, src, lambda x: diagonal(x, offset, dim1, dim2))


def diagflat(input: Tensor, offset: int = 0) -> Tensor:
    """Return the matrix with the elements of input, in row-major order, as a diagonal."""
    return diag(reshape(input, input.array.size), offset)
