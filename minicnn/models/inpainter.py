"""Inpainter, a network that fills in holes of photos: first smoothly, then a U-Net adds edges and texture.

The pixels of a hole have exactly the colour `HOLE_COLOUR`. The smooth filling comes from an image pyramid (Gortler et
al., "The lumigraph", 1996): each halving of the resolution takes means of the known pixels, until no hole is left; each
doubling copies these means into the holes.
"""

import numpy as np

import minicnn.nn.functional as F
from minicnn.autograd.tensor import Tensor
from minicnn.models.editing_network import MIDDLE_GREY, EditingNetwork
from minicnn.models.unet import EditingUNet
from minicnn.ops.comparison import where
from minicnn.ops.create import from_numpy
from minicnn.ops.indexing import cat

__all__ = ["HOLE_COLOUR", "Inpainter", "pyramid_fill"]

HOLE_COLOUR = (1.0, 0.0, 1.0)  # magenta: easy to paint, rare in photos
HALVINGS = 5  # of the pyramid: its largest cells are 32 pixels wide


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
        self.multiple = max(self.unet.multiple, 2**HALVINGS)
        self.radius = self.unet.radius + 3 * 2**HALVINGS  # a cell and its neighbours, at all resolutions

    def edited(self, x: Tensor) -> Tensor:
        """Map (N, 3, H, W) to the filled pictures of the same shape."""
        hole = _holes(x)
        filled = pyramid_fill(x, hole)
        learned = self.unet.difference(cat([filled - MIDDLE_GREY, hole], dim=1))
        y: Tensor = filled + hole * learned
        return y

    def first_guess(self, x: Tensor) -> Tensor:
        """Return the picture with its holes filled smoothly."""
        height, width = x.shape[2:]
        multiple = 2**HALVINGS
        x = F.pad(x, (0, -width % multiple, 0, -height % multiple), mode="replicate")
        y: Tensor = pyramid_fill(x, _holes(x))[:, :, :height, :width]
        return y


def _holes(x: Tensor) -> Tensor:
    """Return (N, 1, H, W): 1 where the pixel has the colour of holes, 0 elsewhere."""
    colour = from_numpy(np.array(HOLE_COLOUR, np.float32)).to(x.device).reshape(1, 3, 1, 1)
    hole: Tensor = (x == colour).all(1, keepdim=True).to(x.dtype)
    return hole


def pyramid_fill(x: Tensor, hole: Tensor) -> Tensor:
    """Fill in the holes of pictures smoothly, by an image pyramid.

    Cells of 32 pixels without a known pixel get the mean of all known pixels, or middle grey if there are none.

    Parameters
    ----------
    x : Tensor, (N, C, H, W)
        H and W are multiples of 32.
    hole : Tensor, (N, 1, H, W)
        1 in holes, 0 elsewhere.

    Returns
    -------
    Tensor, (N, C, H, W)
        Outside the holes it is x.
    """
    share = 1 - hole  # of known pixels in a cell
    total = x * share  # their sum / the size of the cell
    levels = [(total, share)]
    for _ in range(HALVINGS):
        total, share = F.avg_pool2d(total, 2), F.avg_pool2d(share, 2)
        levels.append((total, share))
    known = share.mean((2, 3), keepdim=True)
    everywhere = total.mean((2, 3), keepdim=True) / known.clamp(min=1e-12)
    filled = where(known > 0, everywhere, MIDDLE_GREY)
    for index, (total, share) in enumerate(reversed(levels)):
        if index:
            filled = F.interpolate(filled, scale_factor=2, mode="bilinear")
        filled = where(share > 0, total / share.clamp(min=1e-12), filled)
    return filled
