"""Tests of stacks, splits and turns by their laws. tests/oracles/calls/assembly.py compares them with PyTorch."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minicnn as mc
from minicnn.errors import ArgumentError


@given(n=st.integers(0, 9), parts=st.integers(1, 6))
def test_split_parts_are_the_tensor_again(n, parts):
    x = mc.arange(n)
    pieces = x.tensor_split(parts)
    assert len(pieces) == parts
    assert mc.cat(pieces).tolist() == x.tolist()
    assert max(p.shape[0] for p in pieces) - min(p.shape[0] for p in pieces) <= 1


@given(k=st.integers(-5, 5), n=st.integers(0, 3), m=st.integers(0, 3))
def test_turns(k, n, m):
    x = mc.arange(n * m).reshape(n, m)
    np.testing.assert_array_equal(x.rot90(k).numpy(), np.rot90(x.numpy(), k))
    assert x.rot90(k).rot90(-k).tolist() == x.tolist()


@given(counts=st.lists(st.integers(0, 3), max_size=5))
def test_repeats(counts):
    x = mc.arange(len(counts))
    expected = [i for i, count in enumerate(counts) for _ in range(count)]
    assert x.repeat_interleave(mc.tensor(counts, dtype=mc.int64)).tolist() == expected


def test_everything_stays_on_its_device(device):
    x = mc.arange(6.0).reshape(2, 3).to(device)
    assert x.repeat_interleave(2, 0).device is device
    assert mc.block_diag(x, x).tolist() == mc.block_diag(x.cpu(), x.cpu()).tolist()
    assert mc.combinations(x[0]).tolist() == [[0, 1], [0, 2], [1, 2]]
    assert mc.vstack([x[0], x[1]]).tolist() == x.tolist()


def test_errors_name_the_call():
    with pytest.raises(ArgumentError, match="repeat_interleave: repeats must not be negative, got -1"):
        mc.ones(2).repeat_interleave(-1)
