"""Winograd's minimal filtering for 3 × 3 kernels: kernels/cuda/winograd.cu.

The package imports this module after `conv`, so its kernels come after all others and run only where `use_kernel` asks
for them: they multiply less, but no run on a GPU has shown yet that they are faster, and they round more than a direct
sum does. Relative to the norm of the result, in float32 with 128 channels: F(2×2) 4e-7, F(4×4) 2.4e-6.
"""

from math import prod

from minicnn.backends.cuda.launch import LIMIT, Source, contiguous, empty, floats
from minicnn.geometry import ConvSpec
from minicnn.runtime.devices import Array
from minicnn.runtime.dispatch import kernel

__all__ = [
    "conv_input_grad_winograd",
    "conv_input_grad_winograd_4x4",
    "conv_winograd",
    "conv_winograd_4x4",
]

source = Source("winograd.cu")

SIDE = 32  # tiles and filters of a block of the fused kernel, as in the source
STAGE, TILE = 8, 64  # what channels, and filters and tiles, are filled up to multiples of for F(4×4), as in the source
REQUIRES = "float32 or float64, two axes, a 3 × 3 kernel, stride 1, dilation 1 and one group"

Sizes = tuple[int, ...]


def _blocks(n: int, size: int) -> int:
    return -(-n // size)


def _filled(n: int, size: int) -> int:
    return max(1, _blocks(n, size)) * size


def _plain(x: Array, w: Array, spec: ConvSpec) -> bool:
    geometry = (spec.kernel_size, spec.stride, spec.dilation, spec.groups)
    return geometry == ((3, 3), (1, 1), (1, 1), 1) and floats(x, w)


def _tiles(size: Sizes, side: int) -> tuple[int, int]:
    """Tiles down and across a plane."""
    return _blocks(size[0], side), _blocks(size[1], side)


def _padded(n: int, w: Array, size: Sizes, turned: bool) -> tuple[int, int, int]:
    """The struct `Padded`: channels, filters and tiles of n planes of a size, filled up."""
    filters, channels = (w.shape[1], w.shape[0]) if turned else w.shape[:2]
    return _filled(channels, STAGE), _filled(filters, TILE), _filled(n * prod(_tiles(size, 4)), TILE)


def _fits(n: int, w: Array, size: Sizes, turned: bool) -> bool:
    channels, filters, tiles = _padded(n, w, size, turned)
    return 36 * max(channels * filters, channels * tiles, filters * tiles) < LIMIT


def _convolve(x: Array, w: Array, padding: tuple[int, int], size: Sizes, turned: bool, side: int) -> Array:
    """Convolve x with w, or with w turned by 180° and its first axes exchanged, into planes of a size."""
    x, w = contiguous(x), contiguous(w)
    n, channels, height, width = x.shape
    filters = w.shape[1 if turned else 0]
    y = empty(x, (n, filters, *size))
    if not y.size:
        return y
    down, across = _tiles(size, side)
    sizes = (n, channels, filters, height, width, *padding, *size, down, across, int(turned))
    if side == 2:
        blocks = _blocks(n * down * across, SIDE) * _blocks(filters, SIDE)
        source.launch("winograd_fused", blocks, 256, x, w, y, sizes)
        return y
    padded = c, f, t = _padded(n, w, size, turned)
    u, v, m = (empty(x, (36, *shape)) for shape in ((c, f), (c, t), (f, t)))
    source.launch("winograd_4x4_weight", _blocks(c * f, 256), 256, w, u, sizes, padded)
    source.launch("winograd_4x4_input", _blocks(c * t, 256), 256, x, v, sizes, padded)
    source.launch("winograd_4x4_product", 36 * (f // TILE) * (t // TILE), 64, u, v, m, padded)
    source.launch("winograd_4x4_output", _blocks(filters * t, 256), 256, m, y, sizes, padded)
    return y


def _forward(x: Array, w: Array, spec: ConvSpec, side: int) -> Array:
    (top, _), (left, _) = spec.padding
    return _convolve(x, w, (top, left), spec.output_size, turned=False, side=side)


def _backward(g: Array, w: Array, spec: ConvSpec, side: int) -> Array:
    (top, _), (left, _) = spec.padding
    return _convolve(g, w, (2 - top, 2 - left), spec.input_size, turned=True, side=side)


@kernel("conv", "cuda", name="winograd", supports=_plain, requires=REQUIRES)
def conv_winograd(x: Array, w: Array, *, spec: ConvSpec) -> Array:
    """x (N, C, H, W), w (F, C, 3, 3) -> y (N, F, OH, OW)."""
    return _forward(x, w, spec, 2)


@kernel(
    "conv",
    "cuda",
    name="winograd_4x4",
    supports=lambda x, w, spec: _plain(x, w, spec) and _fits(x.shape[0], w, spec.output_size, turned=False),
    requires=f"{REQUIRES}, and fewer elements in the workspace than the launcher's limit",
)
def conv_winograd_4x4(x: Array, w: Array, *, spec: ConvSpec) -> Array:
    """x (N, C, H, W), w (F, C, 3, 3) -> y (N, F, OH, OW)."""
    return _forward(x, w, spec, 4)


@kernel("conv_input_grad", "cuda", name="winograd", supports=lambda g, w, spec: _plain(g, w, spec), requires=REQUIRES)
def conv_input_grad_winograd(g: Array, w: Array, *, spec: ConvSpec) -> Array:
    """g (N, F, OH, OW), w (F, C, 3, 3) -> x (N, C, H, W)."""
    return _backward(g, w, spec, 2)


@kernel(
    "conv_input_grad",
    "cuda",
    name="winograd_4x4",
    supports=lambda g, w, spec: _plain(g, w, spec) and _fits(g.shape[0], w, spec.input_size, turned=True),
    requires=f"{REQUIRES}, and fewer elements in the workspace than the launcher's limit",
)
def conv_input_grad_winograd_4x4(g: Array, w: Array, *, spec: ConvSpec) -> Array:
    """g (N, F, OH, OW), w (F, C, 3, 3) -> x (N, C, H, W)."""
    return _backward(g, w, spec, 4)
