"""Tests of the image tasks: pairs of inputs and targets, and the corruptions, by statistics and against SciPy."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

from minicnn.errors import ArgumentError, DTypeError, ShapeError
from minicnn.imaging import corruptions
from minicnn.imaging.corruptions import (
    HOLE_COLOUR,
    MAX_HOLE,
    TASKS,
    Task,
    gaussian_blur,
    gaussian_noise,
    jpeg,
    punch_holes,
    resize,
    to_grey,
)
from minicnn.imaging.metrics import psnr


def draw_picture(height, width, seed=0):
    """Return a smooth image, similar to a photo: (3, H, W)."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width] / 16
    waves = [np.sin(a * y + b * x + c) for a, b, c in rng.uniform(0, 3, (3, 3))]
    return (0.5 + 0.45 * np.stack(waves)).astype(np.float32)


@pytest.mark.parametrize("task", TASKS.values(), ids=list(TASKS))
class TestEveryTask:
    @given(height=st.integers(3, 20), width=st.integers(3, 20), seed=st.integers(0, 2**32 - 1))
    def test_the_pair_is_as_the_task_says(self, task, height, width, seed):
        clean = draw_picture(height, width, seed)
        clean.flags.writeable = False
        source, target = task(clean, np.random.default_rng(seed))
        h, w = height // task.scale, width // task.scale
        assert source.shape == (task.in_channels, h, w)
        assert target.shape == (task.out_channels, task.scale * h, task.scale * w)
        np.testing.assert_array_equal(target, clean[:, : task.scale * h, : task.scale * w])
        for picture in (source, target):
            assert picture.dtype == np.float32
            assert picture.min() >= 0
            assert picture.max() <= 1

    def test_the_smallest_picture(self, task):
        source, _ = task(np.full((3, task.scale, task.scale), 0.5, np.float32), np.random.default_rng(0))
        assert source.shape == (task.in_channels, 1, 1)

    def test_the_same_seed_gives_the_same_bits(self, task):
        first, again = (task(draw_picture(24, 30), np.random.default_rng(7))[0] for _ in range(2))
        np.testing.assert_array_equal(first, again)

    def test_it_has_a_name_and_a_summary_and_cannot_be_changed(self, task):
        assert TASKS[task.name] is task
        assert len(task.summary) > 20
        with pytest.raises(dataclasses.FrozenInstanceError):
            task.scale = 4

    @pytest.mark.parametrize("shape", [(1, 8, 8), (8, 8), (3, 0, 8)])
    def test_it_refuses_what_is_no_colour_picture(self, task, shape):
        with pytest.raises(ShapeError, match=rf"^task {task.name}: an image must be \(3, H, W\) .* at least"):
            task(np.zeros(shape, np.float32), np.random.default_rng(0))

    def test_it_refuses_bytes(self, task):
        with pytest.raises(
            DTypeError, match=rf"^task {task.name}: pixels must be float32 in \[0, 1\], got uint8; .*255"
        ):
            task(np.zeros((3, 8, 8), np.uint8), np.random.default_rng(0))


def test_a_picture_smaller_than_the_scale_is_refused():
    message = r"^task enlarge-x3: .* H and W at least 3, got \(3, 2, 8\)"
    with pytest.raises(ShapeError, match=message):
        TASKS["enlarge-x3"](np.zeros((3, 2, 8), np.float32), np.random.default_rng(0))


def test_a_task_of_ones_own():
    invert = Task("invert", "turn a negative into a picture", lambda clean, rng: (1 - clean, clean))
    source, target = invert(draw_picture(4, 4), np.random.default_rng(0))
    np.testing.assert_allclose(source + target, 1)


def test_noise_has_its_strength_and_no_bias():
    grey = np.full((3, 200, 200), 0.5, np.float32)
    noise = gaussian_noise(grey, 0.1, np.random.default_rng(0)) - grey
    assert noise.std() == pytest.approx(0.1, rel=0.01)
    assert abs(noise.mean()) < 1e-3
    assert abs(np.corrcoef(noise[0].ravel(), noise[1].ravel())[0, 1]) < 0.02


def test_noise_of_the_denoising_task_spans_its_range():
    grey = np.full((3, 32, 32), 0.5, np.float32)
    rng = np.random.default_rng(0)
    sigmas = [255 * (TASKS["denoise"](grey, rng)[0] - grey).std() for _ in range(200)]
    assert 4 < min(sigmas) < 8
    assert 45 < max(sigmas) < 52


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
    assert 0 < changed.sum() < 0.8 * changed.size
    np.testing.assert_array_equal(punched[:, changed].T, np.broadcast_to(HOLE_COLOUR, (changed.sum(), 3)))


def test_grey_is_as_bright_as_the_colours_look():
    colours = np.eye(3, 4, dtype=np.float32)[:, np.newaxis]  # red, green, blue, black: (3, 1, 4)
    colours[:, 0, 3] = 1  # white
    np.testing.assert_allclose(to_grey(colours), [[[0.299, 0.587, 0.114, 1]]], atol=1e-6)


class Counted:
    """Random whole numbers that are always the largest allowed, after which the calls are known."""

    def __init__(self):
        self.calls = []

    def integers(self, low, high=None):
        self.calls.append((low, high))
        return np.asarray(low if high is None else high) - 1


def test_how_many_holes_there_are_and_how_large():
    rng = Counted()
    punch_holes(np.zeros((3, 12, 400), np.float32), rng)
    assert rng.calls[0] == (1, 5)  # rectangles: one to four
    assert rng.calls[1:9] == [((400, 12), None), ((1 + MAX_HOLE, 1 + 3), None)] * 4
    assert rng.calls[9] == (5, None)  # scratches: none to four
    assert rng.calls[10:] == [((400, 12, 400, 12), None), (1, 4)] * 4


def test_every_picture_has_a_hole():
    image = np.zeros((3, 9, 9), np.float32)
    assert all((punch_holes(image, np.random.default_rng(seed)) != image).any() for seed in range(200))


@pytest.mark.parametrize(
    ("task", "corruption", "low", "high"),
    [
        ("denoise", "gaussian_noise", 5 / 255, 50 / 255),
        ("deblur", "gaussian_blur", 0.5, 2.5),
        ("clean-jpeg", "jpeg", 10, 60),
    ],
)
def test_the_strength_of_a_corruption_is_drawn_from_a_range(task, corruption, low, high, monkeypatch):
    strengths = []
    monkeypatch.setattr(corruptions, corruption, lambda clean, strength, *_: strengths.append(strength))
    rng = np.random.default_rng(0)
    for _ in range(500):
        TASKS[task](np.zeros((3, 2, 2), np.float32), rng)
    near = 0.02 * (high - low)
    assert low <= min(strengths) <= low + near
    assert high - near <= max(strengths) <= high


def test_jpeg_clips_values_beyond_black_and_white():
    image = np.zeros((3, 16, 16), np.float32)
    image[:, :, 8:] = 1
    np.testing.assert_array_equal(jpeg(image * 3 - 1, 90), jpeg(image, 90))
