"""Tests of distances, angles and normalised vectors; oracles/calls/losses.py has more values."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minicnn
from minicnn import ArgumentError, DTypeError, ShapeError
from minicnn.autograd import gradcheck, gradgradcheck
from minicnn.nn import functional as F


def test_gradients_of_both_orders():
    a, b = (minicnn.randn(2, 3, dtype=minicnn.float64, requires_grad=True) for _ in range(2))
    for check in (gradcheck, gradgradcheck):
        assert check(F.cosine_similarity, (a, b))
        assert check(F.cosine_similarity, (a, b[:, :1]))
        assert check(F.normalize, a)
        assert check(F.pairwise_distance, (a, b))
        assert check(F.pdist, a)
        assert check(lambda x: F.pdist(x, 3.0), a)


def test_the_gradient_at_zero_is_a_number():
    x = minicnn.zeros(1, 3, requires_grad=True)
    F.cosine_similarity(x, minicnn.ones(1, 3)).sum().backward()
    assert x.grad.isfinite().all().item()


@pytest.mark.parametrize("p", [0.0, 0.5, 1.0, 2.0, 3.0, float("inf")])
def test_the_gradient_of_a_distance_of_0_is_0(p):
    x = minicnn.zeros(2, 3, requires_grad=True)
    (F.pdist(x, p) + F.pairwise_distance(x[0], minicnn.zeros(3), p, 0.0)).sum().backward()
    assert x.grad.tolist() == minicnn.zeros(2, 3).tolist()


def test_the_norms_are_those_of_the_broadcast_vectors():
    x, y = minicnn.tensor([[1.0, 2.0, 2.0]]), minicnn.tensor([[2.0]])
    assert F.cosine_similarity(x, y).item() == pytest.approx(5 / (3 * 3**0.5))


@given(st.integers(0, 5), st.integers(1, 4), st.sampled_from([1.0, 2.0, 3.5, float("inf")]), st.integers(0, 2**31))
def test_pdist_has_the_distances_of_all_pairs(rows, columns, p, seed):
    x = np.random.default_rng(seed).standard_normal((rows, columns))
    expected = [np.linalg.norm(x[i] - x[j], p) for i in range(rows) for j in range(i + 1, rows)]
    np.testing.assert_allclose(F.pdist(minicnn.from_numpy(x), p).numpy(), expected, rtol=1e-12)


def test_messages():
    whole = minicnn.tensor([[1, 2]])
    with pytest.raises(DTypeError, match=r"normalize: the input must be floating point, got int64; convert it"):
        F.normalize(whole)
    with pytest.raises(DTypeError, match="cosine_similarity: the tensors hold int64 and int64; convert one"):
        F.cosine_similarity(whole, whole)
    with pytest.raises(DTypeError, match="pdist: the input must be floating point, got int64"):
        F.pdist(whole)
    with pytest.raises(ShapeError, match=r"pdist: input must be \(N, M\), got \(2,\)"):
        F.pdist(minicnn.ones(2))
    with pytest.raises(ArgumentError, match="pdist: p must be at least 0, got -1"):
        F.pdist(minicnn.ones(2, 2), -1)
