"""Element-wise kernels where plain NumPy is slow: choosing by a condition.

`np.where` mispredicts a branch for every other element of a random mask and costs ten multiplications; multiplying by
the mask turns infinity into NaN. Keeping or clearing all bits of a value does neither.
"""

import numpy as np

from minicnn.backends.numpy.blocks import cut
from minicnn.backends.numpy.threads import run, scratch, slices
from minicnn.runtime.devices import Array
from minicnn.runtime.dispatch import kernel

__all__ = ["keep_where", "relu_grad_bits", "relu_threads"]

LARGE = 1 << 18  # elements from which two threads beat one
BLOCK = 1 << 17  # elements: several arrays of that size stay in the cache


def keep_where(values: Array, mask: Array, out: Array) -> Array:
    """Write values where the bool mask holds and 0 elsewhere; floating point, equal shapes."""
    bits = np.dtype(f"i{values.itemsize}")
    spread = scratch("spread", mask.shape, bits)
    spread[...] = np.negative(mask.view(np.int8))  # all ones or all zeros
    np.bitwise_and(values.view(bits), spread, out=out.view(bits))
    return out


def _flat(*arrays: Array) -> bool:
    return all(a.flags.c_contiguous and a.dtype.kind == "f" for a in arrays)


def _parts(size: int) -> list[slice]:
    return cut(size, 2 * -(-size // (2 * BLOCK))) if size >= LARGE else [slice(0, size)]


@kernel("relu_grad", "numpy", name="bits", supports=_flat, requires="contiguous floats")
def relu_grad_bits(g: Array, at: Array) -> Array:
    """The gradient where the output is positive or NaN, 0 elsewhere."""
    out = np.empty_like(g)
    gs, ats, outs = g.reshape(-1), at.reshape(-1), out.reshape(-1)
    run(lambda s: keep_where(gs[s], np.logical_not(ats[s] <= 0), outs[s]), _parts(g.size))
    return out


@kernel(
    "relu",
    "numpy",
    name="threads",
    supports=lambda x: x.size >= LARGE and _flat(x),
    requires=f"{LARGE} contiguous floats and more",
)
def relu_threads(x: Array) -> Array:
    """max(x, 0)."""
    out = np.empty_like(x)
    xs, outs = x.reshape(-1), out.reshape(-1)
    run(lambda s: np.maximum(xs[s], 0, out=outs[s]), slices(x.size))
    return out
