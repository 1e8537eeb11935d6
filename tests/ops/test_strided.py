"""Tests of views with an affine index. tests/oracles/calls/matrices.py compares them with PyTorch."""

import numpy as np
import pytest

import minicnn as mc
from minicnn.errors import ShapeError


def test_diagonals_and_windows_share_memory(device):
    x = mc.zeros(3, 4, device=device)
    x.diagonal(1).fill_(1)
    x[2].unfold(0, 2, 2)[1].add_(5)
    assert x.tolist() == [[0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 5, 6]]
    x.as_strided((2,), (11,)).fill_(9)
    assert (x[0, 0].item(), x[2, 3].item()) == (9, 9)


@pytest.mark.parametrize("size", [2, 3])
def test_windows_are_numpys(size):
    a = np.arange(24.0).reshape(4, 6)
    expected = np.lib.stride_tricks.sliding_window_view(a, size, 1)[:, ::2]
    np.testing.assert_array_equal(mc.from_numpy(a).unfold(1, size, 2).numpy(), expected)


def test_a_view_beyond_the_memory_is_refused():
    with pytest.raises(ShapeError, match=r"as_strided: size \(3,\) with strides \(2,\) from 0 leaves the memory of 4"):
        mc.zeros(2, 2).as_strided((3,), (2,))
    with pytest.raises(ShapeError, match="as_strided: needs memory in row-major order"):
        mc.from_numpy(np.zeros((2, 3), order="F")).as_strided((2,), (1,))
