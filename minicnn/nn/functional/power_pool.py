"""Pooling with a power mean: the p-norm of each window."""

from collections.abc import Callable, Sequence
from math import inf, prod
from typing import Any

from minicnn.autograd.tensor import Tensor
from minicnn.errors import ArgumentError
from minicnn.geometry import _per_axis
from minicnn.nn.functional.pool import avg_pool1d, avg_pool2d, avg_pool3d, max_pool1d, max_pool2d, max_pool3d
from minicnn.ops.activation import relu
from minicnn.ops.elementwise import abs as magnitude
from minicnn.ops.elementwise import mul, neg, sign
from minicnn.ops.exponentials import pow
from minicnn.ops.shape import as_float

__all__ = ["lp_pool1d", "lp_pool2d", "lp_pool3d"]

Ints = int | Sequence[int]
POOLS: dict[int, tuple[Callable[..., Tensor], Callable[..., Any]]] = {
    1: (avg_pool1d, max_pool1d),
    2: (avg_pool2d, max_pool2d),
    3: (avg_pool3d, max_pool3d),
}


def _lp_pool(n: int, x: Tensor, p: float, kernel_size: Ints, stride: Ints | None, ceil_mode: bool) -> Tensor:
    call = f"lp_pool{n}d"
    if p == 0:
        raise ArgumentError(f"{call}: norm_type must not be 0")
    avg_pool, max_pool = POOLS[n]
    if p in (inf, -inf):
        largest = max_pool(magnitude(x) if p > 0 else neg(magnitude(x)), kernel_size, stride, 0, 1, ceil_mode)
        return largest if p > 0 else neg(largest)
    mean = avg_pool(pow(as_float(x), float(p)), kernel_size, stride, 0, ceil_mode)
    count = prod(_per_axis(call, "kernel_size", kernel_size, n, 1))
    return pow(mul(mul(sign(mean), relu(magnitude(mean))), count), 1.0 / p)  # the gradient at 0 is NaN, as in PyTorch


def lp_pool1d(
    input: Tensor, norm_type: float, kernel_size: int, stride: Ints | None = None, ceil_mode: bool = False
) -> Tensor:
    """Return (Σ xᵖ)^(1/p) of each window of signals (N, C, L); see `lp_pool2d` for the arguments and errors."""
    return _lp_pool(1, input, norm_type, kernel_size, stride, ceil_mode)


def lp_pool2d(
    input: Tensor, norm_type: float, kernel_size: Ints, stride: Ints | None = None, ceil_mode: bool = False
) -> Tensor:
    """Return (Σ xᵖ)^(1/p) of each window, with p = norm_type.

    Parameters
    ----------
    input : Tensor, (N, C, H, W) or (C, H, W)
    norm_type : float
        Not 0. For inf it is the largest |x|. For odd p, negative sums give NaN.
    kernel_size, stride, ceil_mode
        As in `avg_pool2d`. The sum over a window that is cut off by the border is scaled up to a whole window.

    Returns
    -------
    Tensor, (N, C, OH, OW)

    Raises
    ------
    ShapeError
        If a window does not fit or a parameter is out of range.
    ArgumentError
        If norm_type is 0.

    Examples
    --------
    >>> import minicnn
    >>> lp_pool2d(minicnn.tensor([[[3.0, 4.0]]]), 2, (1, 2)).tolist()
    [[[5.0]]]
    """
    return _lp_pool(2, input, norm_type, kernel_size, stride, ceil_mode)


def lp_pool3d(
    input: Tensor, norm_type: float, kernel_size: Ints, stride: Ints | None = None, ceil_mode: bool = False
) -> Tensor:
    """Return (Σ xᵖ)^(1/p) of each window of volumes (N, C, D, H, W); see `lp_pool2d` for the arguments and errors."""
    return _lp_pool(3, input, norm_type, kernel_size, stride, ceil_mode)
