"""Tests of messages and warnings; oracles/calls/layers.py has the values."""

import pytest

import minicnn
import minicnn.nn.functional as F
from minicnn import ShapeError, nn


def test_messages():
    with pytest.raises(ShapeError, match=r"channel_shuffle: input must be \(N, C, ...\) .* groups=4, got \(1, 6, 2\)"):
        nn.ChannelShuffle(4)(minicnn.ones(1, 6, 2))
    with pytest.raises(ShapeError, match="Unflatten: unflattened_size must be a sequence of integers, got 6"):
        nn.Unflatten(1, 6)


def test_a_shuffle_and_its_inverse():
    x = minicnn.randn(2, 12, 3)
    assert F.channel_shuffle(F.channel_shuffle(x, 3), 4).tolist() == x.tolist()


@pytest.mark.parametrize("function", [F.upsample, F.upsample_nearest, F.upsample_bilinear])
def test_older_names_of_interpolate_warn(function):
    with pytest.warns(FutureWarning, match=f"{function.__name__} is an older name of interpolate"):
        assert function(minicnn.ones(1, 1, 2, 2), scale_factor=2).shape == (1, 1, 4, 4)
