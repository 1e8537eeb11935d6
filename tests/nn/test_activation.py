"""Tests of activation layers that test_against_torch.py does not cover."""

import pytest

import minicnn
from minicnn import ArgumentError, nn


def test_inplace_is_taken_shown_and_changes_nothing():
    x = minicnn.tensor([-1.0, 2.0])
    for layer in (nn.ReLU(inplace=True), nn.LeakyReLU(0.5, inplace=True), nn.ELU(inplace=True), nn.SiLU(inplace=True)):
        layer(x)
        assert x.tolist() == [-1, 2]
        assert repr(layer).endswith("inplace=True)")


def test_the_axis_of_a_softmax_must_be_named():
    with pytest.raises(TypeError, match="dim"):
        nn.Softmax()


def test_messages():
    with pytest.raises(ArgumentError, match="GELU: approximate must be 'none' or 'tanh', got 'fast'"):
        nn.GELU("fast")
