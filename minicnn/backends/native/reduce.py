"""Sums along axes: a wrapper for kernels/cpu/reduce.cpp, and the view of a shape that it needs.

The kernel sees x as (batch, outer, channels, inner), and sums over outer and inner.
"""

from collections.abc import Sequence
from functools import lru_cache
from itertools import groupby
from math import prod

import numpy as np

from minicnn.backends.native.library import Source, contiguous, floats
from minicnn.runtime.devices import Array
from minicnn.runtime.dispatch import kernel

__all__ = ["axis_blocks", "sum_blocks"]

source = Source("reduce.cpp")

# The kernel is faster than NumPy from MIN_ELEMENTS on (measured in float32 on 1 core), if the neighbours in memory that
# are added fill a vector (MIN_INNER), or if the columns that are added are long (MIN_OUTER).
MIN_ELEMENTS, MIN_INNER, MIN_OUTER = 1 << 13, 16, 32

# For each order of kept ('k') and reduced ('r') blocks of axes, their positions in (batch, outer, channels, inner).
POSITIONS = {"": (), "k": (2,), "r": (3,), "kr": (2, 3), "rk": (1, 2), "krk": (0, 1, 2), "rkr": (1, 2, 3)}


@lru_cache(maxsize=1024)
def axis_blocks(shape: Sequence[int], axes: Sequence[int]) -> tuple[int, int, int, int] | None:
    """Return the shape as (batch, outer, channels, inner), with `axes` in outer and inner; None if impossible.

    Examples
    --------
    >>> axis_blocks((8, 3, 32, 32), (0, 2, 3))
    (1, 8, 3, 1024)
    """
    reduced = {a % len(shape) for a in axes}
    kinds = [("r" if axis in reduced else "k", size) for axis, size in enumerate(shape) if size != 1]
    blocks = [(kind, prod(size for _, size in block)) for kind, block in groupby(kinds, key=lambda pair: pair[0])]
    positions = POSITIONS.get("".join(kind for kind, _ in blocks))
    if positions is None:
        return None
    sizes = dict(zip(positions, (size for _, size in blocks), strict=True))
    return sizes.get(0, 1), sizes.get(1, 1), sizes.get(2, 1), sizes.get(3, 1)


def _sum_supports(x: Array, *, axes: tuple[int, ...], keepdim: bool) -> bool:
    return x.size > 0 and floats(x) and axis_blocks(x.shape, axes) is not None and source.works(x.dtype)


def _sum_profitable(x: Array, *, axes: tuple[int, ...], keepdim: bool) -> bool:
    view = axis_blocks(x.shape, axes) if x.size >= MIN_ELEMENTS else None
    return view is not None and (view[1] >= MIN_OUTER or view[3] >= MIN_INNER)


@kernel(
    "sum",
    "native",
    name="blocks",
    supports=_sum_supports,
    requires="float32 or float64, and axes that form at most two blocks of neighbours",
    profitable=_sum_profitable,
    best_for=f"at least {MIN_ELEMENTS} elements, and sums over at least {MIN_INNER} neighbours or {MIN_OUTER} rows",
)
def sum_blocks(x: Array, *, axes: tuple[int, ...], keepdim: bool) -> Array:
    """Return the sum over `axes`."""
    reduced = {a % x.ndim for a in axes}
    kept = [1 if axis in reduced else size for axis, size in enumerate(x.shape) if keepdim or axis not in reduced]
    y = np.empty(kept, x.dtype)
    source.call("sum", contiguous(x), y, *(axis_blocks(x.shape, axes) or ()))
    return y
