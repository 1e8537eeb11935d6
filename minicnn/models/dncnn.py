"""DnCNN, the plain denoising network of Zhang et al., "Beyond a Gaussian denoiser" (2017).

A chain of 3×3 convolutions and ReLUs at the full resolution predicts the noise. The paper has 17 or 20 layers of 64
channels and batch normalisation. This one has no normalisation: without it, a tile is edited the same as the image.
"""

import minicnn.nn as nn
from minicnn.autograd.tensor import Tensor
from minicnn.models.editing_network import EditingNetwork, scale_down

__all__ = ["DnCNN"]


class DnCNN(EditingNetwork):
    """A chain of `depth` convolutions that edits images: output = input + learned difference.

    Parameters
    ----------
    in_channels, out_channels : int
        1 for grey, 3 for colour.
    width : int
        The number of channels of the inner layers.
    depth : int
        The number of convolutions, at least 2.

    Raises
    ------
    ArgumentError
        If an argument is not a positive integer.

    Examples
    --------
    >>> import minicnn
    >>> DnCNN(width=8, depth=4)(minicnn.zeros(1, 3, 7, 9)).shape
    (1, 3, 7, 9)
    """

    def __init__(self, in_channels: int = 3, out_channels: int = 3, width: int = 64, depth: int = 17) -> None:
        super().__init__(in_channels=in_channels, out_channels=out_channels, width=width, depth=depth)
        self.radius = depth  # 1 for each 3×3 kernel
        layers: list[nn.Module] = [nn.Conv2d(in_channels, width, 3, padding=1), nn.ReLU()]
        for _ in range(depth - 2):
            layers += [nn.Conv2d(width, width, 3, padding=1), nn.ReLU()]
        self.body = nn.Sequential(*layers)
        self.tail = nn.Conv2d(width, out_channels, 3, padding=1)
        scale_down(self.tail)

    def difference(self, x: Tensor) -> Tensor:
        """Map (N, in_channels, H, W) to (N, out_channels, H, W)."""
        y: Tensor = self.tail(self.body(x))
        return y
