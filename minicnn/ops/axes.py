"""Axes and sizes in the forms that users write them: counted from either end, one or several, apart or in a tuple."""

from collections.abc import Iterable, Sequence
from operator import index
from typing import Any

from minicnn.errors import ShapeError

__all__ = ["axes_of", "axis_of", "sizes_of"]


def axis_of(call: str, dim: int, ndim: int) -> int:
    """Return `dim` counted from the front; a 0-d tensor is taken for one with a single axis.

    Raises
    ------
    ShapeError
        If there is no such axis, or `dim` is no integer.
    """
    try:
        dim = index(dim)
    except TypeError as error:
        raise ShapeError(f"{call}: dim must be an integer, got {dim!r}") from error
    if not -max(ndim, 1) <= dim < max(ndim, 1):
        raise ShapeError(f"{call}: dim={dim} is out of range for a tensor of {ndim} axes")
    return dim % ndim if ndim else 0


def axes_of(call: str, dim: int | Sequence[int] | None, ndim: int) -> tuple[int, ...]:
    """Return the axes that `dim` names, all of them for None or an empty sequence, counted from the front.

    Raises
    ------
    ShapeError
        If there is no such axis, or one is named twice.
    """
    if dim is None:
        return tuple(range(ndim))
    dims = tuple(dim) if isinstance(dim, Iterable) else (dim,)
    axes = tuple(sorted(axis_of(call, d, ndim) for d in dims))
    if len(set(axes)) != len(axes):
        raise ShapeError(f"{call}: dim={dim} names an axis twice")
    return axes if axes and ndim else tuple(range(ndim))


def sizes_of(call: str, args: tuple[Any, ...]) -> tuple[int, ...]:
    """Return the sizes in f(2, 3), f((2, 3)) or f([2, 3]).

    Raises
    ------
    ShapeError
        If they are no integers.
    """
    sizes = args[0] if len(args) == 1 and not hasattr(args[0], "__index__") else args
    try:
        return tuple(index(s) for s in sizes)
    except TypeError as error:
        raise ShapeError(f"{call}: sizes must be integers, got {sizes!r}") from error
