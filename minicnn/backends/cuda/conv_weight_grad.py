"""The weight gradient of a convolution: kernels/cuda/conv_weight_grad.cu."""

from collections.abc import Hashable
from dataclasses import dataclass
from functools import lru_cache
from math import prod
from types import ModuleType

import numpy as np

from minicnn.backends.cuda.depthwise import add_slices, blocks_for, conv_struct  # before ours: its kernels come first
from minicnn.backends.cuda.launch import Source, contiguous, device_key, empty, floats, int3
from minicnn.geometry import ConvSpec
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
MASK_BITS = 31  # of an int: one for each position of the kernel along each axis
DEPTH = 8  # pixels a stage, as in the source
THREADS = 2**17  # that keep a large GPU busy
SHORTEST = 16 * DEPTH  # pixels of a slice: a shorter one is over before the pipeline runs
WORKSPACE = 2**24  # elements that the partial sums may take


@dataclass(frozen=True)
class Tile:
    """A block's share of the result; the kernel is named after it."""

    rows: int
    columns: int
    share: float  # of multiplications among the instructions of the inner loop

    @property
    def threads(self) -> int:
        return self.rows * self.columns // 64

    def blocks(self, rows: int, columns: int) -> int:
        return blocks_for(rows, self.rows) * blocks_for(columns, self.columns)

    def work(self, rows: int, columns: int) -> float:
        """Return how long a product takes, in some unit, counting what of the last tiles is wasted."""
        return self.blocks(rows, columns) * self.rows * self.columns / self.share


TILES = (Tile(128, 128, 0.85), Tile(64, 64, 0.79), Tile(64, 32, 0.76))


def tile_for(rows: int, columns: int) -> Tile:
    """Return the tile that is expected to take the least time."""
    return min(TILES, key=lambda tile: tile.work(rows, columns))


def slices_for(threads: int, weights: int, pixels: int) -> int:
    """Return into how many slices to cut the pixels: it depends on sizes alone, so results are the same everywhere."""
    return max(1, min(THREADS // threads, WORKSPACE // weights, pixels // SHORTEST))


def division(d: int) -> tuple[int, int]:
    """Return factor, as 32 bits with a sign, and shift: (p - 1) // d = (p · factor >> 32) >> shift for 0 < p <= 2³¹.

    With k = 32 + shift and 2^shift < d <= 2^(shift + 1) (shift 0 for d = 1) the factor has 32 bits. factor · d is less
    than 2^k by 1 to d, so p · factor / 2^k is less than p / d, but by no more than 1 / d: it has (p - 1) / d's floor.
    """
    shift = max(0, (d - 1).bit_length() - 1)
    factor = (2 ** (32 + shift) - 1) // d
    return (factor + 2**31) % 2**32 - 2**31, shift


@lru_cache(maxsize=64)
def tables(module: ModuleType, device: Hashable, spec: ConvSpec) -> tuple[Array, Array]:
    """Return the source's Windows, for the pixels of an image and for the taps, as arrays of a module and device."""
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
        # The bits of different axes are different, so adding is setting.
        windows = windows + np.stack([start * pitch, outside], -1).reshape(*shape, 2)
        taps = taps + np.stack([offset * pitch, bits], -1).reshape(*shape, 2)
        shift += k
    pair = (module.asarray(np.ascontiguousarray(table.reshape(-1, 2), np.int32)) for table in (windows, taps))
    return next(pair), next(pair)


def _nothing(x: Array, g: Array, spec: ConvSpec) -> Array | None:
    """The gradient where there is nothing to sum, zeros; else None."""
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
    requires=f"{REAL}, and at most {MASK_BITS} for the sum of the kernel's three sizes",
)
def conv_weight_grad_split_gemm(x: Array, g: Array, *, spec: ConvSpec) -> Array:
    """x (N, C, *I), g (N, F, *O) -> w (F, C/G, *K)."""
    if (zeros := _nothing(x, g, spec)) is not None:
        return zeros
    x, g = contiguous(x), contiguous(g)
    groups, taps, inputs, outputs = spec.groups, prod(spec.kernel_size), prod(spec.input_size), prod(spec.output_size)
    filters, channels = g.shape[1] // groups, x.shape[1] // groups
    tile = tile_for(filters, channels * taps)
    tiles, pixels = groups * tile.blocks(filters, channels * taps), x.shape[0] * outputs
    slices = slices_for(tiles * tile.threads, groups * filters * channels * taps, pixels)
    length = blocks_for(blocks_for(pixels, slices), 2 * DEPTH) * 2 * DEPTH  # whole turns of the loop
    slices = blocks_for(pixels, length)
    parts = empty(x, (slices, groups * filters, channels, *spec.kernel_size))
    images = (groups * channels * inputs, (groups * filters - 1) * outputs)
    sizes = (groups, filters, channels, taps, inputs, outputs, pixels, length, *images, -outputs, *division(outputs))
    entry = f"conv_weight_grad_split_gemm_{tile.rows}x{tile.columns}"
    windows, offsets = tables(xp(x), device_key(x), spec)
    source.launch(entry, (tiles, slices), tile.threads, x, g, windows, offsets, parts, sizes)
    return add_slices(parts)


@kernel("conv_weight_grad", "cuda", name="gemm_tiles", supports=lambda x, g, spec: floats(x, g), requires=REAL)
def conv_weight_grad_gemm_tiles(x: Array, g: Array, *, spec: ConvSpec) -> Array:
    """x (N, C, *I), g (N, F, *O) -> w (F, C/G, *K)."""
    if (zeros := _nothing(x, g, spec)) is not None:
        return zeros
    x, g = contiguous(x), contiguous(g)
    w = empty(x, (g.shape[1], x.shape[1] // spec.groups, *spec.kernel_size))
    blocks = spec.groups * blocks_for(w.shape[0] // spec.groups, 64) * blocks_for(prod(w.shape[1:]), 64)
    source.launch("conv_weight_grad_gemm_tiles", blocks, 256, x, g, w, conv_struct(x, g, spec))
    return w


@kernel("conv_weight_grad", "cuda", name="direct", supports=lambda x, g, spec: floats(x, g), requires=REAL)
def conv_weight_grad_direct(x: Array, g: Array, *, spec: ConvSpec) -> Array:
    """x (N, C, *I), g (N, F, *O) -> w (F, C/G, *K)."""
    if (zeros := _nothing(x, g, spec)) is not None:
        return zeros
    x, g = contiguous(x), contiguous(g)
    w = empty(x, (g.shape[1], x.shape[1] // spec.groups, *spec.kernel_size))
    source.launch("conv_weight_grad_direct", blocks_for(w.size, 256), 256, x, g, w, conv_struct(x, g, spec))
    return w
