"""EDSR, a network that enlarges photos.

A chain of residual blocks without normalisation, with a connection around all of them (Lim et al., "Enhanced deep
residual networks for single image super-resolution", 2017).

All layers but the last work at the low resolution, and the last one makes scale² pixels of each pixel (Shi et al.,
"Real-time single image and video super-resolution using an efficient sub-pixel convolutional neural network", 2016).
"""

import minicnn.nn as nn
import minicnn.nn.functional as F
from minicnn.autograd.tensor import Tensor
from minicnn.models.editing_network import EditingNetwork, ResidualBlock, scale_down

__all__ = ["EDSR"]


class EDSR(EditingNetwork):
    """A network that enlarges images: output = bicubic enlargement + learned difference.

    Parameters
    ----------
    in_channels, out_channels : int
        1 for grey, 3 for colour.
    scale : int
        Output size / input size.
    width : int
        The number of channels of the inner layers.
    blocks : int
        The number of residual blocks.

    Raises
    ------
    ArgumentError
        If an argument is not a positive integer (`blocks` may be 0).

    Examples
    --------
    >>> import minicnn
    >>> EDSR(scale=3, width=8)(minicnn.zeros(1, 3, 7, 9)).shape
    (1, 3, 21, 27)
    """

    def __init__(
        self, in_channels: int = 3, out_channels: int = 3, scale: int = 2, width: int = 48, blocks: int = 4
    ) -> None:
        super().__init__(in_channels=in_channels, out_channels=out_channels, scale=scale, width=width, blocks=blocks)
        self.radius = 3 + 2 * blocks  # 1 for each 3×3 kernel; bicubic interpolation needs only 2
        self.head = nn.Conv2d(in_channels, width, 3, padding=1)
        self.body = nn.Sequential(*(ResidualBlock(width) for _ in range(blocks)), nn.Conv2d(width, width, 3, padding=1))
        self.tail = nn.Conv2d(width, out_channels * scale**2, 3, padding=1)
        scale_down(self.tail)

    def difference(self, x: Tensor) -> Tensor:
        """Map (N, in_channels, H, W) to (N, out_channels, scale H, scale W)."""
        h = self.head(x)
        return F.pixel_shuffle(self.tail(h + self.body(h)), self.scale)
