"""Matrix products that are none: a column times a row, as in the weight gradient of a linear layer for one image."""

import numpy as np

from minicnn.devices import Array
from minicnn.dispatch import kernel

__all__ = ["matmul_outer"]


@kernel(
    "matmul",
    "numpy",
    name="outer",
    when=lambda a, b: a.ndim > 1 and b.ndim > 1 and a.shape[-1] == 1 and a.dtype.kind == "f",
    needs="floats, one column on the left",
)
def matmul_outer(a: Array, b: Array) -> Array:
    """a (..., n, 1), b (..., 1, m) -> (..., n, m): BLAS takes five times as long."""
    return np.multiply(a, b)
