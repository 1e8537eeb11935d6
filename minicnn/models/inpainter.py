"""Inpainter, a network that fills in holes of photos: first smoothly, then a U-Net adds edges and texture.

The pixels of a hole have exactly the colour `HOLE_COLOUR`. The smooth filling comes from an image pyramid (Gortler et
al., "The lumigraph", 1996): each halving of the resolution takes means of the known pixels, until no hole is left; each
doubling copies these means into the holes.

A large hole needs pixels from far away. So that a photo can be edited in tiles, `coarse_fill` fills the photo at a low
resolution, and each tile gets its part.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

import minicnn.nn.functional as F
from minicnn.autograd.tape import no_grad
from minicnn.autograd.tensor import Tensor
from minicnn.data.samples import to_unit
from minicnn.models.editing_network import MIDDLE_GREY, EditingNetwork
from minicnn.models.unet import EditingUNet
from minicnn.ops.comparison import where
from minicnn.ops.create import from_numpy
from minicnn.ops.indexing import cat

__all__ = ["CELL", "HOLE_COLOUR", "Inpainter", "coarse_fill", "pyramid_fill"]

HOLE_COLOUR = (1.0, 0.0, 1.0)  # magenta: easy to paint, rare in photos
CELL = 32  # pixels; the width of the pixels of `coarse_fill`


class Inpainter(EditingNetwork):
    """A network that fills in holes: output = input; inside the holes, smooth filling + learned difference.

    The U-Net gets the filled picture and the mask of the holes. Pixels outside the holes do not change.

    Parameters
    ----------
    in_channels, out_channels : int
        3: photos in colour.
    width, levels, blocks : int
        As for `EditingUNet`.

    Raises
    ------
    ArgumentError
        If an argument is not a positive integer (`blocks` may be 0).

    Examples
    --------
    >>> import minicnn
    >>> Inpainter(width=8)(minicnn.zeros(1, 3, 7, 9)).shape
    (1, 3, 7, 9)
    """

    fills = True

    def __init__(
        self, in_channels: int = 3, out_channels: int = 3, width: int = 32, levels: int = 3, blocks: int = 1
    ) -> None:
        super().__init__(in_channels=in_channels, out_channels=out_channels, width=width, levels=levels, blocks=blocks)
        self.unet = EditingUNet(in_channels + 1, out_channels, width, levels, blocks)
        self.multiple = math.lcm(self.unet.multiple, CELL)
        # The filling reads the neighbouring cells of all resolutions: 32 + 16 + 8 + 4 + 2 + 1 pixels.
        self.radius = self.unet.radius + 2 * CELL

    def forward(self, x: Tensor, coarse: Tensor | None = None) -> Tensor:
        """Map (N, 3, H, W) to the filled pictures of the same shape.

        Parameters
        ----------
        x : Tensor, (N, 3, H, W)
        coarse : Tensor, (N, 3, H / 32, W / 32), optional
            The pictures at a low resolution, without holes: the part of `coarse_fill` for tiles whose H and W are
            multiples of `multiple`. Default: from x.

        Raises
        ------
        ShapeError
            If the input has another number of axes or channels.
        """
        return super().forward(x) if coarse is None else self._filled(x, coarse)

    def edited(self, x: Tensor) -> Tensor:
        """Return the filled pictures for x, whose height and width are multiples of `multiple`."""
        return self._filled(x, None)

    def _filled(self, x: Tensor, coarse: Tensor | None) -> Tensor:
        hole = _holes(x)
        smooth = pyramid_fill(x, hole, coarse)
        learned = self.unet.difference(cat([smooth - MIDDLE_GREY, hole], dim=1))
        y: Tensor = smooth + hole * learned
        return y

    def first_guess(self, x: Tensor) -> Tensor:
        """Return the pictures with their holes filled smoothly."""
        return pyramid_fill(x, _holes(x))


def _holes(x: Tensor) -> Tensor:
    """Return (N, 1, H, W): 1 where the pixel has the colour of holes, 0 elsewhere."""
    colour = from_numpy(np.array(HOLE_COLOUR, np.float32)).to(x.device).reshape(1, 3, 1, 1)
    hole: Tensor = (x == colour).all(1, keepdim=True).to(x.dtype)
    return hole


def pyramid_fill(x: Tensor, hole: Tensor, coarse: Tensor | None = None) -> Tensor:
    """Fill in the holes of pictures smoothly, by an image pyramid. Without a known pixel, the result is middle grey.

    Parameters
    ----------
    x : Tensor, (N, C, H, W)
    hole : Tensor, (N, 1, H, W)
        1 in holes, 0 elsewhere.
    coarse : Tensor, (N, C, H / 32, W / 32), optional
        The filled pictures at a low resolution, where the pyramid ends. H and W are multiples of 32.

    Returns
    -------
    Tensor, (N, C, H, W)
        Outside the holes it is x.
    """
    return _filled_means(x * (1 - hole), 1 - hole, coarse)


def coarse_fill(image: NDArray[Any], mask: NDArray[Any]) -> NDArray[np.float32]:
    """Return an image at 1/32 of its resolution, with its holes filled smoothly.

    Parameters
    ----------
    image : numpy.ndarray, (C, H, W), float32 in [0, 1], uint8 or uint16
    mask : numpy.ndarray, (H, W)
        Above 0 in holes.

    Returns
    -------
    numpy.ndarray, (C, ceil(H / 32), ceil(W / 32)), float32 in [0, 1]
    """
    height, width = (-(-side // CELL) for side in mask.shape)
    total = np.zeros((len(image), height, width), np.float32)
    share = np.zeros((1, height, width), np.float32)
    columns = np.minimum(np.arange(width * CELL), mask.shape[1] - 1)  # the last row and column are repeated
    for row in range(height):  # strips, for little memory
        rows = np.minimum(np.arange(row * CELL, (row + 1) * CELL), mask.shape[0] - 1)
        known = mask[np.newaxis, rows][..., columns] == 0
        pixels = to_unit(image[:, rows][..., columns]) * known
        total[:, row] = pixels.reshape(len(image), CELL, width, CELL).mean((1, 3))
        share[:, row] = known.reshape(1, CELL, width, CELL).mean((1, 3))
    with no_grad():
        filled: Any = _filled_means(from_numpy(total[np.newaxis]), from_numpy(share[np.newaxis]))
    result: NDArray[np.float32] = filled.numpy()[0]
    return result


def _filled_means(total: Tensor, share: Tensor, coarse: Tensor | None = None) -> Tensor:
    """Return the means of cells; those without a known pixel get their value from a lower resolution.

    Parameters
    ----------
    total : Tensor, (N, C, H, W)
        The sum of the known pixels of each cell / the number of its pixels.
    share : Tensor, (N, 1, H, W)
        The share of the known pixels of each cell.
    coarse : Tensor, optional
        The values of the resolution that has this many cells.
    """
    height, width = share.shape[2:]
    if coarse is not None and coarse.shape[2:] == (height, width):
        return coarse
    means = total / share.clamp(min=1e-12)
    if height == width == 1:
        return where(share > 0, means, MIDDLE_GREY)
    total, share = (F.pad(part, (0, width % 2, 0, height % 2)) for part in (total, share))  # to even sizes
    lower = _filled_means(F.avg_pool2d(total, 2), F.avg_pool2d(share, 2), coarse)
    upper = F.interpolate(lower, scale_factor=2, mode="bilinear")[:, :, :height, :width]
    return where(share[:, :, :height, :width] > 0, means, upper)
