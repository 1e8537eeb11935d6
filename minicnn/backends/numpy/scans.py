"""Running sums and products along an axis that is not the last: whole rows at once, instead of column by column.

NumPy's own functions follow each column through the memory, and read a new cache line for each of its elements.
"""

from typing import Any

import numpy as np

from minicnn.runtime.devices import Array
from minicnn.runtime.dispatch import kernel

__all__ = ["cumprod_rows", "cumsum_rows"]

MIN_ROW = 512  # elements: from there on, a call of NumPy for each row pays


def _supports(x: Array, *, axis: int) -> bool:
    return bool(x.ndim > 1 and x.size > 0 and x.dtype.kind == "f")


def _profitable(x: Array, *, axis: int) -> bool:
    return bool(axis < x.ndim - 1 and x.size >= MIN_ROW * x.shape[axis])  # a tensor without axes has the axis 0


def _rows(function: Any, x: Array, axis: int) -> Array:
    """Return the running results. For float32 they are computed in float64."""
    out = np.empty(x.shape, x.dtype)
    rows, to = np.moveaxis(x, axis, 0), np.moveaxis(out, axis, 0)
    to[0] = rows[0]
    total = rows[0].astype(np.float64 if x.dtype == np.float32 else x.dtype)
    for row, result in zip(rows[1:], to[1:], strict=True):
        function(total, row, out=total)
        result[...] = total
    return out


_RULES: dict[str, Any] = {
    "supports": _supports,
    "requires": "floats, at least two axes",
    "profitable": _profitable,
    "best_for": f"an axis before the last, and rows of at least {MIN_ROW} elements",
}


@kernel("cumsum", "numpy", name="rows", **_RULES)
def cumsum_rows(x: Array, *, axis: int) -> Array:
    """Return the cumulative sum."""
    return _rows(np.add, x, axis)


@kernel("cumprod", "numpy", name="rows", **_RULES)
def cumprod_rows(x: Array, *, axis: int) -> Array:
    """Return the cumulative product."""
    return _rows(np.multiply, x, axis)
