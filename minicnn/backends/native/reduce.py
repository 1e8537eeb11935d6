"""Reductions along axes: kernels/cpu/reduce.cpp."""

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

# Elements from which a call pays, measured in float32 on 1 core; never where numbers beside each other that belong
# together do not fill a vector, or columns are short.
LARGE, VECTOR, COLUMN = 1 << 13, 16, 32

# Where blocks of kept and reduced axes, 'k' and 'r', stand in (batch, outer, channels, inner).
PLACES = {"": (), "k": (2,), "r": (3,), "kr": (2, 3), "rk": (1, 2), "krk": (0, 1, 2), "rkr": (1, 2, 3)}


@lru_cache(maxsize=1024)
def axis_blocks(shape: Sequence[int], axes: Sequence[int]) -> tuple[int, int, int, int] | None:
    """Return the shape as (batch, outer, channels, inner), the axes in outer and inner; None where that cannot be.

    Examples
    --------
    >>> axis_blocks((8, 3, 32, 32), (0, 2, 3))
    (1, 8, 3, 1024)
    """
    reduced = {a % len(shape) for a in axes}
    kinds = [("r" if axis in reduced else "k", size) for axis, size in enumerate(shape) if size != 1]
    blocks = [(kind, prod(size for _, size in block)) for kind, block in groupby(kinds, key=lambda pair: pair[0])]
    places = PLACES.get("".join(kind for kind, _ in blocks))
    if places is None:
        return None
    sizes = dict(zip(places, (size for _, size in blocks), strict=True))
    return sizes.get(0, 1), sizes.get(1, 1), sizes.get(2, 1), sizes.get(3, 1)


def _sum_supports(x: Array, *, axes: tuple[int, ...], keepdim: bool) -> bool:
    return x.size > 0 and floats(x) and axis_blocks(x.shape, axes) is not None and source.works(x.dtype)


def _sum_profitable(x: Array, *, axes: tuple[int, ...], keepdim: bool) -> bool:
    view = axis_blocks(x.shape, axes) if x.size >= LARGE else None
    return view is not None and (view[1] >= COLUMN or view[3] >= VECTOR)


@kernel(
    "sum",
    "native",
    name="blocks",
    supports=_sum_supports,
    requires="floats, axes in at most two blocks around others",
    profitable=_sum_profitable,
    best_for=f"{LARGE} numbers and more, {VECTOR} and more side by side or {COLUMN} and more in columns",
)
def sum_blocks(x: Array, *, axes: tuple[int, ...], keepdim: bool) -> Array:
    """Add up along axes."""
    reduced = {a % x.ndim for a in axes}
    kept = [1 if axis in reduced else size for axis, size in enumerate(x.shape) if keepdim or axis not in reduced]
    y = np.empty(kept, x.dtype)
    source.call("sum", contiguous(x), y, *(axis_blocks(x.shape, axes) or ()))
    return y
