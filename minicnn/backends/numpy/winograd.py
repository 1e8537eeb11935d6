"""3×3 convolution with stride 1 by Winograd's F(4×4, 3×3), and its gradients (Lavin and Gray, 2015).

The algorithm needs a quarter of the multiplications. A tile of 4×4 outputs depends on 6×6 inputs d. With the constant
matrices A, B, G of the paper's section 4.2,

    y = Aᵀ [(G w Gᵀ) ⊙ (Bᵀ d B)] A          summed over the channels inside the brackets

For flattened tiles, y = (A⊗A)ᵀ [(G⊗G) w ⊙ (B⊗B)ᵀ d], and every step is a matrix product over many tiles at once:

    tiles (C L, 48) --(B⊗B)ᵀ--> (36, C, L) --weights (36, F, C)--> (36, F, L) --(A⊗A)ᵀ--> outputs (F L, 16)

The bracket is trilinear like the convolution. So the input gradient is the same computation with the kernel rotated by
180°. The weight gradient transposes the two outer steps: w = (G⊗G)ᵀ Σ (A⊗A) g ⊙ (B⊗B)ᵀ d, with a sum over all tiles.

The other steps are copies. NumPy copies elements of 16 bytes as fast as elements of 4 bytes, so four pixels are copied
together, as one element of type `QUAD`. A tile is read as six rows of two quads: 48 numbers, 12 of which are multiplied
by 0. The outputs of a tile are four quads.

The error is about ten times the error of im2col: 1e-6 to 3e-6 of the result's norm in float32.

A NaN or an infinity would spread over a tile. If a result is not finite, im2col computes all results again.
"""

from functools import cache
from math import prod

import numpy as np

from minicnn.backends.numpy import im2col
from minicnn.backends.numpy.blocks import Block, blocks
from minicnn.backends.numpy.polyphase import PhaseBuffer, Windows
from minicnn.backends.numpy.threads import one_blas_thread, run, scratch
from minicnn.geometry import ConvSpec, ceil_div
from minicnn.runtime.devices import Array
from minicnn.runtime.dispatch import kernel

__all__ = ["conv_input_grad_winograd", "conv_weight_grad_winograd", "conv_winograd"]

MIN_TILES = 64  # in a block: with fewer, reading the weights takes longer than the product
FLOAT, QUAD = np.dtype(np.float32), np.dtype(np.complex128)

A = [[1, 0, 0, 0], [1, 1, 1, 1], [1, -1, 1, -1], [1, 2, 4, 8], [1, -2, 4, -8], [0, 0, 0, 1]]
B = [[4, 0, 0, 0, 0, 0], [0, -4, 4, -2, 2, 4], [-5, -4, -4, -1, -1, 0], [0, 1, -1, 2, -2, -5], [1, 1, 1, 1, 1, 0]]
B += [[0, 0, 0, 0, 0, 1]]
G = [[6, 0, 0], [-4, -4, -4], [-4, 4, -4], [1, 2, 4], [1, -2, 4], [0, 0, 24]]  # times 1/24


@cache
def _matrices() -> tuple[Array, Array, Array]:
    """Return A⊗A (36, 16), (B⊗B)ᵀ (36, 48) and G⊗G (36, 9)."""
    a, b, g = (np.array(m, np.float64) for m in (A, B, G))
    g[0] /= 24
    g[1:] /= 24
    wide = np.concatenate([b, np.zeros((2, 6))])
    return tuple(m.astype(FLOAT) for m in (np.kron(a, a), np.kron(b, wide).T.copy(), np.kron(g, g)))  # type: ignore[return-value]


class _Tiles:
    """The tiles of images x (N, C, H, W) with outputs of size (OH, OW), cut into blocks."""

    def __init__(self, x: Array, padding: tuple[tuple[int, int], ...], size: tuple[int, ...], depth: int) -> None:
        self.x = x
        # A tile has 6 rows, and the next tile is 4 rows further. In a row, taps 0 and 4 begin the two quads.
        self.windows = Windows(tuple(-before for before, _ in padding), (6, 5), (1, 1), (4, 1))
        self.count = tuple(ceil_div(o, 4) for o in size)
        self.blocks = blocks(len(x), self.count, 36 * depth * x.itemsize, MIN_TILES)

    def transformed(self, block: Block) -> tuple[Array, tuple[int, ...]]:
        """Return (B⊗B)ᵀ d, (36, C, L), and the sizes whose product is L: images, rows, tiles in a row plus 1 unused."""
        (images, rows), channels = block, self.x.shape[1]
        n = images.stop - images.start
        buffer = PhaseBuffer(self.windows, n, channels, (rows.stop - rows.start, 4 * self.count[1]), FLOAT)
        buffer.load(self.x[images], rows.start)
        grid = (n, rows.stop - rows.start, self.count[1] + 1)
        tiles = scratch("tiles", (channels, *grid, 6, 2), QUAD)
        for (down, _), read in buffer.taps():
            quads = read[:, :, ::4].view(QUAD)  # (C, taps down, 2, *grid)
            for tap, row in enumerate(range(6)[down]):
                for half in range(2):
                    tiles[..., row, half] = quads[:, tap, half]
        out = _scratch_rows("transformed", (channels, *grid))
        np.matmul(_matrices()[1], tiles.view(FLOAT).reshape(-1, 48).T, out=out)
        return out.reshape(36, channels, -1), grid


def _scratch_rows(name: str, shape: tuple[int, ...]) -> Array:
    """Return scratch memory (36, prod(shape)); rows that are 2ⁿ apart would cost cache misses."""
    size = prod(shape)
    return scratch(name, (36, size + 16), FLOAT)[:, :size]


def _quads(y: Array, block: Block) -> Array:
    """Return a view of a block of y (N, F, 4 I, 4 J), as (F, n, rows, J, 4 quads)."""
    images, rows = block
    part = y[images, :, 4 * rows.start : 4 * rows.stop].view(QUAD)
    return part.reshape(*part.shape[:2], -1, 4, part.shape[3]).transpose(1, 0, 2, 4, 3)


def _convolve(x: Array, w: Array, padding: tuple[tuple[int, int], ...], size: tuple[int, ...]) -> Array:
    """Convolve: x (N, C, H, W), w (F, C, 3, 3) -> (N, F, *size)."""
    filters, channels = w.shape[:2]
    a, _, g = _matrices()
    with one_blas_thread():
        weights = np.matmul(g, w.reshape(-1, 9).T).reshape(36, filters, channels)
    tiles = _Tiles(x, padding, size, max(channels, filters))
    y = np.empty((len(x), filters, 4 * tiles.count[0], 4 * tiles.count[1]), FLOAT)

    def block(task: Block) -> None:
        transformed, grid = tiles.transformed(task)
        products = _scratch_rows("products", (filters, *grid))
        np.matmul(weights, transformed, out=products.reshape(36, filters, -1))
        out = scratch("tiles", (filters, *grid, 4), QUAD)
        np.matmul(products.T, a, out=out.view(FLOAT).reshape(-1, 16))
        pixels = _quads(y, task)
        for row in range(4):
            pixels[..., row] = out[..., :-1, row]

    run(block, tiles.blocks)
    return np.ascontiguousarray(y[:, :, : size[0], : size[1]])


def _weights(x: Array, g: Array, padding: tuple[tuple[int, int], ...]) -> Array:
    """Compute the weight gradient x (N, C, H, W), g (N, F, OH, OW) -> w (F, C, 3, 3), summed in the blocks' order."""
    channels, filters = x.shape[1], g.shape[1]
    a, _, matrix = _matrices()
    tiles = _Tiles(x, padding, g.shape[2:], max(channels, filters))
    g = np.ascontiguousarray(np.pad(g, [(0, 0), (0, 0), *((0, -o % 4) for o in g.shape[2:])]))

    def block(task: Block) -> Array:
        transformed, grid = tiles.transformed(task)
        outputs = scratch("tiles", (filters, *grid, 4), QUAD)
        outputs[..., -1, :] = 0
        pixels = _quads(g, task)
        for row in range(4):
            outputs[..., :-1, row] = pixels[..., row]
        products = _scratch_rows("products", (filters, *grid))
        np.matmul(a, outputs.view(FLOAT).reshape(-1, 16).T, out=products)
        return np.matmul(products.reshape(36, filters, -1), transformed.swapaxes(1, 2))

    total, *parts = run(block, tiles.blocks)
    for part in parts:
        total += part
    with one_blas_thread():
        w = np.matmul(matrix.T, total.reshape(36, -1))
    return np.ascontiguousarray(w.T).reshape(filters, channels, 3, 3)


def _is_finite(y: Array) -> bool:
    """Return whether all elements are finite. (A sum is faster than np.isfinite, and may overflow: no harm.)"""
    return bool(np.isfinite(y.sum()))


def _supports(x: Array, channels: tuple[int, ...], size: tuple[int, ...], spec: ConvSpec) -> bool:
    """Return whether the channels and outputs are large enough to repay the transforms."""
    fits = spec.kernel_size == (3, 3) and max(*spec.stride, *spec.dilation, spec.groups) == 1 and x.dtype == FLOAT
    return fits and min(channels) >= 96 and min(size) >= 8 and len(x) * prod(size) >= 768


REQUIRES = "float32, 3×3 with stride 1, at least 96 channels and filters, 8×8 outputs per image and 768 in the batch"


@kernel(
    "conv",
    "numpy",
    name="winograd",
    supports=lambda x, w, spec: _supports(x, w.shape[:2], spec.output_size, spec),
    requires=REQUIRES,
)
def conv_winograd(x: Array, w: Array, *, spec: ConvSpec) -> Array:
    """Convolve by Winograd's algorithm: x (N, C, H, W), w (F, C, 3, 3) -> y (N, F, OH, OW)."""
    y = _convolve(x, w, spec.padding, spec.output_size)
    return y if _is_finite(y) else im2col.conv_im2col(x, w, spec=spec)


@kernel(
    "conv_input_grad",
    "numpy",
    name="winograd",
    supports=lambda g, w, spec: _supports(g, w.shape[:2], spec.input_size, spec),
    requires=REQUIRES,
)
def conv_input_grad_winograd(g: Array, w: Array, *, spec: ConvSpec) -> Array:
    """Compute the input gradient, a convolution with the rotated kernel: g (N, F, OH, OW) -> x (N, C, H, W)."""
    padding = tuple((2 - before, 2 - after) for before, after in spec.padding)
    x = _convolve(g, w.swapaxes(0, 1)[:, :, ::-1, ::-1], padding, spec.input_size)
    return x if _is_finite(x) else im2col.conv_input_grad_im2col(g, w, spec=spec)


@kernel(
    "conv_weight_grad",
    "numpy",
    name="winograd",
    supports=lambda x, g, spec: _supports(x, (x.shape[1], g.shape[1]), spec.output_size, spec),
    requires=REQUIRES,
)
def conv_weight_grad_winograd(x: Array, g: Array, *, spec: ConvSpec) -> Array:
    """Compute the weight gradient by Winograd's algorithm: x (N, C, H, W), g (N, F, OH, OW) -> w (F, C, 3, 3)."""
    w = _weights(x, g, spec.padding)
    return w if _is_finite(w) else im2col.conv_weight_grad_im2col(x, g, spec=spec)
