"""The weight gradient of a convolution: wrappers for kernels/cuda/conv_weight_grad.cu.

The fastest kernel, `split_gemm`, is a matrix product over all output pixels. It cuts the pixels into slices, so that
enough blocks are busy, and adds up the slices afterwards.
"""

from collections.abc import Hashable
from dataclasses import dataclass
from functools import lru_cache
from math import prod
from types import ModuleType

import numpy as np

from minicnn.backends.cuda.depthwise import add_slices, conv_struct
from minicnn.backends.cuda.launch import Source, contiguous, device_key, empty, floats, int3
from minicnn.geometry import ConvSpec, ceil_div
from minicnn.runtime.devices import Array, xp
from minicnn.runtime.dispatch import kernel

__all__ = [
    "Tile",
    "conv_weight_grad_direct",
    "conv_weight_grad_gemm_tiles",
    "conv_weight_grad_split_gemm",
    "division",
    "slices_for",
    "tables",
    "tile_for",
]

source = Source("conv_weight_grad.cu")

REAL = "float32 or float64"
MASK_BITS = 31  # an int has one bit for each position of the kernel along each axis
DEPTH = 8  # pixels in a stage of the pipeline; must equal the constant of the CUDA source
THREADS = 2**17  # enough to keep a large GPU busy
MIN_SLICE = 16 * DEPTH  # pixels: a shorter slice ends before the pipeline is full
WORKSPACE = 2**24  # maximum number of elements of the partial sums


@dataclass(frozen=True)
class Tile:
    """The tile of the result that a block computes; the name of the kernel contains its size."""

    rows: int
    columns: int
    share: float  # fraction of multiplications among the instructions of the inner loop

    @property
    def threads(self) -> int:
        return self.rows * self.columns // 64

    def blocks(self, rows: int, columns: int) -> int:
        return ceil_div(rows, self.rows) * ceil_div(columns, self.columns)

    def work(self, rows: int, columns: int) -> float:
        """Return the estimated time in arbitrary units; the unused parts of the last tiles count too."""
        return self.blocks(rows, columns) * self.rows * self.columns / self.share


TILES = (Tile(128, 128, 0.85), Tile(64, 64, 0.79), Tile(64, 32, 0.76))


def tile_for(rows: int, columns: int) -> Tile:
    """Return the tile with the least estimated time."""
    return min(TILES, key=lambda tile: tile.work(rows, columns))


def slices_for(threads: int, weights: int, pixels: int) -> int:
    """Return the number of slices of the pixels. It depends only on sizes, so results are the same on every GPU."""
    return max(1, min(THREADS // threads, WORKSPACE // weights, pixels // MIN_SLICE))


def division(d: int) -> tuple[int, int]:
    """Return (factor, shift) of a division by multiplication: (p - 1) // d = (p · factor >> 32) >> shift, 0 < p <= 2³¹.

    Let k = 32 + shift with 2^shift < d <= 2^(shift + 1), and shift = 0 for d = 1. Then the factor has 32 bits; it is
    returned as a signed number. factor · d is between 2^k - d and 2^k - 1. So p · factor / 2^k is below p / d by at
    most 1 / d, and its floor equals the floor of (p - 1) / d.
    """
    shift = max(0, (d - 1).bit_length() - 1)
    factor = (2 ** (32 + shift) - 1) // d
    return (factor + 2**31) % 2**32 - 2**31, shift


@lru_cache(maxsize=64)
def tables(module: ModuleType, device: Hashable, spec: ConvSpec) -> tuple[Array, Array]:
    """Return the tables `windows` (for the output pixels) and `offsets` (for the taps) as int32 arrays of a device."""
    windows = np.zeros((1, 1, 1, 2), np.int64)  # [z, y, x] -> start, outside
    taps = np.zeros((1, 1, 1, 2), np.int64)
    shift = 0
    padding = int3([before for before, _ in spec.padding], 0)
    sizes = (spec.input_size, spec.output_size, spec.kernel_size, spec.stride, spec.dilation)
    for axis, (i, o, k, stride, dilation) in enumerate(zip(*(int3(size, 1) for size in sizes), strict=True)):
        pitch = prod(int3(spec.input_size, 1)[axis + 1 :])
        start, offset = np.arange(o) * stride - padding[axis], np.arange(k) * dilation
        place = start[:, None] + offset
        bits = 1 << np.arange(k) + shift
        outside = np.where((place < 0) | (place >= i), bits, 0).sum(1)
        shape = tuple(-1 if a == axis else 1 for a in range(3))
        # Each axis has its own bits, so an addition sets them.
        windows = windows + np.stack([start * pitch, outside], -1).reshape(*shape, 2)
        taps = taps + np.stack([offset * pitch, bits], -1).reshape(*shape, 2)
        shift += k
    pair = (module.asarray(np.ascontiguousarray(table.reshape(-1, 2), np.int32)) for table in (windows, taps))
    return next(pair), next(pair)


def _zeros_if_empty(x: Array, g: Array, spec: ConvSpec) -> Array | None:
    """Return a gradient of zeros if x or g is empty, otherwise None."""
    if x.size and g.size:
        return None
    return xp(x).zeros((g.shape[1], x.shape[1] // spec.groups, *spec.kernel_size), x.dtype)


def _fits_masks(x: Array, g: Array, spec: ConvSpec) -> bool:
    return floats(x, g) and sum(int3(spec.kernel_size, 1)) <= MASK_BITS


@kernel(
    "conv_weight_grad",
    "cuda",
    name="split_gemm",
    supports=_fits_masks,
    requires=f"{REAL}, and kernel sizes whose sum over three axes is at most {MASK_BITS}",
)
def conv_weight_grad_split_gemm(x: Array, g: Array, *, spec: ConvSpec) -> Array:
    """Compute the weight gradient by a split GEMM: x (N, C, *I), g (N, F, *O) -> w (F, C/G, *K)."""
    if (zeros := _zeros_if_empty(x, g, spec)) is not None:
        return zeros
    x, g = contiguous(x), contiguous(g)
    groups, taps, inputs, outputs = spec.groups, prod(spec.kernel_size), prod(spec.input_size), prod(spec.output_size)
    filters, channels = g.shape[1] // groups, x.shape[1] // groups
    tile = tile_for(filters, channels * taps)
    tiles, pixels = groups * tile.blocks(filters, channels * taps), x.shape[0] * outputs
    slices = slices_for(tiles * tile.threads, groups * filters * channels * taps, pixels)
    length = ceil_div(ceil_div(pixels, slices), 2 * DEPTH) * 2 * DEPTH  # a multiple of the loop's step
    slices = ceil_div(pixels, length)
    parts = empty(x, (slices, groups * filters, channels, *spec.kernel_size))
    images = (groups * channels * inputs, (groups * filters - 1) * outputs)
    sizes = (groups, filters, channels, taps, inputs, outputs, pixels, length, *images, -outputs, *division(outputs))
    entry = f"conv_weight_grad_split_gemm_{tile.rows}x{tile.columns}"
    windows, offsets = tables(xp(x), device_key(x), spec)
    source.launch(entry, (tiles, slices), tile.threads, x, g, windows, offsets, parts, sizes)
    return add_slices(parts)


@kernel("conv_weight_grad", "cuda", name="gemm_tiles", supports=lambda x, g, spec: floats(x, g), requires=REAL)
def conv_weight_grad_gemm_tiles(x: Array, g: Array, *, spec: ConvSpec) -> Array:
    """Compute the weight gradient by a GEMM on tiles: x (N, C, *I), g (N, F, *O) -> w (F, C/G, *K)."""
    if (zeros := _zeros_if_empty(x, g, spec)) is not None:
        return zeros
    x, g = contiguous(x), contiguous(g)
    w = empty(x, (g.shape[1], x.shape[1] // spec.groups, *spec.kernel_size))
    blocks = spec.groups * ceil_div(w.shape[0] // spec.groups, 64) * ceil_div(prod(w.shape[1:]), 64)
    source.launch("conv_weight_grad_gemm_tiles", blocks, 256, x, g, w, conv_struct(x, g, spec))
    return w


@kernel("conv_weight_grad", "cuda", name="direct", supports=lambda x, g, spec: floats(x, g), requires=REAL)
def conv_weight_grad_direct(x: Array, g: Array, *, spec: ConvSpec) -> Array:
    """Compute the weight gradient, one thread per weight: x (N, C, *I), g (N, F, *O) -> w (F, C/G, *K)."""
    if (zeros := _zeros_if_empty(x, g, spec)) is not None:
        return zeros
    x, g = contiguous(x), contiguous(g)
    w = empty(x, (g.shape[1], x.shape[1] // spec.groups, *spec.kernel_size))
    source.launch("conv_weight_grad_direct", ceil_div(w.size, 256), 256, x, g, w, conv_struct(x, g, spec))
    return w
