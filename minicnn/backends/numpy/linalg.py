"""Matrix products: large products in two threads, and the product of a column and a row.

A thread multiplies half of the rows. BLAS has its own threads, but they would compete with ours for the processors.
"""

import numpy as np

from minicnn.backends.numpy.blocks import cut
from minicnn.backends.numpy.threads import run
from minicnn.runtime.devices import Array
from minicnn.runtime.dispatch import kernel

__all__ = ["linear_rows", "matmul_integers", "matmul_outer", "matmul_rows"]

LARGE = 1 << 23  # multiplications: from there on, two threads are faster


@kernel(
    "matmul",
    "numpy",
    name="outer",
    supports=lambda a, b: a.ndim > 1 and b.ndim > 1 and a.shape[-1] == 1 and a.dtype.kind == "f",
    requires="floats, one column on the left",
)
def matmul_outer(a: Array, b: Array) -> Array:
    """Return the outer product a (..., n, 1) @ b (..., 1, m) -> (..., n, m); BLAS takes five times as long."""
    return np.multiply(a, b)


def _rows(a: Array, b: Array) -> Array:
    """Return a (..., n, k) @ b (..., k, m) -> (..., n, m); the first axis of a is cut into two halves."""
    out = np.empty((*a.shape[:-1], b.shape[-1]), a.dtype)

    def part(s: slice) -> None:
        np.matmul(a[s], b if b.ndim == 2 else b[s], out=out[s])

    run(part, cut(len(a), 2 if a.size * b.shape[-1] >= LARGE else 1))
    return out


def _floats(a: Array, b: Array) -> bool:
    return bool(a.size > 0 and b.size > 0 and a.dtype.kind == "f" and a.ndim > 1 and a.shape[:-2] == b.shape[:-2])


@kernel("matmul", "numpy", name="rows", supports=_floats, requires="nonempty arrays of floats with equal leading axes")
def matmul_rows(a: Array, b: Array) -> Array:
    """Return the matrix product a (..., n, k) @ b (..., k, m) -> (..., n, m)."""
    return _rows(a, b)


@kernel(
    "linear",
    "numpy",
    name="rows",
    supports=lambda x, w: x.ndim == 2 and _floats(x, w),
    requires="nonempty arrays of floats with two axes",
)
def linear_rows(x: Array, w: Array) -> Array:
    """Return x (n, k) @ wᵀ (k, m) -> (n, m)."""
    return _rows(x, w.T)


def _largest_sum(a: Array, b: Array) -> float:
    """Return a bound of the elements of a @ b."""
    first, second = (max(-float(x.min()), float(x.max())) for x in (a, b))
    return first * second * int(a.shape[-1])


def _exact_in_float64(a: Array, b: Array) -> bool:
    whole = a.size > 0 and b.size > 0 and a.dtype.kind in "iu" and b.dtype.kind in "iu"
    return bool(whole and _largest_sum(a, b) < 2**53)


@kernel(
    "matmul",
    "numpy",
    name="integers",
    supports=_exact_in_float64,
    requires="nonempty arrays of integers whose products have sums below 2⁵³",
    profitable=lambda a, b: a.size * b.shape[-1] >= 1 << 12,
    best_for="at least 4096 products",
)
def matmul_integers(a: Array, b: Array) -> Array:
    """Return the matrix product of integers, by BLAS in float64, which is exact here; NumPy's own loop is slow."""
    product = np.matmul(a.astype(np.float64), b.astype(np.float64))
    return product.astype(np.int64).astype(a.dtype, copy=False)
