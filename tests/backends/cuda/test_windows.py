"""Tests of the kernel arguments for windows: slabs, steps through them, and the division by the stride."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicnn.backends.cuda.windows import (
    GRID,
    THREADS,
    cover,
    cut_into_slabs,
    fits,
    shared_elements,
    shared_outputs,
)
from minicnn.geometry import conv_spec, pool_spec

sizes = st.lists(st.integers(1, 40), min_size=1, max_size=3).map(tuple)


@given(st.integers(1, 50), sizes, st.integers(0, 500), st.integers(1, 16))
def test_slabs_are_whole_sectors_and_cover_everything(planes, size, shared, min_per_thread):
    grid, (count, slab, *step) = cut_into_slabs(planes, size, shared, min_per_thread)
    assert count == planes * np.prod(size)
    assert slab % 32 == 0
    assert slab >= min_per_thread * THREADS
    assert (grid - 1) * slab < count <= grid * slab
    plane, *axes = step
    assert np.ravel_multi_index(axes[3 - len(size) :], size) + plane * np.prod(size) == THREADS
    assert axes[: 3 - len(size)] == [0] * (3 - len(size))


def test_slabs_grow_with_what_they_share_but_only_where_there_are_blocks_enough():
    assert cut_into_slabs(64, (56, 56), 28, 8)[1][1] == 8 * THREADS  # few elements: prefer many blocks to long slabs
    grid, (_, slab, *_) = cut_into_slabs(64 * 64, (56, 56), 112, 8)
    assert slab == 40 * 112
    assert grid > GRID
    grid, (_, slab, *_) = cut_into_slabs(64 * 64, (56, 56), 10**6, 8)
    assert grid >= GRID
    assert slab < 10**6


def test_nothing_to_walk_over():
    assert cut_into_slabs(0, (4, 4), 3, 8) == (0, (0,) * 6)
    assert cut_into_slabs(3, (0, 4), 3, 8) == (0, (0,) * 6)


def test_what_neighbours_share():
    disjoint = pool_spec("pool", (1, 1, 12, 20), 2)
    assert shared_elements(disjoint) == 0
    assert shared_outputs(disjoint) == 10  # the windows on the border between two rows
    overlapping = pool_spec("pool", (1, 1, 12, 20), 3, 2, 1)
    assert shared_elements(overlapping) == shared_outputs(overlapping) == 10
    dilated = conv_spec("conv", (1, 1, 9, 8, 7), (1, 1, 3, 3, 3), dilation=2)
    assert shared_elements(dilated) == shared_outputs(dilated) == 4 * 4 * 3


@given(st.integers(1, 2**20), st.integers(0, 2**31), st.integers(0, 2**20))
def test_dividing_by_the_stride_is_exact(stride, element, reach):
    """Repeat the arithmetic of windows.cuh with Python's unlimited integers."""
    element %= 2**32 // stride
    spec = pool_spec("pool", (1, 1, 2**20), 1, stride, axes=1)
    *_, back, _, _, rest, _, _, reciprocal = cover(spec)
    assert (element * ((reciprocal & 0xFFFFFFFF) + 1)) >> 32 == element // stride
    assert (back, rest) == (0, 0)
    back, rest = divmod(reach, stride)
    first = element // stride - back + (element % stride > rest)
    assert first == -(-(element - reach) // stride)


def test_cover_by_hand():
    spec = conv_spec("conv", (1, 1, 20, 20), (1, 1, 4, 2), stride=(2, 3), dilation=(3, 1))
    assert cover(spec) == (0, 4, 0, 0, 1, 1, -1, 2**31 - 1, (2**32 - 1) // 3)


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "expected"), [(2**20, 1, 2**10, True), (2**20, 1, 2**11, False), (9, 3, 1, True)]
)
def test_places_times_strides_must_fit(size, kernel, stride, expected):
    assert fits(pool_spec("pool", (1, 1, size), kernel, stride, axes=1)) is expected
