"""grid_sample, the pixels of an image at any points, and affine_grid, the points of an affine map.

A point is (x, y) or (x, y, z) with coordinates from -1 to 1 inside the image. With `align_corners` these are the
centres of the corner pixels, otherwise the corners of the image. The value at a point is a weighted sum of the pixels
around it (`ops/sample.py`); only the weights depend on the point.
"""

import warnings
from collections.abc import Sequence
from itertools import product
from math import prod

from minicnn.autograd.tensor import Tensor
from minicnn.errors import ArgumentError, DTypeError, ShapeError
from minicnn.ops.comparison import logical_and, where
from minicnn.ops.create import as_tensor, full_like, ones, zeros_like
from minicnn.ops.elementwise import floor as floor_of
from minicnn.ops.elementwise import round as round_of
from minicnn.ops.indexing import stack
from minicnn.ops.linalg import matmul, mT
from minicnn.ops.ranges import linspace
from minicnn.ops.sample import sample
from minicnn.ops.shape import broadcast_to, cast, reshape, unsqueeze

__all__ = ["affine_grid", "grid_sample"]

_MODES = ("bilinear", "nearest", "bicubic")
_PADDINGS = ("zeros", "border", "reflection")
_KEYS = -0.75  # the free parameter of cubic convolution (Keys, 1981)


def _align(call: str, align_corners: bool | None) -> bool:
    if align_corners is None:
        warnings.warn(
            f"{call}: without align_corners, it is False (True before PyTorch 1.3); pass align_corners=False",
            UserWarning,
            stacklevel=3,
        )
    return bool(align_corners)


# --- positions ----------------------------------------------------------------------------------------------------


def _clip(position: Tensor, size: int) -> Tensor:
    """Limit positions to the image, [0, size - 1]. Outside and on the border the gradient is 0; NaN becomes 0."""
    position = where(position > 0, position, zeros_like(position))
    last = full_like(position, float(size - 1))
    return where(position < last, position, last)


def _reflect(position: Tensor, size: int, align_corners: bool) -> Tensor:
    """Reflect positions at the corner pixels, or at the corners of the image, as often as necessary."""
    low, high = (0.0, size - 1.0) if align_corners else (-0.5, size - 0.5)
    span = high - low
    if not span:
        return position * 0
    distance = (position - low).abs()
    flips = floor_of(distance / span).detach()
    rest = distance - flips * span
    return where(flips % 2 == 0, rest + low, high - rest)


def _padded(position: Tensor, size: int, padding_mode: str, align_corners: bool) -> Tensor:
    if padding_mode == "zeros":
        return position
    return _clip(_reflect(position, size, align_corners) if padding_mode == "reflection" else position, size)


def _cubic_weights(t: Tensor) -> list[Tensor]:
    """Return the weights of the four neighbours at -1, 0, 1 and 2 for a position t in [0, 1) (Keys, 1981)."""

    def near(d: Tensor) -> Tensor:
        return ((_KEYS + 2) * d - (_KEYS + 3)) * d * d + 1

    def far(d: Tensor) -> Tensor:
        return ((_KEYS * d - 5 * _KEYS) * d + 8 * _KEYS) * d - 4 * _KEYS

    return [far(t + 1), near(t), near(1 - t), far(2 - t)]


Taps = list[tuple[Tensor, Tensor, Tensor]]  # for each pixel along an axis: its number, whether it exists, its weight


def _taps(coordinate: Tensor, size: int, mode: str, padding_mode: str, align_corners: bool) -> Taps:
    """Return the pixels along one axis whose weighted sum is the value at a coordinate."""
    position = (coordinate + 1) * ((size - 1) / 2) if align_corners else (coordinate + 1) * (size / 2) - 0.5
    if mode != "bicubic":
        position = _padded(position, size, padding_mode, align_corners)
    base = round_of(position) if mode == "nearest" else floor_of(position)
    if mode == "nearest":
        first, weights = 0, [base * 0 + 1]  # a constant, but with a gradient: 0
    else:
        t = position - base
        first, weights = (-1, _cubic_weights(t)) if mode == "bicubic" else (0, [1 - t, t])
    found = []
    for offset, weight in enumerate(weights, first):
        pixel = base + offset
        if mode == "bicubic":
            pixel = _padded(pixel, size, padding_mode, align_corners)
        inside = logical_and(pixel >= 0, pixel <= size - 1)  # False for NaN
        found.append((cast(where(inside, pixel, zeros_like(pixel)), as_tensor(0).dtype), inside, weight))
    return found


# --- the functions ------------------------------------------------------------------------------------------------


def grid_sample(
    input: Tensor,
    grid: Tensor,
    mode: str = "bilinear",
    padding_mode: str = "zeros",
    align_corners: bool | None = None,
) -> Tensor:
    """Return the values of images at the points of a grid: out[n, :, i, j] = input[n, :] at (x, y) = grid[n, i, j].

    Parameters
    ----------
    input : Tensor, (N, C, H, W) or (N, C, D, H, W), float
    grid : Tensor, (N, OH, OW, 2) or (N, OD, OH, OW, 3)
        x, y (and z) of each point; from -1 to 1 is inside the image.
    mode : "bilinear", "nearest" or "bicubic"
        The interpolation. For volumes "bilinear" is trilinear, and there is no "bicubic".
    padding_mode : "zeros", "border" or "reflection"
        The values outside of the image.
    align_corners : bool, optional
        True: -1 and 1 are the centres of the corner pixels. False: the corners of the image. None warns, and is False.

    Returns
    -------
    Tensor, (N, C, OH, OW) or (N, C, OD, OH, OW)

    Raises
    ------
    ArgumentError
        If a mode is unknown, or "bicubic" is given for volumes.
    ShapeError
        If the shapes do not fit.
    DTypeError
        If the input is not floating point, or the element types differ.

    Notes
    -----
    A point that is NaN is at position 0 for "border" and "reflection"; for "zeros" its value is NaN (0 for volumes).

    References
    ----------
    Jaderberg et al., "Spatial transformer networks", 2015.

    Examples
    --------
    >>> import minicnn
    >>> image = minicnn.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])
    >>> grid_sample(image, minicnn.zeros(1, 1, 1, 2), align_corners=False).item()
    2.5
    """
    call = "grid_sample"
    if mode not in _MODES or padding_mode not in _PADDINGS:
        raise ArgumentError(
            f"{call}: mode must be one of {_MODES}, padding_mode one of {_PADDINGS}, got {mode!r} and {padding_mode!r}"
        )
    n = input.ndim - 2
    fits = n in (2, 3) and grid.ndim == input.ndim and grid.shape[-1] == n and grid.shape[0] == input.shape[0]
    if not fits or 0 in input.shape[2:]:
        raise ShapeError(
            f"{call}: input must be (N, C, H, W) with a grid (N, OH, OW, 2), or (N, C, D, H, W) with one of "
            f"(N, OD, OH, OW, 3), and have pixels; got input {input.shape}, grid {grid.shape}"
        )
    if mode == "bicubic" and n == 3:
        raise ArgumentError(f"{call}: mode='bicubic' is for images, the input is {input.shape}; use 'bilinear'")
    if input.dtype.kind != "f" or grid.dtype != input.dtype:
        raise DTypeError(
            f"{call}: input and grid need one floating-point type, got {input.dtype} and {grid.dtype}; "
            "convert them with .to()"
        )
    align = _align(call, align_corners)
    sizes, batch = input.shape[2:], input.shape[0]
    points = reshape(grid, (batch, prod(grid.shape[1:-1]), n))
    # The last coordinate belongs to the first axis: x is the position along W.
    axes = [_taps(points[..., n - 1 - a], size, mode, padding_mode, align) for a, size in enumerate(sizes)]
    numbers, weights = [], []
    for taps in product(*axes):
        number, inside, weight = taps[0]
        for (more, more_inside, more_weight), size in zip(taps[1:], sizes[1:], strict=True):
            number, inside, weight = number * size + more, logical_and(inside, more_inside), weight * more_weight
        numbers.append(where(inside, number, full_like(number, prod(sizes))))
        masked = n == 3 or mode == "nearest"  # so a NaN remains a NaN for images only, as in PyTorch
        weights.append(where(inside, weight, zeros_like(weight)) if masked else weight)
    pixels = reshape(input, (*input.shape[:2], prod(sizes)))
    out: Tensor = sample(pixels, stack(weights, 1), stack(numbers, 1))
    return reshape(out, (*input.shape[:2], *grid.shape[1:-1]))


def affine_grid(theta: Tensor, size: Sequence[int], align_corners: bool | None = None) -> Tensor:
    """Return the grid of an affine map for `grid_sample`: grid[n, i, j] = theta[n] (x_j, y_i, 1)ᵀ.

    Parameters
    ----------
    theta : Tensor, (N, 2, 3) or (N, 3, 4), float
        The maps of images or volumes.
    size : sequence of int
        The size of the images that `grid_sample` will return: (N, C, H, W) or (N, C, D, H, W).
    align_corners : bool, optional
        As in `grid_sample`.

    Returns
    -------
    Tensor, (N, H, W, 2) or (N, D, H, W, 3)

    Raises
    ------
    ShapeError
        If `size` and `theta` do not fit.
    DTypeError
        If theta is not floating point.

    Examples
    --------
    >>> import minicnn
    >>> affine_grid(minicnn.tensor([[[1.0, 0, 0], [0, 1, 0]]]), (1, 1, 1, 2), align_corners=True).tolist()
    [[[[-1.0, 0.0], [1.0, 0.0]]]]
    """
    call = "affine_grid"
    align = _align(call, align_corners)
    if theta.dtype.kind != "f":
        raise DTypeError(f"{call}: theta must be floating point, got {theta.dtype}; convert it with .float()")
    n = len(size) - 2
    if n not in (2, 3) or theta.shape[1:] != (n, n + 1) or theta.shape[0] != size[0] or min(size) < 1:
        raise ShapeError(
            f"{call}: size must be (N, C, H, W) with theta (N, 2, 3), or (N, C, D, H, W) with (N, 3, 4), and all sizes "
            f"at least 1; got size {tuple(size)}, theta {theta.shape}"
        )
    sizes = tuple(size[2:])
    coordinates = []
    for axis in reversed(range(n)):
        count = sizes[axis]
        reach = 0.0 if count == 1 else 1.0 if align else (count - 1) / count
        line = linspace(-reach, reach, count, dtype=theta.dtype, device=theta.device)
        coordinates.append(broadcast_to(reshape(line, (-1,) + (1,) * (n - 1 - axis)), sizes))
    points = stack([*coordinates, ones(sizes, dtype=theta.dtype, device=theta.device)], -1)
    grid = matmul(unsqueeze(reshape(points, (prod(sizes), n + 1)), 0), mT(theta))
    return reshape(grid, (size[0], *sizes, n))
