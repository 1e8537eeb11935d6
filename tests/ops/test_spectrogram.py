"""Laws of short-time Fourier transforms; oracles/calls/spectrograms.py has PyTorch's results."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minicnn
from minicnn.autograd import gradcheck, gradgradcheck
from minicnn.errors import ArgumentError, DTypeError, ShapeError

F64, C128 = minicnn.float64, minicnn.complex128


@given(st.data(), st.sampled_from([F64, C128]), st.booleans(), st.booleans())
def test_the_inverse_gives_the_signal_back(data, dtype, center, normalized):
    n = data.draw(st.integers(2, 9))
    width = data.draw(st.integers(max(2, n - 1) if center else n, n))
    hop = data.draw(st.integers(1, max(width // 2, 1)))
    signal = minicnn.randn(2, data.draw(st.integers(2 * n, 30)), dtype=dtype)
    window = minicnn.rand(width, dtype=F64) + 0.5
    common = {"win_length": width, "hop_length": hop, "window": window, "center": center, "normalized": normalized}
    spectra = minicnn.stft(signal, n, return_complex=True, **common)
    back = minicnn.istft(spectra, n, return_complex=dtype == C128, **common)
    assert back.dtype == dtype
    np.testing.assert_allclose(back.numpy(), signal.numpy()[:, : back.shape[1]], atol=1e-10)
    assert signal.shape[1] - back.shape[1] < hop


def test_a_sine_is_one_line_of_its_frequency():
    signal = (minicnn.arange(64, dtype=F64) * (2 * np.pi * 3 / 16)).cos()
    window = minicnn.hann_window(16, dtype=F64)
    found = signal.stft(16, window=window, center=False, return_complex=True).abs().numpy()
    np.testing.assert_allclose(found[3], 16 / 4, atol=1e-12)  # the mean of the window is 1/2, and half is at -3
    np.testing.assert_allclose(found[[2, 4]], 16 / 8, atol=1e-12)
    np.testing.assert_allclose(found[[0, 1, 5, 6, 7, 8]], 0, atol=1e-12)


def test_gradients():
    minicnn.manual_seed(0)
    window = (minicnn.rand(4, dtype=F64) + 0.5).requires_grad_()
    signal = minicnn.randn(2, 9, dtype=F64, requires_grad=True)
    forth = lambda x, w: minicnn.stft(x, 6, 2, 4, w, return_complex=True)  # noqa: E731
    back = lambda s, w: minicnn.istft(s, 6, 2, 4, w)  # noqa: E731
    spectra = forth(signal, window).detach()
    spectra = (spectra + 0.1 * minicnn.randn(*spectra.shape, dtype=C128)).requires_grad_()
    for function, inputs in ((forth, (signal, window)), (back, (spectra, window))):
        assert gradcheck(function, inputs)
        assert gradgradcheck(function, inputs)


def test_they_run_on_every_device(device):
    signal = minicnn.randn(2, 12)
    here = minicnn.stft(signal, 4, return_complex=True)
    there = minicnn.stft(signal.to(device), 4, return_complex=True)
    assert there.device is device
    np.testing.assert_allclose(there.cpu().numpy(), here.numpy(), atol=1e-5)
    np.testing.assert_allclose(minicnn.istft(there, 4).cpu().numpy(), signal.numpy(), atol=1e-5)


X, S, W = minicnn.ones(20), minicnn.ones(5, 11, dtype=minicnn.complex64), minicnn.ones(8)
Z = X + 0j


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: minicnn.stft(X, 8), ArgumentError, "real signals need return_complex=True"),
        (lambda: minicnn.stft(X[None, None], 8), ShapeError, r"expected signals \(L,\) or \(B, L\)"),
        (lambda: minicnn.stft(X.long(), 8), DTypeError, "expected floating-point or complex numbers, got int64"),
        (lambda: minicnn.stft(X, 8, align_to_window=True), ArgumentError, "only for center=False"),
        (lambda: minicnn.stft(X, 8, win_length=9), ArgumentError, "win_length must be from 1 to n_fft, got .*=9"),
        (lambda: minicnn.stft(X, 3), ArgumentError, "hop_length must be at least 1, got 0"),
        (lambda: minicnn.stft(X, 8, window=W[:7]), ShapeError, r"win_length=8 elements, got \(7,\)"),
        (lambda: minicnn.stft(Z, 8, onesided=True), ArgumentError, "onesided=True is not for complex numbers"),
        (lambda: minicnn.stft(X, 21, center=False, return_complex=True), ShapeError, "n_fft=21 is longer than .* 20"),
        (lambda: minicnn.istft(X, 8), DTypeError, "expected complex numbers"),
        (lambda: minicnn.istft(S[0], 8), ShapeError, "expected spectra"),
        (lambda: minicnn.istft(S, 8, hop_length=9), ArgumentError, "hop_length=9 leaves gaps"),
        (lambda: minicnn.istft(S, 10), ShapeError, "n_fft=10 has 6 or 10 frequencies"),
        (lambda: minicnn.istft(S, 8, return_complex=True), ArgumentError, "needs the whole spectrum"),
        (lambda: minicnn.istft(S, 8, window=W + 0j), ArgumentError, "a complex window needs return_complex=True"),
        (lambda: minicnn.istft(S, 8, window=W * 0), ArgumentError, "the windows are 0 at some element"),
        (lambda: minicnn.istft(S, 8, length=0), ArgumentError, "the signal has no element"),
    ],
)
def test_mistakes(call, error, words):
    with pytest.raises(error, match=words):
        call()
