"""Matrix products: wrappers for kernels/cpu/gemm.cpp, for `matmul` and `linear`.

The kernel reads matrices by strides. So a transposed operand (the gradients of both operations have them) and a matrix
that is broadcast along the batch need no copy.
"""

from math import prod

import numpy as np

from minicnn.backends.native.library import Source, floats
from minicnn.runtime.devices import Array
from minicnn.runtime.dispatch import kernel

__all__ = ["linear_blocked", "matmul_blocked"]

source = Source("gemm.cpp")

MAX_NUMPY = 1 << 15  # multiplications up to which NumPy is faster: a call of this kernel costs some microseconds more


def _stored(x: Array) -> tuple[Array, tuple[int, int, int]]:
    """Return a contiguous array with the matrices, and its steps (in elements) to the next matrix, row and column."""
    rows, columns = x.shape[-2:]
    step = rows * columns
    if x.ndim > 2 and step and not any(x.strides[:-2]):
        x, step = x[(0,) * (x.ndim - 2)], 0  # one matrix, broadcast along the batch
    transposed = x.swapaxes(-1, -2)
    if transposed.flags.c_contiguous and not x.flags.c_contiguous:
        return transposed, (step, 1, rows)
    return np.ascontiguousarray(x), (step, columns, 1)


def _product(a: Array, b: Array) -> Array:
    *batch, m, k = a.shape
    n = b.shape[-1]
    c = np.empty((*batch, m, n), a.dtype)
    if not c.size:
        return c
    if not k:
        c.fill(0)
        return c
    (x, x_steps), (y, y_steps) = _stored(a), _stored(b)
    source.call("gemm", x, y, c, prod(batch), m, n, k, *x_steps, *y_steps)
    return c


def _supports(a: Array, b: Array) -> bool:
    return floats(a, b) and source.works(a.dtype)


BEST_FOR = f"more than {MAX_NUMPY} multiplications"


@kernel(
    "matmul",
    "native",
    name="blocked",
    supports=_supports,
    requires="float32 or float64",
    profitable=lambda a, b: a.size * b.shape[-1] > MAX_NUMPY,
    best_for=BEST_FOR,
)
def matmul_blocked(a: Array, b: Array) -> Array:
    """Return the matrix product a (..., m, k) @ b (..., k, n) -> (..., m, n)."""
    return _product(a, b)


@kernel(
    "linear",
    "native",
    name="blocked",
    supports=lambda x, w: _supports(x, w),
    requires="float32 or float64",
    profitable=lambda x, w: x.size * w.shape[0] > MAX_NUMPY,
    best_for=BEST_FOR,
)
def linear_blocked(x: Array, w: Array) -> Array:
    """Return x (n, in) @ wᵀ (in, out) -> (n, out)."""
    return _product(x, w.T)
