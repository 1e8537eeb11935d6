"""Fourier transforms of signals. Complex numbers are pairs along the last axis."""

import numpy as np

from minicnn import fft
from minicnn.autograd.tensor import Tensor
from minicnn.onnx.registry import operator
from minicnn.onnx.values import dtype_of, integers, numbers
from minicnn.ops.complex_numbers import view_as_complex, view_as_real
from minicnn.ops.create import tensor

__all__: list[str] = []


def _transform(x: Tensor, length: int | None, axis: int, inverse: bool, onesided: bool) -> Tensor:
    """Transform along an axis; the last axis has size 1 for real numbers, or 2."""
    real = x.shape[-1] == 1
    signal = x[..., 0] if real else view_as_complex(x.contiguous())
    if onesided and not inverse:
        return view_as_real(fft.rfft(signal, length, axis))
    if onesided:  # real results
        return fft.irfft(signal, length, axis).unsqueeze(-1)
    return view_as_real((fft.ifft if inverse else fft.fft)(signal, length, axis))


@operator("DFT", since=20)
def _dft(
    x: Tensor, dft_length: Tensor | None = None, axis: Tensor | None = None, *, inverse: int = 0, onesided: int = 0
) -> Tensor:
    (place,) = [-2] if axis is None else integers(axis)
    (length,) = [None] if dft_length is None else integers(dft_length)
    return _transform(x, length, place % x.ndim, bool(inverse), bool(onesided))


@operator("DFT", since=17)
def _dft_17(
    x: Tensor, dft_length: Tensor | None = None, *, axis: int = 1, inverse: int = 0, onesided: int = 0
) -> Tensor:
    (length,) = [None] if dft_length is None else integers(dft_length)
    return _transform(x, length, axis % x.ndim, bool(inverse), bool(onesided))


@operator("STFT")
def _stft(
    signal: Tensor,
    frame_step: Tensor,
    window: Tensor | None = None,
    frame_length: Tensor | None = None,
    *,
    onesided: int = 1,
) -> Tensor:
    """The transforms of frames (N, frames, frequencies, 2) of signals (N, L) or (N, L, 1 or 2)."""
    x = signal.unsqueeze(-1) if signal.ndim == 2 else signal
    (step,) = integers(frame_step)
    length = integers(frame_length)[0] if frame_length is not None else len(window) if window is not None else 0
    frames = x.unfold(1, length, step).transpose(2, 3)  # (N, frames, length, 1 or 2)
    frames = frames if window is None else frames * window.unsqueeze(-1)
    return _transform(frames, length, 2, False, bool(onesided) and x.shape[-1] == 1)


@operator("MelWeightMatrix")
def _mel_weight_matrix(
    num_mel_bins: Tensor,
    dft_length: Tensor,
    sample_rate: Tensor,
    lower_edge_hertz: Tensor,
    upper_edge_hertz: Tensor,
    *,
    output_datatype: int = 1,
) -> Tensor:
    """Triangles on the mel scale, 2595 log10(1 + f / 700), as weights of the frequencies of a one-sided transform."""
    (bins,), (length,), (rate,) = integers(num_mel_bins), integers(dft_length), integers(sample_rate)
    edges = [2595 * np.log10(1 + numbers(hertz)[0] / 700) for hertz in (lower_edge_hertz, upper_edge_hertz)]
    mel = np.linspace(*edges, bins + 2)
    place = ((length + 1) * (700 * (10 ** (mel / 2595) - 1)) // rate).astype(int)
    weights = np.zeros((length // 2 + 1, bins))
    for i in range(bins):
        low, middle, high = place[i : i + 3]
        if low == middle:
            weights[middle, i] = 1
        weights[low:middle, i] = (np.arange(low, middle) - low) / max(middle - low, 1)
        weights[middle:high, i] = (high - np.arange(middle, high)) / max(high - middle, 1)
    return tensor(weights, dtype_of(output_datatype))
