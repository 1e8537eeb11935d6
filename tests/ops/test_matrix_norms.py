"""Tests of norms: laws and mistakes. oracles/calls/linear_algebra.py has PyTorch's results."""

from math import inf

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minicnn
from minicnn import ArgumentError, DTypeError, ShapeError
from minicnn.autograd import gradcheck
from minicnn.ops import matrix_norms as L

VECTOR = (0, 1, 2, 3, 0.5, 2.5, inf, -inf, -1, -2)
MATRIX = ("fro", "nuc", inf, -inf, 1, -1, 2, -2)


@given(st.sampled_from(VECTOR), st.integers(1, 5), st.integers(1, 4), st.booleans())
def test_vector_norms_are_numpys(ord, m, n, keepdim):
    x = minicnn.randn(m, n, dtype=minicnn.float64)
    for axis in (0, 1):
        expected = np.linalg.norm(x.numpy(), ord, axis, keepdim)
        np.testing.assert_allclose(L.vector_norm(x, ord, axis, keepdim).numpy(), expected, rtol=1e-10)
    flat = np.linalg.norm(x.numpy().ravel(), ord)
    np.testing.assert_allclose(L.vector_norm(x, ord).numpy(), flat, rtol=1e-10)


@given(st.sampled_from(MATRIX), st.integers(1, 4), st.integers(1, 4), st.permutations(range(3)), st.booleans())
def test_matrix_norms_are_numpys(ord, m, n, order, keepdim):
    x = minicnn.randn(2, m, n, dtype=minicnn.float64)
    axes = (order[0], order[1])
    expected = np.linalg.norm(x.numpy(), ord, axes, keepdim)
    np.testing.assert_allclose(L.matrix_norm(x, ord, axes, keepdim).numpy(), expected, rtol=1e-9)
    np.testing.assert_allclose(L.norm(x, ord, axes, keepdim).numpy(), expected, rtol=1e-9)


@pytest.mark.parametrize("ord", MATRIX)
def test_gradients(ord):
    minicnn.manual_seed(0)
    x = minicnn.randn(2, 3, 3, dtype=minicnn.float64, requires_grad=True)
    assert gradcheck(lambda x: L.matrix_norm(x, ord), (x,))
    assert gradcheck(lambda x: L.cond(x, ord), (x,))


@pytest.mark.parametrize("ord", VECTOR)
def test_gradients_at_zero_are_finite(ord):
    x = minicnn.tensor([0.0, 0.0, 2.0], requires_grad=True)
    (g,) = minicnn.autograd.grad(L.vector_norm(x, ord) + L.vector_norm(x * 0, ord), x)
    assert np.isfinite(g.numpy()).all()


def test_ranks():
    x = minicnn.tensor([[1.0, 2.0], [2.0, 4.0]])
    assert L.matrix_rank(x).item() == 1
    assert L.matrix_rank(minicnn.stack([x, minicnn.eye(2), minicnn.zeros(2, 2)])).tolist() == [1, 2, 0]
    assert L.matrix_rank(minicnn.eye(2) * minicnn.tensor([1.0, 0.1]), 0.5).item() == 1


def test_mistakes():
    x = minicnn.ones(2, 2)
    with pytest.raises(DTypeError, match="norms are of floating-point tensors, got int64"):
        L.vector_norm(x.long())
    with pytest.raises(DTypeError, match="dtype=float32 is narrower than the tensor's float64"):
        L.norm(x.double(), dtype=minicnn.float32)
    with pytest.raises(ShapeError, match="ord=inf has no value for a reduced axis of size 0"):
        L.vector_norm(minicnn.zeros(0), inf)
    with pytest.raises(ShapeError, match="matrix_norm: dim must be two axes"):
        L.matrix_norm(x, dim=(0, 0))
    with pytest.raises(ArgumentError, match=r"ord must be 'fro', 'nuc', inf, .* got 3"):
        L.matrix_norm(x, 3)
    with pytest.raises(ShapeError, match="norm: ord=2 needs one or two axes"):
        L.norm(minicnn.ones(2, 2, 2), 2)
