"""im2col and col2im on the kernels of kernels/cuda/im2col.cu."""

from math import prod

from minicnn.backends.cuda.launch import LIMIT, Source, contiguous, empty, floats, int3
from minicnn.backends.cuda.windows import THREADS, blocks, cover, fits, shared_elements, shared_outputs, walk
from minicnn.geometry import ConvSpec
from minicnn.runtime.devices import Array
from minicnn.runtime.dispatch import kernel

__all__ = ["col2im_direct", "col2im_slab", "im2col_direct", "im2col_slab"]

source = Source("im2col.cu")

REQUIRES = "float32 or float64, fewer than 2³¹ elements on either side"


def _unfolds(x: Array, *, spec: ConvSpec) -> bool:
    size = prod(x.shape[:2]) * prod(spec.kernel_size) * prod(spec.output_size)
    return floats(x) and size < LIMIT and fits(spec)


def _folds(columns: Array, *, spec: ConvSpec) -> bool:
    size = columns.shape[0] * columns.shape[1] // prod(spec.kernel_size) * prod(spec.input_size)
    return floats(columns) and size < LIMIT and fits(spec)


def _geometry(n: int, channels: int, spec: ConvSpec) -> tuple[int, ...]:
    """The struct Conv of the convolution whose columns these are."""
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


@kernel("im2col", "cuda", name="slab", supports=_unfolds, requires=REQUIRES)
def im2col_slab(x: Array, *, spec: ConvSpec) -> Array:
    """x (N, C, *I) -> columns (N, C K, O), some thousand consecutive outputs a block, with all their taps."""
    x, columns = contiguous(x), _columns(x, spec)
    n, channels = x.shape[:2]
    grid, slabs = walk(n * channels, spec.output_size, shared_elements(spec), 8)
    source.launch("im2col_slab", grid, THREADS, x, columns, slabs, _geometry(n, channels, spec))
    return columns


@kernel("im2col", "cuda", name="direct", supports=_unfolds, requires=REQUIRES)
def im2col_direct(x: Array, *, spec: ConvSpec) -> Array:
    """x (N, C, *I) -> columns (N, C K, O), one thread an element of the columns."""
    x, columns = contiguous(x), _columns(x, spec)
    geometry = _geometry(x.shape[0], x.shape[1], spec)
    source.launch("im2col_direct", blocks(columns.size), THREADS, x, columns, columns.size, geometry)
    return columns


@kernel("col2im", "cuda", name="slab", supports=_folds, requires=REQUIRES)
def col2im_slab(columns: Array, *, spec: ConvSpec) -> Array:
    """columns (N, C K, O) -> x (N, C, *I), some thousand consecutive elements a block."""
    columns, x = contiguous(columns), _image(columns, spec)
    n, channels = x.shape[:2]
    grid, slabs = walk(n * channels, spec.input_size, shared_outputs(spec), 8)
    source.launch("col2im_slab", grid, THREADS, columns, x, slabs, cover(spec), _geometry(n, channels, spec))
    return x


@kernel("col2im", "cuda", name="direct", supports=_folds, requires=REQUIRES)
def col2im_direct(columns: Array, *, spec: ConvSpec) -> Array:
    """columns (N, C K, O) -> x (N, C, *I), one thread an element of the image."""
    columns, x = contiguous(columns), _image(columns, spec)
    geometry = _geometry(x.shape[0], x.shape[1], spec)
    source.launch("col2im_direct", blocks(x.size), THREADS, columns, x, x.size, geometry)
    return x
