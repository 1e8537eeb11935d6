"""Tests of order statistics by their laws. tests/oracles/calls/sorting.py compares them with PyTorch."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minicnn as mc
from minicnn.errors import ArgumentError

ROWS = st.lists(st.sampled_from([-1.5, 0.0, 0.25, 2.0, float("nan")]), min_size=1, max_size=9)


@given(row=ROWS, descending=st.booleans())
def test_a_sorted_row_is_a_stable_permutation(row, descending):
    values, order = mc.tensor(row).sort(descending=descending)
    assert sorted(order.tolist()) == list(range(len(row)))
    assert [repr(row[i]) for i in order.tolist()] == [repr(v) for v in values.tolist()]
    rank = [float("inf") if np.isnan(v) else v for v in values.tolist()]
    assert rank == sorted(rank, reverse=descending)
    assert all(i < j for i, j, a, b in zip(order[:-1], order[1:], rank[:-1], rank[1:], strict=True) if a == b)


@given(row=ROWS, k=st.integers(1, 9))
def test_order_statistics_agree(row, k):
    x, k = mc.tensor(row), min(k, len(row))
    smallest = x.topk(k, largest=False)
    assert repr(smallest.values[-1].item()) == repr(x.kthvalue(k).values.item())
    np.testing.assert_array_equal(
        x.median().item(), np.nan if np.isnan(row).any() else sorted(row)[(len(row) - 1) // 2]
    )
    np.testing.assert_allclose(x.quantile(0.3).item(), np.quantile(row, 0.3), rtol=1e-6)


@given(row=st.lists(st.integers(0, 3), min_size=1, max_size=9))
def test_modes_and_counts(row):
    values, counts = mc.tensor(row).unique(return_counts=True)
    assert dict(zip(values.tolist(), counts.tolist(), strict=True)) == {v: row.count(v) for v in row}
    value, index = mc.tensor(row).mode()
    assert value.item() == min(v for v in row if row.count(v) == max(map(row.count, row)))
    assert index.item() == max(i for i, v in enumerate(row) if v == value.item())
    assert mc.tensor(row).bincount().tolist() == [row.count(v) for v in range(max(row) + 1)]


@given(seed=st.integers(0, 99), largest=st.booleans(), k=st.integers(1, 5), axis=st.integers(0, 1))
def test_a_few_of_many_are_the_first_of_all(seed, largest, k, axis):
    x = np.random.default_rng(seed).integers(-40, 40, (30, 30)).astype(np.float32)
    x[x == -40] = np.nan
    values, indices = mc.tensor(x).topk(k, axis, largest)
    expected = mc.tensor(x).sort(axis, descending=largest).values.narrow(axis, 0, k)
    np.testing.assert_array_equal(values.numpy(), expected.numpy())
    np.testing.assert_array_equal(np.take_along_axis(x, indices.numpy(), axis), values.numpy())


def test_the_order_is_the_same_on_every_device(device):
    x = mc.tensor([[3.0, 1.0, 1.0, float("nan")], [0.0, 2.0, -1.0, 2.0]])
    on_device = x.to(device)
    for call in (
        lambda t: t.sort(descending=True)[1],
        lambda t: t.mode(1)[1],
        lambda t: t.repeat(1, 3).topk(2)[0],
        lambda t: t.median(0)[1],
        lambda t: t.nanquantile(0.5, 1),
        lambda t: t.unique(return_inverse=True)[1],
        lambda t: mc.searchsorted(t[1].sort()[0], t),
    ):
        assert call(on_device).device is device
        np.testing.assert_array_equal(call(on_device).tolist(), call(x).tolist())


def test_errors_name_the_call():
    with pytest.raises(ArgumentError, match="topk: k must be from 0 to 2, the size of dim=-1, got 3"):
        mc.zeros(2).topk(3)
    with pytest.raises(ArgumentError, match=r"quantile: q must be in \[0, 1\], got 1.5"):
        mc.zeros(2).quantile(1.5)
