"""Tests of unfold and fold: PyTorch's order of channels and windows, by hand and with loops, and error messages.

Gradients are tested in tests/nn/test_against_torch.py, default arguments in tests/test_signatures.py.
"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minicnn
from minicnn import ShapeError
from minicnn.autograd import gradcheck, gradgradcheck
from minicnn.nn import functional as F

one_or_two = st.integers(1, 2)
pairs = st.tuples(one_or_two, one_or_two)


def naive_unfold(x, kernel, dilation, padding, stride):
    """Copy each window into a column, in PyTorch's order: channels, then rows, then columns."""
    x = np.pad(x, [(0, 0), (0, 0), *((p, p) for p in padding)])
    span = [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]
    windows = [
        x[:, :, i : i + span[0] : dilation[0], j : j + span[1] : dilation[1]].reshape(
            len(x), x.shape[1] * kernel[0] * kernel[1]
        )
        for i in range(0, x.shape[2] - span[0] + 1, stride[0])
        for j in range(0, x.shape[3] - span[1] + 1, stride[1])
    ]
    return np.stack(windows, axis=-1)


@given(st.integers(0, 2), st.integers(1, 3), pairs, pairs, pairs, pairs, st.integers(0, 3), st.integers(0, 3))
def test_against_windows_cut_out(n, channels, kernel, dilation, padding, stride, h, w):
    size = (3 + h, 3 + w)
    x = minicnn.randn(n, channels, *size, dtype=minicnn.float64)
    columns = F.unfold(x, kernel, dilation, padding, stride)
    expected = naive_unfold(x.numpy(), kernel, dilation, padding, stride)
    np.testing.assert_array_equal(columns.numpy(), expected)
    # fold is the adjoint of unfold: ⟨fold(g), x⟩ = ⟨g, unfold(x)⟩
    g = minicnn.randn(columns.shape, dtype=minicnn.float64)
    image = F.fold(g, size, kernel, dilation, padding, stride)
    assert image.shape == x.shape
    assert (image * x).sum().item() == pytest.approx((g * columns).sum().item(), abs=1e-9)


def test_by_hand():
    x = minicnn.arange(12.0).reshape(1, 1, 3, 4)
    assert F.unfold(x, 2, stride=(1, 2)).tolist() == [
        [[0, 2, 4, 6], [1, 3, 5, 7], [4, 6, 8, 10], [5, 7, 9, 11]],
    ]
    assert F.unfold(x, (1, 2), dilation=(1, 3), padding=(1, 0)).tolist() == [
        [[0, 0, 4, 8, 0], [0, 3, 7, 11, 0]],
    ]
    columns = minicnn.arange(8.0).reshape(1, 4, 2)  # two windows that share a column of the image
    assert F.fold(columns, (2, 3), 2).tolist() == [[[[0, 1 + 2, 3], [4, 5 + 6, 7]]]]


def test_channels_come_first():
    x = minicnn.arange(8.0).reshape(1, 2, 2, 2)
    assert F.unfold(x, 2).flatten().tolist() == list(range(8))
    assert F.fold(F.unfold(x, 2), 2, 2).tolist() == x.tolist()


def test_one_image_without_a_batch():
    x = minicnn.randn(3, 5, 4)
    columns = F.unfold(x, 3, padding=1)
    assert columns.shape == (27, 20)
    assert columns.tolist() == F.unfold(x.unsqueeze(0), 3, padding=1)[0].tolist()
    image = F.fold(columns, (5, 4), 3, padding=1)
    assert image.tolist() == F.fold(columns.unsqueeze(0), (5, 4), 3, padding=1)[0].tolist()


def test_averaging_overlapping_windows_gives_the_image_back():
    x, ones = minicnn.randn(2, 3, 6, 7), minicnn.ones(2, 3, 6, 7)
    window = {"kernel_size": 3, "padding": 1, "stride": 2}
    total, count = (F.fold(F.unfold(t, **window), (6, 7), **window) for t in (x, ones))
    np.testing.assert_allclose((total / count).numpy(), x.numpy(), rtol=1e-6)


def test_convolution_is_a_matrix_product(device):
    x, w = minicnn.randn(2, 3, 6, 5, device=device), minicnn.randn(4, 3, 3, 3, device=device)
    y = (w.flatten(1) @ F.unfold(x, 3, padding=1)).reshape(2, 4, 6, 5)
    np.testing.assert_allclose(y.tolist(), F.conv2d(x, w, padding=1).tolist(), atol=1e-5)


def test_gradients_of_both_orders():
    x = minicnn.randn(1, 2, 3, 4, dtype=minicnn.float64, requires_grad=True)
    assert gradcheck(lambda x: F.unfold(x, 2, padding=1), x)
    assert gradgradcheck(lambda x: F.unfold(x, 2, padding=1) ** 2, x)
    columns = minicnn.randn(1, 8, 6, dtype=minicnn.float64, requires_grad=True)
    assert gradcheck(lambda c: F.fold(c, (3, 4), 2), columns)
    assert gradgradcheck(lambda c: F.fold(c, (3, 4), 2) ** 2, columns)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: F.unfold(X[0, 0], 2), r"unfold: input must be \(N, C, H, W\) or \(C, H, W\), got \(3, 4\)"),
        (lambda: F.unfold(X, (2, 2, 2)), "unfold: kernel_size must be one integer >= 1 or 2 of them, got"),
        (lambda: F.unfold(X, 2, dilation=0), "unfold: dilation must be one integer >= 1 or 2 of them, got 0"),
        (lambda: F.unfold(X, 2, padding=-1), "unfold: padding must be one integer >= 0 or 2 of them, got -1"),
        (lambda: F.unfold(X, 2, stride=0), "unfold: stride must be one integer >= 1 or 2 of them, got 0"),
        (
            lambda: F.unfold(X, 3, dilation=2, padding=(0, 1)),
            r"unfold: a window of \(3, 3\) \(dilation=\(2, 2\)\) does not fit the image \(3, 4\) with "
            r"padding=\(0, 1\); pad more or use a smaller kernel_size",
        ),
        (lambda: F.unfold(minicnn.ones(1, 1, 0, 3), 1, padding=1), r"does not fit the image \(0, 3\)"),
        (lambda: F.fold(X, 3, 2), r"fold: input must be \(N, C KH KW, L\) or \(C KH KW, L\), got \(1, 1, 3, 4\)"),
        (lambda: F.fold(COLUMNS, (3, 0), 2), "fold: output_size must be one integer >= 1 or 2 of them, got"),
        (lambda: F.fold(COLUMNS, 3, 0), "fold: kernel_size must be one integer >= 1"),
        (lambda: F.fold(COLUMNS, 3, 4), r"fold: a window of \(4, 4\) .* does not fit output_size \(3, 3\)"),
        (
            lambda: F.fold(COLUMNS, (3, 4), 2),
            r"fold: input must be \(N, C 4, 6\) for windows of \(2, 2\) on \(3, 4\), \(2, 3\) of them; got \(1, 8, 5\)",
        ),
        (lambda: F.fold(COLUMNS, (2, 6), (1, 3)), r"fold: input must be \(N, C 3, 8\) .* got \(1, 8, 5\)"),
    ],
)
def test_messages(call, message):
    with pytest.raises(ShapeError, match=message):
        call()


X, COLUMNS = minicnn.ones(1, 1, 3, 4), minicnn.ones(1, 8, 5)
