"""Convolution as matrix products on unrolled windows (im2col), and on scattered ones (col2im), block by block.

For one image the windows are the columns of a matrix (C T, O): C channels times T taps, O outputs. With it,

    im2col   conv:              y (F, O)     = w (F, C T) @ columns
             conv_weight_grad:  w (C T, F)   = columns @ g (F, O)ᵀ, summed over the images
    col2im   conv_input_grad:   columns      = wᵀ (C T, F) @ g (F, O), each row added back to where its tap read

With a stride of 1 the roles can be exchanged: seen from x, the outputs that read an element are a window as well, with
the taps in reverse. Then conv is a col2im with F T rows, conv_input_grad an im2col, and conv_weight_grad unrolls g
instead of x. Whichever has fewer rows costs less, and that is the choice between the two kernels of each operation.

The columns of a whole batch would be T times the input. So the work is cut into blocks, some images or, of a large
image, some rows of outputs; each is unrolled into the thread's own small buffer, used and forgotten. Groups are a
leading axis of all products.
"""

from math import prod

import numpy as np

from minicnn.backends.numpy.blocks import BLOCK_BYTES, Block, blocks, cut, even
from minicnn.backends.numpy.polyphase import Runs, Windows
from minicnn.backends.numpy.threads import run, scratch
from minicnn.geometry import ConvSpec
from minicnn.runtime.devices import Array
from minicnn.runtime.dispatch import kernel

__all__ = ["conv_col2im", "conv_im2col", "conv_input_grad_col2im", "conv_input_grad_im2col"]
__all__ += ["conv_weight_grad_im2col", "conv_weight_grad_im2col_of_g", "gather", "scatter", "weights"]

ODD = 16  # elements after each row of columns: rows a power of two apart compete for the same places in the cache


# --- im2col ---------------------------------------------------------------------------------------------------


def _columns(runs: Runs) -> Array:
    """What all taps read, junk included: (C, T, n, outputs)."""
    _, channels, n = runs.buffer.shape[:3]
    out = scratch("columns", (channels, *runs.windows.count, n, *runs.padded_size), runs.buffer.dtype)
    for taps, read in runs.taps():
        out[:, *taps] = read
    return out


def _columns_by_image(runs: Runs, groups: int) -> Array:
    """What all taps read, without junk: (n, G, C/G T, outputs)."""
    _, channels, n = runs.buffer.shape[:3]
    taps_, outputs = prod(runs.windows.count), prod(runs.size)
    room = scratch("columns", (n, channels * taps_, outputs + ODD), runs.buffer.dtype)[..., :outputs]
    out = room.reshape(n, channels, *runs.windows.count, *runs.size)
    for taps, read in runs.taps():
        read = read[(..., *(slice(o) for o in runs.size))]
        out[:, :, *taps] = np.moveaxis(read, len(taps) + 1, 0)
    return room.reshape(n, groups, channels // groups * taps_, outputs)


def gather(x: Array, matrix: Array, windows: Windows, y: Array) -> None:
    """y[o] = Σₜ matrix[:, t] x[tap t of o]: x (N, C, *I), matrix (G, F/G, C/G T), y (N, F, *O) contiguous."""
    n, channels, (groups, filters, depth), size = x.shape[0], x.shape[1], matrix.shape, y.shape[2:]
    flat = y.reshape(n, groups, filters, -1)
    row = prod(size[1:])
    by_image = depth <= 2 * filters  # results are more than columns: write each once

    def block(task: Block) -> None:
        images, rows = task
        part = Runs(windows, images.stop - images.start, channels, (rows.stop - rows.start, *size[1:]), x.dtype)
        part.load(x[images], rows.start)
        if by_image:
            out = flat[images, :, :, rows.start * row : rows.stop * row]
            np.matmul(matrix, _columns_by_image(part, groups), out=out)
        else:
            columns = _columns(part).reshape(groups, depth, -1)
            out = scratch("products", (groups, filters, columns.shape[2]), x.dtype)
            y[images, :, rows] = part.outputs(np.matmul(matrix, columns, out=out))

    run(block, blocks(n, size, channels * prod(windows.count) * x.itemsize))


def weights(x: Array, g: Array, windows: Windows, groups: int) -> Array:
    """(G, C/G, T, F/G): the sum of g[o] x[tap t of o]; partial sums are added in the order of the blocks."""
    n, channels, filters, size = x.shape[0], x.shape[1], g.shape[1], g.shape[2:]
    depth, row = channels * prod(windows.count), prod(size[1:])
    flat = g.reshape(n, groups, filters // groups, -1)
    by_image = depth <= 2 * filters

    def block(task: Block) -> Array:
        images, rows = task
        part = Runs(windows, images.stop - images.start, channels, (rows.stop - rows.start, *size[1:]), x.dtype)
        part.load(x[images], rows.start)
        if by_image:
            gs = flat[images, :, :, rows.start * row : rows.stop * row]
            return np.matmul(_columns_by_image(part, groups), gs.swapaxes(2, 3)).sum(0)
        columns = _columns(part).reshape(groups, depth // groups, -1)
        gs = scratch("products", (groups, filters // groups, columns.shape[2]), g.dtype)
        gs.fill(0)
        part.outputs(gs)[...] = g[images, :, rows]
        return np.matmul(columns, gs.swapaxes(1, 2))  # 30% faster than g @ columnsᵀ

    total, *parts = run(block, blocks(n, size, depth * x.itemsize))
    for part in parts:
        total += part
    return total.reshape(groups, channels // groups, -1, filters // groups)


# --- col2im ---------------------------------------------------------------------------------------------------


def scatter(x: Array, matrix: Array, windows: Windows, y: Array) -> None:
    """y[tap t of o] += matrix[:, t] x[o]: x (N, C, *O), matrix (G, F/G T, C/G), y (N, F, *I) zeros."""
    n, filters, size = x.shape[0], y.shape[1], x.shape[2:]
    depth = filters * prod(windows.count) * x.itemsize

    def block(images: slice) -> None:
        part = Runs(windows, images.stop - images.start, filters, size, x.dtype)
        for _, rows in blocks(1, size, depth * (images.stop - images.start)):
            _add_back(x[images, :, rows], matrix, part, rows.start)
        part.store(y[images])

    total = n * prod(size) * depth
    run(block, cut(n, even(-(-total // BLOCK_BYTES), total)))


def _add_back(x: Array, matrix: Array, runs: Runs, row: int) -> None:
    """Multiply some rows (n, C, rows, ...) and add what comes out to the runs of the taps."""
    n, channels, rows = x.shape[:3]
    flat = scratch("products", (channels, n, rows, *runs.padded_size[1:]), x.dtype)
    flat.fill(0)
    flat[(..., *(slice(o) for o in runs.size[1:]))] = x.swapaxes(0, 1)
    columns = scratch("columns", (*matrix.shape[:2], flat[0].size), x.dtype)
    multiply = np.multiply if matrix.shape[2] == 1 else np.matmul  # one channel: four times as fast
    multiply(matrix, flat.reshape(len(matrix), -1, flat[0].size), out=columns)
    columns = columns.reshape(-1, *runs.windows.count, *flat.shape[1:])
    for taps, target in runs.taps(row, rows):
        part = columns[:, *taps]
        for t in np.ndindex(*target.shape[1 : 1 + len(taps)]):  # one after the other, for they overlap
            target[:, *t] += part[:, *t]


# --- kernels --------------------------------------------------------------------------------------------------


def _grouped(w: Array, groups: int) -> Array:
    """w (F, C/G, *K) -> (G, F/G, C/G, *K)."""
    return w.reshape(groups, w.shape[0] // groups, *w.shape[1:])


def _turned(w: Array) -> Array:
    """The taps in reverse: (G, ., ., *K)."""
    return np.flip(w, tuple(range(3, w.ndim)))


def _matrix(w: Array) -> Array:
    return np.ascontiguousarray(w).reshape(*w.shape[:2], -1)


def _step_1(spec: ConvSpec) -> bool:
    return max(spec.stride) == 1


def _some(*arrays: Array) -> bool:
    return all(a.size > 0 for a in arrays)


@kernel(
    "conv",
    "numpy",
    name="col2im",
    supports=lambda x, w, spec: _some(x, w) and _step_1(spec) and 2 * w.shape[0] <= x.shape[1],
    requires="stride 1, and at most half as many filters as channels",
)
def conv_col2im(x: Array, w: Array, *, spec: ConvSpec) -> Array:
    """x (N, C, *I), w (F, C/G, *K) -> y (N, F, *O)."""
    y = np.zeros((x.shape[0], w.shape[0], *spec.output_size), x.dtype)
    taps = np.moveaxis(_turned(_grouped(w, spec.groups)), 2, -1)  # (G, F/G, *K, C/G)
    scatter(x, np.ascontiguousarray(taps).reshape(spec.groups, -1, w.shape[1]), Windows.of(spec).mirrored, y)
    return y


@kernel("conv", "numpy", name="im2col", supports=lambda x, w, spec: _some(x, w), requires="something to do")
def conv_im2col(x: Array, w: Array, *, spec: ConvSpec) -> Array:
    """x (N, C, *I), w (F, C/G, *K) -> y (N, F, *O)."""
    y = np.empty((x.shape[0], w.shape[0], *spec.output_size), x.dtype)
    gather(x, _matrix(_grouped(w, spec.groups)), Windows.of(spec), y)
    return y


@kernel(
    "conv_input_grad",
    "numpy",
    name="im2col",
    supports=lambda g, w, spec: _some(g, w) and _step_1(spec) and 2 * w.shape[1] * spec.groups > w.shape[0],
    requires="stride 1, and more than half as many channels as filters",
)
def conv_input_grad_im2col(g: Array, w: Array, *, spec: ConvSpec) -> Array:
    """g (N, F, *O), w (F, C/G, *K) -> x (N, C, *I)."""
    x = np.empty((g.shape[0], w.shape[1] * spec.groups, *spec.input_size), g.dtype)
    gather(g, _matrix(_turned(_grouped(w, spec.groups)).swapaxes(1, 2)), Windows.of(spec).mirrored, x)
    return x


@kernel("conv_input_grad", "numpy", name="col2im", supports=lambda g, w, spec: _some(g, w), requires="something to do")
def conv_input_grad_col2im(g: Array, w: Array, *, spec: ConvSpec) -> Array:
    """g (N, F, *O), w (F, C/G, *K) -> x (N, C, *I)."""
    x = np.zeros((g.shape[0], w.shape[1] * spec.groups, *spec.input_size), g.dtype)
    matrix = w.reshape(spec.groups, w.shape[0] // spec.groups, -1).swapaxes(1, 2)
    scatter(g, np.ascontiguousarray(matrix), Windows.of(spec), x)
    return x


@kernel(
    "conv_weight_grad",
    "numpy",
    name="im2col_of_g",
    supports=lambda x, g, spec: _some(x, g) and _step_1(spec) and 2 * g.shape[1] <= x.shape[1],
    requires="stride 1, and at most half as many filters as channels",
)
def conv_weight_grad_im2col_of_g(x: Array, g: Array, *, spec: ConvSpec) -> Array:
    """x (N, C, *I), g (N, F, *O) -> w (F, C/G, *K)."""
    w = weights(g, x, Windows.of(spec).mirrored, spec.groups)  # (G, F/G, T, C/G)
    return np.ascontiguousarray(w[:, :, ::-1].swapaxes(2, 3)).reshape(g.shape[1], -1, *spec.kernel_size)


@kernel("conv_weight_grad", "numpy", name="im2col", supports=lambda x, g, spec: _some(x, g), requires="something to do")
def conv_weight_grad_im2col(x: Array, g: Array, *, spec: ConvSpec) -> Array:
    """x (N, C, *I), g (N, F, *O) -> w (F, C/G, *K)."""
    w = weights(x, g, Windows.of(spec), spec.groups)  # (G, C/G, T, F/G)
    return np.ascontiguousarray(np.moveaxis(w, 3, 1)).reshape(g.shape[1], -1, *spec.kernel_size)
