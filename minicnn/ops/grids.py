"""Grids of coordinates, and all combinations of the elements of vectors."""

from collections.abc import Iterable
from itertools import combinations as index_combinations
from itertools import combinations_with_replacement
from typing import Any

import numpy as np

from minicnn.autograd.tensor import Tensor
from minicnn.dtypes import int64
from minicnn.errors import ArgumentError, DTypeError, ShapeError
from minicnn.ops.assembly import _list
from minicnn.ops.indexing import _index, stack
from minicnn.ops.shape import broadcast_to, reshape

__all__ = ["cartesian_prod", "combinations", "meshgrid"]


def meshgrid(*tensors: Any, indexing: str | None = None) -> tuple[Tensor, ...]:
    """Return the coordinates of the points of a grid: each vector along its own axis, repeated along the others.

    Parameters
    ----------
    *tensors : Tensor
        Vectors, or numbers as 0-d tensors.
    indexing : {"ij", "xy"}, optional
        "xy" swaps the first two axes, for pictures. Default: "ij".

    Raises
    ------
    ShapeError
        If a tensor has more than one axis.
    DTypeError
        If the element types differ.
    ArgumentError
        If `indexing` is unknown, or there is no tensor.

    Examples
    --------
    >>> import minicnn
    >>> rows, columns = meshgrid(minicnn.arange(2), minicnn.arange(3), indexing="ij")
    >>> rows.tolist(), columns.tolist()
    ([[0, 0, 0], [1, 1, 1]], [[0, 1, 2], [0, 1, 2]])
    """
    vectors = [_vector("meshgrid", t) for t in _list(tensors)]
    if indexing not in (None, "ij", "xy") or not vectors:
        raise ArgumentError(f"meshgrid: indexing must be 'ij' or 'xy', for at least one tensor, got {indexing!r}")
    if len({t.dtype for t in vectors}) > 1:
        raise DTypeError(f"meshgrid: expected one element type, got {', '.join(str(t.dtype) for t in vectors)}")
    order = list(range(len(vectors)))
    if indexing == "xy" and len(vectors) > 1:
        order[:2] = 1, 0
    shape = tuple(vectors[i].shape[0] for i in order)
    placed = (reshape(t, tuple(t.shape[0] if o == i else 1 for o in order)) for i, t in enumerate(vectors))
    return tuple(broadcast_to(t, shape) for t in placed)


def _vector(call: str, t: Tensor, least: int = 0) -> Tensor:
    """Return a vector, also for a tensor without axes."""
    if not least <= t.ndim <= 1:
        raise ShapeError(f"{call}: expected vectors, got {t.shape}")
    return reshape(t, t.array.size)


def cartesian_prod(*tensors: Tensor) -> Tensor:
    """Return all combinations of one element of each vector, as rows; one vector as it is; see `meshgrid`.

    Raises
    ------
    ShapeError
        If a tensor is no vector.
    """
    vectors = [_vector("cartesian_prod", t, 1) for t in tensors]
    if len(vectors) == 1:
        return vectors[0]
    return stack([reshape(t, t.array.size) for t in meshgrid(*vectors)], 1)


def combinations(input: Tensor, r: int = 2, with_replacement: bool = False) -> Tensor:
    """Return all combinations of r elements of a vector, as rows, in the order of the elements.

    Raises
    ------
    ShapeError
        If input is no vector.
    ArgumentError
        If r is negative.
    """
    x = _vector("combinations", input, 1)
    if r < 0:
        raise ArgumentError(f"combinations: r must not be negative, got {r}")
    if r == 0:
        return _index(x, index=(slice(0, 0),))
    choose: Any = combinations_with_replacement if with_replacement else index_combinations
    rows: Iterable[tuple[int, ...]] = choose(range(x.shape[0]), r)
    index = np.array(list(rows), int64).reshape(-1, r)
    return _index(x, index=(x.device.array(index),))
