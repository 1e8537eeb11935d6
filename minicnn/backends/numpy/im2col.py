"""Convolution and its gradients as matrix products: im2col copies windows into columns, col2im adds columns to windows.

For one image the windows are the columns of a matrix (C T, O): C channels times T taps, O outputs. With this matrix,

    im2col   conv:              y (F, O)     = w (F, C T) @ columns
             conv_weight_grad:  w (C T, F)   = columns @ g (F, O)ᵀ, summed over the images
    col2im   conv_input_grad:   columns      = wᵀ (C T, F) @ g (F, O), then each row is added to the inputs of its tap

With stride 1, input and output can change roles: the outputs that read an element of x form a window too, with the taps
in reverse order. Then conv is a col2im with F T rows, conv_input_grad is an im2col, and conv_weight_grad copies the
windows of g instead of the windows of x. Each operation has both kernels; the kernel with fewer rows is faster.

The columns of a whole batch would need T times the memory of the input. So the work is cut into blocks: some images, or
some output rows of a large image. A thread copies the windows of all its blocks into the same small buffer, block after
block. Groups are the leading axis of all products.
"""

from math import prod

import numpy as np

from minicnn.backends.numpy.blocks import BLOCK_BYTES, Block, blocks, cut, even
from minicnn.backends.numpy.polyphase import PhaseBuffer, Windows
from minicnn.backends.numpy.threads import run, scratch
from minicnn.geometry import ConvSpec, ceil_div
from minicnn.runtime.devices import Array
from minicnn.runtime.dispatch import kernel

__all__ = ["conv_col2im", "conv_im2col", "conv_input_grad_col2im", "conv_input_grad_im2col"]
__all__ += ["conv_weight_grad_im2col", "conv_weight_grad_im2col_of_g", "gather", "scatter", "weights"]

ROW_PADDING = 16  # unused elements after each row of columns: rows that are 2ⁿ apart would cost cache misses


# --- im2col ---------------------------------------------------------------------------------------------------


def _columns(buffer: PhaseBuffer) -> Array:
    """Return the columns (C, *K, n, outputs), unused elements included."""
    _, channels, n = buffer.data.shape[:3]
    out = scratch("columns", (channels, *buffer.windows.count, n, *buffer.padded_size), buffer.data.dtype)
    for taps, read in buffer.taps():
        out[:, *taps] = read
    return out


def _columns_by_image(buffer: PhaseBuffer, groups: int) -> Array:
    """Return the columns of each image, (n, G, C/G T, outputs), without unused elements."""
    _, channels, n = buffer.data.shape[:3]
    n_taps, outputs = prod(buffer.windows.count), prod(buffer.size)
    columns = scratch("columns", (n, channels * n_taps, outputs + ROW_PADDING), buffer.data.dtype)[..., :outputs]
    out = columns.reshape(n, channels, *buffer.windows.count, *buffer.size)
    for taps, read in buffer.taps():
        read = read[(..., *(slice(o) for o in buffer.size))]
        out[:, :, *taps] = np.moveaxis(read, len(taps) + 1, 0)
    return columns.reshape(n, groups, channels // groups * n_taps, outputs)


def gather(x: Array, matrix: Array, windows: Windows, y: Array) -> None:
    """Set y[o] = Σₜ matrix[:, t] x[tap t of o]: x (N, C, *I), matrix (G, F/G, C/G T), y (N, F, *O) contiguous."""
    n, channels, (groups, filters, depth), size = x.shape[0], x.shape[1], matrix.shape, y.shape[2:]
    flat = y.reshape(n, groups, filters, -1)
    row = prod(size[1:])
    by_image = depth <= 2 * filters  # the outputs are larger than the columns: write them only once

    def block(task: Block) -> None:
        images, rows = task
        n_images, part_size = images.stop - images.start, (rows.stop - rows.start, *size[1:])
        buffer = PhaseBuffer(windows, n_images, channels, part_size, x.dtype)
        buffer.load(x[images], rows.start)
        if by_image:
            out = flat[images, :, :, rows.start * row : rows.stop * row]
            np.matmul(matrix, _columns_by_image(buffer, groups), out=out)
        else:
            columns = _columns(buffer).reshape(groups, depth, -1)
            out = scratch("products", (groups, filters, columns.shape[2]), x.dtype)
            y[images, :, rows] = buffer.outputs(np.matmul(matrix, columns, out=out))

    run(block, blocks(n, size, channels * prod(windows.count) * x.itemsize))


def weights(x: Array, g: Array, windows: Windows, groups: int) -> Array:
    """Return Σ g[o] x[tap t of o] over images and outputs, as (G, C/G, T, F/G).

    The sums of the blocks are added in the order of the blocks, so the result does not depend on the threads.
    """
    n, channels, filters, size = x.shape[0], x.shape[1], g.shape[1], g.shape[2:]
    depth, row = channels * prod(windows.count), prod(size[1:])
    flat = g.reshape(n, groups, filters // groups, -1)
    by_image = depth <= 2 * filters

    def block(task: Block) -> Array:
        images, rows = task
        n_images, part_size = images.stop - images.start, (rows.stop - rows.start, *size[1:])
        buffer = PhaseBuffer(windows, n_images, channels, part_size, x.dtype)
        buffer.load(x[images], rows.start)
        if by_image:
            gs = flat[images, :, :, rows.start * row : rows.stop * row]
            return np.matmul(_columns_by_image(buffer, groups), gs.swapaxes(2, 3)).sum(0)
        columns = _columns(buffer).reshape(groups, depth // groups, -1)
        gs = scratch("products", (groups, filters // groups, columns.shape[2]), g.dtype)
        gs.fill(0)
        buffer.outputs(gs)[...] = g[images, :, rows]
        return np.matmul(columns, gs.swapaxes(1, 2))  # 30% faster than g @ columnsᵀ

    total, *parts = run(block, blocks(n, size, depth * x.itemsize))
    for part in parts:
        total += part
    return total.reshape(groups, channels // groups, -1, filters // groups)


# --- col2im ---------------------------------------------------------------------------------------------------


def scatter(x: Array, matrix: Array, windows: Windows, y: Array) -> None:
    """Add matrix[:, t] x[o] to y[tap t of o]: x (N, C, *O), matrix (G, F/G T, C/G), y (N, F, *I), zeros at first."""
    n, filters, size = x.shape[0], y.shape[1], x.shape[2:]
    depth = filters * prod(windows.count) * x.itemsize

    def block(images: slice) -> None:
        buffer = PhaseBuffer(windows, images.stop - images.start, filters, size, x.dtype)
        for _, rows in blocks(1, size, depth * (images.stop - images.start)):
            _add_columns(x[images, :, rows], matrix, buffer, rows.start)
        buffer.store(y[images])

    total = n * prod(size) * depth
    run(block, cut(n, even(ceil_div(total, BLOCK_BYTES), total)))


def _add_columns(x: Array, matrix: Array, buffer: PhaseBuffer, row: int) -> None:
    """Multiply x (n, C, rows, ...) by the matrix and add the products to the elements that the taps read."""
    n, channels, rows = x.shape[:3]
    flat = scratch("products", (channels, n, rows, *buffer.padded_size[1:]), x.dtype)
    flat.fill(0)
    flat[(..., *(slice(o) for o in buffer.size[1:]))] = x.swapaxes(0, 1)
    columns = scratch("columns", (*matrix.shape[:2], flat[0].size), x.dtype)
    multiply = np.multiply if matrix.shape[2] == 1 else np.matmul  # for one channel, multiply is four times as fast
    multiply(matrix, flat.reshape(len(matrix), -1, flat[0].size), out=columns)
    columns = columns.reshape(-1, *buffer.windows.count, *flat.shape[1:])
    for taps, target in buffer.taps(row, rows):
        part = columns[:, *taps]
        for t in np.ndindex(*target.shape[1 : 1 + len(taps)]):  # one after another, because the taps overlap
            target[:, *t] += part[:, *t]


# --- kernels --------------------------------------------------------------------------------------------------


def _grouped(w: Array, groups: int) -> Array:
    """Reshape w (F, C/G, *K) -> (G, F/G, C/G, *K)."""
    return w.reshape(groups, w.shape[0] // groups, *w.shape[1:])


def _flip_taps(w: Array) -> Array:
    """Reverse the order of the taps of w (G, F/G, C/G, *K)."""
    return np.flip(w, tuple(range(3, w.ndim)))


def _matrix(w: Array) -> Array:
    """Return w (G, F/G, C/G, *K) as matrices (G, F/G, C/G T)."""
    return np.ascontiguousarray(w).reshape(*w.shape[:2], -1)


def _stride_1(spec: ConvSpec) -> bool:
    return max(spec.stride) == 1


def _nonempty(*arrays: Array) -> bool:
    return all(a.size > 0 for a in arrays)


@kernel(
    "conv",
    "numpy",
    name="col2im",
    supports=lambda x, w, spec: _nonempty(x, w) and _stride_1(spec) and 2 * w.shape[0] <= x.shape[1],
    requires="stride 1, and at most half as many filters as channels",
)
def conv_col2im(x: Array, w: Array, *, spec: ConvSpec) -> Array:
    """Convolve by col2im: x (N, C, *I), w (F, C/G, *K) -> y (N, F, *O)."""
    y = np.zeros((x.shape[0], w.shape[0], *spec.output_size), x.dtype)
    taps = np.moveaxis(_flip_taps(_grouped(w, spec.groups)), 2, -1)  # (G, F/G, *K, C/G)
    scatter(x, np.ascontiguousarray(taps).reshape(spec.groups, -1, w.shape[1]), Windows.of(spec).mirrored, y)
    return y


@kernel("conv", "numpy", name="im2col", supports=lambda x, w, spec: _nonempty(x, w), requires="nonempty arrays")
def conv_im2col(x: Array, w: Array, *, spec: ConvSpec) -> Array:
    """Convolve by im2col: x (N, C, *I), w (F, C/G, *K) -> y (N, F, *O)."""
    y = np.empty((x.shape[0], w.shape[0], *spec.output_size), x.dtype)
    gather(x, _matrix(_grouped(w, spec.groups)), Windows.of(spec), y)
    return y


@kernel(
    "conv_input_grad",
    "numpy",
    name="im2col",
    supports=lambda g, w, spec: _nonempty(g, w) and _stride_1(spec) and 2 * w.shape[1] * spec.groups > w.shape[0],
    requires="stride 1, and more than half as many channels as filters",
)
def conv_input_grad_im2col(g: Array, w: Array, *, spec: ConvSpec) -> Array:
    """Compute the input gradient by im2col on g: g (N, F, *O), w (F, C/G, *K) -> x (N, C, *I)."""
    x = np.empty((g.shape[0], w.shape[1] * spec.groups, *spec.input_size), g.dtype)
    gather(g, _matrix(_flip_taps(_grouped(w, spec.groups)).swapaxes(1, 2)), Windows.of(spec).mirrored, x)
    return x


@kernel(
    "conv_input_grad", "numpy", name="col2im", supports=lambda g, w, spec: _nonempty(g, w), requires="nonempty arrays"
)
def conv_input_grad_col2im(g: Array, w: Array, *, spec: ConvSpec) -> Array:
    """Compute the input gradient by col2im: g (N, F, *O), w (F, C/G, *K) -> x (N, C, *I)."""
    x = np.zeros((g.shape[0], w.shape[1] * spec.groups, *spec.input_size), g.dtype)
    matrix = w.reshape(spec.groups, w.shape[0] // spec.groups, -1).swapaxes(1, 2)
    scatter(g, np.ascontiguousarray(matrix), Windows.of(spec), x)
    return x


@kernel(
    "conv_weight_grad",
    "numpy",
    name="im2col_of_g",
    supports=lambda x, g, spec: _nonempty(x, g) and _stride_1(spec) and 2 * g.shape[1] <= x.shape[1],
    requires="stride 1, and at most half as many filters as channels",
)
def conv_weight_grad_im2col_of_g(x: Array, g: Array, *, spec: ConvSpec) -> Array:
    """Compute the weight gradient by im2col on g: x (N, C, *I), g (N, F, *O) -> w (F, C/G, *K)."""
    w = weights(g, x, Windows.of(spec).mirrored, spec.groups)  # (G, F/G, T, C/G)
    return np.ascontiguousarray(w[:, :, ::-1].swapaxes(2, 3)).reshape(g.shape[1], -1, *spec.kernel_size)


@kernel(
    "conv_weight_grad", "numpy", name="im2col", supports=lambda x, g, spec: _nonempty(x, g), requires="nonempty arrays"
)
def conv_weight_grad_im2col(x: Array, g: Array, *, spec: ConvSpec) -> Array:
    """Compute the weight gradient by im2col: x (N, C, *I), g (N, F, *O) -> w (F, C/G, *K)."""
    w = weights(x, g, Windows.of(spec), spec.groups)  # (G, C/G, T, F/G)
    return np.ascontiguousarray(np.moveaxis(w, 3, 1)).reshape(g.shape[1], -1, *spec.kernel_size)
