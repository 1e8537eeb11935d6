"""Tests of window sizes, against PyTorch's recorded results and by counting, and of the errors for invalid sizes."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicnn.errors import ShapeError
from minicnn.geometry import ceil_div, conv_spec, conv_transpose_spec, pool_spec

ONE_AXIS = st.tuples(
    st.integers(1, 13), st.integers(1, 4), st.integers(1, 4), st.integers(0, 3), st.integers(0, 3), st.integers(1, 3)
)


@pytest.mark.parametrize("stride", [{1, 2}, {1: 2}, np.array([1.5, 1])])
def test_what_is_no_sequence_of_integers_is_refused(stride):
    with pytest.raises(ShapeError, match="stride must be one integer"):
        conv_spec("conv2d", (1, 1, 8, 8), (1, 1, 3, 3), stride)


@given(axis=ONE_AXIS)
def test_conv_output_size_is_the_number_of_windows_that_fit(axis):
    i, k, s, before, after, d = axis
    starts = [p for p in range(-before, i + after) if p + d * (k - 1) < i + after][::s]
    arguments = ((1, 1, i), (1, 1, k), s, ((before, after),), d)
    if not starts:
        with pytest.raises(ShapeError, match="the kernel spans"):
            conv_spec("conv1d", *arguments)
        return
    spec = conv_spec("conv1d", *arguments)
    assert spec.output_size == (len(starts),)
    (low, high) = spec.window_padding[0]
    assert (low, high) == (before, starts[-1] + d * (k - 1) + 1 - i)
    padded = np.arange(-before, i + max(high, 0))
    seen = [[int(padded[window][o]) for o in range(len(starts))] for _, (window,) in spec.taps]
    assert seen == [[start + tap * d for start in starts] for tap in range(k)]


@given(axis=ONE_AXIS, extra=st.integers(0, 3))
def test_transposed_convolution_undoes_the_size(axis, extra):
    i, k, s, p, _, d = axis
    extra = min(extra, max(s, d) - 1)
    size = (i - 1) * s - 2 * p + d * (k - 1) + extra + 1
    arguments = ((1, 1, i), (1, 1, k), s, p, extra, d)
    if size < 1:
        with pytest.raises(ShapeError, match="the output would be"):
            conv_transpose_spec("conv_transpose1d", *arguments)
        return
    spec = conv_transpose_spec("conv_transpose1d", *arguments)
    assert spec.input_size == (size,)
    assert spec.output_size == (i,)


@given(axis=ONE_AXIS, ceil_mode=st.booleans(), count=st.booleans())
def test_pool_windows_are_counted(axis, ceil_mode, count):
    i, k, s, p, _, d = axis
    p = min(p, (d * (k - 1) + 1) // 2)
    try:
        spec = pool_spec("avg_pool1d", (1, 1, i), k, s, p, d, ceil_mode, count, axes=1)
    except ShapeError:
        assert i + 2 * p < d * (k - 1) + 1
        return
    span = d * (k - 1)
    starts = [
        start for start in range(-p, i, s) if start + span < i + p or (ceil_mode and start - s + span + 1 < i + p)
    ]
    assert spec.output_size == (len(starts),)
    if d == 1:
        low, high = (-p, i + p) if count else (0, i)
        assert spec.counts[0] == tuple(sum(low <= start + tap < high for tap in range(k)) for start in starts)


@pytest.mark.parametrize(
    ("arguments", "size"),
    [  # recorded from PyTorch 2.13
        (((1, 1, 5, 5), 2, 2, 0, 1, True), (3, 3)),
        (((1, 1, 5, 5), 3, 2, 1, 1, True), (3, 3)),
        (((1, 1, 4, 7), 2, 3, 1, 1, True), (2, 3)),
        (((1, 1, 6, 6), 2, 5, 0, 1, True), (2, 2)),
        (((1, 1, 6, 6), 3, 3, 1, 2, True), (2, 2)),
        (((1, 1, 1, 1), 1, 1, 0, 1, True), (1, 1)),
    ],
)
def test_pool_sizes_of_pytorch(arguments, size):
    assert pool_spec("max_pool2d", *arguments).output_size == size


def test_same_padding_adds_the_odd_zero_at_the_end():
    spec = conv_spec("conv2d", (1, 1, 7, 7), (1, 1, 2, 3), padding="same", dilation=(3, 1))
    assert spec.padding == ((1, 2), (1, 1))
    assert spec.output_size == (7, 7)
    assert conv_spec("conv2d", (1, 1, 7, 7), (1, 1, 2, 3), padding="valid").padding == ((0, 0), (0, 0))


@pytest.mark.parametrize("two", [2, (2, 2), [2, 2], np.int64(2), (np.int32(2), 2), [2]])
def test_arguments_in_all_forms(two):
    expected = conv_spec("conv2d", (1, 1, 9, 9), (1, 1, 2, 2), 2, 2, 2)
    assert conv_spec("conv2d", (1, 1, 9, 9), (1, 1, 2, 2), two, two, two) == expected
    assert pool_spec("p", (1, 1, 9, 9), two, two, 1, two) == pool_spec("p", (1, 1, 9, 9), 2, 2, 1, 2)
    assert conv_transpose_spec("t", (1, 1, 3, 3), (1, 1, 2, 2), two, 1, 1, two).input_size == (6, 6)
    assert hash(expected) == hash(conv_spec("conv2d", (1, 1, 9, 9), (1, 1, 2, 2), two, two, two))


def test_padding_in_pairs():
    assert conv_spec("c", (1, 1, 5, 5), (1, 1, 3, 3), padding=[(0, 1), (2, 3)]).output_size == (4, 8)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (((8, 3, 32, 32), (16, 4, 3, 3)), r"conv2d: input has 3 channels but weight expects 4 \(groups=1\); input is "
         r"\(8, 3, 32, 32\), weight is \(16, 4, 3, 3\); build the layer with in_channels=3"),
        (((3, 32, 32), (16, 3, 3, 3)), r"conv2d: input must have 4 axes \(N, C, 2 spatial\) like the weight"),
        (((1, 4, 8, 8), (3, 2, 3, 3), 1, 0, 1, 2), r"conv2d: 3 output channels cannot be split into groups=2"),
        (((1, 1, 4, 4), (1, 1, 5, 3)), r"conv2d: the kernel spans \(5, 3\) .* padded input is only \(4, 4\)"),
        (((1, 1, 4, 4), (1, 1, 3, 3), 1, 0, 2), r"the kernel spans \(5, 5\) \(dilation=\(2, 2\)\)"),
        (((1, 1, 4, 4), (1, 1, 0, 3)), r"conv2d: every kernel axis must be at least 1; weight is \(1, 1, 0, 3\)"),
        (((1, 1, 4, 4), (1, 1, 3, 3), 0), r"conv2d: stride must be one integer >= 1 or 2 of them, got 0"),
        (((1, 1, 4, 4), (1, 1, 3, 3), 1.5), r"conv2d: stride must be one integer >= 1 or 2 of them, got 1.5"),
        (((1, 1, 4, 4), (1, 1, 3, 3), None), r"conv2d: stride must be one integer >= 1"),
        (((1, 1, 4, 4), (1, 1, 3, 3), (1, 2, 3)), r"conv2d: stride must be one integer .* got \(1, 2, 3\)"),
        (((1, 1, 4, 4), (1, 1, 3, 3), 1, -1), r"conv2d: padding must be one integer >= 0 or 2 of them, got -1"),
        (((1, 1, 4, 4), (1, 1, 3, 3), 1, "full"), r"padding must be 'same', 'valid' or integers >= 0, got 'full'"),
        (((1, 1, 4, 4), (1, 1, 3, 3), 2, "same"), r"conv2d: padding='same' needs stride 1, got stride=\(2, 2\)"),
        (((1, 1, 4, 4), (1, 1, 3, 3), 1, [(1, 1)]), r"conv2d: padding must have 2 \(before, after\) pairs"),
        (((1, 1, 4, 4), (1, 1, 3, 3), 1, [(1, -1), (0, 0)]), r"each \(before, after\) pair of padding must be"),
        (((1, 1, 4, 4), (1, 1, 3, 3), 1, 0, 0), r"conv2d: dilation must be one integer >= 1"),
        (((1, 1, 4, 4), (1, 1, 3, 3), 1, 0, 1, 0), r"conv2d: groups must be one integer >= 1"),
    ],
)  # fmt: skip
def test_convolutions_that_do_not_fit(arguments, message):
    with pytest.raises(ShapeError, match=message):
        conv_spec("conv2d", *arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (((1, 4, 8, 8), (3, 2, 2, 2)), r"conv_transpose2d: input has 4 channels but weight expects 3"),
        (((4, 8, 8), (4, 2, 2, 2)), r"conv_transpose2d: input must have 4 axes"),
        (((1, 3, 8, 8), (3, 2, 2, 2), 1, 0, 0, 1, 2), r"3 input channels cannot be split into groups=2"),
        (((1, 1, 8, 8), (1, 1, 2, 2), 2, 0, 2), r"output_padding must be smaller than stride or dilation"),
        (((1, 1, 1, 1), (1, 1, 2, 2), 1, 3), r"the output would be \(-4, -4\) .*use less padding"),
        (((1, 1, 4, 4), (1, 1, 2, 0)), r"conv_transpose2d: every kernel axis must be at least 1"),
    ],
)
def test_transposed_convolutions_that_do_not_fit(arguments, message):
    with pytest.raises(ShapeError, match=message):
        conv_transpose_spec("conv_transpose2d", *arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (((1, 1, 4), 2), r"max_pool2d: input must have 4 axes \(N, C, 2 spatial\), got \(1, 1, 4\)"),
        (((1, 1, 4, 4), 0), r"max_pool2d: kernel_size must be one integer >= 1"),
        (((1, 1, 4, 4), 2, 0), r"max_pool2d: stride must be one integer >= 1"),
        (((1, 1, 4, 4), 2, 1, 2), r"max_pool2d: padding must be at most half of the window"),
        (((1, 1, 4, 4), 5), r"max_pool2d: a window of \(5, 5\) \(dilation=\(1, 1\)\) does not fit the input"),
        (((1, 1, 0, 4), 1), r"max_pool2d: a window of \(1, 1\) .* does not fit the input \(1, 1, 0, 4\)"),
        (
            ((1, 1, 4, 4), 2, 2, 0, 1, False, True, 0),
            "max_pool2d: divisor_override must be an integer",
        ),
    ],
)
def test_pooling_that_does_not_fit(arguments, message):
    with pytest.raises(ShapeError, match=message):
        pool_spec("max_pool2d", *arguments)


def test_taps_go_over_the_kernel_in_row_major_order():
    spec = conv_spec("c", (1, 1, 5, 6), (1, 1, 2, 3), stride=(1, 2), padding=1)
    assert [offset for offset, _ in spec.taps] == list(product(range(2), range(3)))


def test_ceil_div():
    assert [ceil_div(n, 32) for n in (0, 1, 32, 33)] == [0, 1, 1, 2]
