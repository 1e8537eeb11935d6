"""Tests of scans and of the accuracy of sums. tests/oracles/calls/reductions.py compares them with PyTorch."""

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minicnn as mc
from minicnn.autograd import gradcheck, gradgradcheck


def test_a_long_sum_of_ones_is_exact():
    n = 17_000_000
    assert mc.ones(n).cumsum(0)[-1].item() == n
    with mc.use_backends():
        assert mc.ones(n).sum().item() == n
        assert mc.ones(n // 4, 4).sum(0).tolist() == [n // 4] * 4  # row by row
        assert mc.ones(n // 4, 4).T.sum(1).tolist() == [n // 4] * 4
        assert mc.ones(n // 4, 4).mean(0).tolist() == [1.0] * 4


@given(data=st.data())
def test_scans_are_numpys(data):
    row = data.draw(st.lists(st.integers(-3, 3), min_size=1, max_size=20))
    x = mc.tensor(row, dtype=mc.float64)
    np.testing.assert_array_equal(x.cumprod(0).numpy(), np.cumprod(row))
    np.testing.assert_array_equal(x.cummax(0).values.numpy(), np.maximum.accumulate(row))
    np.testing.assert_array_equal(x.cummin(0).values.numpy(), np.minimum.accumulate(row))
    np.testing.assert_allclose(x.logcumsumexp(0).numpy(), np.logaddexp.accumulate(np.array(row, float)))
    last = [max(j for j in range(i + 1) if row[j] == max(row[: i + 1])) for i in range(len(row))]
    assert x.cummax(0).indices.tolist() == last


@given(row=st.lists(st.sampled_from([0.0, 0.5, -2.0, 1.5]), min_size=1, max_size=6))
def test_gradients_of_products_with_zeros(row):
    x = mc.tensor(row, dtype=mc.float64, requires_grad=True)
    assert gradcheck(lambda x: x.cumprod(0), x)
    assert gradgradcheck(lambda x: x.cumprod(0) + x.prod(0), x)
    (grad,) = mc.autograd.grad(x.prod(), x)
    assert grad.tolist() == pytest.approx([np.prod(row[:i] + row[i + 1 :]) for i in range(len(row))])


def test_the_gradient_of_a_product_takes_linear_time():
    x = mc.ones(200_000, requires_grad=True)
    start = time.perf_counter()
    x.prod(0).backward()  # a table of all pairs would not fit into memory
    assert time.perf_counter() - start < 5
    assert x.grad.sum().item() == 200_000


def test_the_product_of_integers_is_exact():
    for large in (50, 2**40):
        a, b = (np.random.default_rng(seed).integers(-large, large, (70, 70)) for seed in (1, 2))
        assert (mc.tensor(a) @ mc.tensor(b)).tolist() == (a @ b).tolist()
    u = mc.full((70, 70), 255, dtype=mc.uint8)
    assert (u @ u)[0, 0].item() == 70 * 255 * 255 % 256
