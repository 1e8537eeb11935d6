"""Tests of matrix products in blocks of rows: the results of NumPy, with one or more threads."""

import numpy as np
import pytest

import minicnn
from minicnn.backends.numpy.linalg import LARGE, linear_rows, matmul_rows


@pytest.mark.parametrize(("n", "k", "m"), [(1, 300, 40), (3, 5, 7), (37, 600, 401)])
def test_products_by_rows(n, k, m):
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((n, k), np.float32), rng.standard_normal((k, m), np.float32)
    exact = a.astype(np.float64) @ b.astype(np.float64)
    for found in (matmul_rows(a, b), linear_rows(a, np.ascontiguousarray(b.T)), matmul_rows(a[None], b[None])[0]):
        assert np.linalg.norm(found - exact) <= 1e-6 * np.linalg.norm(exact)


def test_large_products_do_not_depend_on_the_number_of_threads():
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((101, 500), np.float32), rng.standard_normal((500, 301), np.float32)
    assert a.size * b.shape[1] >= LARGE
    before = minicnn.get_num_threads()
    found = []
    for threads in (1, 2, 3):
        minicnn.set_num_threads(threads)
        found.append(matmul_rows(a, b))
    minicnn.set_num_threads(before)
    assert np.array_equal(found[0], found[1])
    assert np.array_equal(found[0], found[2])
