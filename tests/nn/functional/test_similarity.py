"""Tests of normalised vectors and cosine similarity. test_against_torch.py tests other values."""

import pytest

import minicnn
from minicnn import DTypeError
from minicnn.autograd import gradcheck, gradgradcheck
from minicnn.nn import functional as F


def test_gradients_of_both_orders():
    a, b = (minicnn.randn(2, 3, dtype=minicnn.float64, requires_grad=True) for _ in range(2))
    for check in (gradcheck, gradgradcheck):
        assert check(F.cosine_similarity, (a, b))
        assert check(F.normalize, a)


def test_the_gradient_at_zero_is_a_number():
    x = minicnn.zeros(1, 3, requires_grad=True)
    F.cosine_similarity(x, minicnn.ones(1, 3)).sum().backward()
    assert x.grad.isfinite().all().item()


def test_messages():
    with pytest.raises(DTypeError, match=r"normalize: the tensor holds int64; convert it with .float\(\)"):
        F.normalize(minicnn.tensor([[1, 2]]))
    with pytest.raises(DTypeError, match="cosine_similarity: the tensor holds int64"):
        F.cosine_similarity(minicnn.tensor([[1, 2]]), minicnn.ones(1, 2))
