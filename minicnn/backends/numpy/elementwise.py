"""Element-wise kernels: ReLU in two threads, and its gradient without a branch.

`np.where` has a branch for each element. With a random mask the processor predicts every second branch wrong, which
costs as much as ten multiplications. A multiplication by the mask would turn infinity into NaN. So `keep_where` clears
the bits of the values where the mask is False.
"""

import numpy as np

from minicnn.backends.numpy.blocks import cut
from minicnn.backends.numpy.threads import run, scratch, slices
from minicnn.geometry import ceil_div
from minicnn.runtime.devices import Array
from minicnn.runtime.dispatch import kernel

__all__ = ["keep_where", "relu_grad_bits", "relu_threads"]

LARGE = 1 << 18  # elements: from there on, two threads are faster
BLOCK = 1 << 17  # elements: several arrays of this size fit into the cache


def keep_where(values: Array, mask: Array, out: Array) -> Array:
    """Write `values` to `out` where the mask is True, and 0 elsewhere: floats and bool of equal shapes."""
    bits = np.dtype(f"i{values.itemsize}")
    bit_mask = scratch("bit_mask", mask.shape, bits)
    bit_mask[...] = np.negative(mask.view(np.int8))  # -1 has all bits set, 0 has none
    np.bitwise_and(values.view(bits), bit_mask, out=out.view(bits))
    return out


def _contiguous_floats(*arrays: Array) -> bool:
    return all(a.flags.c_contiguous and a.dtype.kind == "f" for a in arrays)


def _parts(size: int) -> list[slice]:
    return cut(size, 2 * ceil_div(size, 2 * BLOCK)) if size >= LARGE else [slice(0, size)]


@kernel("relu_grad", "numpy", name="bits", supports=_contiguous_floats, requires="contiguous floats")
def relu_grad_bits(g: Array, at: Array) -> Array:
    """Return g where `at` (the input or output of ReLU) is positive or NaN, and 0 elsewhere."""
    out = np.empty_like(g)
    gs, ats, outs = g.reshape(-1), at.reshape(-1), out.reshape(-1)
    run(lambda s: keep_where(gs[s], np.logical_not(ats[s] <= 0), outs[s]), _parts(g.size))
    return out


@kernel(
    "relu",
    "numpy",
    name="threads",
    supports=lambda x: x.size >= LARGE and _contiguous_floats(x),
    requires=f"at least {LARGE} contiguous floats",
)
def relu_threads(x: Array) -> Array:
    """Return max(x, 0)."""
    out = np.empty_like(x)
    xs, outs = x.reshape(-1), out.reshape(-1)
    run(lambda s: np.maximum(xs[s], 0, out=outs[s]), slices(x.size))
    return out
