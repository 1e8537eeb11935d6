"""Functions that change the size of an image: products with a matrix for each axis, and pixel shuffle.

Resizing is linear in the image and separable, so it is a product with a small matrix for each axis:

    y = A_H x A_Wᵀ,   A[o, i] = the weight of input pixel i in output pixel o

`_apply_matrix` multiplies an axis. `interpolation.py` has the matrices of interpolation. Here are the ones of adaptive
average pooling, which is plain average pooling where the sizes divide. Matrix products have gradients of every order,
so these functions need no gradient rules. A NaN spreads over its row and column.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from math import prod
from typing import Any

import numpy as np

from minicnn.autograd.tensor import Tensor
from minicnn.dtypes import DType
from minicnn.errors import DTypeError, ShapeError
from minicnn.geometry import pool_spec
from minicnn.ops.create import as_tensor
from minicnn.ops.indexing import cat, getitem
from minicnn.ops.linalg import matmul
from minicnn.ops.pool import avg_pool
from minicnn.ops.shape import permute, reshape, squeeze, unsqueeze
from minicnn.runtime.devices import Device

__all__ = [
    "adaptive_avg_pool1d",
    "adaptive_avg_pool2d",
    "adaptive_avg_pool3d",
    "pixel_shuffle",
    "pixel_unshuffle",
]

Matrix = np.ndarray[Any, Any]
_BLOCK_ROWS = 128


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
