"""Tests of tiled editing: the same result as for the whole image, no seams, and little memory."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicnn.errors import DTypeError, ShapeError
from minicnn.imaging.tiling import apply_tiled


def blur(x, radius=1):
    """Return a weighted average over a square, with zero padding: a convolution with this radius."""
    height, width = x.shape[2:]
    padded = np.pad(x, ((0, 0), (0, 0), (radius, radius), (radius, radius)))
    offsets = range(2 * radius + 1)
    return sum((i + 2 * j + 1) * padded[:, :, i : i + height, j : j + width] for i in offsets for j in offsets) / 50


def network(x):
    """Return two convolutions with a ReLU between and another number of output channels: radius 3."""
    return blur(np.maximum(blur(x - 0.4, 1), 0), 2)[:, :1] * np.array([1.0, -1.0])[:, np.newaxis, np.newaxis]


def pooled(x):
    """Pool 4 × 4 pixels, convolve, and enlarge again: radius 4 + 3; the sides must be multiples of 4."""
    n, c, h, w = x.shape
    means = x.reshape(n, c, h // 4, 4, w // 4, 4).mean((3, 5))
    return x * blur(means).repeat(4, axis=2).repeat(4, axis=3)


def enlarge(x):
    return blur(x.repeat(3, axis=2).repeat(3, axis=3), 2)


SIDES = st.one_of(st.integers(1, 12), st.sampled_from([17, 31, 37, 48]))
SEEDS = st.integers(0, 2**32 - 1)


def draw(shape, seed):
    return np.random.default_rng(seed).random(shape)


@given(SIDES, SIDES, st.integers(1, 20), st.integers(3, 9), st.integers(0, 12), SEEDS)
def test_tiled_is_untiled_where_the_overlap_covers_the_radius(height, width, tile, overlap, fade, seed):
    image = draw((3, height, width), seed)
    tiled = apply_tiled(network, image, tile=tile, overlap=overlap, fade=fade)
    np.testing.assert_allclose(tiled, network(image[np.newaxis])[0], atol=1e-12)


@given(SIDES, SIDES, st.integers(1, 20), st.integers(7, 9), st.integers(0, 12), SEEDS)
def test_with_pooling_the_last_pixels_are_repeated_and_cut_off(height, width, tile, overlap, fade, seed):
    image = draw((2, height, width), seed)
    tiled = apply_tiled(pooled, image, tile=tile, overlap=overlap, fade=fade, multiple=4)
    longer = np.pad(image, ((0, 0), (0, -height % 4), (0, -width % 4)), mode="edge")
    np.testing.assert_allclose(tiled, pooled(longer[np.newaxis])[0, :, :height, :width], atol=1e-12)


@given(SIDES, SIDES, st.integers(1, 20), st.integers(1, 5), st.integers(0, 12), SEEDS)
def test_an_enlarging_function(height, width, tile, overlap, fade, seed):
    image = draw((1, height, width), seed)
    tiled = apply_tiled(enlarge, image, tile=tile, overlap=overlap, fade=fade, scale=3)
    np.testing.assert_allclose(tiled, enlarge(image[np.newaxis])[0], atol=1e-12)


@given(SIDES, SIDES, st.integers(1, 20), st.integers(0, 9), st.integers(0, 12), st.integers(1, 5), st.integers(1, 3))
def test_the_weights_of_every_pixel_sum_to_one(height, width, tile, overlap, fade, multiple, scale):
    def ones(x):
        sizes.append(x.shape[2:])
        return np.ones((1, 1, scale * x.shape[2], scale * x.shape[3]), np.float32)

    sizes = []
    image = np.zeros((1, height, width), np.float32)
    tiled = apply_tiled(ones, image, tile=tile, overlap=overlap, fade=fade, multiple=multiple, scale=scale)
    assert tiled.shape == (1, scale * height, scale * width)
    np.testing.assert_allclose(tiled, 1, rtol=1e-6)
    largest = tile + multiple + 2 * (overlap + fade // 2 + multiple)
    assert all(side % multiple == 0 and side <= largest for size in sizes for side in size)


def test_too_small_an_overlap_is_noticed():
    image = draw((3, 64, 64), 0)
    whole = network(image[np.newaxis])[0]
    assert abs(apply_tiled(network, image, tile=16, overlap=2, fade=0) - whole).max() > 1e-3
    np.testing.assert_allclose(apply_tiled(network, image, tile=16, overlap=3, fade=0), whole, atol=1e-12)


def test_a_network_that_looks_everywhere_leaves_no_step():
    """Its tiles differ by a constant, as with instance norm. Without a fade there is a step, with a fade a slope."""

    def brightness(x):
        return np.broadcast_to(x.mean(), x.shape)

    image = np.repeat(np.linspace(0, 1, 128)[np.newaxis, np.newaxis], 128, axis=1)  # (1, H, W), dark on the left
    cut = np.abs(np.diff(apply_tiled(brightness, image, tile=32, overlap=4, fade=0), axis=2)).max()
    faded = np.abs(np.diff(apply_tiled(brightness, image, tile=32, overlap=4, fade=16), axis=2)).max()
    assert cut > 0.2
    assert faded < 1.2 * cut / 16


def test_float32_stays_float32_and_the_image_is_left_alone():
    image = draw((3, 40, 30), 1).astype(np.float32)
    image.flags.writeable = False
    assert apply_tiled(lambda x: x, image, tile=16, overlap=2).dtype == np.float32


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_without_blending_the_pixels_may_be_integers(dtype):
    image = np.arange(3 * 37 * 41).reshape(3, 37, 41).astype(dtype)
    tiled = apply_tiled(lambda x: x[:, ::-1], image, tile=16, overlap=3, fade=0, multiple=4)
    assert tiled.dtype == dtype
    np.testing.assert_array_equal(tiled, image[::-1])


def test_tiles_are_contiguous_whatever_the_image_is():
    def copy(x):
        assert x.flags.c_contiguous
        return x

    image = draw((40, 30, 3), 2).transpose(2, 0, 1)[:, ::-1]
    np.testing.assert_allclose(apply_tiled(copy, image, tile=16, overlap=2), image, atol=1e-15)


def test_progress_is_told_after_every_tile():
    calls = []
    apply_tiled(lambda x: x, draw((1, 20, 30), 3), tile=10, progress=lambda done, total: calls.append((done, total)))
    assert calls == [(number, 6) for number in range(1, 7)]


def test_memory_beside_the_output_is_that_of_a_tile():
    image = np.zeros((3, 1500, 1300), np.float32)
    tracemalloc.start()
    try:
        output = apply_tiled(lambda x: x + 1, image, tile=128, overlap=16, fade=16)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    tile = 3 * (128 + 2 * 24) ** 2 * 4
    assert peak < output.nbytes + 6 * tile


class TestRefusals:
    @pytest.mark.parametrize("shape", [(8, 8), (1, 3, 8, 8), (3, 0, 8)])
    def test_what_is_no_picture(self, shape):
        with pytest.raises(ShapeError, match=r"^apply_tiled: image must be \(C, H, W\) and not empty, got \("):
            apply_tiled(lambda x: x, np.zeros(shape))

    def test_an_image_of_integers(self):
        with pytest.raises(
            DTypeError, match=r"^apply_tiled: to be blended, pixels must be floating-point numbers, got uint8; .*fade=0"
        ):
            apply_tiled(lambda x: x, np.zeros((3, 8, 8), np.uint8))

    @pytest.mark.parametrize(
        ("name", "least"), [("tile", 1), ("scale", 1), ("multiple", 1), ("overlap", 0), ("fade", 0)]
    )
    def test_a_parameter_below_its_range(self, name, least):
        with pytest.raises(ShapeError, match=rf"^apply_tiled: {name} must be {least} or more, got {least - 1}"):
            apply_tiled(lambda x: x, np.zeros((3, 8, 8)), **{name: least - 1})

    @pytest.mark.parametrize("function", [lambda x: x[..., 1:], lambda x: x[0], lambda x: x.repeat(2, axis=0)])
    def test_a_result_of_another_size(self, function):
        message = r"^apply_tiled: function must map \(1, 3, 8, 9\) to \(1, F, 8, 9\) for scale=1, but returned \("
        with pytest.raises(ShapeError, match=message):
            apply_tiled(function, np.zeros((3, 8, 9)))

    def test_a_result_of_integers(self):
        with pytest.raises(DTypeError, match=r"^apply_tiled: function must return floating-point numbers, got int64"):
            apply_tiled(lambda x: x.astype(np.int64), np.zeros((3, 8, 9)))


@pytest.mark.parametrize("scale", [1, 3])
def test_a_tile_hands_over_to_the_next_in_the_middle_between_them(scale):
    """Tiles of 0 and 1: the output is the weight of the second, half of it where the cores meet."""
    calls = []

    def number_of_the_tile(x):
        calls.append(x)
        return np.full((1, 1, x.shape[2] * scale, x.shape[3] * scale), len(calls) - 1.0)

    fade, edge = 8, 16
    output = apply_tiled(number_of_the_tile, np.zeros((1, 2, 32)), tile=16, overlap=3, fade=fade, scale=scale)
    centres = (np.arange(32 * scale) + 0.5) / scale
    expected = np.clip((centres - (edge - fade / 2)) / fade, 0, 1)
    np.testing.assert_allclose(output, np.broadcast_to(expected, output.shape), atol=1e-12)
    assert len(calls) == 2
