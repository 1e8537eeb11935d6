"""Tests of the corruptions, by statistics and against SciPy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

from minicnn.errors import ArgumentError, ShapeError
from minicnn.imaging.corruptions import (
    MAX_HOLE,
    as_in_a_file,
    gaussian_blur,
    gaussian_noise,
    jpeg,
    punch_holes,
    resize,
    to_grey,
)
from minicnn.imaging.metrics import psnr
from minicnn.models import HOLE_COLOUR


def draw_picture(height, width, seed=0):
    """Return a smooth image, similar to a photo: (3, H, W)."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width] / 16
    waves = [np.sin(a * y + b * x + c) for a, b, c in rng.uniform(0, 3, (3, 3))]
    return (0.5 + 0.45 * np.stack(waves)).astype(np.float32)


def test_noise_has_its_strength_and_no_bias():
    grey = np.full((3, 200, 200), 0.5, np.float32)
    noise = gaussian_noise(grey, 0.1, np.random.default_rng(0)) - grey
    assert noise.std() == pytest.approx(0.1, rel=0.01)
    assert abs(noise.mean()) < 1e-3
    assert abs(np.corrcoef(noise[0].ravel(), noise[1].ravel())[0, 1]) < 0.02


@given(st.integers(1, 20), st.integers(1, 20), st.floats(0.2, 3))
def test_blur_is_that_of_scipy(height, width, sigma):
    image = draw_picture(height, width)
    radius = int(np.ceil(4 * sigma))
    oracle = gaussian_filter(image.astype(float), sigma, radius=radius, axes=(1, 2), mode="reflect")
    np.testing.assert_allclose(gaussian_blur(image, sigma), oracle, atol=1e-6)


@pytest.mark.parametrize("sigma", [0, -1.0])
def test_blur_refuses_no_width(sigma):
    with pytest.raises(ShapeError, match=rf"^gaussian_blur: sigma.* must be positive, got {sigma}"):
        gaussian_blur(draw_picture(4, 4), sigma)


def test_resize_keeps_what_is_smooth():
    image = draw_picture(60, 48)
    small = resize(image, 30, 24)
    np.testing.assert_allclose(small, image.reshape(3, 30, 2, 24, 2).mean((2, 4)), atol=0.01)
    assert psnr(resize(small, 60, 48), image) > 35


def test_resize_lets_nothing_alias():
    stripes = np.tile(np.float32([0, 1]), (1, 32, 16))  # (1, 32, 32), with the highest possible frequency
    np.testing.assert_allclose(resize(stripes, 16, 16)[:, 2:-2, 2:-2], 0.5, atol=1e-6)


def test_resize_refuses_no_size():
    with pytest.raises(ShapeError, match=r"^resize: height and width must be at least 1, got 0 × 4"):
        resize(draw_picture(4, 4), 0, 4)


def test_jpeg_loses_more_at_lower_quality():
    image = gaussian_noise(draw_picture(64, 64), 0.05, np.random.default_rng(0))
    low, middle, high = (psnr(jpeg(image, quality), image) for quality in (10, 50, 95))
    assert low < middle < high
    assert low > 20


@pytest.mark.parametrize("quality", [0, 96])
def test_jpeg_refuses_a_quality_it_does_not_have(quality):
    with pytest.raises(ArgumentError, match=rf"^jpeg: quality must be from 1 \(small\) to 95 \(good\), got {quality}"):
        jpeg(draw_picture(8, 8), quality)


@given(st.integers(8, 64), st.integers(8, 64), st.integers(0, 2**32 - 1))
def test_holes_are_magenta_and_the_rest_is_untouched(height, width, seed):
    image = draw_picture(height, width)
    punched = punch_holes(image, np.random.default_rng(seed))
    changed = (punched != image).any(axis=0)
    assert changed.sum() < 0.8 * changed.size
    assert changed.any() or min(height, width) < 32  # a small ellipse has no pixel
    np.testing.assert_array_equal(punched[:, changed].T, np.broadcast_to(HOLE_COLOUR, (changed.sum(), 3)))


def test_grey_is_as_bright_as_the_colours_look():
    colours = np.eye(3, 4, dtype=np.float32)[:, np.newaxis]  # red, green, blue, black: (3, 1, 4)
    colours[:, 0, 3] = 1  # white
    np.testing.assert_allclose(to_grey(colours), [[[0.299, 0.587, 0.114, 1]]], atol=1e-6)


def test_holes_are_small_and_large_and_of_three_forms():
    sizes, fills = [], []
    for seed in range(300):
        hole = (punch_holes(np.zeros((3, 120, 120), np.float32), np.random.default_rng(seed)) != 0).any(0)
        rows, columns = hole.any(1).nonzero()[0], hole.any(0).nonzero()[0]
        sizes.append(hole.mean())
        if len(rows) < MAX_HOLE and len(columns) < MAX_HOLE:  # a single form
            fills.append(hole.sum() / (np.ptp(rows) + 1) / (np.ptp(columns) + 1))
    assert min(sizes) < 0.001
    assert 0.15 < max(sizes) < 0.5
    assert 0.02 < np.mean(sizes) < 0.15
    assert max(fills) == 1  # a rectangle
    assert any(0.7 < fill < 0.85 for fill in fills)  # an ellipse: π / 4


def test_large_images_have_as_many_holes_for_their_area():
    def share(side, count):
        images = [punch_holes(np.zeros((3, side, side), np.float32), np.random.default_rng(i)) for i in range(count)]
        return np.mean([(image != 0).any(0).mean() for image in images])

    assert share(128, 200) == pytest.approx(share(640, 20), rel=0.3)


def test_every_picture_has_a_hole():
    image = np.zeros((3, 9, 9), np.float32)
    assert all((punch_holes(image, np.random.default_rng(seed)) != image).any() for seed in range(200))


def test_jpeg_clips_values_beyond_black_and_white():
    image = np.zeros((3, 16, 16), np.float32)
    image[:, :, 8:] = 1
    np.testing.assert_array_equal(jpeg(image * 3 - 1, 90), jpeg(image, 90))


def test_pixels_are_rounded_as_in_a_file():
    np.testing.assert_array_equal(as_in_a_file(np.float32([0.1, 0.5001])), np.float32([26 / 255, 128 / 255]))
