"""Editing a picture of any size piece by piece: memory stays bounded, and no seam shows.

Along each axis the picture is cut into cores of nearly equal length. A tile is a core and its surroundings:

    |<- overlap ->|<- fade/2 ->|<----------- core ----------->|<- fade/2 ->|<- overlap ->|
     thrown away       melts into the neighbour at either end       ...       thrown away

Where a tile ends inside the picture, the network pads with zeros that are not there in the picture: up to its radius
(how far an input pixel reaches in the output) its result is wrong. `overlap` pixels are therefore thrown away, and if
the radius is at most `overlap`, what stays is exactly what the whole picture would have given. Not every network has
so small a radius, or any (instance normalisation looks everywhere), so neighbouring tiles fade into each other: their
results differ a little then, but without a step. The average of two equal numbers being that number, the fade costs an
exact network nothing, and one rule serves both. At the picture's own border tiles end where the picture ends.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise, product

import numpy as np
from numpy.typing import NDArray

from minicnn.errors import DTypeError, ShapeError

__all__ = ["apply_tiled"]

Array = NDArray[np.floating]


def apply_tiled(
    function: Callable[[Array], Array],
    image: Array,
    *,
    tile: int = 256,
    overlap: int = 32,
    fade: int = 16,
    scale: int = 1,
    multiple: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> Array:
    """Apply a function of small pictures to a picture of any size.

    Parameters
    ----------
    function : callable, (1, C, h, w) -> (1, F, scale * h, scale * w)
        What to do with each tile; h and w are multiples of `multiple`.
    image : numpy.ndarray, (C, H, W), floating point
        The picture, from one pixel up.
    tile : int
        The largest side of a core, in pixels. A tile is at most ``tile + 2 * overlap + fade`` wide, and it is what
        memory is needed for (each of the last two is rounded up to `multiple`, and so is their sum).
    overlap : int
        Pixels to throw away; the network's radius or more makes the result exact.
    fade : int
        Width of the band in which neighbouring tiles fade into each other, in pixels; 0 cuts sharply.
    scale : int
        How many times larger the function's output is.
    multiple : int
        Sides that the function takes, as 8 after three poolings by 2. Tiles start at multiples of it, too, and the
        picture is mirrored at its lower and right border to reach one; what this adds is cut away again.
    progress : callable, optional
        Called after each tile as ``progress(done, total)``.

    Returns
    -------
    numpy.ndarray, (F, scale * H, scale * W), of the function's dtype

    Raises
    ------
    ShapeError
        If the image is not (C, H, W) or is empty, a parameter is out of range, or the function returns another size.
    DTypeError
        If the image or what the function returns is not floating point.
    """
    _check_arguments(image, {"tile": tile, "scale": scale, "multiple": multiple}, {"overlap": overlap, "fade": fade})
    height, width = image.shape[1:]
    rows, columns = (_cut(length, tile, overlap, fade, scale, multiple) for length in (height, width))
    output = image[:0]  # made when the first result tells its channels
    for done, (row, column) in enumerate(product(rows, columns), start=1):
        piece = np.ascontiguousarray(image[:, row.source[:, np.newaxis], column.source])[np.newaxis]  # (1, C, h, w)
        result = function(piece)  # (1, F, scale * h, scale * w)
        _check_result(result, piece, scale)
        if done == 1:
            output = np.zeros((result.shape[1], scale * height, scale * width), result.dtype)
        weight = (row.weight[:, np.newaxis] * column.weight).astype(result.dtype)
        output[:, row.target, column.target] += result[0, :, row.kept, column.kept] * weight
        if progress is not None:
            progress(done, len(rows) * len(columns))
    return output


@dataclass(frozen=True)
class _Strip:
    """One tile along one axis: where it reads, what of its result is kept, and where that goes with which weight."""

    source: NDArray[np.intp]  # pixels of the image, mirrored beyond its end
    kept: slice  # of the tile's result
    target: slice  # of the output
    weight: NDArray[np.float64]  # falls to 0 where a neighbour takes over; all weights of a pixel sum to 1


def _cut(length: int, tile: int, overlap: int, fade: int, scale: int, multiple: int) -> list[_Strip]:
    """Cut one axis into strips, as drawn at the head of this file."""
    units = -(-length // multiple)
    padded = units * multiple
    count = -(-units // -(-tile // multiple))
    edges = [units * index // count * multiple for index in range(count + 1)]  # cores differ by one unit at most
    half = min(fade, *(upper - lower for lower, upper in pairwise(edges))) // 2
    reach = -(-(overlap + half) // multiple) * multiple
    mirrored = np.pad(np.arange(length), (0, padded - length), mode="reflect")
    strips = []
    for lower, upper in pairwise(edges):
        begin, end = max(lower - reach, 0), min(upper + reach, padded)
        first, last = max(lower - half, 0), min(upper + half, length)
        position = (np.arange(scale * first, scale * last) + 0.5) / scale  # of an output pixel's centre in the input
        weight = np.ones(len(position))
        if half and lower > 0:
            weight *= np.clip(0.5 + (position - lower) / (2 * half), 0, 1)
        if half and upper < padded:
            weight *= np.clip(0.5 - (position - upper) / (2 * half), 0, 1)
        strips.append(
            _Strip(
                source=mirrored[begin:end],
                kept=slice(scale * (first - begin), scale * (last - begin)),
                target=slice(scale * first, scale * last),
                weight=weight,
            )
        )
    return strips


def _check_arguments(image: Array, at_least_one: dict[str, int], at_least_zero: dict[str, int]) -> None:
    if image.ndim != 3 or image.size == 0:
        raise ShapeError(
            f"apply_tiled: image must be (C, H, W) and not empty, not {image.shape}; "
            "pass one picture, and a grey one as (1, H, W)"
        )
    if not np.issubdtype(image.dtype, np.floating):
        raise DTypeError(
            f"apply_tiled: pixels must be floating-point numbers, not {image.dtype}; "
            "convert the image, as in image.astype(np.float32) / 255"
        )
    for least, values in ((1, at_least_one), (0, at_least_zero)):
        for name, value in values.items():
            if value < least:
                raise ShapeError(
                    f"apply_tiled: {name} must be {least} or more, not {value}; leave it out for the default"
                )


def _check_result(result: Array, piece: Array, scale: int) -> None:
    height, width = (scale * side for side in piece.shape[2:])
    if result.ndim != 4 or result.shape[0] != 1 or result.shape[2:] != (height, width):
        raise ShapeError(
            f"apply_tiled: function must turn {piece.shape} into (1, F, {height}, {width}) for scale={scale}, "
            f"but returned {result.shape}; set scale to how many times larger its output is, "
            "and multiple to what its input must be divisible by"
        )
    if not np.issubdtype(result.dtype, np.floating):
        raise DTypeError(f"apply_tiled: function must return floating-point numbers, not {result.dtype}; convert them")
