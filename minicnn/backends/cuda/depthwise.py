"""Depthwise convolution and its gradients: wrappers for kernels/cuda/depthwise.cu.

A depthwise convolution has one channel in each group. These kernels are tried before the matrix products of `conv` and
`conv_weight_grad`, because a matrix product with so few rows leaves most of each tile unused.
"""

from functools import lru_cache
from math import prod

from minicnn.backends.cuda.launch import LIMIT, Source, contiguous, empty, floats, int3
from minicnn.errors import KernelError
from minicnn.geometry import ConvSpec, ceil_div
from minicnn.runtime.devices import Array, xp
from minicnn.runtime.dispatch import kernel

__all__ = [
    "add_slices",
    "box_for",
    "conv_depthwise",
    "conv_input_grad_depthwise",
    "conv_struct",
    "conv_weight_grad_depthwise",
    "patch_size",
]

source, sums = Source("depthwise.cu"), Source("conv_weight_grad.cu")

MEMORY, PIXELS, TAPS = 2304, 4, 9  # must equal the constants of the CUDA source
MAX_WIDTH = 32  # pixels of a box along the last axis: one per thread of a warp; more if the plane is flat
MAX_BOX = 256 * PIXELS  # pixels of a box
THREADS = 2**17  # enough to keep a large GPU busy
MIN_SLICE = 1024  # pixels: the reduction at the end of a shorter slice would cost more than its products

Box = tuple[int, int, int]


def conv_struct(x: Array, g: Array, spec: ConvSpec) -> tuple[int, ...]:
    """Return the struct `Conv` of common.cuh for x (N, C, *I) and g (N, F, *O).

    Raises
    ------
    KernelError
        If positions in the padded input do not fit into 32 bits.
    """
    reach = max(i + sum(p) for i, p in zip(spec.input_size, spec.padding, strict=True))
    if reach >= LIMIT:
        raise KernelError(f"conv: an axis of the padded input has size {reach}; CUDA kernels count to {LIMIT - 1}")
    before = int3([before for before, _ in spec.padding], 0)
    sizes = (spec.input_size, spec.output_size, spec.kernel_size, spec.stride)
    lists = (*(int3(size, 1) for size in sizes), before, int3(spec.dilation, 1))
    counts = (x.shape[0], spec.groups, x.shape[1] // spec.groups, g.shape[1] // spec.groups)
    return (*counts, *(v for values in lists for v in values))


def add_slices(parts: Array) -> Array:
    """Return the sum of parts (slices, F, C/G, *K) over the slices, always in the same order."""
    if len(parts) == 1:
        return parts[0]
    w = empty(parts, parts.shape[1:])
    sums.launch("conv_weight_grad_sum", ceil_div(w.size, 32), 256, parts, w, w.size, len(parts))
    return w


def patch_size(box: Box, spec: ConvSpec, gradient: bool) -> int:
    """Return the number of elements that a box needs: of x for a box of outputs, of g for a box of input pixels."""
    sizes = (int3(size, 1) for size in (spec.kernel_size, spec.stride, spec.dilation))
    axes = [(n - 1, (k - 1) * d, s) for n, k, s, d in zip(box, *sizes, strict=True)]
    return prod((n + reach) // s + 1 if gradient else n * s + reach + 1 for n, reach, s in axes)


@lru_cache(maxsize=1024)
def box_for(spec: ConvSpec, gradient: bool) -> Box:
    """Return the box of pixels of a block; (0, 0, 0) if even one pixel needs more than the shared memory.

    Boxes divide the plane as evenly as possible.
    """

    def even(n: int, limit: int) -> int:
        return ceil_div(n, ceil_div(n, limit))

    d, h, w = (
        max(n, 1) for n in int3(spec.input_size if gradient else spec.output_size, 1)
    )  # a size of 0 would give no box
    width = even(w, max(MAX_WIDTH, MAX_BOX // (d * h)))
    height = even(h, MAX_BOX // width)
    box = (even(d, MAX_BOX // width // height), height, width)
    while patch_size(box, spec, gradient) + prod(spec.kernel_size) > MEMORY:
        longest = max(range(3), key=lambda axis: box[axis])
        if box[longest] == 1:
            return 0, 0, 0
        z, y, x = (ceil_div(n, 2) if axis == longest else n for axis, n in enumerate(box))
        box = (z, y, x)
    return box


def _boxes(box: Box, plane: tuple[int, ...]) -> int:
    return prod(ceil_div(n, size) for n, size in zip(int3(plane, 1), box, strict=True))


def _threads(box: Box) -> int:
    return 32 * ceil_div(prod(box), 32 * PIXELS)


REQUIRES = (
    "float32 or float64, one channel in each group, several groups, "
    f"and at most {MEMORY} elements in a window and the kernel together"
)


def _supports(a: Array, b: Array, channels: int, spec: ConvSpec, gradient: bool = False) -> bool:
    return floats(a, b) and channels == spec.groups > 1 and 0 not in box_for(spec, gradient)


@kernel(
    "conv",
    "cuda",
    name="depthwise",
    supports=lambda x, w, spec: _supports(x, w, x.shape[1], spec),
    requires=REQUIRES,
)
def conv_depthwise(x: Array, w: Array, *, spec: ConvSpec) -> Array:
    """Convolve each channel on its own: x (N, C, *I), w (F, 1, *K) -> y (N, F, *O)."""
    x, w = contiguous(x), contiguous(w)
    y = empty(x, (x.shape[0], w.shape[0], *spec.output_size))
    box = box_for(spec, False)
    blocks = x.shape[0] * x.shape[1] * _boxes(box, spec.output_size)
    source.launch("depthwise_conv", blocks, _threads(box), x, w, y, conv_struct(x, y, spec), box)
    return y


@kernel(
    "conv_input_grad",
    "cuda",
    name="depthwise",
    supports=lambda g, w, spec: _supports(g, w, w.shape[1] * spec.groups, spec, gradient=True),
    requires=REQUIRES,
)
def conv_input_grad_depthwise(g: Array, w: Array, *, spec: ConvSpec) -> Array:
    """Compute the input gradient: g (N, F, *O), w (F, 1, *K) -> x (N, C, *I)."""
    g, w = contiguous(g), contiguous(w)
    x = empty(g, (g.shape[0], spec.groups, *spec.input_size))
    box = box_for(spec, True)
    blocks = x.shape[0] * x.shape[1] * _boxes(box, spec.input_size)
    source.launch("depthwise_input_grad", blocks, _threads(box), g, w, x, conv_struct(x, g, spec), box)
    return x


@kernel(
    "conv_weight_grad",
    "cuda",
    name="depthwise",
    supports=lambda x, g, spec: _supports(x, g, x.shape[1], spec),
    requires=REQUIRES,
)
def conv_weight_grad_depthwise(x: Array, g: Array, *, spec: ConvSpec) -> Array:
    """Compute the weight gradient: x (N, C, *I), g (N, F, *O) -> w (F, 1, *K)."""
    shape = (g.shape[1], 1, *spec.kernel_size)
    if not (x.size and g.size):
        return xp(x).zeros(shape, x.dtype)
    x, g = contiguous(x), contiguous(g)
    box = box_for(spec, False)
    blocks = g.shape[1] * ceil_div(prod(spec.kernel_size), TAPS)
    boxes = x.shape[0] * _boxes(box, spec.output_size)  # of all images, for one filter
    length = max(ceil_div(MIN_SLICE, prod(box)), ceil_div(boxes, max(1, THREADS // (blocks * _threads(box)))))
    parts = empty(x, (ceil_div(boxes, length), *shape))
    sizes = conv_struct(x, g, spec)
    grid = (blocks, len(parts))
    source.launch("depthwise_weight_grad", grid, _threads(box), x, g, parts, sizes, box, length)
    return add_slices(parts)
