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


@pytest.mark.parametrize("shape", [(5, 2), (50, 20)])  # a few elements and many take two ways
@pytest.mark.parametrize("dim", [None, 0, -1])
@pytest.mark.parametrize("repeats", [1, 3, "equal", "zero"])
def test_repeats_of_few_and_of_many_elements_with_gradients(shape, dim, repeats):
    x = mc.arange(float(shape[0] * shape[1])).reshape(shape).requires_grad_()
    size = x.numel() if dim is None else x.shape[dim]
    counts = {"equal": [2] * size, "zero": [0] * size}.get(repeats, repeats)
    y = x.repeat_interleave(counts if isinstance(counts, int) else mc.tensor(counts), dim)
    assert y.tolist() == np.repeat(x.detach().numpy(), counts, dim).tolist()
    (y * mc.arange(float(y.numel())).reshape(y.shape)).sum().backward()
    times = y.numel() // x.numel()
    weights = np.arange(y.numel(), dtype=float).reshape(y.shape)
    if times:
        parts = weights.reshape(-1, times) if dim is None or dim == -1 else weights.reshape(shape[0], times, shape[1])
        assert x.grad.tolist() == parts.sum(1).reshape(shape).tolist()
    else:
        assert x.grad.abs().sum().item() == 0


def test_everything_stays_on_its_device(device):
    x = mc.arange(6.0).reshape(2, 3).to(device)
    assert x.repeat_interleave(2, 0).device is device
    assert mc.block_diag(x, x).tolist() == mc.block_diag(x.cpu(), x.cpu()).tolist()
    assert mc.combinations(x[0]).tolist() == [[0, 1], [0, 2], [1, 2]]
    assert mc.vstack([x[0], x[1]]).tolist() == x.tolist()


def test_errors_name_the_call():
    with pytest.raises(ArgumentError, match="repeat_interleave: repeats must not be negative, got -1"):
        mc.ones(2).repeat_interleave(-1)
