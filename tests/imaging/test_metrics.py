"""Tests of PSNR and SSIM against scikit-image and by hand, and of their errors."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from minicnn.errors import DTypeError, ShapeError
from minicnn.imaging.metrics import psnr, ssim


def draw_pair(shape, seed, dtype=np.float32):
    rng = np.random.default_rng(seed)
    clean = rng.random(shape)
    return (clean + 0.2 * rng.standard_normal(shape)).astype(dtype), clean.astype(dtype)


SHAPES = st.one_of(
    st.tuples(st.integers(11, 25), st.integers(11, 25)),
    st.tuples(st.integers(1, 4), st.integers(11, 25), st.integers(11, 25)),
)


def test_psnr_by_hand():
    assert psnr(np.array([[0.1, 0.5]]), np.array([[0.0, 0.5]])) == pytest.approx(10 * math.log10(1 / 0.005))
    assert psnr(np.full((1, 3, 3), 25.5), np.zeros((1, 3, 3)), data_range=255) == pytest.approx(20)


@given(SHAPES, st.integers(0, 2**32 - 1), st.sampled_from([1.0, 2.0, 255.0]))
def test_psnr_is_that_of_scikit_image(shape, seed, data_range):
    image, reference = draw_pair(shape, seed)
    oracle = peak_signal_noise_ratio(reference.astype(float), image.astype(float), data_range=data_range)
    assert psnr(image, reference, data_range) == pytest.approx(oracle, abs=1e-9)


@given(SHAPES, st.integers(0, 2**32 - 1), st.sampled_from([1.0, 2.0, 255.0]))
def test_ssim_is_that_of_scikit_image(shape, seed, data_range):
    image, reference = draw_pair(shape, seed)
    oracle = structural_similarity(
        image.astype(float),
        reference.astype(float),
        data_range=data_range,
        channel_axis=0 if len(shape) == 3 else None,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
    )
    assert ssim(image, reference, data_range) == pytest.approx(oracle, abs=1e-9)


def test_ssim_of_one_window_by_hand():
    x, y = draw_pair((11, 11), seed=0, dtype=np.float64)
    weights = np.exp(-0.5 * ((np.arange(11) - 5) / 1.5) ** 2)
    weights = np.outer(weights, weights) / weights.sum() ** 2
    mean_x, mean_y = (weights * x).sum(), (weights * y).sum()
    var_x, var_y = (weights * (x - mean_x) ** 2).sum(), (weights * (y - mean_y) ** 2).sum()
    covariance = (weights * (x - mean_x) * (y - mean_y)).sum()
    expected = (2 * mean_x * mean_y + 1e-4) * (2 * covariance + 9e-4)
    expected /= (mean_x**2 + mean_y**2 + 1e-4) * (var_x + var_y + 9e-4)
    assert ssim(x, y) == pytest.approx(expected, abs=1e-12)


def test_identical_images():
    image, _ = draw_pair((3, 16, 16), seed=1)
    assert psnr(image, image.copy()) == math.inf
    assert ssim(image, image.copy()) == pytest.approx(1)
    assert ssim(np.zeros((12, 12)), np.zeros((12, 12))) == 1


@given(st.integers(0, 2**32 - 1))
def test_both_are_symmetric(seed):
    image, reference = draw_pair((2, 13, 12), seed)
    assert psnr(image, reference) == pytest.approx(psnr(reference, image))
    assert ssim(image, reference) == pytest.approx(ssim(reference, image))


def test_nan_is_not_hidden():
    image, reference = draw_pair((3, 16, 16), seed=2)
    image[1, 8, 8] = np.nan
    assert math.isnan(psnr(image, reference))
    assert math.isnan(ssim(image, reference))


@pytest.mark.parametrize("metric", [psnr, ssim])
class TestRefusals:
    def test_two_shapes(self, metric):
        message = (
            rf"^{metric.__name__}: both images must have the same shape, but image is \(3, 16, 16\) and .*\(1, 16, 16\)"
        )
        with pytest.raises(ShapeError, match=message):
            metric(np.zeros((3, 16, 16)), np.zeros((1, 16, 16)))

    @pytest.mark.parametrize("shape", [(2, 3, 16, 16), (16,), (3, 0, 16)])
    def test_what_is_no_picture(self, metric, shape):
        with pytest.raises(
            ShapeError, match=rf"^{metric.__name__}: images must be \(C, H, W\) or \(H, W\) and not empty"
        ):
            metric(np.zeros(shape), np.zeros(shape))

    def test_integers(self, metric):
        image = np.zeros((3, 16, 16))
        with pytest.raises(DTypeError, match=rf"^{metric.__name__}: .* but reference is uint8; .*astype"):
            metric(image, image.astype(np.uint8))

    @pytest.mark.parametrize("data_range", [0, -1.0, math.nan])
    def test_a_data_range_that_is_none(self, metric, data_range):
        image = np.zeros((3, 16, 16))
        with pytest.raises(ShapeError, match=rf"^{metric.__name__}: data_range.* must be positive, got {data_range}"):
            metric(image, image, data_range)


def test_ssim_refuses_pictures_smaller_than_its_window():
    with pytest.raises(ShapeError, match=r"^ssim: the window is 11 × 11 pixels but the images are \(3, 10, 40\)"):
        ssim(np.zeros((3, 10, 40)), np.zeros((3, 10, 40)))
