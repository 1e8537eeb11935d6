"""Tests of skip_init."""

import pytest

from minicnn import ArgumentError, nn


def test_it_constructs_the_module():
    layer = nn.utils.skip_init(nn.Conv2d, 3, 4, kernel_size=2, bias=False)
    assert layer.weight.shape == (4, 3, 2, 2)
    assert layer.bias is None


def test_only_classes_of_modules():
    with pytest.raises(ArgumentError, match="expected a class of modules, got <class 'int'>"):
        nn.utils.skip_init(int)
