"""Maximum and average pooling of signals, images and volumes.

The functions check the arguments, build a `PoolSpec` and call the primitives of `ops/pool.py`.
"""

from collections.abc import Sequence
from typing import Any

from minicnn.autograd.tensor import Tensor
from minicnn.errors import DTypeError
from minicnn.geometry import pool_spec
from minicnn.ops.pool import avg_pool, max_pool, winner_index
from minicnn.ops.shape import squeeze, unsqueeze

__all__ = ["avg_pool1d", "avg_pool2d", "avg_pool3d", "max_pool1d", "max_pool2d", "max_pool3d"]

Ints = int | Sequence[int]


def _pool_max(
    n: int,
    x: Tensor,
    kernel_size: Ints,
    stride: Ints | None,
    padding: Ints,
    dilation: Ints,
    ceil_mode: bool,
    return_indices: bool,
) -> Any:
    if x.ndim == n + 1:
        out = _pool_max(n, unsqueeze(x, 0), kernel_size, stride, padding, dilation, ceil_mode, return_indices)
        return tuple(squeeze(t, 0) for t in out) if return_indices else squeeze(out, 0)
    spec = pool_spec(f"max_pool{n}d", x.shape, kernel_size, stride, padding, dilation, ceil_mode, axes=n)
    values, winner = max_pool(x, spec=spec)
    return (values, winner_index(winner, spec=spec)) if return_indices else values


def max_pool1d(
    input: Tensor,
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Ints = 0,
    dilation: Ints = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """Return the maximum of each window of signals (N, C, L); see `max_pool2d` for the arguments and errors."""
    return _pool_max(1, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def max_pool2d(
    input: Tensor,
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Ints = 0,
    dilation: Ints = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """Return the maximum of each window.

    Parameters
    ----------
    input : Tensor, (N, C, H, W) or (C, H, W)
    kernel_size : int or pair of int
    stride : int or pair of int, optional
        Default: the kernel size.
    padding : int or pair of int
        At most half of the kernel size. Padding is -∞, so it is never the maximum.
    dilation : int or pair of int
    ceil_mode : bool
        Round the output size up: also keep a last window that is cut off by the border.
    return_indices : bool
        Also return the position of each maximum, an index into the flattened (H, W) plane.

    Returns
    -------
    Tensor, (N, C, OH, OW), of the input's dtype; with `return_indices` a pair of it and an int64 Tensor of this shape
        NaN counts as the largest value. Among equal values the first in row-major order is the maximum. It gets the
        gradient.

    Raises
    ------
    ShapeError
        If a window does not fit or a parameter is out of range.

    Examples
    --------
    >>> import minicnn
    >>> max_pool2d(minicnn.arange(16.0).reshape(1, 1, 4, 4), 2).tolist()
    [[[[5.0, 7.0], [13.0, 15.0]]]]
    """
    return _pool_max(2, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def max_pool3d(
    input: Tensor,
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Ints = 0,
    dilation: Ints = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """Return the maximum of each window of volumes (N, C, D, H, W); see `max_pool2d` for the arguments and errors."""
    return _pool_max(3, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def _pool_avg(
    n: int,
    x: Tensor,
    kernel_size: Ints,
    stride: Ints | None,
    padding: Ints,
    ceil_mode: bool,
    count_include_pad: bool,
    divisor_override: int | None,
) -> Tensor:
    call = f"avg_pool{n}d"
    if x.dtype.kind != "f":
        raise DTypeError(f"{call}: the tensor holds {x.dtype}; convert it with .float() first")
    arguments = (kernel_size, stride, padding, 1, ceil_mode, count_include_pad, divisor_override)
    if x.ndim == n + 1:
        return squeeze(_pool_avg(n, unsqueeze(x, 0), *arguments[:3], *arguments[4:]), 0)
    return avg_pool(x, spec=pool_spec(call, x.shape, *arguments, axes=n))


def avg_pool1d(
    input: Tensor,
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Ints = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Tensor:
    """Return the mean of each window of signals (N, C, L); see `avg_pool2d` for the arguments and errors."""
    return _pool_avg(1, input, kernel_size, stride, padding, ceil_mode, count_include_pad, None)


def avg_pool2d(
    input: Tensor,
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Ints = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """Return the mean of each window.

    Parameters
    ----------
    input : Tensor, (N, C, H, W) or (C, H, W), float
    kernel_size, stride, padding, ceil_mode
        As in `max_pool2d`, but the padding is 0.
    count_include_pad : bool
        Count padding elements in the divisor. Elements that ceil_mode adds beyond the padding are never counted.
    divisor_override : int, optional
        Divide by this number instead of the number of elements.

    Returns
    -------
    Tensor, (N, C, OH, OW)

    Raises
    ------
    ShapeError
        If a window does not fit or a parameter is out of range.
    DTypeError
        If the input is not floating point.

    Examples
    --------
    >>> import minicnn
    >>> avg_pool2d(minicnn.arange(16.0).reshape(1, 1, 4, 4), 2).tolist()
    [[[[2.5, 4.5], [10.5, 12.5]]]]
    """
    return _pool_avg(2, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)


def avg_pool3d(
    input: Tensor,
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Ints = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """Return the mean of each window of volumes (N, C, D, H, W); see `avg_pool2d` for the arguments and errors."""
    return _pool_avg(3, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)
