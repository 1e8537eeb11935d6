"""Maximum pooling that also returns the positions of the maxima, under PyTorch's other names.

Each function is the one without ``_with_indices``, with ``return_indices=True``.
"""

from collections.abc import Sequence

from minicnn.autograd.tensor import Tensor
from minicnn.nn.functional import max_pool, pool

__all__ = [
    "adaptive_max_pool1d_with_indices",
    "adaptive_max_pool2d_with_indices",
    "adaptive_max_pool3d_with_indices",
    "fractional_max_pool2d_with_indices",
    "fractional_max_pool3d_with_indices",
    "max_pool1d_with_indices",
    "max_pool2d_with_indices",
    "max_pool3d_with_indices",
]

Ints = int | Sequence[int]
Sizes = int | Sequence[int | None] | None
Pair = tuple[Tensor, Tensor]


def max_pool1d_with_indices(
    input: Tensor,
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Ints = 0,
    dilation: Ints = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Pair:
    """Return the maximum of each window, and its position; see `max_pool1d`."""
    found: Pair = pool.max_pool1d(input, kernel_size, stride, padding, dilation, ceil_mode, True)
    return found


def max_pool2d_with_indices(
    input: Tensor,
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Ints = 0,
    dilation: Ints = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Pair:
    """Return the maximum of each window, and its position; see `max_pool2d`."""
    found: Pair = pool.max_pool2d(input, kernel_size, stride, padding, dilation, ceil_mode, True)
    return found


def max_pool3d_with_indices(
    input: Tensor,
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Ints = 0,
    dilation: Ints = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Pair:
    """Return the maximum of each window, and its position; see `max_pool3d`."""
    found: Pair = pool.max_pool3d(input, kernel_size, stride, padding, dilation, ceil_mode, True)
    return found


def adaptive_max_pool1d_with_indices(input: Tensor, output_size: Ints, return_indices: bool = False) -> Pair:
    """Return the maximum of each part of the input, and its position; see `adaptive_max_pool1d`."""
    found: Pair = max_pool.adaptive_max_pool1d(input, output_size, True)
    return found


def adaptive_max_pool2d_with_indices(input: Tensor, output_size: Sizes, return_indices: bool = False) -> Pair:
    """Return the maximum of each part of the input, and its position; see `adaptive_max_pool2d`."""
    found: Pair = max_pool.adaptive_max_pool2d(input, output_size, True)
    return found


def adaptive_max_pool3d_with_indices(input: Tensor, output_size: Sizes, return_indices: bool = False) -> Pair:
    """Return the maximum of each part of the input, and its position; see `adaptive_max_pool3d`."""
    found: Pair = max_pool.adaptive_max_pool3d(input, output_size, True)
    return found


def fractional_max_pool2d_with_indices(
    input: Tensor,
    kernel_size: Ints,
    output_size: Ints | None = None,
    output_ratio: float | Sequence[float] | None = None,
    return_indices: bool = False,
    _random_samples: Tensor | None = None,
) -> Pair:
    """Return maxima of windows whose steps are random, and their positions; see `fractional_max_pool2d`."""
    sizes = (kernel_size, output_size, output_ratio)
    found: Pair = max_pool.fractional_max_pool2d(input, *sizes, True, _random_samples)
    return found


def fractional_max_pool3d_with_indices(
    input: Tensor,
    kernel_size: Ints,
    output_size: Ints | None = None,
    output_ratio: float | Sequence[float] | None = None,
    return_indices: bool = False,
    _random_samples: Tensor | None = None,
) -> Pair:
    """Return maxima of windows whose steps are random, and their positions; see `fractional_max_pool3d`."""
    sizes = (kernel_size, output_size, output_ratio)
    found: Pair = max_pool.fractional_max_pool3d(input, *sizes, True, _random_samples)
    return found
