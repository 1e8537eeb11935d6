"""3×3 convolution by Winograd's algorithm, and its input gradient: wrappers for kernels/cuda/winograd.cu.

These kernels come last in the order, so they run only inside `use_kernel`. They need fewer multiplications, but no
measurement on a GPU shows yet that they are faster, and their rounding errors are larger than in a direct sum.
The error relative to the norm of the result, in float32 with 128 channels, is 4e-7 for F(2×2) and 2.4e-6 for F(4×4).
"""

from math import prod

from minicnn.backends.cuda.launch import LIMIT, Source, contiguous, empty, floats
from minicnn.geometry import ConvSpec, ceil_div
from minicnn.runtime.devices import Array
from minicnn.runtime.dispatch import kernel

__all__ = [
    "conv_input_grad_winograd",
    "conv_input_grad_winograd_4x4",
    "conv_winograd",
    "conv_winograd_4x4",
]

source = Source("winograd.cu")

# These constants must equal the constants of the CUDA source.
SIDE = 32  # tiles and filters of a block of the fused kernel
STAGE, TILE = 8, 64  # for F(4×4), channels are padded to a multiple of STAGE, filters and tiles to a multiple of TILE
REQUIRES = "float32 or float64, two axes, a 3×3 kernel, stride 1, dilation 1 and one group"

Sizes = tuple[int, ...]


def _round_up(n: int, size: int) -> int:
    return max(1, ceil_div(n, size)) * size


def _supports(x: Array, w: Array, spec: ConvSpec) -> bool:
    geometry = (spec.kernel_size, spec.stride, spec.dilation, spec.groups)
    return geometry == ((3, 3), (1, 1), (1, 1), 1) and floats(x, w)


def _tiles(size: Sizes, side: int) -> tuple[int, int]:
    """Return the number of tiles along the height and the width of a plane."""
    return ceil_div(size[0], side), ceil_div(size[1], side)


def _padded(n: int, w: Array, size: Sizes, transposed: bool) -> tuple[int, int, int]:
    """Return the struct `Padded`: the padded numbers of channels, filters and tiles, for n planes of this size."""
    filters, channels = (w.shape[1], w.shape[0]) if transposed else w.shape[:2]
    return _round_up(channels, STAGE), _round_up(filters, TILE), _round_up(n * prod(_tiles(size, 4)), TILE)


def _fits(n: int, w: Array, size: Sizes, transposed: bool) -> bool:
    channels, filters, tiles = _padded(n, w, size, transposed)
    return 36 * max(channels * filters, channels * tiles, filters * tiles) < LIMIT


def _convolve(x: Array, w: Array, padding: tuple[int, int], size: Sizes, transposed: bool, side: int) -> Array:
    """Convolve x with w; if `transposed`, with w rotated by 180° and its first two axes swapped."""
    x, w = contiguous(x), contiguous(w)
    n, channels, height, width = x.shape
    filters = w.shape[1 if transposed else 0]
    y = empty(x, (n, filters, *size))
    if not y.size:
        return y
    down, across = _tiles(size, side)
    sizes = (n, channels, filters, height, width, *padding, *size, down, across, int(transposed))
    if side == 2:
        blocks = ceil_div(n * down * across, SIDE) * ceil_div(filters, SIDE)
        source.launch("winograd_fused", blocks, 256, x, w, y, sizes)
        return y
    padded = c, f, t = _padded(n, w, size, transposed)
    u, v, m = (empty(x, (36, *shape)) for shape in ((c, f), (c, t), (f, t)))
    source.launch("winograd_4x4_weight", ceil_div(c * f, 256), 256, w, u, sizes, padded)
    source.launch("winograd_4x4_input", ceil_div(c * t, 256), 256, x, v, sizes, padded)
    source.launch("winograd_4x4_product", 36 * (f // TILE) * (t // TILE), 64, u, v, m, padded)
    source.launch("winograd_4x4_output", ceil_div(filters * t, 256), 256, m, y, sizes, padded)
    return y


def _forward(x: Array, w: Array, spec: ConvSpec, side: int) -> Array:
    (top, _), (left, _) = spec.padding
    return _convolve(x, w, (top, left), spec.output_size, transposed=False, side=side)


def _backward(g: Array, w: Array, spec: ConvSpec, side: int) -> Array:
    (top, _), (left, _) = spec.padding
    return _convolve(g, w, (2 - top, 2 - left), spec.input_size, transposed=True, side=side)


@kernel("conv", "cuda", name="winograd", supports=_supports, requires=REQUIRES)
def conv_winograd(x: Array, w: Array, *, spec: ConvSpec) -> Array:
    """Convolve by F(2×2, 3×3): x (N, C, H, W), w (F, C, 3, 3) -> y (N, F, OH, OW)."""
    return _forward(x, w, spec, 2)


@kernel(
    "conv",
    "cuda",
    name="winograd_4x4",
    supports=lambda x, w, spec: _supports(x, w, spec) and _fits(x.shape[0], w, spec.output_size, transposed=False),
    requires=f"{REQUIRES}, and fewer elements in the workspace than the launcher's limit",
)
def conv_winograd_4x4(x: Array, w: Array, *, spec: ConvSpec) -> Array:
    """Convolve by F(4×4, 3×3): x (N, C, H, W), w (F, C, 3, 3) -> y (N, F, OH, OW)."""
    return _forward(x, w, spec, 4)


@kernel(
    "conv_input_grad", "cuda", name="winograd", supports=lambda g, w, spec: _supports(g, w, spec), requires=REQUIRES
)
def conv_input_grad_winograd(g: Array, w: Array, *, spec: ConvSpec) -> Array:
    """Compute the input gradient by F(2×2, 3×3): g (N, F, OH, OW), w (F, C, 3, 3) -> x (N, C, H, W)."""
    return _backward(g, w, spec, 2)


@kernel(
    "conv_input_grad",
    "cuda",
    name="winograd_4x4",
    supports=lambda g, w, spec: _supports(g, w, spec) and _fits(g.shape[0], w, spec.input_size, transposed=True),
    requires=f"{REQUIRES}, and fewer elements in the workspace than the launcher's limit",
)
def conv_input_grad_winograd_4x4(g: Array, w: Array, *, spec: ConvSpec) -> Array:
    """Compute the input gradient by F(4×4, 3×3): g (N, F, OH, OW), w (F, C, 3, 3) -> x (N, C, H, W)."""
    return _backward(g, w, spec, 4)
