"""Tests of the random arrays and sizes that the strategies draw."""

import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minicnn.errors import MissingPackageError
from minicnn.testing import Case, Draw, cases, declared
from minicnn.testing.draw import KINK


@st.composite
def draws(draw, smooth=False):
    return Draw(draw, st, smooth)


@given(d=draws())
def test_layouts_keep_the_values(d):
    x = np.arange(12.0).reshape(3, 4)
    for values in (x, x.astype(np.uint8), x > 3, np.array(2.0), np.zeros((0, 3))):
        np.testing.assert_array_equal(d.layout(values), values)


def test_every_layout_is_drawn():
    seen = set()

    @settings(max_examples=200)
    @given(d=draws())
    def look(d):
        x = d.layout(np.ones((3, 4)))
        seen.add((x.flags.c_contiguous, x.flags.f_contiguous, x.strides[0] < 0, x.flags.writeable))

    look()
    assert {(True, False, False, True), (False, True, False, True), (False, False, True, True)} <= seen
    assert (False, False, False, True) in seen
    assert (True, False, False, False) in seen


@given(d=draws(smooth=True))
def test_smooth_values_keep_away_from_kinks(d):
    x = d.array((20,), kinks=(0.0, 1.0))
    assert min(np.abs(x).min(), np.abs(x - 1).min()) >= KINK / 2
    values = np.sort(d.distinct((20,)))
    assert np.diff(values).min() >= KINK / 2


@given(d=draws())
def test_other_values_are_the_same_in_float32(d):
    x = d.array((20,), 0.25, 2)
    np.testing.assert_array_equal(x, x.astype(np.float32))
    assert x.min() >= 0.25


@given(case=cases("add"))
def test_a_case_casts_floats_and_keeps_layouts(case):
    for x, y in zip(case.inputs, case.cast(np.float32), strict=True):
        assert y.dtype == (np.complex64 if x.dtype.kind == "c" else np.float32)
        np.testing.assert_array_equal(x, y)
        if x.size:
            assert [s // x.itemsize for s in x.strides] == [s // y.itemsize for s in y.strides]
    mask = np.array([True])
    assert Case("where", (mask,), {}).cast(np.float32)[0] is mask


@pytest.mark.parametrize("name", sorted(declared()))
@given(data=st.data())
def test_inputs_are_arrays(name, data):
    case = data.draw(cases(name))
    assert case.operation == name
    assert all(isinstance(x, np.ndarray) for x in case.inputs)
    assert {x.dtype for x in case.inputs if x.dtype.kind == "f"} <= {np.dtype(np.float64)}


def test_without_hypothesis(monkeypatch):
    monkeypatch.setitem(sys.modules, "hypothesis", None)
    with pytest.raises(MissingPackageError, match=r"testing: needs Hypothesis; pip install 'minicnn\[dev\]'"):
        cases("add")
