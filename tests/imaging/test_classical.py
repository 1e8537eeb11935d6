"""Tests of the classical methods: the expected improvement, and errors for invalid inputs."""

import sys

import numpy as np
import pytest

from minicnn.errors import MissingPackageError, ShapeError
from minicnn.imaging.classical import (
    CLASSICAL_DENOISERS,
    bicubic,
    biharmonic,
    lanczos,
    non_local_means,
    richardson_lucy,
    wiener,
)
from minicnn.imaging.corruptions import gaussian_blur, gaussian_noise, resize, to_grey
from minicnn.imaging.metrics import psnr, ssim
from minicnn.imaging.photos import centre_crop, load_photo


@pytest.fixture(params=CLASSICAL_DENOISERS.items(), ids=list(CLASSICAL_DENOISERS))
def denoiser(request):
    return request.param[1]


@pytest.fixture(scope="module")
def clean():
    return centre_crop(load_photo("chelsea"), 128)


@pytest.mark.parametrize("sigma", [10 / 255, 25 / 255, 50 / 255])
def test_a_photo_gets_much_better(denoiser, clean, sigma):
    noisy = gaussian_noise(clean, sigma, np.random.default_rng(0))
    result = denoiser(noisy, sigma)
    assert result.shape == clean.shape
    assert result.dtype == np.float32
    assert result.min() >= 0
    assert result.max() <= 1
    assert psnr(result, clean) > psnr(noisy, clean) + (3 if sigma < 0.05 else 6)
    assert ssim(result, clean) > ssim(noisy, clean) + 0.05


def test_a_grey_photo(denoiser, clean):
    grey = to_grey(clean)
    noisy = gaussian_noise(grey, 0.1, np.random.default_rng(0))
    assert psnr(denoiser(noisy, 0.1), grey) > psnr(noisy, grey) + 5


def test_non_local_means_has_the_patches_that_its_docstring_tells():
    denoise = pytest.importorskip("skimage.restoration").denoise_nl_means
    image = np.random.default_rng(0).random((1, 24, 25), dtype=np.float32)
    expected = denoise(image[0], patch_size=5, patch_distance=6, h=0.06, sigma=0.1, fast_mode=True)
    np.testing.assert_allclose(non_local_means(image, 0.1)[0], expected.clip(0, 1), atol=1e-6)


def test_a_flat_picture_stays_flat(denoiser):
    flat = np.full((3, 32, 32), 0.4, np.float32)
    np.testing.assert_allclose(denoiser(flat, 0.1), flat, atol=1e-4)


@pytest.mark.parametrize("shape", [(32, 32), (1, 3, 32, 32), (3, 0, 32)])
def test_what_is_no_picture_is_refused(denoiser, shape):
    with pytest.raises(ShapeError, match=rf"^{denoiser.__name__}: image must be \(C, H, W\) and not empty, got \("):
        denoiser(np.zeros(shape, np.float32), 0.1)


@pytest.mark.parametrize("sigma", [0, -0.1])
def test_no_noise_is_refused(denoiser, clean, sigma):
    with pytest.raises(ShapeError, match=rf"^{denoiser.__name__}: sigma.* must be positive, got {sigma}"):
        denoiser(clean, sigma)


def test_a_missing_scikit_image_is_named(denoiser, clean, monkeypatch):
    monkeypatch.setitem(sys.modules, "skimage", None)
    message = rf"^{denoiser.__name__}: needs scikit-image, .* pip install 'minicnn\[data\]'$"
    with pytest.raises(MissingPackageError, match=message):
        denoiser(clean, 0.1)


def test_missing_wavelets_are_named(clean, monkeypatch):
    monkeypatch.setitem(sys.modules, "pywt", None)
    message = r"^wavelet: needs PyWavelets, which is not installed; .* pip install 'minicnn\[data\]'$"
    with pytest.raises(MissingPackageError, match=message):
        CLASSICAL_DENOISERS["wavelet"](clean, 0.1)


@pytest.mark.parametrize("factor", [2, 3])
def test_bicubic_enlargement(clean, factor):
    clean = centre_crop(clean, 126)
    small = resize(clean, 126 // factor, 126 // factor)
    assert bicubic(small, factor).shape == clean.shape
    assert psnr(bicubic(small, factor), clean) > psnr(small.repeat(factor, 1).repeat(factor, 2), clean) + 1


def test_a_known_blur_is_undone():
    clean = resize(np.random.default_rng(0).random((3, 12, 16), np.float32), 72, 96)
    blurred = gaussian_blur(clean, 1.6)
    for method in (wiener, richardson_lucy):
        restored = method(blurred, 1.6)
        assert restored.dtype == np.float32
        assert psnr(restored, clean) > psnr(blurred, clean) + 1
    with pytest.raises(ShapeError, match=r"^wiener: sigma, a standard deviation, must be positive, got 0"):
        wiener(blurred, 0)


def test_holes_are_filled_in_smoothly(clean):
    mask = np.zeros((128, 128), bool)
    mask[40:50, 60:66] = True
    spoilt = np.where(mask, np.float32(0), clean)
    filled = biharmonic(spoilt, mask)
    np.testing.assert_allclose(filled[:, ~mask], clean[:, ~mask], atol=1e-6)
    assert psnr(filled[:, mask], clean[:, mask]) > psnr(spoilt[:, mask], clean[:, mask]) + 10


def test_without_a_known_pixel_nothing_is_filled_in():
    with pytest.raises(ShapeError, match="biharmonic: all 16 pixels are in the mask"):
        biharmonic(np.zeros((3, 4, 4), np.float32), np.ones((4, 4), bool))


def test_lanczos_is_sharper_than_bicubic(clean):
    small = resize(clean, 64, 64)
    assert lanczos(small, 2).shape == clean.shape
    assert psnr(bicubic(small, 2), clean) < psnr(lanczos(small, 2), clean)
