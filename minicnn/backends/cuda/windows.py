"""The structs of kernels/cuda/windows.cuh, which pooling and im2col kernels take; they are computed for each launch.

`Walk` cuts an array into slabs, a slab for each block; `Cover` describes the windows that contain an element.
"""

from collections.abc import Sequence
from math import prod

import numpy as np

from minicnn.backends.cuda.launch import int3
from minicnn.geometry import ConvSpec, PoolSpec, ceil_div

__all__ = ["THREADS", "cover", "cut_into_slabs", "fits", "shared_elements", "shared_outputs"]

Spec = ConvSpec | PoolSpec

THREADS = 256
GRID = 1024  # blocks that fill a large GPU; slabs become longer only if there are more
MAX_REREAD = 1 / 40  # fraction of a block's reads that its neighbour reads too, if slabs may be long enough


def fits(spec: Spec) -> bool:
    """Return whether positions times strides fit into 32 bits, which the kernels need."""
    axes = zip(spec.input_size, spec.window_padding, spec.stride, strict=True)
    return all((i + max(b, 0) + max(a, 0)) * s < 2**31 for i, (b, a), s in axes)


def shared_elements(spec: Spec) -> int:
    """Estimate how much of the input the windows of two neighbouring blocks share, counted in outputs."""
    return max(-(-max(reach - s, 0) // s) * below for reach, s, below in _axes(spec, spec.output_size))


def shared_outputs(spec: Spec) -> int:
    """Estimate how many outputs depend on the elements of two neighbouring blocks."""
    return max(-(-(reach - 1) // s) * below for reach, s, below in _axes(spec, spec.output_size))


def _axes(spec: Spec, size: Sequence[int]) -> list[tuple[int, int, int]]:
    """Return for each axis the span of a window, the stride, and the distance of neighbours in memory."""
    axes = zip(spec.kernel_size, spec.dilation, spec.stride, strict=True)
    return [(d * (k - 1) + 1, s, prod(size[i + 1 :])) for i, (k, d, s) in enumerate(axes)]


def cut_into_slabs(planes: int, size: Sequence[int], shared: int, min_per_thread: int) -> tuple[int, tuple[int, ...]]:
    """Cut planes of elements into slabs, a slab for each block.

    Parameters
    ----------
    planes : int
        The number of planes.
    size : one to three ints
        The size of a plane.
    shared : int
        The estimated number of elements that two neighbouring blocks both read.
    min_per_thread : int
        The minimum number of elements for each thread.

    Returns
    -------
    int, tuple of int
        The number of blocks, and the struct Walk. A slab is a multiple of 32 elements, so it consists of whole
        sectors, even for elements of one byte.
    """
    plane = prod(size)
    count = planes * plane
    if not count:
        return 0, (0,) * 6
    slab = 32 * ceil_div(max(min_per_thread * THREADS, min(int(shared / MAX_REREAD), count // GRID)), 32)
    step = np.unravel_index(THREADS % plane, size)
    return ceil_div(count, slab), (count, slab, THREADS // plane, *int3([int(i) for i in step], 0))


def cover(spec: Spec) -> tuple[int, ...]:
    """Return the struct Cover: for each axis, (span - 1) // stride, (span - 1) % stride and 2³² / stride.

    The span is the extent of a window, dilation · (kernel - 1) + 1.
    """
    reaches = int3([d * (k - 1) for k, d in zip(spec.kernel_size, spec.dilation, strict=True)], 0)
    strides = int3(spec.stride, 1)
    reciprocals = np.array([(2**32 - 1) // s for s in strides], np.uint32).view(np.int32)
    both = [divmod(reach, stride) for reach, stride in zip(reaches, strides, strict=True)]
    return (*(back for back, _ in both), *(rest for _, rest in both), *map(int, reciprocals))
