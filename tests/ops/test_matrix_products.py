"""Tests of powers, exponentials and products of matrices: laws and mistakes."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minicnn
from minicnn import ArgumentError, ShapeError
from minicnn.autograd import gradcheck, gradgradcheck
from minicnn.ops import matrix_products as L


def draw(*shape):
    return minicnn.randn(*shape, dtype=minicnn.float64).requires_grad_()


@given(st.integers(-4, 9), st.integers(1, 3))
def test_powers(n, size):
    a = draw(2, size, size).detach() + 2 * minicnn.eye(size, dtype=minicnn.float64)
    expected = np.linalg.matrix_power(a.numpy(), n)
    np.testing.assert_allclose(L.matrix_power(a, n).numpy(), expected, rtol=1e-6, atol=1e-6 * np.abs(expected).max())


@given(st.floats(0.01, 20), st.integers(1, 4))
def test_the_exponential_of_a_symmetric_matrix(scale, n):
    a = draw(n, n).detach()
    s = (a + a.T) * scale / 4
    w, v = np.linalg.eigh(s.numpy())
    np.testing.assert_allclose(L.matrix_exp(s).numpy(), (v * np.exp(w)) @ v.T, rtol=1e-8, atol=1e-8 * np.exp(w.max()))
    np.testing.assert_allclose(
        (L.matrix_exp(s) @ L.matrix_exp(-s)).numpy(), np.eye(n), atol=1e-10 * np.exp(w.max() - w.min())
    )


def test_gradients():
    minicnn.manual_seed(0)
    a = draw(2, 2, 2)
    for function in (L.matrix_exp, lambda a: L.matrix_power(a, 3), lambda a: L.diagonal(a, offset=-1)):
        assert gradcheck(function, (a,))
        assert gradgradcheck(function, (a,))
    b, c = draw(2, 3), draw(1, 3)
    assert gradcheck(L.cross, (b, c.expand(2, 3)))
    assert gradcheck(lambda b, c: L.lstsq(b.T, c.T).solution, (b, c))


@given(st.lists(st.integers(1, 4), min_size=3, max_size=6))
def test_products_of_several(sizes):
    parts = [draw(m, n).detach() for m, n in pairwise(sizes)]
    np.testing.assert_allclose(L.multi_dot(parts).numpy(), np.linalg.multi_dot([p.numpy() for p in parts]), atol=1e-10)


@given(st.integers(-4, 4), st.integers(0, 4), st.integers(0, 4))
def test_diagonals(offset, m, n):
    a = draw(2, m, n).detach()
    expected = np.diagonal(a.numpy(), offset, 1, 2) if -m <= offset <= n else np.zeros((2, 0))
    assert L.diagonal(a, offset=offset).tolist() == expected.tolist()
    assert L.diagonal(a, offset=-offset, dim1=2, dim2=1).tolist() == expected.tolist()


def test_a_cross_product_is_orthogonal():
    a, b = draw(5, 3).detach(), draw(5, 3).detach()
    c = L.cross(a, b)
    np.testing.assert_allclose([L.vecdot(a, c).numpy(), L.vecdot(b, c).numpy()], 0, atol=1e-12)


@pytest.mark.parametrize("driver", ["gels", "gelsd", "gelss", "gelsy"])
def test_least_squares(driver):
    a, b = draw(6, 3).detach(), draw(6, 2).detach()
    x, residuals, rank, values = L.lstsq(a, b, driver=driver)
    expected = np.linalg.lstsq(a.numpy(), b.numpy())
    np.testing.assert_allclose(x.numpy(), expected[0], atol=1e-10)
    if driver != "gelsy":
        np.testing.assert_allclose(residuals.numpy(), expected[1])
    if driver != "gels":
        assert rank.item() == 3
    if driver in ("gelsd", "gelss"):
        np.testing.assert_allclose(values.numpy(), expected[3])


def test_mistakes():
    a = minicnn.ones(2, 3)
    with pytest.raises(ShapeError, match=r"multi_dot: expected at least two matrices .* got \(2, 3\)"):
        L.multi_dot([a])
    with pytest.raises(ShapeError, match="cross: dim=0 must have the size 3"):
        L.cross(a, a, dim=0)
    with pytest.raises(ShapeError, match="cross: both tensors need the same number of axes"):
        L.cross(a, a[0])
    with pytest.raises(ShapeError, match="dim1 and dim2 must be different axes"):
        L.diagonal(a, dim1=0, dim2=0)
    with pytest.raises(ShapeError, match="lstsq: A and B need the same numbers of rows"):
        L.lstsq(a, minicnn.ones(3, 1))
    with pytest.raises(ArgumentError, match="driver must be 'gelsy', 'gels', 'gelsd' or 'gelss', got 'x'"):
        L.lstsq(a, a, driver="x")
