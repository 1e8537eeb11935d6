"""Tests of scatter_reduce against a loop. tests/oracles/calls/indexing.py compares more calls with PyTorch."""

import functools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minicnn as mc
from minicnn.errors import ShapeError

COMBINE = {"sum": np.sum, "prod": np.prod, "mean": np.mean, "amax": np.max, "amin": np.min}


@pytest.mark.parametrize("reduce", COMBINE)
@given(data=st.data(), include_self=st.booleans())
def test_every_place_combines_its_values(reduce, data, include_self):
    n, m = data.draw(st.integers(1, 5)), data.draw(st.integers(0, 12))
    places = data.draw(st.lists(st.integers(0, n - 1), min_size=m, max_size=m))
    numbers = st.integers(-3, 3).map(float)
    x, v = (data.draw(st.lists(numbers, min_size=k, max_size=k)) for k in (n, m))
    y = mc.tensor(x).scatter_reduce(
        0, mc.tensor(places, dtype=mc.int64), mc.tensor(v), reduce, include_self=include_self
    )
    for i in range(n):
        values = [v[j] for j in range(m) if places[j] == i]
        wanted = COMBINE[reduce](([x[i]] if include_self else []) + values) if values else x[i]
        assert y[i].item() == pytest.approx(wanted, abs=1e-4)


def test_what_is_written_on_the_gpu_is_what_is_written_on_the_cpu(device):
    x, i, v = mc.arange(6.0).reshape(2, 3), mc.tensor([[0, 2], [1, 1]]), mc.tensor([[5.0, -1.0], [2.0, 4.0]])
    for reduce in ("sum", "prod", "mean", "amax", "amin"):
        expected = x.scatter_reduce(1, i, v, reduce, include_self=False)
        found = x.to(device).scatter_reduce(1, i.to(device), v.to(device), reduce, include_self=False)
        assert found.device is device
        assert found.tolist() == expected.tolist()
    assert x.to(device).nonzero().tolist() == x.nonzero().tolist()
    assert x.to(device).long().scatter_add(1, i.to(device), v.to(device).long()).tolist() == [[5, 1, 1], [3, 10, 5]]


def test_a_chain_of_writes_has_the_gradient_of_the_rest():
    x = mc.zeros(3, requires_grad=True)
    y = functools.reduce(lambda t, k: t.index_fill(0, mc.tensor([k]), 1.0), (0, 2), x)
    y.sum().backward()
    assert x.grad.tolist() == [0.0, 1.0, 0.0]
    with pytest.raises(ShapeError, match="index_fill: the index 3 is out of range for an axis of size 3"):
        x.index_fill(0, mc.tensor([3]), 1.0)
