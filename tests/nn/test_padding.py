"""Tests of messages of padding layers; oracles/calls/padding.py has the values."""

import pytest

import minicnn
from minicnn import ArgumentError, ShapeError, nn


def test_messages():
    with pytest.raises(ShapeError, match=r"ZeroPad3d: padding must be an integer or \(left, .* back\), got \(1, 2\)"):
        nn.ZeroPad3d((1, 2))
    with pytest.raises(ShapeError, match=r"CircularPad1d: input must be \(N, C, ...\) .* with 1 more axes, got \(3,\)"):
        nn.CircularPad1d(1)(minicnn.ones(3))
    with pytest.raises(ArgumentError, match="pad: value is only for mode='constant', got value=2 and mode='reflect'"):
        nn.functional.pad(minicnn.ones(1, 3), (1, 1), "reflect", 2)
