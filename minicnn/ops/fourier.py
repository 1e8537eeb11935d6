"""Discrete Fourier transforms, along any axes: `minicnn.fft` has their public names.

The transform of n numbers x is

    X[k] = s Σⱼ x[j] exp(-2πi jk / n)        and back        x[j] = s' Σₖ X[k] exp(2πi jk / n),

with s s' = 1 / n. `norm` says where the factor is: "backward" (default: s = 1), "forward" (s' = 1) or "ortho" (both
1/√n). The spectrum of real numbers repeats itself, X[n - k] = conj(X[k]), so `rfft` returns only its first half.

A transform along several axes is one along each. The primitives have no factor; each is linear, so its gradient is a
transform too (Cooley and Tukey, "An algorithm for the machine calculation of complex Fourier series", 1965).
"""

from collections.abc import Sequence
from math import prod, sqrt
from typing import Any

from minicnn.autograd.primitive import primitive
from minicnn.autograd.tensor import Tensor
from minicnn.dtypes import DType, complex_type, default_dtype, real_type
from minicnn.errors import ArgumentError, DTypeError, ShapeError
from minicnn.ops.axes import axis_of
from minicnn.ops.complex_numbers import conj_physical, real
from minicnn.ops.create import as_tensor
from minicnn.ops.elementwise import mul
from minicnn.ops.indexing import _index, _pad, roll
from minicnn.ops.places import Place, checked, place_of, placed
from minicnn.ops.shape import as_float, cast
from minicnn.runtime.devices import Array, xp

__all__ = [
    "fft",
    "fft2",
    "fftfreq",
    "fftn",
    "fftshift",
    "hfft",
    "hfft2",
    "hfftn",
    "ifft",
    "ifft2",
    "ifftn",
    "ifftshift",
    "ihfft",
    "ihfft2",
    "ihfftn",
    "irfft",
    "irfft2",
    "irfftn",
    "rfft",
    "rfft2",
    "rfftfreq",
    "rfftn",
]

Sizes = int | Sequence[int] | None
SIGNS = {"backward": (0.0, 1.0), "forward": (1.0, 0.0), "ortho": (0.5, 0.5)}  # powers of 1/n: there and back


# --- the primitives -------------------------------------------------------------------------------------------


@primitive
def _dft(x: Array, *, axis: int, back: bool) -> Array:
    """Return Σⱼ x[j] exp(∓2πi jk / n), without a factor."""
    transform = xp(x).fft.ifft if back else xp(x).fft.fft
    return transform(x, axis=axis, norm="forward" if back else "backward").astype(x.dtype, copy=False)


@primitive
def _real_dft(x: Array, *, axis: int) -> Array:
    """Return the first n // 2 + 1 elements of `_dft` of real numbers."""
    return xp(x).fft.rfft(x, axis=axis).astype(complex_type(x.dtype), copy=False)


@primitive
def _dft_to_real(x: Array, *, axis: int, size: int) -> Array:
    """Return the n real numbers Σₖ X[k] exp(2πi jk / n), where X is the first half of a spectrum."""
    return xp(x).fft.irfft(x, size, axis=axis, norm="forward").astype(real_type(x.dtype), copy=False)


def _resized(x: Tensor, axis: int, size: int) -> Tensor:
    """Cut an axis off, or append zeros, so that it has this size."""
    if x.shape[axis] > size:
        return _index(x, index=(slice(None),) * axis + (slice(0, size),))
    if x.shape[axis] == size:
        return x
    return _pad(x, widths=tuple((0, size - x.shape[axis] if a == axis else 0) for a in range(x.ndim)), value=0)


def _twice_inside(grad: Tensor, axis: int, size: int) -> Tensor:
    """Return the gradient of half a spectrum: an element and its mirror image count, so all count twice that have one.

    The first has none, and for even sizes the last. Their imaginary parts have no effect, and so no gradient.
    """
    spectrum = _real_dft(grad, axis=axis)
    counts = grad.device.xp.full(spectrum.shape[axis], 2.0, grad.dtype)
    counts[0] = 1
    if size % 2 == 0:
        counts[-1] = 1
    shape = tuple(-1 if a == axis else 1 for a in range(grad.ndim))
    return mul(spectrum, Tensor._wrap(counts.reshape(shape), grad.device))


_dft.takes_complex = _dft_to_real.takes_complex = True
_dft.gradient(x=lambda grad, axis, back: _dft(grad, axis=axis, back=back))
_real_dft.gradient(x=lambda grad, x_shape, axis: real(_dft(_resized(grad, axis, x_shape[axis]), axis=axis, back=False)))
_dft_to_real.gradient(x=lambda grad, axis, size: _twice_inside(grad, axis, size))


# --- arguments ------------------------------------------------------------------------------------------------


def _factor(call: str, norm: str | None, count: int, back: bool) -> float:
    """Return the factor of a transform of `count` elements."""
    if norm not in (None, *SIGNS):
        raise ArgumentError(f"{call}: norm must be None, {', '.join(map(repr, SIGNS))}, got {norm!r}")
    power = SIGNS[norm or "backward"][back]
    return {0.0: 1.0, 0.5: 1 / sqrt(count), 1.0: 1 / count}[power]


def _plan(call: str, x: Tensor, s: Sizes, dim: Sizes) -> tuple[list[int], list[int | None]]:
    """Return the axes of a transform, and their sizes (None: as they are)."""
    dims = [dim] if isinstance(dim, int) else None if dim is None else list(dim)
    if isinstance(s, int) and s < 1:
        raise ShapeError(f"{call}: n must be at least 1, got {s}")
    sizes: list[int | None] | None = [s] if isinstance(s, int) else None if s is None else list(s)
    if dims is None:
        dims = list(range(x.ndim))[-len(sizes) if sizes else 0 :] if sizes is None or sizes else []
        if sizes is not None and len(sizes) > x.ndim:
            raise ShapeError(f"{call}: {len(sizes)} sizes for a tensor with {x.ndim} axes")
    axes = [axis_of(call, d, x.ndim) for d in dims]
    if len(set(axes)) != len(axes):
        raise ArgumentError(f"{call}: the axes must differ, got dim={dim}")
    if sizes is None:
        sizes = [None] * len(axes)
    if len(sizes) != len(axes):
        raise ShapeError(f"{call}: give a size for each axis, got s={s} and dim={dim}")
    sizes = [None if n == -1 else n for n in sizes]
    for axis, n in zip(axes, sizes, strict=True):
        if (x.shape[axis] if n is None else n) < 1:
            raise ShapeError(f"{call}: a transform needs at least 1 element, got {x.shape[axis] if n is None else n}")
    return axes, sizes


def _scaled(x: Tensor, factor: float) -> Tensor:
    return x if factor == 1 else mul(x, factor)


def _input(call: str, given: Any, kinds: str = "fc") -> Tensor:
    """Return the input as a tensor of float32, float64 or complex numbers."""
    x: Tensor = as_float(given if isinstance(given, Tensor) else as_tensor(given))
    if x.dtype.name == "float16":
        raise DTypeError(f"{call}: float16 is not supported; convert with .float()")
    if x.dtype.kind not in kinds:
        raise DTypeError(f"{call}: expected real numbers, got {x.dtype}; use fft for complex numbers")
    return x


# --- complex to complex ---------------------------------------------------------------------------------------


def _complex_transform(call: str, input: Any, s: Sizes, dim: Sizes, norm: str | None, back: bool) -> Tensor:
    x = _input(call, input)
    axes, sizes = _plan(call, x, s, dim)
    x = x if x.dtype.kind == "c" else cast(x, complex_type(x.dtype))
    for axis, size in zip(axes, sizes, strict=True):
        x = _resized(x, axis, x.shape[axis] if size is None else size)
    factor = _factor(call, norm, prod(x.shape[a] for a in axes), back)
    for axis in reversed(axes):
        x = _dft(x, axis=axis, back=back)
    return _scaled(x, factor)


def fft(input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None) -> Tensor:
    """Return the discrete Fourier transform along an axis, as complex numbers.

    Parameters
    ----------
    input : Tensor, real or complex
    n : int, optional
        Cut the axis off, or append zeros, so that it has this size first.
    dim : int
    norm : {"backward", "forward", "ortho"}, optional
        "forward" multiplies by 1/n, "ortho" by 1/√n; "backward", the default, by 1.

    Raises
    ------
    ShapeError
        If an axis is empty or does not exist, or the numbers of sizes and axes differ.
    ArgumentError
        If the norm is another one, or an axis is named twice.
    DTypeError
        If the tensor is float16, or complex where numbers must be real.

    Examples
    --------
    >>> import minicnn
    >>> fft(minicnn.tensor([1.0, 0.0, 0.0, 0.0])).tolist()
    [(1+0j), (1+0j), (1+0j), (1+0j)]
    """
    return _complex_transform("fft", input, n, dim, norm, False)


def ifft(input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None) -> Tensor:
    """Return the inverse of `fft` along an axis; errors as in `fft`."""
    return _complex_transform("ifft", input, n, dim, norm, True)


def fft2(input: Tensor, s: Sizes = None, dim: Sizes = (-2, -1), norm: str | None = None) -> Tensor:
    """Return the discrete Fourier transform along two axes: the frequencies of an image; errors as in `fft`."""
    return _complex_transform("fft2", input, s, dim, norm, False)


def ifft2(input: Tensor, s: Sizes = None, dim: Sizes = (-2, -1), norm: str | None = None) -> Tensor:
    """Return the inverse of `fft2`; errors as in `fft`."""
    return _complex_transform("ifft2", input, s, dim, norm, True)


def fftn(input: Tensor, s: Sizes = None, dim: Sizes = None, norm: str | None = None) -> Tensor:
    """Return the discrete Fourier transform along several axes, by default all; errors as in `fft`."""
    return _complex_transform("fftn", input, s, dim, norm, False)


def ifftn(input: Tensor, s: Sizes = None, dim: Sizes = None, norm: str | None = None) -> Tensor:
    """Return the inverse of `fftn`; errors as in `fft`."""
    return _complex_transform("ifftn", input, s, dim, norm, True)


# --- real to complex ------------------------------------------------------------------------------------------


def _from_real(call: str, input: Any, s: Sizes, dim: Sizes, norm: str | None, back: bool = False) -> Tensor:
    x = _input(call, input, "f")
    axes, sizes = _plan(call, x, s, dim)
    if not axes:
        raise ArgumentError(f"{call}: needs at least one axis")
    for axis, size in zip(axes, sizes, strict=True):
        x = _resized(x, axis, x.shape[axis] if size is None else size)
    factor = _factor(call, norm, prod(x.shape[a] for a in axes), back)
    x = _real_dft(x, axis=axes[-1])
    x = conj_physical(x) if back else x
    for axis in reversed(axes[:-1]):
        x = _dft(x, axis=axis, back=back)
    return _scaled(x, factor)


def rfft(input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None) -> Tensor:
    """Return `fft` of real numbers, its first n // 2 + 1 elements; the rest are conjugates; errors as in `fft`."""
    return _from_real("rfft", input, n, dim, norm)


def rfft2(input: Tensor, s: Sizes = None, dim: Sizes = (-2, -1), norm: str | None = None) -> Tensor:
    """Return `fft2` of real numbers; of the last axis only the first half; errors as in `fft`."""
    return _from_real("rfft2", input, s, dim, norm)


def rfftn(input: Tensor, s: Sizes = None, dim: Sizes = None, norm: str | None = None) -> Tensor:
    """Return `fftn` of real numbers; of the last axis only the first half; errors as in `fft`."""
    return _from_real("rfftn", input, s, dim, norm)


def ihfft(input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None) -> Tensor:
    """Return the first half of `ifft` of real numbers: the inverse of `hfft`; errors as in `fft`."""
    return _from_real("ihfft", input, n, dim, norm, True)


def ihfft2(input: Tensor, s: Sizes = None, dim: Sizes = (-2, -1), norm: str | None = None) -> Tensor:
    """Return the inverse of `hfft2`; errors as in `fft`."""
    return _from_real("ihfft2", input, s, dim, norm, True)


def ihfftn(input: Tensor, s: Sizes = None, dim: Sizes = None, norm: str | None = None) -> Tensor:
    """Return the inverse of `hfftn`; errors as in `fft`."""
    return _from_real("ihfftn", input, s, dim, norm, True)


# --- complex to real ------------------------------------------------------------------------------------------


def _to_real(call: str, input: Any, s: Sizes, dim: Sizes, norm: str | None, back: bool = True) -> Tensor:
    x = _input(call, input)
    axes, sizes = _plan(call, x, s, dim)
    if not axes:
        raise ArgumentError(f"{call}: needs at least one axis")
    last = sizes[-1] or 2 * (x.shape[axes[-1]] - 1)
    if last < 1:
        raise ShapeError(f"{call}: half a spectrum of 1 element is that of 0 numbers; give the size")
    x = x if x.dtype.kind == "c" else cast(x, complex_type(x.dtype))
    for axis, size in zip(axes[:-1], sizes[:-1], strict=True):
        x = _resized(x, axis, x.shape[axis] if size is None else size)
    x = _resized(x, axes[-1], last // 2 + 1)
    factor = _factor(call, norm, last * prod(x.shape[a] for a in axes[:-1]), back)
    for axis in reversed(axes[:-1]):
        x = _dft(x, axis=axis, back=back)
    x = x if back else conj_physical(x)
    return _scaled(_dft_to_real(x, axis=axes[-1], size=last), factor)


def irfft(input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None) -> Tensor:
    """Return the inverse of `rfft`: n real numbers, by default 2 (size - 1); errors as in `fft`.

    Examples
    --------
    >>> import minicnn
    >>> irfft(rfft(minicnn.tensor([1.0, 2.0, 4.0])), n=3).tolist()
    [1.0, 2.0, 4.0]
    """
    return _to_real("irfft", input, n, dim, norm)


def irfft2(input: Tensor, s: Sizes = None, dim: Sizes = (-2, -1), norm: str | None = None) -> Tensor:
    """Return the inverse of `rfft2`; the last axis has by default 2 (size - 1) elements; errors as in `fft`."""
    return _to_real("irfft2", input, s, dim, norm)


def irfftn(input: Tensor, s: Sizes = None, dim: Sizes = None, norm: str | None = None) -> Tensor:
    """Return the inverse of `rfftn`; the last axis has by default 2 (size - 1) elements; errors as in `fft`."""
    return _to_real("irfftn", input, s, dim, norm)


def hfft(input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None) -> Tensor:
    """Return `fft`, which is real, of a sequence whose second half is conjugate to the first; errors as in `fft`."""
    return _to_real("hfft", input, n, dim, norm, False)


def hfft2(input: Tensor, s: Sizes = None, dim: Sizes = (-2, -1), norm: str | None = None) -> Tensor:
    """Return `hfft` along the last of two axes, and `fft` along the other; errors as in `fft`."""
    return _to_real("hfft2", input, s, dim, norm, False)


def hfftn(input: Tensor, s: Sizes = None, dim: Sizes = None, norm: str | None = None) -> Tensor:
    """Return `hfft` along the last of several axes, and `fft` along the others; errors as in `fft`."""
    return _to_real("hfftn", input, s, dim, norm, False)


# --- frequencies ----------------------------------------------------------------------------------------------


@checked
def fftfreq(
    n: int, d: float = 1.0, *, dtype: DType | None = None, device: Place = None, requires_grad: bool = False
) -> Tensor:
    """Return the frequencies of the elements of `fft`, [0, 1, ..., -2, -1] / (n d), for samples at a distance d.

    Raises
    ------
    DTypeError, ArgumentError
        If an argument has a wrong type or value.
    """
    found = place_of(device).xp.fft.fftfreq(n, d).astype(dtype or default_dtype)
    return placed(found, device, requires_grad)


@checked
def rfftfreq(
    n: int, d: float = 1.0, *, dtype: DType | None = None, device: Place = None, requires_grad: bool = False
) -> Tensor:
    """Return the frequencies of the elements of `rfft`, [0, 1, ..., n // 2] / (n d), for samples at a distance d.

    Raises
    ------
    DTypeError, ArgumentError
        If an argument has a wrong type or value.
    """
    found = place_of(device).xp.fft.rfftfreq(n, d).astype(dtype or default_dtype)
    return placed(found, device, requires_grad)


def _rolled(call: str, input: Tensor, dim: Sizes, sign: int) -> Tensor:
    dims = range(input.ndim) if dim is None else [dim] if isinstance(dim, int) else dim
    axes = [axis_of(call, d, input.ndim) for d in dims]
    shifts = [input.shape[a] // 2 if sign > 0 else -(input.shape[a] // 2) for a in axes]
    return roll(input, shifts, axes) if axes else input


def fftshift(input: Tensor, dim: Sizes = None) -> Tensor:
    """Move the frequency 0 to the middle of the axes, by default of all: the spectrum of an image as it is shown."""
    return _rolled("fftshift", input, dim, 1)


def ifftshift(input: Tensor, dim: Sizes = None) -> Tensor:
    """Undo `fftshift`."""
    return _rolled("ifftshift", input, dim, -1)
