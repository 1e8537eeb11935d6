"""interpolate: the matrices of interpolation for one axis, and the choice of pixels for the nearest one.

Linear and cubic interpolation are products with a small matrix for each axis (resize.py). An output pixel o has its
centre at the position p = (o + 1/2) size/out - 1/2 of the input. Its weights are values of a kernel k,

    A[o, i] = k(p - i),       linear: a triangle,      cubic: Keys' polynomials, a = -0.75

With `antialias` the kernel is wider by the factor size/out where an image shrinks, so that it also averages.
"""

from collections.abc import Sequence
from functools import lru_cache
from math import ceil, floor
from typing import Any

import numpy as np

from minicnn.autograd.tensor import Tensor
from minicnn.errors import ArgumentError, DTypeError, ShapeError
from minicnn.nn.functional.resize import Matrix, _adaptive_avg_pool, _apply_matrix
from minicnn.ops.assembly import repeat_interleave
from minicnn.ops.create import as_tensor
from minicnn.ops.indexing import getitem
from minicnn.runtime.devices import Device

__all__ = ["interpolate"]

_AXES = {
    "nearest": (1, 2, 3),
    "nearest-exact": (1, 2, 3),
    "area": (1, 2, 3),
    "linear": (1,),
    "bilinear": (2,),
    "trilinear": (3,),
    "bicubic": (2,),
    "lanczos": (2,),
}
_NO_CORNERS = ("nearest", "nearest-exact", "area", "lanczos")
_REACH = {"bilinear": 1, "bicubic": 2, "lanczos": 3}  # of the kernels, in pixels to each side


# --- the kernels ----------------------------------------------------------------------------------------------


def _cubic(t: Matrix) -> list[Matrix]:
    """Return the weights of the four neighbours at -1, 0, 1 and 2 for a position t in [0, 1) (Keys, 1981)."""
    return [_keys(t + 1, -0.75), _keys(t, -0.75), _keys(1 - t, -0.75), _keys(2 - t, -0.75)]


def _keys(d: Matrix, a: float) -> Matrix:
    """Return Keys' cubic kernel at the distance d >= 0."""
    near = ((a + 2) * d - (a + 3)) * d * d + 1
    far = ((a * d - 5 * a) * d + 8 * a) * d - 4 * a
    return np.where(d <= 1, near, np.where(d < 2, far, 0.0))


def _kernel(mode: str, d: Matrix) -> Matrix:
    """Return the kernel of a mode with `antialias` at the distances d."""
    d = np.abs(d)
    if mode == "bilinear":
        return np.where(d < 1, 1 - d, 0.0)
    if mode == "bicubic":
        return _keys(d, -0.5)
    return np.where(d < 3, np.sinc(d) * np.sinc(d / 3), 0.0)  # Lanczos, 1950


# --- the matrices ---------------------------------------------------------------------------------------------


def _interpolation_matrix(
    mode: str, size: int, out: int, scale: float | None, align_corners: bool
) -> tuple[Matrix, Matrix]:
    """Return the input pixels and the weights of linear or cubic interpolation along an axis."""
    if mode != "bicubic" and size == out:
        return np.arange(out)[:, np.newaxis], np.ones((out, 1))  # as in PyTorch, for every scale
    if align_corners:
        position = np.arange(out) * ((size - 1) / (out - 1) if out > 1 else 0.0)
    else:  # pixel centres are at half-integers
        position = (np.arange(out) + 0.5) * (1 / scale if scale else size / out) - 0.5
    base = np.floor(position)
    t = position - base
    first, weights = (-1, _cubic(t)) if mode == "bicubic" else (0, [1 - t, t])
    index = base.astype(int)[:, np.newaxis] + np.arange(first, first + len(weights))
    return index.clip(0, size - 1), np.stack(weights, axis=1)


def _averaging_interpolation_matrix(
    mode: str, size: int, out: int, scale: float | None, align_corners: bool
) -> tuple[Matrix, Matrix]:
    """Return the input pixels and the weights of interpolation with `antialias` along an axis."""
    if size == out:
        return np.arange(out)[:, np.newaxis], np.ones((out, 1))  # as in PyTorch, for every scale
    if align_corners:
        step = (size - 1) / (out - 1) if out > 1 else 0.0
    else:
        step = 1 / scale if scale else size / out
    width = max(step, 1.0)
    reach = _REACH[mode] * width
    centre = step * (np.arange(out) + 0.5)
    first = np.maximum((centre - reach + 0.5).astype(int), 0)
    end = np.minimum((centre + reach + 0.5).astype(int), size)
    index = first[:, np.newaxis] + np.arange(2 * ceil(reach) + 1)
    weight = _kernel(mode, (index + 0.5 - centre[:, np.newaxis]) / width) * (index < end[:, np.newaxis])
    total = weight.sum(1, keepdims=True)
    return index.clip(0, size - 1), weight / np.where(total == 0, 1, total)


@lru_cache(maxsize=64)
def _nearest_index(size: int, out: int, scale: float | None, exact: bool, device: Device) -> Tensor | None:
    """Return the input pixel of each output pixel, or None if each input pixel is repeated the same number of times."""
    if out in (size, 2 * size) and not exact:
        scale = None  # as in PyTorch for images (for signals and volumes only its gradient does so, by mistake)
    step = np.float32(1 / scale if scale else size / out)  # float32, as in PyTorch
    place = np.arange(out, dtype=np.float32) + np.float32(0.5 if exact else 0)
    index = np.minimum(np.floor(place * step).astype(int), size - 1)
    repeats = out // size
    if out == repeats * size and (index == np.arange(out) // repeats).all():
        return None
    return as_tensor(index, device=device)


def _nearest(x: Tensor, axis: int, out: int, scale: float | None, exact: bool) -> Tensor:
    index = _nearest_index(x.shape[axis], out, scale, exact, x.device)
    if index is not None:
        return getitem(x, (slice(None),) * axis + (index,))
    return repeat_interleave(x, out // x.shape[axis], axis)


def _target_size(
    sizes: tuple[int, ...], size: int | Sequence[int] | None, scales: tuple[float, ...] | None
) -> tuple[int, ...]:
    n = len(sizes)
    if size is not None:
        out = (size,) * n if isinstance(size, int) else tuple(size)
        if len(out) != n:
            raise ShapeError(f"interpolate: size must have a number for each of the {n} spatial axes, got {size}")
    else:
        assert scales is not None
        out = tuple(floor(i * s) for i, s in zip(sizes, scales, strict=True))
    if min((*out, *sizes)) < 1:
        raise ShapeError(f"interpolate: sizes must be at least 1, got {sizes} -> {out}")
    return out


def _check_mode(input: Tensor, mode: str, align_corners: bool | None, antialias: bool) -> None:
    n = input.ndim - 2
    if mode not in _AXES or n not in _AXES[mode]:
        fits = ", ".join(repr(m) for m, axes in _AXES.items() if n in axes) or "none: it must be (N, C, spatial axes)"
        raise ShapeError(f"interpolate: mode={mode!r} does not fit input {input.shape}; modes that fit: {fits}")
    if mode in _NO_CORNERS and (align_corners or (align_corners is not None and mode != "lanczos")):
        raise ArgumentError(f"interpolate: align_corners has no meaning for mode={mode!r}; leave it out")
    if antialias and mode not in _REACH:
        raise ArgumentError(f"interpolate: antialias is for the modes {', '.join(_REACH)}, got {mode!r}")
    if mode == "lanczos" and not antialias:
        raise ArgumentError("interpolate: mode='lanczos' needs antialias=True")
    if not mode.startswith("nearest") and input.dtype.kind != "f":
        raise DTypeError(f"interpolate: mode={mode!r} needs floating point, got {input.dtype}; convert with .float()")


def interpolate(
    input: Tensor,
    size: int | Sequence[int] | None = None,
    scale_factor: float | Sequence[float] | None = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Tensor:
    """Resize signals, images or volumes.

    Parameters
    ----------
    input : Tensor, (N, C, L), (N, C, H, W) or (N, C, D, H, W)
        Floating point, except for "nearest" and "nearest-exact".
    size : int or sequence of int, optional
        The output size in pixels.
    scale_factor : float or sequence of float, optional
        The ratio of output size to input size, instead of `size`. The output size is rounded down. The positions are
        computed with the unrounded factor.
    mode : str
        "nearest", "nearest-exact" (the centres of pixels count, as in other libraries), "area" (means, as
        `adaptive_avg_pool2d`), "linear" (signals), "bilinear", "bicubic", "lanczos" (images) or "trilinear" (volumes).
    align_corners : bool, optional
        True maps the centres of the corner pixels to each other. False maps the corners of the images to each other.
    recompute_scale_factor : bool, optional
        Compute the positions with the ratio of the rounded sizes instead of `scale_factor`.
    antialias : bool
        Average where the image shrinks, for "bilinear", "bicubic" and "lanczos". "bicubic" has a = -0.5 then.

    Returns
    -------
    Tensor, (N, C, *output size), of the input's dtype

    Raises
    ------
    ShapeError
        If the input's shape, `mode`, `size` and `scale_factor` do not fit each other.
    ArgumentError
        If both or neither of `size` and `scale_factor` are given, or an argument has no meaning for the mode.
    DTypeError
        If the input is not floating point and the mode is not "nearest".

    Notes
    -----
    Without `antialias` and "area", there is no smoothing before an image shrinks. Bicubic values can be outside the
    range of the input.

    References
    ----------
    Keys, "Cubic convolution interpolation for digital image processing", 1981 (a = -0.75).

    Examples
    --------
    >>> import minicnn
    >>> interpolate(minicnn.tensor([[[0.0, 4.0]]]), scale_factor=2, mode="linear").tolist()
    [[[0.0, 1.0, 3.0, 4.0]]]
    """
    _check_mode(input, mode, align_corners, antialias)
    n = input.ndim - 2
    if (size is None) == (scale_factor is None):
        raise ArgumentError(f"interpolate: give either size or scale_factor; got {size=}, {scale_factor=}")
    if recompute_scale_factor and size is not None:
        raise ArgumentError(f"interpolate: recompute_scale_factor has no meaning with {size=}; leave it out")
    scales: tuple[float, ...] | None = None
    if scale_factor is not None:
        scales = tuple(scale_factor) if isinstance(scale_factor, Sequence) else (scale_factor,) * n
        if len(scales) != n or min(scales) <= 0:
            raise ShapeError(
                f"interpolate: scale_factor must be a positive number or {n} positive numbers for input {input.shape}, "
                f"got {scale_factor}"
            )
    outs = _target_size(input.shape[2:], size, scales)
    if mode == "area":
        return _adaptive_avg_pool(n, input, outs)
    steps: tuple[Any, ...] = (None,) * n if scales is None or recompute_scale_factor else scales
    make = _averaging_interpolation_matrix if antialias else _interpolation_matrix
    for axis, (out, scale) in enumerate(zip(outs, steps, strict=True), start=2):
        if mode.startswith("nearest"):
            input = _nearest(input, axis, out, scale, mode == "nearest-exact")
        else:
            input = _apply_matrix(input, axis, make, mode, input.shape[axis], out, scale, bool(align_corners))
    return input
