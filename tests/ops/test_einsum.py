"""Tests of einsum against NumPy's. tests/oracles/calls/matrices.py compares it with PyTorch."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minicnn as mc
from minicnn.errors import ArgumentError, ShapeError

SIZES = {"a": 2, "b": 3, "c": 1, "d": 4}


@given(data=st.data())
def test_any_equation_is_numpys(data):
    terms = data.draw(st.lists(st.text("abcd", max_size=3), min_size=1, max_size=3))
    known = sorted(set("".join(terms)))
    result = data.draw(st.permutations(known))[: data.draw(st.integers(0, len(known)))]
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    arrays = [rng.standard_normal([SIZES[c] for c in term]) for term in terms]
    equation = f"{','.join(terms)}->{''.join(result)}"
    found = mc.einsum(equation, *map(mc.tensor, arrays))
    np.testing.assert_allclose(found.numpy(), np.einsum(equation, *arrays), atol=1e-12)


def test_a_matrix_product_is_one_call_of_matmul(monkeypatch):
    calls = []
    original = mc.ops.einsum.matmul
    monkeypatch.setattr(mc.ops.einsum, "matmul", lambda a, b: calls.append((a.shape, b.shape)) or original(a, b))
    assert mc.einsum("bhid,bhjd->bhij", mc.ones(2, 3, 4, 5), mc.ones(2, 3, 6, 5)).shape == (2, 3, 4, 6)
    assert calls == [((2, 3, 4, 5), (2, 3, 5, 6))]


def test_errors_name_the_label():
    with pytest.raises(ShapeError, match="einsum: the axes of label 'j' have the sizes 3 and 2"):
        mc.einsum("ij,jk", mc.ones(2, 3), mc.ones(2, 3))
    with pytest.raises(ArgumentError, match="einsum: labels must be letters, got '1'"):
        mc.einsum("i1", mc.ones(2, 3))
