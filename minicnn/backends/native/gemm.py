"""Products of matrices: kernels/cpu/gemm.cpp for `matmul` and `linear`.

A transposed operand, as the gradients of both make them, is read where it lies; so is one matrix for a whole batch.
"""

from math import prod

import numpy as np

from minicnn.backends.native.library import Source, floats
from minicnn.runtime.devices import Array
from minicnn.runtime.dispatch import kernel

__all__ = ["linear_blocked", "matmul_blocked"]

source = Source("gemm.cpp")

SMALL = 1 << 15  # multiplications up to which NumPy is faster: a call here costs some microseconds more


def _stored(x: Array) -> tuple[Array, tuple[int, int, int]]:
    """Return the memory that holds matrices without gaps, and the steps there to the next matrix, row and column."""
    rows, columns = x.shape[-2:]
    step = rows * columns
    if x.ndim > 2 and step and not any(x.strides[:-2]):
        x, step = x[(0,) * (x.ndim - 2)], 0  # one matrix, expanded
    turned = x.swapaxes(-1, -2)
    if turned.flags.c_contiguous and not x.flags.c_contiguous:
        return turned, (step, 1, rows)
    return np.ascontiguousarray(x), (step, columns, 1)


def _product(a: Array, b: Array) -> Array:
    *lead, m, k = a.shape
    n = b.shape[-1]
    c = np.empty((*lead, m, n), a.dtype)
    if not c.size:
        return c
    if not k:
        c.fill(0)
        return c
    (x, x_steps), (y, y_steps) = _stored(a), _stored(b)
    source.call("gemm", x, y, c, prod(lead), m, n, k, *x_steps, *y_steps)
    return c


def _supports(a: Array, b: Array) -> bool:
    return floats(a, b) and source.works(a.dtype)


BEST_FOR = f"more than {SMALL} multiplications"


@kernel(
    "matmul",
    "native",
    name="blocked",
    supports=_supports,
    requires="floats",
    profitable=lambda a, b: a.size * b.shape[-1] > SMALL,
    best_for=BEST_FOR,
)
def matmul_blocked(a: Array, b: Array) -> Array:
    """a (..., m, k) @ b (..., k, n) -> (..., m, n)."""
    return _product(a, b)


@kernel(
    "linear",
    "native",
    name="blocked",
    supports=lambda x, w: _supports(x, w),
    requires="floats",
    profitable=lambda x, w: x.size * w.shape[0] > SMALL,
    best_for=BEST_FOR,
)
def linear_blocked(x: Array, w: Array) -> Array:
    """x (n, in) @ wᵀ (in, out) -> (n, out)."""
    return _product(x, w.T)
