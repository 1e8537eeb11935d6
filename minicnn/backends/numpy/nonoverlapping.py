"""Convolution without overlap and without padding: kernels that are not larger than their stride, for example 1×1.

Every element of x is read at most once, so the columns of im2col are x in another order. They cost one copy, or no copy
for a 1×1 kernel with stride 1. With C channels, T taps, F filters and O outputs, for each image,

    conv:              y (F, O)      = w (F, C T) @ columns
    conv_weight_grad:  w (C T, F)    = columns @ g (F, O)ᵀ, summed over the images
    conv_input_grad:   columns       = wᵀ (C T, F) @ g (F, O), then copied to x in the original order
"""

from math import prod

import numpy as np
from numpy.lib.stride_tricks import as_strided

from minicnn.backends.numpy.blocks import Block, blocks
from minicnn.backends.numpy.threads import run, scratch
from minicnn.geometry import ConvSpec
from minicnn.runtime.devices import Array
from minicnn.runtime.dispatch import kernel

__all__ = ["conv_input_grad_patches", "conv_patches", "conv_weight_grad_patches"]

REQUIRES = "windows without overlap and padding, nonempty arrays"


def _nonoverlapping(a: Array, b: Array, spec: ConvSpec) -> bool:
    inside = all(before <= 0 and after <= 0 for before, after in spec.window_padding)
    return a.size > 0 and b.size > 0 and inside and not _overlap(spec)


def _overlap(spec: ConvSpec) -> bool:
    return any((k - 1) * d >= s for k, d, s in zip(spec.kernel_size, spec.dilation, spec.stride, strict=True))


def _taps(x: Array, spec: ConvSpec) -> Array:
    """Return a view of x (N, C, *I) with the elements that each tap reads: (N, C, *K, *O)."""
    outer, inner = x.strides[:2], x.strides[2:]
    between_taps = [d * s for d, s in zip(spec.dilation, inner, strict=True)]
    between_outputs = [d * s for d, s in zip(spec.stride, inner, strict=True)]
    shape = (*x.shape[:2], *spec.kernel_size, *spec.output_size)
    return as_strided(x, shape, (*outer, *between_taps, *between_outputs))


def _columns(x: Array, spec: ConvSpec, rows: slice) -> Array:
    """Return the columns of these output rows, x (n, C, *I) -> (n, G, C/G T, outputs); a 1×1 kernel needs no copy."""
    read = _taps(x, spec)[(slice(None),) * (2 + len(spec.kernel_size)) + (rows,)]
    shape = (len(x), spec.groups, x.shape[1] // spec.groups * len(spec.taps), -1)
    if len(spec.taps) == max(spec.stride) == 1:
        return read.reshape(shape)
    columns = scratch("columns", read.shape, x.dtype)
    columns[...] = read
    return columns.reshape(shape)


def _blocks(n: int, channels: int, spec: ConvSpec, itemsize: int) -> list[Block]:
    return blocks(n, spec.output_size, channels * len(spec.taps) * itemsize)


def _part(y: Array, groups: int, block: Block) -> Array:
    """Return a view of a block of y (N, F, *O), as (n, G, F/G, outputs)."""
    (images, rows), row = block, prod(y.shape[3:])
    return y.reshape(len(y), groups, y.shape[1] // groups, -1)[images, :, :, rows.start * row : rows.stop * row]


@kernel("conv", "numpy", name="nonoverlapping", supports=_nonoverlapping, requires=REQUIRES)
def conv_patches(x: Array, w: Array, *, spec: ConvSpec) -> Array:
    """Convolve: x (N, C, *I), w (F, C/G, *K) -> y (N, F, *O)."""
    y = np.empty((x.shape[0], w.shape[0], *spec.output_size), x.dtype)
    matrix = w.reshape(spec.groups, w.shape[0] // spec.groups, -1)

    def block(task: Block) -> None:
        np.matmul(matrix, _columns(x[task[0]], spec, task[1]), out=_part(y, spec.groups, task))

    run(block, _blocks(x.shape[0], x.shape[1], spec, x.itemsize))
    return y


@kernel("conv_weight_grad", "numpy", name="nonoverlapping", supports=_nonoverlapping, requires=REQUIRES)
def conv_weight_grad_patches(x: Array, g: Array, *, spec: ConvSpec) -> Array:
    """Compute the weight gradient, x (N, C, *I), g (N, F, *O) -> w (F, C/G, *K), summed in the order of the blocks."""
    columns_first = x.shape[1] * len(spec.taps) > g.shape[1]  # the larger matrix first: up to 40% faster

    def block(task: Block) -> Array:
        columns, gs = _columns(x[task[0]], spec, task[1]), _part(g, spec.groups, task)
        first, second = (columns, gs) if columns_first else (gs, columns)
        total = np.matmul(first[0], second[0].swapaxes(1, 2))
        for a, b in zip(first[1:], second[1:], strict=True):
            total += np.matmul(a, b.swapaxes(1, 2))
        return total

    total, *parts = run(block, _blocks(x.shape[0], x.shape[1], spec, x.itemsize))
    for part in parts:
        total += part
    if columns_first:
        total = np.ascontiguousarray(total.swapaxes(1, 2))
    return total.reshape(g.shape[1], -1, *spec.kernel_size)


@kernel("conv_input_grad", "numpy", name="nonoverlapping", supports=_nonoverlapping, requires=REQUIRES)
def conv_input_grad_patches(g: Array, w: Array, *, spec: ConvSpec) -> Array:
    """Compute the input gradient: g (N, F, *O), w (F, C/G, *K) -> x (N, C, *I)."""
    n, channels = g.shape[0], w.shape[1] * spec.groups
    matrix = w.reshape(spec.groups, w.shape[0] // spec.groups, -1).swapaxes(1, 2)
    covered = spec.kernel_size == spec.stride and all(after == 0 for _, after in spec.window_padding)
    x = (np.empty if covered else np.zeros)((n, channels, *spec.input_size), g.dtype)

    def block(task: Block) -> None:
        images, rows = task
        gs = _part(g, spec.groups, task)
        if len(spec.taps) == max(spec.stride) == 1:
            np.matmul(matrix, gs, out=_part(x, spec.groups, task))
            return
        columns = scratch("columns", (len(gs), *matrix.shape[:2], gs.shape[3]), g.dtype)
        target = _taps(x[images], spec)[(slice(None),) * (2 + len(spec.kernel_size)) + (rows,)]
        columns = np.matmul(matrix, gs, out=columns).reshape(target.shape)
        for tap in np.ndindex(*spec.kernel_size):  # one copy per tap: NumPy's inner loop is then over outputs, and long
            target[:, :, *tap] = columns[:, :, *tap]

    run(block, _blocks(n, channels, spec, g.itemsize))
    return x
