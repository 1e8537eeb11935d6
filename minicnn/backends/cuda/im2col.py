"""im2col and col2im: wrappers for kernels/cuda/im2col.cu.

In the `slab` kernels, a block computes some thousand consecutive elements (a slab); in the `direct` kernels, a thread
computes one element.
"""

from math import prod

from minicnn.backends.cuda.launch import LIMIT, Source, contiguous, empty, floats, int3
from minicnn.backends.cuda.windows import THREADS, cover, cut_into_slabs, fits, shared_elements, shared_outputs
from minicnn.geometry import ConvSpec, ceil_div
from minicnn.runtime.devices import Array
from minicnn.runtime.dispatch import kernel

__all__ = ["col2im_direct", "col2im_slab", "im2col_direct", "im2col_slab"]

source = Source("im2col.cu")

REQUIRES = "float32 or float64, fewer than 2³¹ elements in the input and in the output"


def _supports_im2col(x: Array, *, spec: ConvSpec) -> bool:
    size = prod(x.shape[:2]) * prod(spec.kernel_size) * prod(spec.output_size)
    return floats(x) and size < LIMIT and fits(spec)


def _supports_col2im(columns: Array, *, spec: ConvSpec) -> bool:
    size = columns.shape[0] * columns.shape[1] // prod(spec.kernel_size) * prod(spec.input_size)
    return floats(columns) and size < LIMIT and fits(spec)


def _geometry(n: int, channels: int, spec: ConvSpec) -> tuple[int, ...]:
    """Return the struct Conv of the CUDA source."""
    return (
        n,
        1,
        channels,
        0,
        *int3(spec.input_size, 1),
        *int3(spec.output_size, 1),
        *int3(spec.kernel_size, 1),
        *int3(spec.stride, 1),
        *int3([before for before, _ in spec.padding], 0),
        *int3(spec.dilation, 1),
    )


def _columns(x: Array, spec: ConvSpec) -> Array:
    return empty(x, (x.shape[0], x.shape[1] * prod(spec.kernel_size), prod(spec.output_size)))


def _image(columns: Array, spec: ConvSpec) -> Array:
    return empty(columns, (columns.shape[0], columns.shape[1] // prod(spec.kernel_size), *spec.input_size))


@kernel("im2col", "cuda", name="slab", supports=_supports_im2col, requires=REQUIRES)
def im2col_slab(x: Array, *, spec: ConvSpec) -> Array:
    """Return the windows of x (N, C, *I) as columns (N, C K, O), with a slab of outputs for each block."""
    x, columns = contiguous(x), _columns(x, spec)
    n, channels = x.shape[:2]
    grid, slabs = cut_into_slabs(n * channels, spec.output_size, shared_elements(spec), 8)
    source.launch("im2col_slab", grid, THREADS, x, columns, slabs, _geometry(n, channels, spec))
    return columns


@kernel("im2col", "cuda", name="direct", supports=_supports_im2col, requires=REQUIRES)
def im2col_direct(x: Array, *, spec: ConvSpec) -> Array:
    """Return the windows of x (N, C, *I) as columns (N, C K, O), with one element for each thread."""
    x, columns = contiguous(x), _columns(x, spec)
    geometry = _geometry(x.shape[0], x.shape[1], spec)
    source.launch("im2col_direct", ceil_div(columns.size, THREADS), THREADS, x, columns, columns.size, geometry)
    return columns


@kernel("col2im", "cuda", name="slab", supports=_supports_col2im, requires=REQUIRES)
def col2im_slab(columns: Array, *, spec: ConvSpec) -> Array:
    """Add columns (N, C K, O) to the windows of x (N, C, *I), with a slab of x for each block."""
    columns, x = contiguous(columns), _image(columns, spec)
    n, channels = x.shape[:2]
    grid, slabs = cut_into_slabs(n * channels, spec.input_size, shared_outputs(spec), 8)
    source.launch("col2im_slab", grid, THREADS, columns, x, slabs, cover(spec), _geometry(n, channels, spec))
    return x


@kernel("col2im", "cuda", name="direct", supports=_supports_col2im, requires=REQUIRES)
def col2im_direct(columns: Array, *, spec: ConvSpec) -> Array:
    """Add columns (N, C K, O) to the windows of x (N, C, *I), with one element of x for each thread."""
    columns, x = contiguous(columns), _image(columns, spec)
    geometry = _geometry(x.shape[0], x.shape[1], spec)
    source.launch("col2im_direct", ceil_div(x.size, THREADS), THREADS, columns, x, x.size, geometry)
    return x
