"""Functions that change the size of an image: interpolation, adaptive average pooling, pixel shuffle.

Interpolation is linear in the image and separable, so it is a product with a small matrix for each axis:

    y = A_H x A_Wᵀ,   A[o, i] = the weight of input pixel i in output pixel o

Adaptive average pooling uses other matrices, or plain average pooling where the sizes divide. Matrix products have
gradients of every order, so these functions need no gradient rules. A NaN spreads over its row and column.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from math import floor, prod
from typing import Any

import numpy as np

from minicnn.autograd.tensor import Tensor
from minicnn.dtypes import DType
from minicnn.errors import ArgumentError, DTypeError, ShapeError
from minicnn.geometry import pool_spec
from minicnn.ops.create import as_tensor
from minicnn.ops.indexing import cat, getitem, stack
from minicnn.ops.linalg import matmul
from minicnn.ops.pool import avg_pool
from minicnn.ops.shape import permute, reshape, squeeze, unsqueeze
from minicnn.runtime.devices import Device

__all__ = [
    "adaptive_avg_pool1d",
    "adaptive_avg_pool2d",
    "adaptive_avg_pool3d",
    "interpolate",
    "pixel_shuffle",
    "pixel_unshuffle",
]

Matrix = np.ndarray[Any, Any]
_BLOCK_ROWS = 128
_AXES = {"nearest": (1, 2, 3), "linear": (1,), "bilinear": (2,), "trilinear": (3,), "bicubic": (2,)}


@lru_cache(maxsize=64)
def _matrix_blocks(
    make: Callable[..., tuple[Matrix, Matrix]], sizes: tuple[Any, ...], size: int, dtype: DType, device: Device
) -> list[tuple[slice, Tensor]]:
    """Return the matrix (O, size) of an axis on the device, as blocks of rows, each with the range of its columns.

    A row has few nonzero elements, so a block of rows needs only a part of the axis. The whole matrix never exists.
    """
    index, weight = make(*sizes)
    count = len(index) // _BLOCK_ROWS if len(index) > 2 * _BLOCK_ROWS else 1
    blocks = []
    for rows in np.array_split(np.arange(len(index)), count):
        used = index[rows][weight[rows] != 0]
        first, end = (int(used.min()), int(used.max()) + 1) if count > 1 else (0, size)
        block = np.zeros((len(rows), end - first))
        places = np.arange(len(rows))[:, np.newaxis], (index[rows] - first).clip(0, end - first - 1)
        np.add.at(block, places, weight[rows])
        blocks.append((slice(first, end), as_tensor(block, dtype, device)))
    return blocks


def _apply_matrix(x: Tensor, axis: int, make: Callable[..., tuple[Matrix, Matrix]], *sizes: Any) -> Tensor:
    """Multiply an axis of size I by a matrix (O, I).

    make(*sizes) returns its nonzero elements: for each output pixel, the input pixels (O, T) and their weights (O, T).
    """
    blocks = _matrix_blocks(make, sizes, x.shape[axis], x.dtype, x.device)
    if len(blocks) == 1:
        return _multiply_axis(x, axis, blocks[0][1])
    parts = (getitem(x, (slice(None),) * axis + (columns,)) for columns, _ in blocks)
    return cat([_multiply_axis(part, axis, m) for part, (_, m) in zip(parts, blocks, strict=True)], axis)


def _multiply_axis(x: Tensor, axis: int, m: Tensor) -> Tensor:
    lead, size, rest = x.shape[:axis], x.shape[axis], x.shape[axis + 1 :]
    if not rest:
        y = matmul(reshape(x, (prod(lead), size)), m.T)
    else:
        y = matmul(m, reshape(x, (prod(lead), size, prod(rest))))
    return reshape(y, (*lead, m.shape[0], *rest))


# --- interpolation --------------------------------------------------------------------------------------------


def _cubic(t: Matrix) -> list[Matrix]:
    """Return the weights of the four neighbours at -1, 0, 1 and 2 for a position t in [0, 1) (Keys, 1981)."""
    a = -0.75

    def near(d: Matrix) -> Matrix:
        return ((a + 2) * d - (a + 3)) * d * d + 1

    def far(d: Matrix) -> Matrix:
        return ((a * d - 5 * a) * d + 8 * a) * d - 4 * a

    return [far(t + 1), near(t), near(1 - t), far(2 - t)]


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


@lru_cache(maxsize=64)
def _nearest_index(size: int, out: int, scale: float | None, device: Device) -> Tensor | None:
    """Return the input pixel of each output pixel, or None if each input pixel is repeated the same number of times."""
    if out in (size, 2 * size):
        scale = None  # as in PyTorch for images (for signals and volumes only its gradient does so, by mistake)
    step = np.float32(1 / scale if scale else size / out)  # float32, as in PyTorch
    index = np.minimum(np.floor(np.arange(out, dtype=np.float32) * step).astype(int), size - 1)
    repeats = out // size
    if out == repeats * size and (index == np.arange(out) // repeats).all():
        return None
    return as_tensor(index, device=device)


def _nearest(x: Tensor, axis: int, out: int, scale: float | None) -> Tensor:
    index = _nearest_index(x.shape[axis], out, scale, x.device)
    if index is not None:
        return getitem(x, (slice(None),) * axis + (index,))
    # Faster than indexing, most of all in the backward pass, which becomes a few strided sums.
    repeated = stack([x] * (out // x.shape[axis]), axis + 1)
    return reshape(repeated, (*x.shape[:axis], out, *x.shape[axis + 1 :]))


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


def interpolate(
    input: Tensor,
    size: int | Sequence[int] | None = None,
    scale_factor: float | Sequence[float] | None = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
) -> Tensor:
    """Resize signals, images or volumes.

    Parameters
    ----------
    input : Tensor, (N, C, L), (N, C, H, W) or (N, C, D, H, W)
        Floating point, except for "nearest".
    size : int or sequence of int, optional
        The output size in pixels.
    scale_factor : float or sequence of float, optional
        The ratio of output size to input size, instead of `size`. The output size is rounded down. The positions are
        computed with the unrounded factor.
    mode : "nearest", "linear" (signals), "bilinear", "bicubic" (images) or "trilinear" (volumes)
    align_corners : bool, optional
        True maps the centres of the corner pixels to each other. False maps the corners of the images to each other.
    recompute_scale_factor : bool, optional
        Compute the positions with the ratio of the rounded sizes instead of `scale_factor`.

    Returns
    -------
    Tensor, (N, C, *output size), of the input's dtype

    Raises
    ------
    ShapeError
        If the input's shape, `mode`, `size` and `scale_factor` do not fit each other.
    ArgumentError
        If both or neither of `size` and `scale_factor` are given, or `align_corners` is given for "nearest".
    DTypeError
        If the input is not floating point and the mode is not "nearest".

    Notes
    -----
    There is no smoothing before an image shrinks. Bicubic values can be outside the range of the input.

    References
    ----------
    Keys, "Cubic convolution interpolation for digital image processing", 1981 (a = -0.75).

    Examples
    --------
    >>> import minicnn
    >>> interpolate(minicnn.tensor([[[0.0, 4.0]]]), scale_factor=2, mode="linear").tolist()
    [[[0.0, 1.0, 3.0, 4.0]]]
    """
    n = input.ndim - 2
    if mode not in _AXES or n not in _AXES[mode]:
        fits = ", ".join(repr(m) for m, axes in _AXES.items() if n in axes) or "none: it must be (N, C, spatial axes)"
        raise ShapeError(f"interpolate: mode={mode!r} does not fit input {input.shape}; modes that fit: {fits}")
    if (size is None) == (scale_factor is None):
        raise ArgumentError(f"interpolate: give either size or scale_factor; got {size=}, {scale_factor=}")
    if mode == "nearest" and align_corners is not None:
        raise ArgumentError("interpolate: align_corners has no meaning for mode='nearest'; leave it out")
    if mode != "nearest" and input.dtype.kind != "f":
        raise DTypeError(f"interpolate: mode={mode!r} needs floating point, got {input.dtype}; convert with .float()")
    scales: tuple[float, ...] | None = None
    if scale_factor is not None:
        scales = tuple(scale_factor) if isinstance(scale_factor, Sequence) else (scale_factor,) * n
        if len(scales) != n or min(scales) <= 0:
            raise ShapeError(
                f"interpolate: scale_factor must be a positive number or {n} positive numbers for input {input.shape}, "
                f"got {scale_factor}"
            )
    outs = _target_size(input.shape[2:], size, scales)
    if scales is None or recompute_scale_factor:
        steps: tuple[float | None, ...] = (None,) * n
    else:
        steps = scales
    for axis, (out, scale) in enumerate(zip(outs, steps, strict=True), start=2):
        if mode == "nearest":
            input = _nearest(input, axis, out, scale)
        else:
            sizes = (input.shape[axis], out, scale)
            input = _apply_matrix(input, axis, _interpolation_matrix, mode, *sizes, bool(align_corners))
    return input


# --- adaptive average pooling ---------------------------------------------------------------------------------


def _averaging_matrix(size: int, out: int) -> tuple[Matrix, Matrix]:
    """Return the input pixels and weights of means: window o is from floor(o size/out) to ceil((o + 1) size/out)."""
    start = np.arange(out) * size // out
    end = -(-np.arange(1, out + 1) * size // out)
    index = start[:, np.newaxis] + np.arange((end - start).max())
    inside = index < end[:, np.newaxis]
    return index.clip(0, size - 1), inside / (end - start)[:, np.newaxis]


def _adaptive_avg_pool(n: int, x: Tensor, output_size: int | Sequence[int | None] | None) -> Tensor:
    call = f"adaptive_avg_pool{n}d"
    if x.ndim not in (n + 1, n + 2):
        raise ShapeError(f"{call}: input must be (N, C, {n} spatial axes) or without N, got {x.shape}")
    if x.dtype.kind != "f":
        raise DTypeError(f"{call}: the tensor holds {x.dtype}; convert it with .float() first")
    outs = tuple(output_size) if isinstance(output_size, Sequence) else (output_size,) * n
    if len(outs) != n or any(o is not None and o < 1 for o in outs) or 0 in x.shape[-n:]:
        raise ShapeError(
            f"{call}: output_size must be {n} integers >= 1 (None keeps a size), got {output_size} for {x.shape}"
        )
    sizes = x.shape[-n:]
    output_sizes = tuple(size if out is None else out for size, out in zip(sizes, outs, strict=True))
    if output_sizes == sizes:
        return x
    if not any(size % out for size, out in zip(sizes, output_sizes, strict=True)):
        images = x if x.ndim == n + 2 else unsqueeze(x, 0)
        windows = tuple(size // out for size, out in zip(sizes, output_sizes, strict=True))
        y: Tensor = avg_pool(images, spec=pool_spec(call, images.shape, windows, axes=n))
        return y if x.ndim == n + 2 else squeeze(y, 0)
    for axis, (size, out) in enumerate(zip(sizes, output_sizes, strict=True), start=x.ndim - n):
        if out != size:
            x = _apply_matrix(x, axis, _averaging_matrix, size, out)
    return x


def adaptive_avg_pool1d(input: Tensor, output_size: int | Sequence[int]) -> Tensor:
    """Return the means of `output_size` windows that cover a signal (N, C, L); see `adaptive_avg_pool2d` for errors."""
    return _adaptive_avg_pool(1, input, output_size)


def adaptive_avg_pool2d(input: Tensor, output_size: int | Sequence[int | None] | None) -> Tensor:
    """Return the means of OH × OW windows that cover the image. Windows overlap where the sizes do not divide.

    Parameters
    ----------
    input : Tensor, (N, C, H, W) or (C, H, W), float
    output_size : int or pair of int or None
        (OH, OW), or a single number for both. None keeps the input's size.

    Returns
    -------
    Tensor, (N, C, OH, OW)

    Raises
    ------
    ShapeError
        If the input's shape or `output_size` does not fit.
    DTypeError
        If the input is not floating point.

    Examples
    --------
    >>> import minicnn
    >>> adaptive_avg_pool2d(minicnn.arange(16.0).reshape(1, 1, 4, 4), (1, 2)).tolist()
    [[[[6.5, 8.5]]]]
    """
    return _adaptive_avg_pool(2, input, output_size)


def adaptive_avg_pool3d(input: Tensor, output_size: int | Sequence[int | None] | None) -> Tensor:
    """Return the means of windows that cover a volume (N, C, D, H, W); see `adaptive_avg_pool2d` for errors."""
    return _adaptive_avg_pool(3, input, output_size)


# --- pixel shuffle --------------------------------------------------------------------------------------------


def pixel_shuffle(input: Tensor, upscale_factor: int) -> Tensor:
    """Move channels to pixels: each group of r² channels becomes a channel of r times the height and width.

    y[..., c, h r + i, w r + j] = x[..., c r² + i r + j, h, w]

    Parameters
    ----------
    input : Tensor, (..., C r², H, W)
    upscale_factor : int
        r.

    Returns
    -------
    Tensor, (..., C, H r, W r)

    Raises
    ------
    ShapeError
        If the channels cannot be split into groups of r².

    References
    ----------
    Shi et al., "Real-time single image and video super-resolution", 2016.
    """
    r = upscale_factor
    if input.ndim < 3 or r < 1 or input.shape[-3] % (r * r):
        raise ShapeError(
            f"pixel_shuffle: input must be (..., C, H, W) with C a multiple of upscale_factor² = {r * r}, "
            f"got {input.shape}"
        )
    *lead, c, h, w = input.shape
    n = len(lead)
    x = reshape(input, (*lead, c // (r * r), r, r, h, w))
    x = permute(x, (*range(n), n, n + 3, n + 1, n + 4, n + 2))  # (..., C, H, r, W, r)
    return reshape(x, (*lead, c // (r * r), h * r, w * r))


def pixel_unshuffle(input: Tensor, downscale_factor: int) -> Tensor:
    """Move pixels to channels: the inverse of `pixel_shuffle`, (..., C, H r, W r) -> (..., C r², H, W).

    Raises
    ------
    ShapeError
        If height or width is not a multiple of r.
    """
    r = downscale_factor
    if input.ndim < 3 or r < 1 or input.shape[-1] % r or input.shape[-2] % r:
        raise ShapeError(
            f"pixel_unshuffle: input must be (..., C, H, W) with H and W multiples of downscale_factor = {r}, "
            f"got {input.shape}"
        )
    *lead, c, h, w = input.shape
    n = len(lead)
    x = reshape(input, (*lead, c, h // r, r, w // r, r))
    x = permute(x, (*range(n), n, n + 2, n + 4, n + 1, n + 3))  # (..., C, r, r, H, W)
    return reshape(x, (*lead, c * r * r, h // r, w // r))
