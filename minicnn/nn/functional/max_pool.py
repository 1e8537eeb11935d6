"""Maximum pooling with windows that are not regular (adaptive, fractional), and unpooling.

A table has the positions of the elements of each window, in the flattened image. The maxima are found without the
tape, and then gathered. So the gradient is that of `gather`.
"""

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from minicnn.autograd.tensor import Tensor
from minicnn.dtypes import int64
from minicnn.errors import ArgumentError, DTypeError, ShapeError
from minicnn.geometry import _per_axis
from minicnn.nn.arguments import check_float
from minicnn.ops.comparison import isnan, where
from minicnn.ops.create import as_tensor, zeros
from minicnn.ops.indexing import _index_put
from minicnn.ops.ranges import arange
from minicnn.ops.reduce import any as any_of
from minicnn.ops.reduce import argmax
from minicnn.ops.scatter import gather
from minicnn.ops.shape import broadcast_to, cast, flip, reshape
from minicnn.runtime import random

__all__ = [
    "adaptive_max_pool1d",
    "adaptive_max_pool2d",
    "adaptive_max_pool3d",
    "fractional_max_pool2d",
    "fractional_max_pool3d",
    "max_unpool1d",
    "max_unpool2d",
    "max_unpool3d",
]

Ints = int | Sequence[int]
Table = np.ndarray[Any, Any]


def _images(call: str, n: int, x: Tensor) -> Tensor:
    """Return x as (N, C, spatial axes), after a check."""
    check_float(call, x)
    if x.ndim not in (n + 1, n + 2) or 0 in x.shape[-n - 1 :]:
        raise ShapeError(f"{call}: input must be (N, C, {n} spatial axes) or without N, and not empty, got {x.shape}")
    return x if x.ndim == n + 2 else reshape(x, (1, *x.shape))


def _joined(tables: list[Table], sizes: Sequence[int]) -> Table:
    """Join tables (..., windows, elements) of single axes to one of positions in the flattened image."""
    joined: Table = np.zeros((1, 1), np.int64)
    for table, size in zip(tables, sizes, strict=True):
        windows, elements = (joined.shape[axis] * table.shape[axis] for axis in (-2, -1))
        joined = joined[..., :, None, :, None] * size + table[..., None, :, None, :]
        joined = joined.reshape(*joined.shape[:-4], windows, elements)
    return joined


def _maxima(x: Tensor, table: Table, output_size: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    """Return the first maximum of each window and its position; the last NaN, if there is one, as in PyTorch."""
    flat = reshape(x, (*x.shape[:2], prod(x.shape[2:])))
    windows, elements = table.shape[-2:]
    positions = broadcast_to(as_tensor(table, device=x.device), (*x.shape[:2], windows, elements))
    values = gather(flat.detach(), 2, reshape(positions, (*x.shape[:2], windows * elements)))
    values = reshape(values, positions.shape)
    if values.numel():
        nan = isnan(values)
        last_nan = elements - 1 - argmax(cast(flip(nan, -1), int64), 3, keepdim=True)
        winner = where(any_of(nan, 3, keepdim=True), last_nan, argmax(values, 3, keepdim=True))
        index = gather(positions, 3, winner)
    else:
        index = positions[..., :1]
    index = reshape(index, (*x.shape[:2], windows))
    shape = (*x.shape[:2], *output_size)
    return reshape(gather(flat, 2, index), shape), reshape(index, shape)


def _result(x: Tensor, values: Tensor, index: Tensor, return_indices: bool) -> Any:
    """Return the results without the axis N if the input has none."""
    if x.ndim < values.ndim:
        values, index = reshape(values, values.shape[1:]), reshape(index, index.shape[1:])
    return (values, index) if return_indices else values


# --- adaptive -----------------------------------------------------------------------------------------------------


def _adaptive_table(size: int, out: int) -> Table:
    """Window o is from floor(o size / out) to ceil((o + 1) size / out); short windows repeat their last element."""
    start = np.arange(out) * size // max(out, 1)
    end = -(-np.arange(1, out + 1) * size // max(out, 1))
    longest = int((end - start).max()) if out else 1
    table: Table = np.minimum(start[:, None] + np.arange(longest), end[:, None] - 1)
    return table


def _adaptive_max_pool(n: int, x: Tensor, output_size: Any, return_indices: bool) -> Any:
    call = f"adaptive_max_pool{n}d"
    images = _images(call, n, x)
    sizes = images.shape[2:]
    outs = tuple(output_size) if isinstance(output_size, Sequence) else (output_size,) * n
    if len(outs) == n > 1:
        outs = tuple(s if o is None else o for s, o in zip(sizes, outs, strict=True))
    if len(outs) != n or not all(isinstance(o, int) and o >= 0 for o in outs):
        allowed = "" if n == 1 else " (None keeps a size)"
        raise ShapeError(f"{call}: output_size must be {n} integers >= 0{allowed}, got {output_size} for {x.shape}")
    table = _joined([_adaptive_table(s, o) for s, o in zip(sizes, outs, strict=True)], sizes)
    return _result(x, *_maxima(images, table, outs), return_indices)


def adaptive_max_pool1d(input: Tensor, output_size: Ints, return_indices: bool = False) -> Any:
    """Return the maxima of windows that cover a signal (N, C, L); see `adaptive_max_pool2d` for the rest."""
    return _adaptive_max_pool(1, input, output_size, return_indices)


def adaptive_max_pool2d(
    input: Tensor, output_size: int | Sequence[int | None] | None, return_indices: bool = False
) -> Any:
    """Return the maxima of OH × OW windows that cover the image. Windows overlap where the sizes do not divide.

    Parameters
    ----------
    input : Tensor, (N, C, H, W) or (C, H, W), float
    output_size : int or pair of int or None
        (OH, OW), or a single number for both. None keeps the input's size.
    return_indices : bool
        Also return the position of each maximum in the flattened (H, W) plane.

    Returns
    -------
    Tensor, (N, C, OH, OW); with `return_indices` a pair of it and an int64 Tensor of this shape

    Raises
    ------
    ShapeError
        If the input's shape or `output_size` does not fit.
    DTypeError
        If the input is not floating point.

    Examples
    --------
    >>> import minicnn
    >>> adaptive_max_pool2d(minicnn.arange(16.0).reshape(1, 1, 4, 4), (1, 2)).tolist()
    [[[[13.0, 15.0]]]]
    """
    return _adaptive_max_pool(2, input, output_size, return_indices)


def adaptive_max_pool3d(
    input: Tensor, output_size: int | Sequence[int | None] | None, return_indices: bool = False
) -> Any:
    """Return the maxima of windows that cover a volume (N, C, D, H, W); see `adaptive_max_pool2d` for the rest."""
    return _adaptive_max_pool(3, input, output_size, return_indices)


# --- fractional ---------------------------------------------------------------------------------------------------


def _fractional_table(samples: Table, size: int, kernel: int, out: int) -> Table:
    """Return the windows (N, C, out, kernel): steps of ⌊α⌋ or ⌈α⌉ with α = (size - kernel) / (out - 1)."""
    kind = samples.dtype.type
    start = np.full((*samples.shape, out), size - kernel, np.int64)
    if out > 1:
        alpha = kind(size - kernel) / kind(out - 1)
        offset = (samples * alpha).astype(np.int64)[..., None]
        start[..., :-1] = ((np.arange(out - 1, dtype=kind) + samples[..., None]) * alpha).astype(np.int64) - offset
    return start[..., None] + np.arange(kernel)


def _fractional_max_pool(
    n: int, x: Tensor, kernel_size: Ints, output_size: Any, output_ratio: Any, return_indices: bool, samples: Any
) -> Any:
    call = f"fractional_max_pool{n}d"
    images = _images(call, n, x)
    sizes = images.shape[2:]
    if output_size is None and output_ratio is None:
        raise ArgumentError(f"{call}: give output_size or output_ratio")
    if output_size is None:
        ratios = tuple(output_ratio) if isinstance(output_ratio, Sequence) else (output_ratio,) * n
        output_size = tuple(int(s * r) for s, r in zip(sizes, ratios, strict=False))
    kernels = _per_axis(call, "kernel_size", kernel_size, n, 1)
    outs = _per_axis(call, "output_size", output_size, n, 1)
    if any(o + k - (n == 2) > s for o, k, s in zip(outs, kernels, sizes, strict=True)):  # PyTorch's limits
        raise ShapeError(f"{call}: {outs} windows of {kernels} are too many for the input {x.shape}")
    if samples is None:
        drawn = random.generator().random((*images.shape[:2], n), x.dtype)
    elif samples.dtype != x.dtype or samples.shape[1:] != (images.shape[1], n) or len(samples) < len(images):
        raise ShapeError(
            f"{call}: _random_samples must be {x.dtype} of {(*images.shape[:2], n)}, got {samples.dtype} of "
            f"{samples.shape}"
        )
    else:
        drawn = samples.detach().cpu().numpy()[: len(images)]
    order = (1, 0) if n == 2 else (0, 1, 2)  # PyTorch takes the first sample of a plane for its columns
    tables = [_fractional_table(drawn[..., order[i]], sizes[i], kernels[i], outs[i]) for i in range(n)]
    return _result(x, *_maxima(images, _joined(tables, sizes), outs), return_indices)


def fractional_max_pool2d(
    input: Tensor,
    kernel_size: Ints,
    output_size: Ints | None = None,
    output_ratio: float | Sequence[float] | None = None,
    return_indices: bool = False,
    _random_samples: Tensor | None = None,
) -> Any:
    """Return the maxima of windows whose steps are random, so that the output can have any size.

    Parameters
    ----------
    input : Tensor, (N, C, H, W) or (C, H, W), float
    kernel_size : int or pair of int
    output_size : int or pair of int, optional
        (OH, OW).
    output_ratio : float or pair of float, optional
        Instead of the output size: its ratio to the input size.
    return_indices : bool
        Also return the position of each maximum in the flattened (H, W) plane.
    _random_samples : Tensor, (N, C, 2), optional
        Numbers from 0 to 1 that decide on the windows.

    Returns
    -------
    Tensor, (N, C, OH, OW); with `return_indices` a pair of it and an int64 Tensor of this shape

    Raises
    ------
    ShapeError
        If the sizes do not fit.
    DTypeError
        If the input is not floating point.
    ArgumentError
        If there is neither `output_size` nor `output_ratio`.

    References
    ----------
    Graham, "Fractional max-pooling", 2014.
    """
    return _fractional_max_pool(2, input, kernel_size, output_size, output_ratio, return_indices, _random_samples)


def fractional_max_pool3d(
    input: Tensor,
    kernel_size: Ints,
    output_size: Ints | None = None,
    output_ratio: float | Sequence[float] | None = None,
    return_indices: bool = False,
    _random_samples: Tensor | None = None,
) -> Any:
    """Do the same with volumes (N, C, D, H, W); see `fractional_max_pool2d` for the arguments and errors."""
    return _fractional_max_pool(3, input, kernel_size, output_size, output_ratio, return_indices, _random_samples)


# --- unpooling ----------------------------------------------------------------------------------------------------


def _max_unpool(
    n: int, x: Tensor, indices: Tensor, kernel_size: Ints, stride: Ints | None, padding: Ints, output_size: Any
) -> Tensor:
    call = f"max_unpool{n}d"
    images = _images(call, n, x)
    kernels = _per_axis(call, "kernel_size", kernel_size, n, 1)
    strides = kernels if stride is None else _per_axis(call, "stride", stride, n, 1)
    pads = _per_axis(call, "padding", padding, n, 0)
    sizes = tuple((o - 1) * s + k - 2 * p for o, s, k, p in zip(images.shape[2:], strides, kernels, pads, strict=True))
    if output_size is not None:
        wanted = tuple(output_size)[2:] if len(output_size) == n + 2 else tuple(output_size)
        if len(wanted) != n or any(abs(w - d) >= s for w, d, s in zip(wanted, sizes, strides, strict=True)):
            raise ShapeError(
                f"{call}: output_size must differ from {sizes} by less than the stride {strides} in {n} axes, "
                f"got {tuple(output_size)}"
            )
        sizes = wanted
    if indices.dtype != int64:
        raise DTypeError(f"{call}: indices must be int64, got {indices.dtype}")
    if indices.shape != x.shape:
        raise ShapeError(f"{call}: indices must have the shape {x.shape} of the input, got {indices.shape}")
    plane = prod(sizes)
    if indices.device.on_host and ((indices < 0) | (indices >= plane)).any().item():
        raise ShapeError(
            f"{call}: indices must be positions from 0 to {plane - 1} in an output of {sizes}, got "
            f"{indices.amin().item()} to {indices.amax().item()}"
        )
    batch, channels = images.shape[:2]
    rows = arange(batch * channels, device=x.device).array.reshape(-1, 1)
    shape = (batch * channels, prod(images.shape[2:]))
    empty = zeros(batch * channels, plane, dtype=x.dtype, device=x.device)
    out = _index_put(empty, reshape(images, shape), index=(rows, indices.array.reshape(shape).copy()))
    return reshape(out, (*x.shape[:-n], *sizes))


def max_unpool1d(
    input: Tensor,
    indices: Tensor,
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Ints = 0,
    output_size: Sequence[int] | None = None,
) -> Tensor:
    """Put maxima of signals (N, C, L) back to their places; see `max_unpool2d` for the arguments and errors."""
    return _max_unpool(1, input, indices, kernel_size, stride, padding, output_size)


def max_unpool2d(
    input: Tensor,
    indices: Tensor,
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Ints = 0,
    output_size: Sequence[int] | None = None,
) -> Tensor:
    """Put maxima back to their places; the other elements are 0.

    Parameters
    ----------
    input : Tensor, (N, C, OH, OW) or (C, OH, OW), float
    indices : Tensor, of the same shape, int64
        Positions in the flattened (H, W) plane, from `max_pool2d` with `return_indices`.
    kernel_size, stride, padding : int or pair of int
        Of the pooling. The output is (OH - 1) stride + kernel_size - 2 padding.
    output_size : sequence of int, optional
        Another output size, for inputs whose last rows or columns were in no window.

    Returns
    -------
    Tensor, (N, C, H, W)

    Raises
    ------
    ShapeError
        If the sizes do not fit, or an index on the CPU is outside the output.
    DTypeError
        If the input is not floating point, or the indices are not int64.

    Examples
    --------
    >>> import minicnn
    >>> max_unpool2d(minicnn.tensor([[[5.0]]]), minicnn.tensor([[[3]]]), 2).tolist()
    [[[0.0, 0.0], [0.0, 5.0]]]
    """
    return _max_unpool(2, input, indices, kernel_size, stride, padding, output_size)


def max_unpool3d(
    input: Tensor,
    indices: Tensor,
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Ints = 0,
    output_size: Sequence[int] | None = None,
) -> Tensor:
    """Put maxima of volumes (N, C, D, H, W) back to their places; see `max_unpool2d` for the arguments and errors."""
    return _max_unpool(3, input, indices, kernel_size, stride, padding, output_size)
