"""Windows: weights that fade to the ends of a signal, so that its Fourier transform shows no edge.

A periodic window of n elements is the symmetric one of n + 1 without its last element. It suits spectra; a symmetric
one suits filters. Source: Harris, "On the use of windows for harmonic analysis with the discrete Fourier transform",
Proceedings of the IEEE, 1978.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from minicnn.autograd.tensor import Tensor
from minicnn.dtypes import DType, default_dtype
from minicnn.errors import ArgumentError, DTypeError
from minicnn.ops.places import Place, checked, placed
from minicnn.runtime.devices import Array

__all__ = ["bartlett_window", "blackman_window", "hamming_window", "hann_window", "kaiser_window"]


def _window(
    call: str,
    length: int,
    periodic: bool,
    weights: Callable[[Array], Array],
    dtype: Any,
    device: Place,
    requires_grad: bool,
) -> Tensor:
    """Return the weights at the places x = k / (n - 1), from 0 to 1; a window of 1 element is 1."""
    kind = DType(dtype or default_dtype)
    if kind.kind != "f":
        raise DTypeError(f"{call}: a window has floating-point numbers, got {kind}")
    if length < 0:
        raise ArgumentError(f"{call}: the length must be at least 0, got {length}")
    steps = length if periodic else length - 1
    values = weights(np.arange(length) / max(steps, 1)) if length > 1 else np.ones(length)
    return placed(values.astype(kind), device, requires_grad)


@checked
def hann_window(
    window_length: int,
    periodic: bool = True,
    *,
    dtype: DType | None = None,
    device: Place = None,
    requires_grad: bool = False,
) -> Tensor:
    """Return the window (1 - cos 2πx) / 2, with x from 0 to 1.

    Parameters
    ----------
    window_length : int
    periodic : bool
        Leave out the last element of a symmetric window that has one element more.
    dtype, device, requires_grad
        By default float32, the CPU and no gradient.

    Raises
    ------
    DTypeError
        If the type is not floating point.
    ArgumentError
        If the length is negative.

    Examples
    --------
    >>> hann_window(4).tolist()
    [0.0, 0.5, 1.0, 0.5]
    """
    return _window(
        "hann_window",
        window_length,
        periodic,
        lambda x: 0.5 - 0.5 * np.cos(2 * np.pi * x),
        dtype,
        device,
        requires_grad,
    )


@checked
def hamming_window(
    window_length: int,
    periodic: bool = True,
    alpha: float = 0.54,
    beta: float = 0.46,
    *,
    dtype: DType | None = None,
    device: Place = None,
    requires_grad: bool = False,
) -> Tensor:
    """Return the window α - β cos 2πx, with x from 0 to 1; arguments and errors as in `hann_window`."""
    return _window(
        "hamming_window",
        window_length,
        periodic,
        lambda x: alpha - beta * np.cos(2 * np.pi * x),
        dtype,
        device,
        requires_grad,
    )


@checked
def blackman_window(
    window_length: int,
    periodic: bool = True,
    *,
    dtype: DType | None = None,
    device: Place = None,
    requires_grad: bool = False,
) -> Tensor:
    """Return the window 0.42 - 0.5 cos 2πx + 0.08 cos 4πx, with x from 0 to 1; errors as in `hann_window`."""
    return _window(
        "blackman_window",
        window_length,
        periodic,
        lambda x: 0.42 - 0.5 * np.cos(2 * np.pi * x) + 0.08 * np.cos(4 * np.pi * x),
        dtype,
        device,
        requires_grad,
    )


@checked
def bartlett_window(
    window_length: int,
    periodic: bool = True,
    *,
    dtype: DType | None = None,
    device: Place = None,
    requires_grad: bool = False,
) -> Tensor:
    """Return the window 1 - |2x - 1|, a triangle, with x from 0 to 1; errors as in `hann_window`."""
    return _window(
        "bartlett_window", window_length, periodic, lambda x: 1 - abs(2 * x - 1), dtype, device, requires_grad
    )


@checked
def kaiser_window(
    window_length: int,
    periodic: bool = True,
    beta: float = 12.0,
    *,
    dtype: DType | None = None,
    device: Place = None,
    requires_grad: bool = False,
) -> Tensor:
    """Return the window I₀(β √(1 - (2x - 1)²)) / I₀(β), with x from 0 to 1; errors as in `hann_window`.

    I₀ is the modified Bessel function. A larger β gives a wider peak in the spectrum, and lower waves beside it.
    """
    return _window(
        "kaiser_window",
        window_length,
        periodic,
        lambda x: np.i0(beta * np.sqrt(np.maximum(1 - (2 * x - 1) ** 2, 0))) / np.i0(beta),
        dtype,
        device,
        requires_grad,
    )
