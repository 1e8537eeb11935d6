"""Tests of the public names of linear algebra; tests/ops/test_matrices.py and its neighbours test the functions."""

import pytest

import minicnn
from minicnn import linalg
from minicnn.linalg import LinAlgError, svd


def test_the_names_are_those_of_pytorch():
    assert minicnn.linalg is linalg
    a = minicnn.tensor([[2.0, 0.0], [0.0, 3.0]])
    assert svd(a).S.tolist() == a.svd().S.tolist() == [3, 2]
    assert linalg.det(a).item() == a.det().item() == minicnn.det(a).item() == 6
    assert minicnn.slogdet(a).sign.item() == 1
    assert linalg.eigh(a).eigenvalues.tolist() == [2, 3]


def test_errors_are_of_one_class():
    with pytest.raises(LinAlgError):
        minicnn.inverse(minicnn.zeros(2, 2))
    assert issubclass(LinAlgError, RuntimeError)


def test_the_older_svd_returns_v():
    a = minicnn.randn(4, 3)
    u, s, v = minicnn.svd(a)
    assert ((u * s) @ v.T - a).abs().max().item() < 1e-5
    assert [x.shape for x in minicnn.svd(a, some=False)] == [(4, 4), (3,), (3, 3)]
    assert [x.shape for x in minicnn.svd(a, compute_uv=False)] == [(4, 4), (3,), (3, 3)]
