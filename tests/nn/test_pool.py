"""Tests of pooling layers that test_against_torch.py does not cover."""

import pytest

import minicnn
from minicnn import ShapeError, nn


def test_a_stride_left_out_is_the_kernel_size():
    assert nn.MaxPool2d(3).stride == nn.AvgPool2d(3).stride == 3
    assert nn.AdaptiveAvgPool2d(1)(minicnn.ones(2, 3, 5, 5)).shape == (2, 3, 1, 1)


def test_messages_come_with_the_first_input():
    with pytest.raises(ShapeError, match="max_pool2d: kernel_size must be one integer >= 1 or 2 of them, got 0"):
        nn.MaxPool2d(0)(minicnn.ones(1, 1, 4, 4))
    with pytest.raises(ShapeError, match="adaptive_avg_pool2d: output_size must be 2 integers"):
        nn.AdaptiveAvgPool2d((1, 2, 3))(minicnn.ones(1, 1, 4, 4))
