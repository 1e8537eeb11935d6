"""`apply_tiled`: apply a network to an image of any size in tiles, with bounded memory and without visible seams.

Along each axis the image is cut into cores of nearly equal length. A tile is a core and its surroundings:

    |<- overlap ->|<- fade/2 ->|<----------- core ----------->|<- fade/2 ->|<- overlap ->|
       discarded    blended with the left neighbour         with the right     discarded

Where a tile ends inside the image, the network pads with zeros, although the image continues. So its result is wrong
near this end, up to the radius of its receptive field. Therefore `overlap` pixels of the result are discarded. If the
radius is at most `overlap`, the result is exactly the result for the whole image. Other networks have a larger radius,
or an unlimited radius (instance normalisation). For them, neighbouring tiles are blended over `fade` pixels, so that
there is no step at the seam. Where both tiles are exact, the blended values are equal and nothing changes. At the
border of the image a tile ends at the border.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise, product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minicnn.errors import DTypeError, ShapeError

__all__ = ["TILE", "apply_tiled"]

# Side of a tile in pixels. The overlap of smaller tiles costs more: with 256, a radius of 22 takes 37 % more work.
TILE = 512


def apply_tiled(
    function: Callable[[Any], Any],
    image: NDArray[Any],
    *,
    tile: int = TILE,
    overlap: int = 32,
    fade: int = 16,
    scale: int = 1,
    multiple: int = 1,
    out: NDArray[Any] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> NDArray[Any]:
    """Apply a function of small images to an image of any size, tile by tile.

    Parameters
    ----------
    function : callable, (1, C, h, w) -> (1, F, scale * h, scale * w)
        Called with each tile; h and w are multiples of `multiple`.
    image : numpy.ndarray, (C, H, W)
    tile : int
        The largest side of a core, in pixels. A tile has at most ``tile + 2 * overlap + fade`` pixels along each side,
        plus the rounding to `multiple`. It determines the memory that is needed.
    overlap : int
        The number of pixels to discard. If it is at least the network's radius, the result is exact.
    fade : int
        Width of the band in which neighbouring tiles are blended, in pixels. 0: no blending; then the pixels of the
        image and of the results may also be integers.
    scale : int
        Output size of the function / input size.
    multiple : int
        The function needs sides that are multiples of this number, for example 8 after three poolings by 2. Tiles start
        at multiples of it. If necessary, the last row and column of the image are repeated, and the result is cropped.
    out : numpy.ndarray, (F, scale * H, scale * W), optional
        The result is written to this array.
    progress : callable, optional
        Called after each tile as ``progress(done, total)``.

    Returns
    -------
    numpy.ndarray, (F, scale * H, scale * W), of the function's dtype

    Raises
    ------
    ShapeError
        If the image is not (C, H, W) or is empty, a parameter is out of range, or the function returns another size
        than scale * H × scale * W or than `out`.
    DTypeError
        If tiles are blended, and the image or the result of the function is not floating point.
    """
    _check_arguments(
        image, fade, {"tile": tile, "scale": scale, "multiple": multiple}, {"overlap": overlap, "fade": fade}
    )
    height, width = image.shape[1:]
    rows, columns = (_cut_axis(length, tile, overlap, fade, scale, multiple) for length in (height, width))
    for done, (row, column) in enumerate(product(rows, columns), start=1):
        tile_pixels = np.ascontiguousarray(image[:, row.source[:, np.newaxis], column.source])[np.newaxis]
        result = function(tile_pixels)  # (1, C, h, w) -> (1, F, scale * h, scale * w)
        _check_result(result, tile_pixels, scale, fade)
        if done == 1:
            output = _output(out, (result.shape[1], scale * height, scale * width), result.dtype)
        kept = result[0, :, row.kept, column.kept]
        if fade:
            weight = (row.weight[:, np.newaxis] * column.weight).astype(result.dtype)
            output[:, row.target, column.target] += kept * weight
        else:
            output[:, row.target, column.target] = kept
        if progress is not None:
            progress(done, len(rows) * len(columns))
    return output


@dataclass(frozen=True)
class _Strip:
    """The part of a tile along a single axis: its input pixels, and the part of its result that goes to the output."""

    source: NDArray[np.intp]  # indices of the image's pixels; the last one is repeated beyond its end
    kept: slice  # part of the tile's result
    target: slice  # part of the output
    weight: NDArray[np.float64]  # falls to 0 towards a neighbour; the weights of each output pixel add up to 1


def _cut_axis(length: int, tile: int, overlap: int, fade: int, scale: int, multiple: int) -> list[_Strip]:
    """Cut an axis into strips, as shown at the top of this file."""
    units = -(-length // multiple)
    padded = units * multiple
    count = -(-units // -(-tile // multiple))
    edges = [units * index // count * multiple for index in range(count + 1)]  # cores differ by at most 1 unit
    half = min(fade, *(upper - lower for lower, upper in pairwise(edges))) // 2
    reach = -(-(overlap + half) // multiple) * multiple
    pixels = np.pad(np.arange(length), (0, padded - length), mode="edge")
    strips = []
    for lower, upper in pairwise(edges):
        begin, end = max(lower - reach, 0), min(upper + reach, padded)
        first, last = max(lower - half, 0), min(upper + half, length)
        position = (np.arange(scale * first, scale * last) + 0.5) / scale  # centres of output pixels, in input pixels
        weight = np.ones(len(position))
        if half and lower > 0:
            weight *= np.clip(0.5 + (position - lower) / (2 * half), 0, 1)
        if half and upper < padded:
            weight *= np.clip(0.5 - (position - upper) / (2 * half), 0, 1)
        strips.append(
            _Strip(
                source=pixels[begin:end],
                kept=slice(scale * (first - begin), scale * (last - begin)),
                target=slice(scale * first, scale * last),
                weight=weight,
            )
        )
    return strips


def _output(out: NDArray[Any] | None, shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
    if out is None:
        return np.zeros(shape, dtype)
    if out.shape != shape:
        raise ShapeError(f"apply_tiled: out must be {shape}, got {out.shape}; leave it out for a new array")
    out[...] = 0
    return out


def _check_arguments(image: NDArray[Any], fade: int, positive: dict[str, int], nonnegative: dict[str, int]) -> None:
    if image.ndim != 3 or image.size == 0:
        raise ShapeError(
            f"apply_tiled: image must be (C, H, W) and not empty, got {image.shape}; "
            "pass a single image, a grey image as (1, H, W)"
        )
    if fade and not np.issubdtype(image.dtype, np.floating):
        raise DTypeError(
            f"apply_tiled: to be blended, pixels must be floating-point numbers, got {image.dtype}; "
            "convert the image, as in image.astype(np.float32) / 255, or pass fade=0"
        )
    for minimum, values in ((1, positive), (0, nonnegative)):
        for name, value in values.items():
            if value < minimum:
                raise ShapeError(
                    f"apply_tiled: {name} must be {minimum} or more, got {value}; leave it out for the default"
                )


def _check_result(result: NDArray[Any], tile_pixels: NDArray[Any], scale: int, fade: int) -> None:
    height, width = (scale * side for side in tile_pixels.shape[2:])
    if result.ndim != 4 or result.shape[0] != 1 or result.shape[2:] != (height, width):
        raise ShapeError(
            f"apply_tiled: function must map {tile_pixels.shape} to (1, F, {height}, {width}) for scale={scale}, "
            f"but returned {result.shape}; set scale to output size / input size, "
            "and multiple to the number that its input sizes must be divisible by"
        )
    if fade and not np.issubdtype(result.dtype, np.floating):
        raise DTypeError(f"apply_tiled: function must return floating-point numbers, got {result.dtype}; convert them")
