"""Laws of the Fourier transform; its values and gradients are compared with PyTorch's in tests/oracles/."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minicnn
from minicnn import fft
from minicnn.autograd import gradcheck, gradgradcheck
from minicnn.errors import ArgumentError, DTypeError, ShapeError

SIZES = (1, 2, 3, 7, 8, 12, 13)  # odd, even, prime
NORMS = ("backward", "forward", "ortho")


def numbers(*shape: int, seed: int = 0) -> minicnn.Tensor:
    rng = np.random.default_rng(seed)
    return minicnn.tensor(rng.normal(size=shape) + 1j * rng.normal(size=shape))


def close(a: minicnn.Tensor, b: minicnn.Tensor) -> bool:
    return a.shape == b.shape and minicnn.allclose(a, b, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("n", SIZES)
def test_the_transform_is_the_sum_of_its_definition(n):
    x, k = numbers(n), np.arange(n)
    matrix = np.exp(-2j * np.pi * np.outer(k, k) / n)
    np.testing.assert_allclose(fft.fft(x).numpy(), matrix @ x.numpy(), atol=1e-12)
    np.testing.assert_allclose(fft.ifft(x).numpy(), matrix.conj() @ x.numpy() / n, atol=1e-12)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("n", SIZES)
def test_inverses(n, norm):
    z, x = numbers(3, n), minicnn.randn(3, n, dtype=minicnn.float64)
    assert close(fft.ifft(fft.fft(z, norm=norm), norm=norm), z)
    assert close(fft.irfft(fft.rfft(x, norm=norm), n, norm=norm), x)
    assert close(fft.hfft(fft.ihfft(x, norm=norm), n, norm=norm), x)
    assert close(fft.ifft2(fft.fft2(z, norm=norm), norm=norm), z)
    assert close(fft.irfftn(fft.rfftn(x, norm=norm), x.shape, norm=norm), x)
    assert close(fft.hfft2(fft.ihfft2(x, norm=norm), x.shape, norm=norm), x)
    assert close(fft.ifftshift(fft.fftshift(x)), x)


@given(st.integers(1, 16), st.integers(1, 16), st.sampled_from(NORMS))
def test_half_a_spectrum_is_the_first_half(n, size, norm):
    x = minicnn.randn(2, n, dtype=minicnn.float64)
    whole, half = fft.fft(x, size, norm=norm), fft.rfft(x, size, norm=norm)
    assert half.shape == (2, size // 2 + 1)
    assert close(half, whole[:, : size // 2 + 1])
    mirrored = (size - minicnn.arange(size)) % size
    assert close(whole[:, mirrored].conj(), whole)


@pytest.mark.parametrize("n", SIZES)
def test_parseval(n):
    z = numbers(4, n)
    energy = (z.abs() ** 2).sum()
    assert close((fft.fftn(z, norm="ortho").abs() ** 2).sum(), energy)
    assert close((fft.fft(z).abs() ** 2).sum() / n, energy)


def test_a_product_of_spectra_is_a_circular_convolution_of_images():
    image, kernel = minicnn.randn(1, 1, 9, 14, dtype=minicnn.float64), minicnn.randn(1, 1, 3, 5, dtype=minicnn.float64)
    by_spectra = fft.irfft2(fft.rfft2(image) * fft.rfft2(kernel, image.shape[-2:]), image.shape[-2:])
    padded = minicnn.nn.functional.pad(image, (4, 0, 2, 0), mode="circular")
    assert close(by_spectra, minicnn.nn.functional.conv2d(padded, kernel.flip(-1, -2)))


def test_a_shift_turns_the_spectrum():
    x = numbers(12)
    turned = fft.fft(x) * minicnn.exp(
        minicnn.tensor(-2j * np.pi * 5 / 12, dtype=minicnn.complex128) * minicnn.arange(12)
    )
    assert close(fft.fft(x.roll(5)), turned)
    wave = minicnn.exp(2j * np.pi * 3 / 12 * minicnn.arange(12, dtype=minicnn.float64))
    assert close(fft.fft(x * wave), fft.fft(x).roll(3))


def test_frequencies():
    assert fft.fftfreq(5, 0.5).tolist() == pytest.approx([0.0, 0.4, 0.8, -0.8, -0.4])
    assert fft.rfftfreq(4).tolist() == [0.0, 0.25, 0.5]
    assert fft.fftshift(fft.fftfreq(4)).tolist() == [-0.5, -0.25, 0.0, 0.25]


@pytest.mark.parametrize("n", [1, 4, 5])
@pytest.mark.parametrize("name", ["fft", "ifft", "hfft", "irfft"])
def test_gradients_of_complex_inputs(name, n):
    z = numbers(2, n).requires_grad_()
    f = lambda z: getattr(fft, name)(z, 5, norm="ortho")  # noqa: E731
    assert gradcheck(f, z)
    assert gradgradcheck(f, z)


@pytest.mark.parametrize("name", ["rfft2", "ihfft2", "fft2", "rfftn"])
def test_gradients_of_real_inputs(name):
    x = minicnn.randn(3, 4, dtype=minicnn.float64, requires_grad=True)
    f = lambda x: getattr(fft, name)(x, (4, 3))  # noqa: E731
    assert gradcheck(f, x)
    assert gradgradcheck(f, x)


def test_types():
    for real, complex_ in ((minicnn.float32, minicnn.complex64), (minicnn.float64, minicnn.complex128)):
        x = minicnn.ones(6, dtype=real)
        assert fft.fft(x).dtype == fft.rfft(x).dtype == complex_
        assert fft.ifft(x.to(complex_)).dtype == complex_
        assert fft.irfft(x.to(complex_)).dtype == fft.hfft(x.to(complex_)).dtype == real
    assert fft.fft(minicnn.arange(4)).dtype == minicnn.complex64
    assert fft.fftfreq(3).dtype == minicnn.float32


def test_views_and_empty_batches():
    z = numbers(6, 8)
    assert close(fft.fft(z.flip(0)[:, ::2]), fft.fft(z.flip(0)[:, ::2].contiguous()))
    assert close(fft.fft(z.T, dim=0), fft.fft(z).T)
    assert fft.rfft(minicnn.zeros(0, 5)).shape == (0, 3)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: fft.fft(minicnn.zeros(3, 0)), ShapeError, "at least 1 element"),
        (lambda: fft.fft(minicnn.zeros(3), dim=1), ShapeError, "axis|dim"),
        (lambda: fft.fft(minicnn.zeros(3), norm="both"), ArgumentError, "norm must be None, 'backward'"),
        (lambda: fft.fft2(minicnn.zeros(3, 3), dim=(0, 0)), ArgumentError, "must differ"),
        (lambda: fft.fftn(minicnn.zeros(3), s=(2, 2)), ShapeError, "2 sizes for a tensor with 1 axes"),
        (lambda: fft.fft2(minicnn.zeros(3, 3), s=(2,)), ShapeError, "a size for each axis"),
        (lambda: fft.rfft(numbers(3)), DTypeError, "expected real numbers, got complex128; use fft"),
        (lambda: fft.rfftn(minicnn.zeros(3), dim=()), ArgumentError, "at least one axis"),
        (lambda: fft.irfft(numbers(1)), ShapeError, "give the size"),
        (lambda: fft.fft(minicnn.zeros(3, dtype=minicnn.float16)), DTypeError, "float16 is not supported"),
    ],
)
def test_refusals(call, error, words):
    with pytest.raises(error, match=words):
        call()
