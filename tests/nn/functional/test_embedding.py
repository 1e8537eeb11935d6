"""Tests of embedding and bilinear; oracles/calls/layers.py has more values."""

import numpy as np
import pytest

import minicnn
import minicnn.nn.functional as F
from minicnn import ArgumentError, DTypeError, ShapeError
from minicnn.autograd import gradcheck, gradgradcheck


def draw(*shape):
    return minicnn.randn(*shape, dtype=minicnn.float64).requires_grad_(True)


def test_mistakes():
    table = draw(3, 2)
    with pytest.raises(DTypeError, match="embedding: the input holds float32; it must hold integers"):
        F.embedding(minicnn.ones(2), table)
    with pytest.raises(ShapeError, match="numbers must be from 0 to 2, got -1 to 1"):
        F.embedding(minicnn.tensor([1, -1]), table)
    with pytest.raises(ShapeError, match=r"weight must be \(number of rows, width\), got \(3,\)"):
        F.embedding(minicnn.tensor([1]), draw(3))
    with pytest.raises(ShapeError, match="padding_idx must be from -3 to 2, got -4"):
        F.embedding(minicnn.tensor([1]), table, padding_idx=-4)
    with pytest.raises(ArgumentError, match="embedding: sparse must be False, because all gradients are dense"):
        F.embedding(minicnn.tensor([1]), table, sparse=True)


def test_rows_with_a_large_norm_become_shorter_in_a_table_that_is_trained():
    table = minicnn.tensor([[3.0, 4.0], [0.3, 0.4], [6.0, 8.0]], requires_grad=True)
    y = F.embedding(minicnn.tensor([0, 1, 0]), table, max_norm=1.0)
    np.testing.assert_allclose(y.tolist(), [[0.6, 0.8], [0.3, 0.4], [0.6, 0.8]], rtol=1e-5)
    np.testing.assert_allclose(table.tolist(), [[0.6, 0.8], [0.3, 0.4], [6.0, 8.0]], rtol=1e-5)
    y.sum().backward()
    assert table.grad.tolist() == [[2.0, 2.0], [1.0, 1.0], [0.0, 0.0]]


def test_bilinear_is_its_sum():
    x1, x2, w, b = draw(2, 5, 3), draw(2, 5, 4), draw(6, 3, 4), draw(6)
    expected = np.einsum("abi,oij,abj->abo", *(t.detach().numpy() for t in (x1, w, x2))) + b.detach().numpy()
    np.testing.assert_allclose(F.bilinear(x1, x2, w, b).detach().numpy(), expected)
    assert gradcheck(F.bilinear, (x1, x2, w, b))
    assert gradgradcheck(F.bilinear, (x1[0], x2[0], w, b))


def test_messages_of_bilinear():
    x1, x2, w = draw(2, 3), draw(2, 4), draw(6, 3, 4)
    with pytest.raises(ShapeError, match=r"bilinear: give inputs \(..., I\) .* got \(2, 3\), \(1, 4\) and \(6, 3, 4\)"):
        F.bilinear(x1, x2[:1], w)
    with pytest.raises(ShapeError, match=r"bilinear: bias must be \(6,\), got \(3,\)"):
        F.bilinear(x1, x2, w, draw(3))
    with pytest.raises(DTypeError, match=r"bilinear: all tensors must .* got float64, float32, float64"):
        F.bilinear(x1, x2.float(), w)
