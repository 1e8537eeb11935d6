"""Tests of padding against NumPy, and of its error messages.

Gradients are tested in tests/ops/test_primitives.py, and recorded values in tests/nn/test_against_torch.py.
"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minicnn
from minicnn import ArgumentError, ShapeError
from minicnn.autograd import gradcheck, gradgradcheck
from minicnn.nn import functional as F

NUMPY = {"constant": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}


@given(st.sampled_from(list(NUMPY)), st.lists(st.integers(3, 5), min_size=1, max_size=4), st.data())
def test_equals_numpys(mode, shape, data):
    pairs = [data.draw(st.tuples(st.integers(0, 2), st.integers(0, 2))) for _ in shape]
    x = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)[::-1]
    flat = [p for pair in reversed(pairs) for p in pair]
    np.testing.assert_array_equal(F.pad(minicnn.from_numpy(x), flat, mode).numpy(), np.pad(x, pairs, NUMPY[mode]))


@given(st.sampled_from(list(NUMPY)), st.tuples(*[st.integers(-1, 2)] * 4))
def test_gradients_of_both_orders(mode, pads):
    x = minicnn.randn(2, 3, 4, dtype=minicnn.float64, requires_grad=True)
    assert gradcheck(lambda x: F.pad(x, pads, mode) ** 2, x)
    assert gradgradcheck(lambda x: F.pad(x, pads, mode) ** 2, x)


def test_integers_and_bools_keep_their_type():
    assert F.pad(minicnn.tensor([True]), (1, 1)).tolist() == [False, True, False]
    assert F.pad(minicnn.tensor([3]), (1, 0), value=2).dtype == minicnn.int64


@pytest.mark.parametrize(
    ("pads", "mode", "message"),
    [
        ((1,), "constant", r"pad: pad must be \(before, after\) for at most 2 axes, .* got \(1,\) for input \(3, 4\)"),
        ((1,) * 6, "constant", "for at most 2 axes"),
        ((1, 1), "mirror", "pad: mode must be 'constant', 'reflect', 'replicate', 'circular', got 'mirror'"),
        ((4, 0), "reflect", r"pad: mode='reflect' can pad axis 1 of \(3, 4\) by at most 3, got \(4, 0\); use less"),
        ((0, 0, 0, 3), "reflect", r"can pad axis 0 of \(3, 4\) by at most 2, got \(0, 3\)"),
        ((0, 5), "circular", "by at most 4"),
        ((-3, -2), "constant", r"pad: negative padding removes more elements than the axis has; input is \(3, 4\)"),
        ((-4, 1), "circular", "by at most 0"),
    ],
)
def test_messages(pads, mode, message):
    with pytest.raises((ArgumentError, ShapeError), match=message):
        F.pad(minicnn.zeros(3, 4), pads, mode)


@pytest.mark.parametrize("mode", NUMPY)
def test_an_empty_batch_is_padded_like_any_other(mode):
    assert F.pad(minicnn.zeros(0, 3, 4), (1, 2), mode).shape == (0, 3, 7)


@pytest.mark.parametrize(
    ("pads", "mode", "expected"),
    [
        ((-4, 1), "replicate", [3]),
        ((3, -3), "replicate", [0, 0, 0, 0]),
        ((-3, 4), "replicate", [3, 3, 3, 3, 3]),
        ((3, -3), "reflect", [3, 2, 1, 0]),
        ((1, -1), "circular", [2, 0, 1, 2]),
    ],
)
def test_cutting_and_padding_one_axis(pads, mode, expected):  # PyTorch's results
    assert F.pad(minicnn.arange(4), pads, mode).tolist() == expected


def test_an_axis_without_elements_has_no_edge():
    with pytest.raises(ShapeError, match=r"mode='replicate' can pad axis 0 of \(0,\) by at most 0"):
        F.pad(minicnn.zeros(0), (1, 0), "replicate")
