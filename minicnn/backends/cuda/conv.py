"""Convolution and its input gradient: wrappers for kernels/cuda/conv.cu and conv_input_grad.cu.

The fastest kernel, `implicit_gemm`, serves both: it is a matrix product that reads its right factor through tables of
indices. `tables` builds them once for each geometry; conv.cu describes how the kernel reads them.
"""

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from math import prod
from types import ModuleType
from typing import Any

import numpy as np

from minicnn.backends.cuda.depthwise import conv_struct
from minicnn.backends.cuda.launch import Source, contiguous, device_key, empty, floats, int3
from minicnn.geometry import ConvSpec, ceil_div
from minicnn.runtime.devices import Array, xp
from minicnn.runtime.dispatch import kernel

__all__ = [
    "Part",
    "Tables",
    "Tile",
    "conv_direct",
    "conv_gemm_tiles",
    "conv_implicit_gemm",
    "conv_input_grad_direct",
    "conv_input_grad_gemm_tiles",
    "conv_input_grad_implicit_gemm",
    "conv_tiled",
    "tables",
    "tile_for",
]

Numbers = np.ndarray[Any, Any]  # NumPy array of integers

forward, backward = Source("conv.cu"), Source("conv_input_grad.cu")
THREADS = 256  # in a block of the simpler kernels


# --- implicit_gemm: tables -------------------------------------------------------------------------------------------

MASK_BITS = 31  # an int has one bit for each position of the kernel along each axis
BLOCKED = -(2**31)  # the last bit: set for taps that read nothing at any pixel


@dataclass(frozen=True)
class Part:
    """Output pixels along one axis that use the same taps: pixel i reads the input at base[i] + offset[k] for tap k."""

    pixels: Numbers
    base: Numbers
    taps: Numbers
    offset: Numbers

    def blocked(self, size: int, kernel_size: int) -> Numbers:
        """Return a bit mask for each pixel: bit k is set if tap k is unused or reads outside the `size` elements."""
        place = self.base[:, None] + self.offset
        blocked = np.ones((len(self.pixels), kernel_size), bool)
        blocked[:, self.taps] = (place < 0) | (place >= size)
        return np.asarray(blocked @ (1 << np.arange(kernel_size)))


def _forward_part(o: int, k: int, stride: int, before: int, dilation: int) -> Part:
    """Return the part of the convolution: output o reads x at o stride - before + k dilation, for all taps k."""
    pixels, taps = np.arange(o), np.arange(k)
    return Part(pixels, pixels * stride - before, taps, taps * dilation)


def _gradient_parts(i: int, k: int, stride: int, before: int, dilation: int) -> list[Part]:
    """Return the parts of the input gradient: pixel i reads g at (i + before - k dilation) / stride, an integer.

    Pixels with the same remainder i mod stride use the same taps, so there is one part for each remainder.
    """
    parts = []
    for remainder in range(min(stride, i)):
        pixels, taps = np.arange(remainder, i, stride), np.arange(k)
        taps = taps[(remainder + before - taps * dilation) % stride == 0]
        parts.append(Part(pixels, (pixels + before) // stride, taps, -(taps * dilation // stride)))
    return parts


@dataclass(frozen=True)
class Tables:
    """The arguments of the kernels in conv.cu with these names, as int32 arrays."""

    taps: Array  # (depth, 2)
    source: Array  # (depth,)
    positions: Array  # (positions along the three axes, 4)
    classes: Array  # (classes, 8)


@lru_cache(maxsize=256)
def tables(
    module: ModuleType, device: Hashable, spec: ConvSpec, channels: int, pitch: int, gradient: bool, step: int
) -> Tables:
    """Return the tables of a geometry.

    Parameters
    ----------
    module : module
        The array module of the tables, NumPy or CuPy.
    device : hashable
        The device, as a part of the cache key.
    spec : ConvSpec
    channels : int
        The number of terms of the sum for each tap: channels of a group, or filters of a group for the input gradient.
    pitch : int
        The distance between two of these channels (or filters) in the weight, in elements.
    gradient : bool
        Whether the tables are for the input gradient.
    step : int
        The depth of a tile. The rows of a class are padded to a multiple of it with unused rows. One tile of unused
        rows is added at the end, because the kernel loads one tile more than it uses.
    """
    read, written = int3(spec.input_size, 1), int3(spec.output_size, 1)
    if gradient:
        read, written = written, read
    size, stride, dilation = int3(spec.kernel_size, 1), int3(spec.stride, 1), int3(spec.dilation, 1)
    axes = zip(written, size, stride, int3([before for before, _ in spec.padding], 0), dilation, strict=True)
    parts = [_gradient_parts(*axis) if gradient else [_forward_part(*axis)] for axis in axes]
    shift = (0, size[0], size[0] + size[1])  # the first bit of each axis in a mask

    positions: list[Numbers] = []
    choices: list[list[tuple[int, Part]]] = [[], [], []]  # for each axis, its parts and their first rows in `positions`
    for axis in range(3):
        to_read, to_write = prod(read[axis + 1 :]), prod(written[axis + 1 :])
        for part in parts[axis]:
            choices[axis].append((sum(map(len, positions)), part))
            blocked = part.blocked(read[axis], size[axis]) << shift[axis] | BLOCKED
            positions.append(np.stack([part.base * to_read, blocked, part.pixels * to_write, 0 * blocked], 1))

    rows: list[Numbers] = []  # for each k: offset, bits, source
    classes = []
    begin = 0
    for choice in product(*choices):
        firsts, chosen = zip(*choice, strict=True)
        offset = _sums(part.offset * prod(read[axis + 1 :]) for axis, part in enumerate(chosen))
        bits = _sums(1 << (part.taps + shift[axis]) for axis, part in enumerate(chosen))
        tap = _sums(part.taps * prod(size[axis + 1 :]) for axis, part in enumerate(chosen))
        steps = ceil_div(channels * len(tap), step)
        c = np.arange(channels)[:, None]
        used = np.stack([c * prod(read) + offset, 0 * c + bits, c * pitch + tap], -1).reshape(-1, 3)
        classes.append([begin, steps, *firsts, *(len(part.pixels) for part in chosen)])
        rows += [used, _unused(steps * step - len(used))]
        begin += steps * step
    k = np.concatenate([*rows, _unused(step)])

    def array(table: Any) -> Array:
        return module.asarray(np.ascontiguousarray(table, np.int32))

    return Tables(array(k[:, :2]), array(k[:, 2]), array(np.concatenate(positions)), array(classes))


def _sums(terms: Iterable[Numbers]) -> Numbers:
    """Return z + y + x for each z, each y and each x, in this order."""
    z, y, x = terms
    return (z[:, None, None] + y[:, None] + x).ravel()


def _unused(n: int) -> Numbers:
    """Return n rows that read nothing and have no weight."""
    return np.full((n, 3), (0, BLOCKED, -1))


# --- implicit_gemm: tiles --------------------------------------------------------------------------------------------

MULTIPROCESSORS = 100  # typical number on a GPU: 40 to 144


@dataclass(frozen=True)
class Tile:
    """The tile of the product that a block computes; the name of the kernel contains its rows and columns."""

    rows: int
    columns: int
    step: int  # the tile's depth: values of k in one iteration
    threads: int
    resident: int  # blocks on a multiprocessor at the same time
    share: float  # fraction of multiplications among the instructions of the inner loop

    def time(self, groups: int, rows: int, columns: int) -> float:
        """Return the estimated time in arbitrary units; a partly used GPU takes as long as a fully used GPU."""
        blocks = groups * ceil_div(rows, self.rows) * ceil_div(columns, self.columns)
        return max(blocks, MULTIPROCESSORS * self.resident) * self.rows * self.columns / self.share


TILES = (
    Tile(128, 128, 8, 256, 2, 0.86),
    Tile(64, 128, 8, 128, 3, 0.82),
    Tile(32, 256, 8, 128, 3, 0.75),
    Tile(8, 512, 4, 128, 3, 0.46),
    Tile(64, 64, 16, 256, 4, 0.76),
)


def tile_for(groups: int, rows: int, columns: int) -> Tile:
    """Return the tile with the least estimated time."""
    return min(TILES, key=lambda tile: tile.time(groups, rows, columns))


def _gather_gemm(x: Array, w: Array, spec: ConvSpec, gradient: bool) -> Array:
    """Multiply packed weights by the windows of x, read through the tables; for the input gradient, x is g."""
    x, w = contiguous(x), contiguous(w)
    groups, taps = spec.groups, prod(spec.kernel_size)
    filters, channels = w.shape[0] // groups, w.shape[1]
    read, written = spec.input_size, spec.output_size
    # Of the product: rows, and terms of a sum for each tap. In w, `row` and `pitch` are the distances of these.
    rows, row, summed, pitch = filters, channels * taps, channels, taps
    pixels = prod(written)
    if gradient:
        read, written = written, read
        rows, row, summed, pitch = channels, taps, filters, channels * taps
        pixels = prod(ceil_div(i, stride) for i, stride in zip(written, spec.stride, strict=True))
    y = empty(x, (x.shape[0], groups * rows, *written))
    tile = tile_for(groups, rows, x.shape[0] * prod(written))
    t = tables(xp(x), device_key(x), spec, summed, pitch, gradient, tile.step)
    panels, tiles, depth = ceil_div(rows, tile.rows), ceil_div(x.shape[0] * pixels, tile.columns), len(t.source)
    packed = empty(x, (groups, panels, depth, tile.rows))
    sizes = (groups, panels, depth, tile.rows, rows, filters * channels * taps, row)
    blocks = ceil_div(depth, 32) * ceil_div(panels * tile.rows, 32) * groups
    forward.launch("conv_pack", blocks, THREADS, w, packed, t.source, sizes)
    by_four = int(len(t.classes) == 1 and prod(written) % 4 == 0)  # with one class, the pixels have the order of y
    forward.launch(
        f"conv_implicit_gemm_{tile.rows}x{tile.columns}",
        len(t.classes) * tiles * groups * panels,
        tile.threads,
        packed,
        x,
        y,
        t.taps,
        t.positions,
        t.classes,
        (groups, panels, tiles, depth, rows, x.shape[0], summed * prod(read), prod(written), by_four),
    )
    return y


def _fits_masks(x: Array, w: Array, spec: ConvSpec) -> bool:
    return floats(x, w) and sum(int3(spec.kernel_size, 1)) <= MASK_BITS


MASKS = f"float32 or float64, and kernel sizes whose sum over three axes is at most {MASK_BITS}"


@kernel("conv", "cuda", name="implicit_gemm", supports=_fits_masks, requires=MASKS)
def conv_implicit_gemm(x: Array, w: Array, *, spec: ConvSpec) -> Array:
    """Convolve by implicit GEMM: x (N, C, *I), w (F, C/G, *K) -> y (N, F, *O)."""
    return _gather_gemm(x, w, spec, gradient=False)


@kernel(
    "conv_input_grad", "cuda", name="implicit_gemm", supports=lambda g, w, spec: _fits_masks(g, w, spec), requires=MASKS
)
def conv_input_grad_implicit_gemm(g: Array, w: Array, *, spec: ConvSpec) -> Array:
    """Compute the input gradient by implicit GEMM: g (N, F, *O), w (F, C/G, *K) -> x (N, C, *I)."""
    return _gather_gemm(g, w, spec, gradient=True)


# --- simpler kernels -------------------------------------------------------------------------------------------------

REAL = "float32 or float64"
PATCH, TAPS = 4096, 256  # elements; must equal the constants of conv_tiled


def _floats(x: Array, w: Array, spec: ConvSpec) -> bool:
    return floats(x, w)


def _count_gemm_tiles(groups: int, rows: int, columns: int) -> int:
    return groups * ceil_div(rows, 64) * ceil_div(columns, 64)


@kernel("conv", "cuda", name="gemm_tiles", supports=_floats, requires=REAL)
def conv_gemm_tiles(x: Array, w: Array, *, spec: ConvSpec) -> Array:
    """Convolve by a GEMM on tiles of windows: x (N, C, *I), w (F, C/G, *K) -> y (N, F, *O)."""
    x, w = contiguous(x), contiguous(w)
    y = empty(x, (x.shape[0], w.shape[0], *spec.output_size))
    blocks = _count_gemm_tiles(spec.groups, w.shape[0] // spec.groups, x.shape[0] * prod(spec.output_size))
    forward.launch("conv_gemm_tiles", blocks, THREADS, x, w, y, conv_struct(x, y, spec))
    return y


def _box(spec: ConvSpec) -> tuple[int, int, int]:
    """Return the box of 256 output pixels of a block of conv_tiled: up to 32 wide, then up to the image's height."""
    o = int3(spec.output_size, 1)
    powers = [1 << (n - 1).bit_length() for n in o]
    wide = min(32, powers[2])
    high = min(THREADS // wide, powers[1])
    deep = min(THREADS // wide // high, powers[0])
    return deep, high, THREADS // deep // high


def _fits_patch(x: Array, w: Array, spec: ConvSpec) -> bool:
    sizes = (int3(size, 1) for size in (spec.stride, spec.kernel_size, spec.dilation))
    patch = prod((b - 1) * s + (k - 1) * d + 1 for b, s, k, d in zip(_box(spec), *sizes, strict=True))
    return floats(x, w) and prod(spec.kernel_size) <= TAPS and patch <= PATCH


@kernel(
    "conv",
    "cuda",
    name="tiled",
    supports=_fits_patch,
    requires=f"{REAL}, at most {TAPS} taps, and at most {PATCH} input elements for a tile of {THREADS} output pixels",
)
def conv_tiled(x: Array, w: Array, *, spec: ConvSpec) -> Array:
    """Convolve with a tile of x in shared memory: x (N, C, *I), w (F, C/G, *K) -> y (N, F, *O)."""
    x, w = contiguous(x), contiguous(w)
    y = empty(x, (x.shape[0], w.shape[0], *spec.output_size))
    box = _box(spec)
    tiles = prod(ceil_div(n, b) for n, b in zip(int3(spec.output_size, 1), box, strict=True))
    blocks = x.shape[0] * spec.groups * ceil_div(w.shape[0] // spec.groups, 4) * tiles
    forward.launch("conv_tiled", blocks, THREADS, x, w, y, conv_struct(x, y, spec), box)
    return y


@kernel("conv", "cuda", name="direct", supports=_floats, requires=REAL)
def conv_direct(x: Array, w: Array, *, spec: ConvSpec) -> Array:
    """Convolve with one thread for each output: x (N, C, *I), w (F, C/G, *K) -> y (N, F, *O)."""
    x, w = contiguous(x), contiguous(w)
    y = empty(x, (x.shape[0], w.shape[0], *spec.output_size))
    forward.launch("conv_direct", ceil_div(y.size, THREADS), THREADS, x, w, y, conv_struct(x, y, spec))
    return y


@kernel("conv_input_grad", "cuda", name="gemm_tiles", supports=lambda g, w, spec: floats(g, w), requires=REAL)
def conv_input_grad_gemm_tiles(g: Array, w: Array, *, spec: ConvSpec) -> Array:
    """Compute the input gradient by a GEMM on tiles: g (N, F, *O), w (F, C/G, *K) -> x (N, C, *I)."""
    g, w = contiguous(g), contiguous(w)
    x = empty(g, (g.shape[0], w.shape[1] * spec.groups, *spec.input_size))
    blocks = _count_gemm_tiles(spec.groups, w.shape[1], g.shape[0] * prod(spec.input_size))
    backward.launch("conv_input_grad_gemm_tiles", blocks, THREADS, g, w, x, conv_struct(x, g, spec))
    return x


@kernel("conv_input_grad", "cuda", name="direct", supports=lambda g, w, spec: floats(g, w), requires=REAL)
def conv_input_grad_direct(g: Array, w: Array, *, spec: ConvSpec) -> Array:
    """Compute the input gradient, one thread per element: g (N, F, *O), w (F, C/G, *K) -> x (N, C, *I)."""
    g, w = contiguous(g), contiguous(w)
    x = empty(g, (g.shape[0], w.shape[1] * spec.groups, *spec.input_size))
    backward.launch("conv_input_grad_direct", ceil_div(x.size, THREADS), THREADS, g, w, x, conv_struct(x, g, spec))
    return x
