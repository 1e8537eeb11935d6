"""Holes of photos of any size: find the painted ones, and fill them in smoothly before a network works on them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from minicnn.autograd.tape import no_grad
from minicnn.data.samples import full_scale, to_samples, to_unit
from minicnn.imaging.tiling import TILE, apply_tiled
from minicnn.models import CELL, FILL_RADIUS, HOLE_COLOUR, coarse_fill, pyramid_fill
from minicnn.ops.create import from_numpy

__all__ = ["painted_holes", "smooth_fill"]

Pixels = NDArray[Any]


def painted_holes(image: Pixels) -> Pixels:
    """Return a mask (H, W) of an image (C, H, W): white where a pixel has exactly the colour `HOLE_COLOUR`, else 0."""
    colour = to_samples(np.array(HOLE_COLOUR), image.dtype)[:, np.newaxis, np.newaxis]
    return np.where((image == colour).all(0), full_scale(image.dtype), 0).astype(image.dtype)


def smooth_fill(image: Pixels, mask: Pixels, tile: int = TILE) -> Pixels:
    """Fill in holes of an image of any size smoothly, in tiles: `pyramid_fill` of the whole image.

    Parameters
    ----------
    image : numpy.ndarray, (C, H, W), float32 in [0, 1], uint8 or uint16
    mask : numpy.ndarray, (H, W)
        Above 0 in holes.
    tile : int
        Side of the tiles, in pixels.

    Returns
    -------
    numpy.ndarray, of the image's shape and dtype
        Outside the holes it is the image.
    """
    if not (mask > 0).any():
        return image
    channels = len(image)
    coarse = to_samples(coarse_fill(image, mask), image.dtype).repeat(CELL, 1).repeat(CELL, 2)
    coarse = coarse[:, : image.shape[1], : image.shape[2]]

    def fill(piece: Pixels) -> Pixels:
        x, low, hole = piece[:, :channels], piece[:, channels:-1, ::CELL, ::CELL], piece[:, -1:]
        if not hole.any():
            return x
        with no_grad():
            filled = pyramid_fill(from_numpy(to_unit(x)), from_numpy(hole.astype(np.float32)), from_numpy(to_unit(low)))
        return to_samples(filled.numpy(), image.dtype)

    stack = np.concatenate([image, coarse, (mask > 0)[np.newaxis].astype(image.dtype)])
    return apply_tiled(fill, stack, tile=tile, overlap=FILL_RADIUS, fade=0, multiple=CELL)
