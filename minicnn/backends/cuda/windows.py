"""What kernels are told about their windows: the structs of kernels/cuda/windows.cuh, worked out once a launch."""

from collections.abc import Sequence
from math import prod

import numpy as np

from minicnn.backends.cuda.launch import int3
from minicnn.geometry import ConvSpec, PoolSpec

__all__ = ["THREADS", "blocks", "cover", "fits", "shared_elements", "shared_outputs", "walk"]

Spec = ConvSpec | PoolSpec

THREADS = 256
GRID = 1024  # blocks that fill a large GPU: only beyond them are slabs made longer
REREAD = 1 / 40  # of what a block reads, at most, if slabs may be as long as that takes


def blocks(count: int, each: int = THREADS) -> int:
    """Return how many blocks `count` elements need."""
    return -(-count // each)


def fits(spec: Spec) -> bool:
    """Return whether places times strides stay within 32 bits, as the kernels need it."""
    axes = zip(spec.input_size, spec.window_padding, spec.stride, strict=True)
    return all((i + max(b, 0) + max(a, 0)) * s < 2**31 for i, (b, a), s in axes)


def shared_elements(spec: Spec) -> int:
    """Return about how many outputs' worth of the input the windows of two neighbouring blocks share."""
    return max(-(-max(reach - s, 0) // s) * below for reach, s, below in _axes(spec, spec.output_size))


def shared_outputs(spec: Spec) -> int:
    """Return about how many outputs the elements of two neighbouring blocks share."""
    return max(-(-(reach - 1) // s) * below for reach, s, below in _axes(spec, spec.output_size))


def _axes(spec: Spec, size: Sequence[int]) -> list[tuple[int, int, int]]:
    """For each axis the reach of a window, the stride, and how many elements one step along it is apart."""
    axes = zip(spec.kernel_size, spec.dilation, spec.stride, strict=True)
    return [(d * (k - 1) + 1, s, prod(size[i + 1 :])) for i, (k, d, s) in enumerate(axes)]


def walk(planes: int, size: Sequence[int], shared: int, least: int) -> tuple[int, tuple[int, ...]]:
    """Cut planes of elements into slabs, one a block.

    Parameters
    ----------
    planes : int
    size : one to three ints
        Of a plane.
    shared : int
        About how much of what a block reads, counted in these elements, its neighbour reads again.
    least : int
        Elements for each thread of a slab, at least.

    Returns
    -------
    Number of blocks, and the struct Walk
        A slab is a multiple of 32 elements: whole sectors, even of bytes.
    """
    plane = prod(size)
    count = planes * plane
    if not count:
        return 0, (0,) * 6
    slab = 32 * blocks(max(least * THREADS, min(int(shared / REREAD), count // GRID)), 32)
    step = np.unravel_index(THREADS % plane, size)
    return blocks(count, slab), (count, slab, THREADS // plane, *int3([int(i) for i in step], 0))


def cover(spec: Spec) -> tuple[int, ...]:
    """Return the struct Cover: for each axis how many strides a window reaches back, the rest, and 2³² / stride."""
    reaches = int3([d * (k - 1) for k, d in zip(spec.kernel_size, spec.dilation, strict=True)], 0)
    strides = int3(spec.stride, 1)
    reciprocals = np.array([(2**32 - 1) // s for s in strides], np.uint32).view(np.int32)
    both = [divmod(reach, stride) for reach, stride in zip(reaches, strides, strict=True)]
    return (*(back for back, _ in both), *(rest for _, rest in both), *map(int, reciprocals))
