"""Fourier transforms of signals. Complex numbers are pairs along the last axis."""

import numpy as np

from minicnn import fft
from minicnn.autograd.tensor import Tensor
from minicnn.onnx.registry import operator
from minicnn.onnx.values import dtype_of, number
from minicnn.ops.axes import axis_of
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
    place = -2 if axis is None else number(axis)
    length = None if dft_length is None else number(dft_length)
    return _transform(x, length, axis_of("DFT", place, x.ndim), bool(inverse), bool(onesided))


@operator("DFT", since=17)
def _dft_17(
    x: Tensor, dft_length: Tensor | None = None, *, axis: int = 1, inverse: int = 0, onesided: int = 0
) -> Tensor:
    length = None if dft_length is None else number(dft_length)
    return _transform(x, length, axis_of("DFT", axis, x.ndim), bool(inverse), bool(onesided))


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
    step = number(frame_step)
    length = number(frame_length) if frame_length is not None else len(window) if window is not None else 0
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
    bins, length, rate = number(num_mel_bins), number(dft_length), number(sample_rate)
    edges = [2595 * np.log10(1 + number(hertz) / 700) for hertz in (lower_edge_hertz, upper_edge_hertz)]
    mel = np.linspace(edges[0], edges[1], bins + 3)[:-1]  # ONNX divides by bins + 2 here, and not by bins + 1
    place = ((length + 1) * (700 * (10 ** (mel / 2595) - 1)) // rate).astype(int)
    weights = np.zeros((length // 2 + 1, bins))
    for i in range(bins):
        low, middle, high = place[i : i + 3]
        weights[middle, i] = 1
        weights[low:middle, i] = (np.arange(low, middle) - low) / max(middle - low, 1)
        weights[middle:high, i] = (high - np.arange(middle, high)) / max(high - middle, 1)
    return tensor(weights, dtype_of(output_datatype))
