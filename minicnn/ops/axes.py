"""Axes and sizes in the forms that users write them: counted from either end, one or several, apart or in a tuple."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from minicnn.errors import ShapeError

__all__ = ["axes_of", "axis_of", "sizes_of"]


def axis_of(call: str, dim: int, ndim: int) -> int:
    """Return `dim` counted from the front; a 0-d tensor is taken for one with a single axis.

    Raises
    ------
    ShapeError
        If there is no such axis.
    """
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
    dims = (dim,) if isinstance(dim, int | np.integer) else tuple(dim)
    axes = tuple(sorted(axis_of(call, int(d), ndim) for d in dims))
    if len(set(axes)) != len(axes):
        raise ShapeError(f"{call}: dim={dim} names an axis twice")
    return axes if axes and ndim else tuple(range(ndim))


def sizes_of(args: tuple[Any, ...]) -> tuple[int, ...]:
    """Return the sizes in f(2, 3), f((2, 3)) or f([2, 3])."""
    sizes = args[0] if len(args) == 1 and not hasattr(args[0], "__index__") else args
    return tuple(int(s) for s in sizes)
