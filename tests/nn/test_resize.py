"""Tests of resizing layers: error messages of constructors. test_against_torch.py tests their values."""

import pytest

from minicnn import ArgumentError, ShapeError, nn


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (nn.Upsample, "Upsample: give either size or scale_factor; got size=None, scale_factor=None"),
        (lambda: nn.Upsample(4, 2), "Upsample: give either size or scale_factor; got size=4, scale_factor=2"),
        (lambda: nn.PixelShuffle(0), "PixelShuffle: upscale_factor must be an integer >= 1, got 0"),
        (lambda: nn.PixelUnshuffle(1.5), "PixelUnshuffle: downscale_factor must be an integer >= 1, got 1.5"),
        (lambda: nn.ZeroPad2d((1, 2)), r"ZeroPad2d: padding must be an integer or \(left, right, top, bottom\), got"),
        (lambda: nn.ReflectionPad2d((1, 2)), "ReflectionPad2d: padding must be an integer"),
    ],
)
def test_messages(build, message):
    with pytest.raises((ArgumentError, ShapeError), match=message):
        build()
