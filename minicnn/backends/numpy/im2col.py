"""Convolution as matrix products on unrolled windows (im2col), in blocks that stay in the cache.

For one image the windows are the columns of a matrix (C K, O): C channels times K taps, O outputs. Then

    conv:             y (F, O)   = w (F, C K) @ columns
    conv_weight_grad: w (F, C K) = g (F, O)   @ columnsᵀ, summed over the images
    conv_input_grad:  columns    = w ᵀ        @ g (F, O), and every column is added back to where it came from

The columns of a whole batch would be K times the input. So the work is cut into blocks, some images or, of a large
image, some rows of outputs; each is unrolled into the thread's own small buffer, used and forgotten. Groups are a
leading axis of all three products.
"""

from collections.abc import Iterator
from math import prod

import numpy as np

from minicnn.backends.numpy.threads import run, scratch
from minicnn.devices import Array
from minicnn.dispatch import kernel
from minicnn.geometry import ConvSpec

__all__ = ["conv_im2col", "conv_input_grad_im2col", "conv_weight_grad_im2col"]

Block = tuple[slice, slice]  # images, rows of the output's first spatial axis

BLOCK_BYTES = 1 << 20  # of columns: about what the second-level cache holds


def _blocks(n: int, channels: int, spec: ConvSpec, itemsize: int, whole_images: bool = False) -> list[Block]:
    """Cut a batch into blocks; the cut depends on sizes alone, so results do not depend on the number of threads."""
    rows = spec.output_size[0]
    row_bytes = channels * prod(spec.kernel_size) * prod(spec.output_size[1:]) * itemsize
    height = max(1, min(rows, BLOCK_BYTES // max(row_bytes, 1)))
    if height < rows and not whole_images:
        return [(slice(i, i + 1), slice(r, min(r + height, rows))) for i in range(n) for r in range(0, rows, height)]
    images = max(1, BLOCK_BYTES // max(row_bytes * rows, 1))
    images = max(1, min(images, -(-n // 2)))  # at least two blocks where there are two images
    return [(slice(i, min(i + images, n)), slice(0, rows)) for i in range(0, n, images)]


def _window(spec: ConvSpec, rows: slice) -> tuple[int, int]:
    """The rows of the input, padding counted negative, that these output rows see."""
    first = rows.start * spec.stride[0] - spec.padding[0][0]
    reach = spec.dilation[0] * (spec.kernel_size[0] - 1) + 1
    return first, first + (rows.stop - rows.start - 1) * spec.stride[0] + reach


def _taps(spec: ConvSpec, rows: int) -> Iterator[tuple[slice, ...]]:
    """For each tap, what these many output rows read of their padded input."""
    for offset, (_, *rest) in spec.taps:
        start = offset[0] * spec.dilation[0]
        yield (slice(start, start + spec.stride[0] * (rows - 1) + 1, spec.stride[0]), *rest)


def _padded_rows(x: Array, spec: ConvSpec, rows: slice) -> Array:
    """The input under these output rows with its zeros around it: x itself where it needs none."""
    first, last = _window(spec, rows)
    height = x.shape[2]
    pads = spec.window_padding[1:]
    begin = min(max(first, 0), height)
    inside = slice(begin, max(min(last, height), begin))  # empty where the rows see padding alone
    if first >= 0 and last <= height and all(b <= 0 and a <= 0 for b, a in pads):
        return x[:, :, inside]
    rest = tuple(i + max(b, 0) + max(a, 0) for i, (b, a) in zip(spec.input_size[1:], pads, strict=True))
    out = scratch("padded", (*x.shape[:2], last - first, *rest), x.dtype)
    out.fill(0)
    middle = tuple(slice(max(b, 0), max(b, 0) + i) for i, (b, _) in zip(spec.input_size[1:], pads, strict=True))
    out[(slice(None), slice(None), slice(inside.start - first, inside.stop - first), *middle)] = x[:, :, inside]
    return out


def _columns(x: Array, spec: ConvSpec, rows: slice) -> Array:
    """x (n, C, *I) -> (n, G, C/G K, outputs in these rows)."""
    n, channels = x.shape[:2]
    size = (rows.stop - rows.start, *spec.output_size[1:])
    padded = _padded_rows(x, spec, rows)
    columns = scratch("columns", (n, channels, len(spec.taps), *size), x.dtype)
    for k, window in enumerate(_taps(spec, size[0])):
        columns[:, :, k] = padded[(..., *window)]
    return columns.reshape(n, spec.groups, channels // spec.groups * len(spec.taps), prod(size))


def _matrix(w: Array, groups: int) -> Array:
    """w (F, C/G, *K) -> (G, F/G, C/G K)."""
    return np.ascontiguousarray(w).reshape(groups, w.shape[0] // groups, -1)


def _worth_it(x: Array, w: Array, spec: ConvSpec) -> bool:
    """Depthwise products are too thin for a matrix; an empty batch has none."""
    return x.size > 0 and w.size > 0 and (spec.groups == 1 or w.shape[1] >= 4)


@kernel("conv", "numpy", name="im2col", when=_worth_it, needs="at least 4 channels a group, and something to do")
def conv_im2col(x: Array, w: Array, *, spec: ConvSpec) -> Array:
    """x (N, C, *I), w (F, C/G, *K) -> y (N, F, *O)."""
    n, filters, groups = x.shape[0], w.shape[0], spec.groups
    matrix = _matrix(w, groups)
    y = np.empty((n, groups, filters // groups, spec.output_size[0], prod(spec.output_size[1:])), x.dtype)

    def block(task: Block) -> None:
        images, rows = task
        columns = _columns(x[images], spec, rows)
        target = y[images, :, :, rows].reshape(-1, groups, filters // groups, columns.shape[-1])
        if np.may_share_memory(target, y):
            np.matmul(matrix, columns, out=target)
        else:  # rows of a larger image are not contiguous over the filters
            y[images, :, :, rows] = np.matmul(matrix, columns).reshape(y[images, :, :, rows].shape)

    run(block, _blocks(n, x.shape[1], spec, x.itemsize))
    return y.reshape(n, filters, *spec.output_size)


@kernel(
    "conv_weight_grad",
    "numpy",
    name="im2col",
    when=lambda x, g, spec: x.size > 0 and g.size > 0 and (spec.groups == 1 or x.shape[1] >= 4 * spec.groups),
    needs="at least 4 channels a group, and something to do",
)
def conv_weight_grad_im2col(x: Array, g: Array, *, spec: ConvSpec) -> Array:
    """x (N, C, *I), g (N, F, *O) -> w (F, C/G, *K); partial sums are added in the order of the blocks."""
    filters, groups = g.shape[1], spec.groups
    gs = g.reshape(g.shape[0], groups, filters // groups, spec.output_size[0], -1)

    def block(task: Block) -> Array:
        images, rows = task
        columns = _columns(x[images], spec, rows)
        part = gs[images, :, :, rows].reshape(*columns.shape[:2], filters // groups, columns.shape[-1])
        total = np.matmul(part[0], columns[0].swapaxes(-1, -2))  # (G, F/G, C/G K)
        for i in range(1, len(part)):
            total += np.matmul(part[i], columns[i].swapaxes(-1, -2))
        return total

    parts = run(block, _blocks(x.shape[0], x.shape[1], spec, x.itemsize))
    total = parts[0]
    for part in parts[1:]:
        total += part
    return total.reshape(filters, x.shape[1] // groups, *spec.kernel_size)


@kernel(
    "conv_input_grad",
    "numpy",
    name="im2col",
    when=_worth_it,
    needs="at least 4 channels a group, and something to do",
)
def conv_input_grad_im2col(g: Array, w: Array, *, spec: ConvSpec) -> Array:
    """g (N, F, *O), w (F, C/G, *K) -> x (N, C, *I)."""
    n, filters, groups = g.shape[0], g.shape[1], spec.groups
    channels = w.shape[1] * groups
    matrix = _matrix(w, groups).swapaxes(-1, -2)  # (G, C/G K, F/G)
    gs = g.reshape(n, groups, filters // groups, spec.output_size[0], -1)
    x: Array = np.empty((n, channels, *spec.input_size), g.dtype)
    reach = [(max(b, 0), max(a, 0)) for b, a in spec.window_padding]
    size = tuple(i + b + a for i, (b, a) in zip(spec.input_size, reach, strict=True))
    inner = tuple(slice(b, b + i) for i, (b, _) in zip(spec.input_size, reach, strict=True))

    def block(task: Block) -> None:
        images = task[0]
        padded = scratch("padded", (images.stop - images.start, channels, *size), g.dtype)
        padded.fill(0)
        for rows in _row_blocks(spec, channels * (images.stop - images.start), g.itemsize):
            part = gs[images, :, :, rows]
            part = part.reshape(*part.shape[:3], -1)
            columns = scratch("columns", (*part.shape[:2], matrix.shape[1], part.shape[3]), g.dtype)
            np.matmul(matrix, part, out=columns)
            taps = columns.reshape(len(part), channels, len(spec.taps), -1, *spec.output_size[1:])
            under = padded[:, :, rows.start * spec.stride[0] :]
            for k, window in enumerate(_taps(spec, rows.stop - rows.start)):
                under[(..., *window)] += taps[:, :, k]
        x[images] = padded[(..., *inner)]

    run(block, _blocks(n, channels, spec, g.itemsize, whole_images=True))
    return x


def _row_blocks(spec: ConvSpec, channels: int, itemsize: int) -> Iterator[slice]:
    rows = spec.output_size[0]
    row_bytes = channels * len(spec.taps) * prod(spec.output_size[1:]) * itemsize
    height = max(1, min(rows, BLOCK_BYTES // row_bytes))
    return (slice(r, min(r + height, rows)) for r in range(0, rows, height))
