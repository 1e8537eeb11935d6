"""Inpainter, a network that fills in holes of photos: first smoothly, then a `ResidualEditor` adds edges.

The pixels of a hole have exactly the colour `HOLE_COLOUR`. The smooth filling comes from an image pyramid (Gortler et
al., "The lumigraph", 1996): each halving of the resolution takes means of the known pixels, until no hole is left; each
doubling interpolates these means in the holes. Then a few sweeps replace each pixel of a hole by the mean of its 3×3
neighbourhood. Many sweeps would solve Laplace's equation Δu = 0 in the hole, with the known pixels as its boundary.
With a pyramid, few are enough: this is a multigrid method (Briggs et al., "A multigrid tutorial", 2000).

A large hole needs pixels from far away. So that a photo can be filled in tiles, `coarse_fill` fills it at a low
resolution, and each tile gets its part.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

import minicnn.nn.functional as F
from minicnn.autograd.tape import no_grad
from minicnn.autograd.tensor import Tensor
from minicnn.data.samples import to_unit
from minicnn.models.editing_network import MIDDLE_GREY, EditingNetwork
from minicnn.models.editor import ResidualEditor
from minicnn.ops.comparison import where
from minicnn.ops.create import from_numpy
from minicnn.ops.indexing import cat

__all__ = ["CELL", "FILL_RADIUS", "HOLE_COLOUR", "Inpainter", "coarse_fill", "pyramid_fill"]

HOLE_COLOUR = (1.0, 0.0, 1.0)  # magenta: easy to paint, rare in photos
CELL = 32  # pixels; the width of the pixels of `coarse_fill`
SWEEPS = 3  # at each resolution; without them, PSNR inside holes is 0.3 dB lower
# How far a tile's end disturbs `pyramid_fill`: each sweep by a pixel of its resolution (16, 8, 4, 2 or 1 pixels wide),
# each doubling by a pixel of the lower one.
FILL_RADIUS = SWEEPS * (CELL - 1) + 2 * (CELL - 1)


class Inpainter(EditingNetwork):
    """A network that fills in holes: output = input; inside the holes, smooth filling + learned difference.

    The learned difference is that of a `ResidualEditor`, which gets the filled picture and the mask of the holes. It
    learns more than a U-Net in the same time: the smooth filling already knows what is far away. Pixels outside the
    holes do not change.

    Parameters
    ----------
    in_channels, out_channels : int
        3: photos in colour.
    width, blocks : int
        As for `ResidualEditor`.

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

    def __init__(self, in_channels: int = 3, out_channels: int = 3, width: int = 48, blocks: int = 4) -> None:
        super().__init__(in_channels=in_channels, out_channels=out_channels, width=width, blocks=blocks)
        self.editor = ResidualEditor(in_channels + 1, out_channels, width=width, blocks=blocks)
        self.multiple, self.radius = self.editor.multiple, self.editor.radius

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, 3, H, W) to the filled pictures of the same shape.

        Raises
        ------
        ShapeError
            If the input has another number of axes or channels.
        """
        self._check(x)
        return self.edited(x)

    def edited(self, x: Tensor) -> Tensor:
        """Return the filled pictures for x of any size."""
        return self.fill(self.first_guess(x), _holes(x))

    def fill(self, smooth: Tensor, hole: Tensor) -> Tensor:
        """Add the learned difference to pictures whose holes are filled smoothly. This is for tiles of a picture.

        Parameters
        ----------
        smooth : Tensor, (N, 3, H, W)
        hole : Tensor, (N, 1, H, W)
            1 in holes, 0 elsewhere.
        """
        return self._padded(self._with_difference, cat([smooth, hole], dim=1))

    def _with_difference(self, both: Tensor) -> Tensor:
        smooth, hole = both[:, :-1], both[:, -1:]
        learned = self.editor.difference(cat([smooth - MIDDLE_GREY, hole], dim=1))
        y: Tensor = smooth + hole * learned
        return y

    def first_guess(self, x: Tensor) -> Tensor:
        """Return the pictures with their holes filled smoothly."""
        height, width = x.shape[2:]
        x = F.pad(x, (0, -width % CELL, 0, -height % CELL), mode="replicate")  # `coarse_fill` also has whole cells
        return pyramid_fill(x, _holes(x))[:, :, :height, :width]


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
    return _filled_means(where(hole > 0, 0, x), 1 - hole, coarse)  # holes may hold NaN


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
        pixels = np.where(known, to_unit(image[:, rows][..., columns]), 0)  # holes may hold NaN
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
    filled = F.interpolate(lower, scale_factor=2, mode="bilinear")[:, :, :height, :width]
    known = share[:, :, :height, :width] > 0
    for _ in range(SWEEPS):
        filled = F.avg_pool2d(where(known, means, filled), 3, stride=1, padding=1, count_include_pad=False)
    return where(known, means, filled)
