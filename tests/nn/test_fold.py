"""Tests of Unfold and Fold: the arguments that they pass to the functions, and their repr, as in PyTorch."""

import pytest

import minicnn
from minicnn import ShapeError, nn
from minicnn.nn import functional as F

WINDOW = {"kernel_size": (3, 2), "dilation": (1, 2), "padding": (2, 1), "stride": (2, 1)}


def test_they_call_the_functions():
    x = minicnn.randn(2, 3, 6, 5)
    columns = nn.Unfold(**WINDOW)(x)
    assert columns.tolist() == F.unfold(x, **WINDOW).tolist()
    assert nn.Fold((6, 5), **WINDOW)(columns).tolist() == F.fold(columns, (6, 5), **WINDOW).tolist()


def test_arguments_come_in_torchs_order():
    x = minicnn.randn(1, 1, 7, 7)
    assert nn.Unfold(2, 3, 1, 2)(x).tolist() == F.unfold(x, 2, dilation=3, padding=1, stride=2).tolist()
    columns = minicnn.randn(1, 4, 9)
    assert nn.Fold(7, 2, 3, 1, 2)(columns).tolist() == F.fold(columns, 7, 2, dilation=3, padding=1, stride=2).tolist()


def test_text():
    assert repr(nn.Unfold(3, padding=1)) == "Unfold(kernel_size=3, dilation=1, padding=1, stride=1)"
    expected = "Fold(output_size=(4, 5), kernel_size=(2, 2), dilation=1, padding=0, stride=1)"
    assert repr(nn.Fold((4, 5), (2, 2))) == expected


def test_messages_come_with_the_first_input():
    with pytest.raises(ShapeError, match=r"unfold: a window of .* does not fit the image"):
        nn.Unfold(5)(minicnn.ones(1, 1, 4, 4))
    with pytest.raises(ShapeError, match="fold: input must be"):
        nn.Fold(4, 2)(minicnn.ones(1, 4, 4))
