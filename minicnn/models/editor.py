"""ResidualEditor, a small fully convolutional network that edits photos of any size.

It moves each 2×2 pixels to channels and works at half the resolution. This takes a quarter of the work and doubles the
receptive field (Zhang et al., "FFDNet", 2018). No activation follows the residual blocks, as in EDSR (Lim et al.,
"Enhanced deep residual networks for single image super-resolution", 2017): a ReLU there lies on every path from the
input to the output, so the gradient of the whole network is 0 as soon as all its channels are 0.
"""

import minicnn.nn as nn
import minicnn.nn.functional as F
from minicnn.autograd.tensor import Tensor
from minicnn.models.editing_network import EditingNetwork, ResidualBlock, scale_down

__all__ = ["ResidualEditor"]


class ResidualEditor(EditingNetwork):
    """A network that edits images: output = input, enlarged by `scale`, + learned difference.

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
    >>> ResidualEditor(scale=2, width=8)(minicnn.zeros(1, 3, 7, 9)).shape
    (1, 3, 14, 18)
    """

    def __init__(
        self, in_channels: int = 3, out_channels: int = 3, scale: int = 1, width: int = 48, blocks: int = 2
    ) -> None:
        super().__init__(in_channels=in_channels, out_channels=out_channels, scale=scale, width=width, blocks=blocks)
        self.multiple = 2 if scale == 1 else 1  # an enlargement starts from few pixels: keep the full resolution
        self.radius = self.multiple * (2 + 2 * blocks) + 2  # 1 for each 3×3 kernel, 2 for bicubic interpolation
        self.head = nn.Conv2d(in_channels * self.multiple**2, width, 3, padding=1)
        self.body = nn.Sequential(*(ResidualBlock(width) for _ in range(blocks)))
        self.tail = nn.Conv2d(width, out_channels * (self.multiple * scale) ** 2, 3, padding=1)
        scale_down(self.tail)

    def difference(self, x: Tensor) -> Tensor:
        """Map (N, in_channels, H, W) to (N, out_channels, scale H, scale W)."""
        h = self.body(self.head(F.pixel_unshuffle(x, self.multiple)))
        return F.pixel_shuffle(self.tail(h), self.multiple * self.scale)
