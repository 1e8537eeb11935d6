"""The short-time Fourier transform: the spectra of overlapping frames of a signal, and the way back.

`im2col` copies the frames of a signal to columns, a window w fades each of them at its ends, and `rfft` transforms
them. Back, `irfft` gives the faded frames, they are faded once more, and `col2im` adds them at their places. The sum of
the squared windows, added the same way, tells how often each element was counted:

    X[:, t] = rfft(w x[t hop : t hop + n])        x = col2im(w irfft(X)) / col2im(w²)

Source: Griffin and Lim, "Signal estimation from modified short-time Fourier transform", IEEE Transactions on Acoustics,
Speech, and Signal Processing, 1984.
"""

from minicnn.autograd.tensor import Tensor
from minicnn.errors import ArgumentError, DTypeError, ShapeError
from minicnn.geometry import ConvSpec
from minicnn.ops.complex_numbers import is_complex, view_as_real
from minicnn.ops.fourier import fft, ifft, irfft, rfft
from minicnn.ops.im2col import col2im, im2col
from minicnn.ops.indexing import getitem
from minicnn.ops.padding import pad
from minicnn.ops.shape import squeeze, unsqueeze

__all__ = ["istft", "stft"]


def _frames(length: int, n_fft: int, hop: int) -> ConvSpec:
    return ConvSpec((length,), (n_fft,), (hop,), ((0, 0),), (1,))


def _plan(
    call: str, x: Tensor, n_fft: int, hop_length: int | None, win_length: int | None, window: Tensor | None
) -> tuple[int, tuple[int, int], Tensor]:
    """Return the distance of frames, the zeros before and after the window, and the window with them, (n_fft, 1)."""
    hop, width = n_fft // 4 if hop_length is None else hop_length, n_fft if win_length is None else win_length
    if not 0 < width <= n_fft:
        raise ArgumentError(f"{call}: win_length must be from 1 to n_fft, got win_length={width} and n_fft={n_fft}")
    if hop < 1:
        raise ArgumentError(f"{call}: hop_length must be at least 1, got {hop} (by default it is n_fft // 4)")
    if window is not None and window.shape != (width,):
        raise ShapeError(f"{call}: the window must have win_length={width} elements, got {window.shape}")
    before = (n_fft - width) // 2
    zeros = (before, n_fft - width - before)
    return hop, zeros, unsqueeze(pad(x.detach().real.new_ones(width) if window is None else window, zeros), 1)


def stft(
    input: Tensor,
    n_fft: int,
    hop_length: int | None = None,
    win_length: int | None = None,
    window: Tensor | None = None,
    center: bool = True,
    pad_mode: str = "reflect",
    normalized: bool = False,
    onesided: bool | None = None,
    return_complex: bool | None = None,
    align_to_window: bool | None = None,
) -> Tensor:
    """Return the spectra of the frames of signals, which are `n_fft` elements long.

    Parameters
    ----------
    input : Tensor, (L,) or (B, L), real or complex
    n_fft : int
    hop_length : int, optional
        The distance from one frame to the next; default n_fft // 4.
    win_length : int, optional
        The size of the window, which is in the middle of a frame; the rest counts as 0. Default: n_fft.
    window : Tensor, (win_length,), optional
        Default: ones. `hann_window` shows fewer frequencies that are not there.
    center : bool
        Frame t has its middle at t hop_length: the signal gets n_fft // 2 elements at both ends. Otherwise it begins
        there.
    pad_mode : str
        What these elements are: a mode of `nn.functional.pad`.
    normalized : bool
        Multiply by 1/√n_fft.
    onesided : bool, optional
        Only the first n_fft // 2 + 1 frequencies. Default: True, but False for complex numbers.
    return_complex : bool, optional
        False: pairs of real numbers, on a last axis of size 2. Real signals need the argument, as in PyTorch.
    align_to_window : bool, optional
        Only without `center`. True: the window of the first frame, instead of the frame, begins with the signal.

    Returns
    -------
    Tensor of complex numbers, (n_fft // 2 + 1 or n_fft, T) or (B, ..., T), with T frames

    Raises
    ------
    ShapeError
        If a shape does not fit, or a frame is longer than the signal.
    ArgumentError
        If an argument is out of range, or arguments contradict each other.
    DTypeError
        If the signal has neither floating-point nor complex numbers.

    Examples
    --------
    >>> import minicnn
    >>> stft(minicnn.ones(6), 4, center=False, return_complex=True).abs().tolist()
    [[4.0, 4.0, 4.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]
    """
    if input.ndim not in (1, 2):
        raise ShapeError(f"stft: expected signals (L,) or (B, L), got {input.shape}")
    if input.dtype.kind not in "fc":
        raise DTypeError(f"stft: expected floating-point or complex numbers, got {input.dtype}; convert with .float()")
    if center and align_to_window is not None:
        raise ArgumentError("stft: align_to_window is only for center=False")
    hop, zeros, weights = _plan("stft", input, n_fft, hop_length, win_length, window)
    whole = is_complex(input) or is_complex(weights)
    if onesided and whole:
        raise ArgumentError("stft: onesided=True is not for complex numbers, whose spectrum does not repeat itself")
    if return_complex is None and not whole:
        raise ArgumentError("stft: real signals need return_complex=True, or False for pairs of real numbers")
    x = input if input.ndim == 2 else unsqueeze(input, 0)
    if center:
        x = pad(x, (n_fft // 2, n_fft // 2), pad_mode)
    elif align_to_window:
        x = pad(x, zeros)
    if n_fft > x.shape[-1]:
        raise ShapeError(f"stft: a frame of n_fft={n_fft} is longer than the signal, {x.shape[-1]}")
    columns = im2col(unsqueeze(x, 1), spec=_frames(x.shape[-1], n_fft, hop)) * weights
    transform = fft if whole or onesided is False else rfft
    y = transform(columns, dim=-2, norm="ortho" if normalized else None)
    y = y if input.ndim == 2 else squeeze(y, 0)
    return view_as_real(y) if return_complex is False else y


def istft(
    input: Tensor,
    n_fft: int,
    hop_length: int | None = None,
    win_length: int | None = None,
    window: Tensor | None = None,
    center: bool = True,
    normalized: bool = False,
    onesided: bool | None = None,
    length: int | None = None,
    return_complex: bool = False,
) -> Tensor:
    """Return the signals whose frames have these spectra: the inverse of `stft` with the same arguments.

    If no signal has them, it is the one whose frames, under the window, have the smallest squared differences.

    Parameters
    ----------
    input : Tensor of complex numbers, (n_fft // 2 + 1 or n_fft, T) or (B, ..., T)
    n_fft, hop_length, win_length, window, center, normalized, onesided
        As in `stft`; `onesided` by default as the shape says.
    length : int, optional
        Cut the signal off, or append zeros, so that it has this length.
    return_complex : bool
        The signal is complex.

    Returns
    -------
    Tensor, (L,) or (B, L)

    Raises
    ------
    ShapeError
        If a shape does not fit.
    ArgumentError
        If an argument is out of range, arguments contradict each other, or the windows are 0 at a whole place.
    DTypeError
        If the spectra are not complex.

    Examples
    --------
    >>> import minicnn
    >>> signal = minicnn.arange(8.0)
    >>> istft(stft(signal, 4, return_complex=True), 4).round().tolist() == signal.tolist()
    True
    """
    if not is_complex(input):
        raise DTypeError(f"istft: expected complex numbers, as of stft(return_complex=True), got {input.dtype}")
    if input.ndim not in (2, 3) or not input.numel():
        raise ShapeError(f"istft: expected spectra (N, T) or (B, N, T) with elements, got {input.shape}")
    hop, _, weights = _plan("istft", input, n_fft, hop_length, win_length, window)
    width = n_fft if win_length is None else win_length
    if hop > width:
        raise ArgumentError(f"istft: hop_length={hop} leaves gaps between windows of {width} elements")
    half = input.shape[-2] != n_fft if onesided is None else onesided
    if input.shape[-2] != (n_fft // 2 + 1 if half else n_fft):
        raise ShapeError(f"istft: n_fft={n_fft} has {n_fft // 2 + 1} or {n_fft} frequencies, got {input.shape}")
    if half and return_complex:
        raise ArgumentError("istft: return_complex=True needs the whole spectrum, onesided=False")
    if is_complex(weights) and not return_complex:
        raise ArgumentError("istft: a complex window needs return_complex=True")
    norm = "ortho" if normalized else None
    x = input if input.ndim == 3 else unsqueeze(input, 0)
    if return_complex:
        columns = ifft(x, dim=-2, norm=norm)
    else:
        columns = irfft(getitem(x, (slice(None), slice(n_fft // 2 + 1))), n_fft, dim=-2, norm=norm)
    count = x.shape[-1]
    whole = n_fft + hop * (count - 1)
    spec = _frames(whole, n_fft, hop)
    start = n_fft // 2 if center else 0
    end = whole - start if length is None else start + length
    squares = unsqueeze((weights * weights).expand(n_fft, count), 0)
    signal, counted = (
        getitem(col2im(t, spec=spec), (slice(None), 0, slice(start, end))) for t in (columns * weights, squares)
    )
    if end <= start or bool((counted.detach().abs() < 1e-11).any()):
        raise ArgumentError("istft: the windows are 0 at some element of the signal, or the signal has no element")
    signal = signal / counted
    if end > whole:
        signal = pad(signal, (0, end - whole))
    return signal if input.ndim == 3 else squeeze(signal, 0)
