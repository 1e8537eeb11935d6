"""ResidualEditor: a small fully convolutional network that edits photos of any size.

It learns the difference to the input, which for denoising is the noise (Zhang et al., "Beyond a Gaussian denoiser",
2017), and works at half the resolution on 2×2 pixels folded into channels, which quarters the work and doubles the
view (Zhang et al., "FFDNet", 2018). Its middle is residual blocks without normalisation, as images keep their contrast
better that way (Lim et al., "Enhanced deep residual networks for single image super-resolution", 2017).
"""

from typing import Any

import minicnn.nn as nn
import minicnn.nn.functional as F
from minicnn.autograd.tape import no_grad
from minicnn.autograd.tensor import Tensor
from minicnn.errors import ArgumentError, ShapeError

__all__ = ["ResidualBlock", "ResidualEditor"]


class ResidualBlock(nn.Module):
    """x + conv(relu(conv(x)))."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width, width, 3, padding=1)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1)
        _shrink(self.conv2)

    def forward(self, x: Tensor) -> Tensor:
        """(N, width, H, W) -> the same."""
        y: Tensor = x + self.conv2(F.relu(self.conv1(x)))
        return y


class ResidualEditor(nn.Module):
    """Edit a picture: output = enlarged input + what the network adds.

    Parameters
    ----------
    in_channels, out_channels : int
        1 for grey, 3 for colour.
    scale : int
        How many times larger the output is along each side.
    width : int
        Channels inside.
    blocks : int
        Residual blocks.

    Attributes
    ----------
    arguments : dict
        The parameters above, so that a saved model can be built again.
    scale, multiple, radius : int
        For editing in tiles: the output's scale, what the network wants the sides to be a multiple of (others are
        padded and cut inside), and how far it sees, in input pixels.

    Examples
    --------
    >>> import minicnn
    >>> ResidualEditor(scale=2, width=8)(minicnn.zeros(1, 3, 7, 9)).shape
    (1, 3, 14, 18)
    """

    def __init__(
        self, in_channels: int = 3, out_channels: int = 3, scale: int = 1, width: int = 48, blocks: int = 2
    ) -> None:
        super().__init__()
        self.arguments: dict[str, Any] = {
            "in_channels": in_channels,
            "out_channels": out_channels,
            "scale": scale,
            "width": width,
            "blocks": blocks,
        }
        for name, value in self.arguments.items():
            if not isinstance(value, int) or value < (name != "blocks"):
                raise ArgumentError(f"ResidualEditor: {name} must be a positive integer, got {value!r}")
        self.in_channels, self.out_channels, self.scale = in_channels, out_channels, scale
        self.multiple = 2 if scale == 1 else 1  # enlarging starts from pixels that are few already
        self.radius = self.multiple * (2 + 2 * blocks) + 2  # 3×3 kernels see one pixel; the cubic enlargement two
        self.head = nn.Conv2d(in_channels * self.multiple**2, width, 3, padding=1)
        self.body = nn.Sequential(*(ResidualBlock(width) for _ in range(blocks)))
        self.tail = nn.Conv2d(width, out_channels * (self.multiple * scale) ** 2, 3, padding=1)
        _shrink(self.tail)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) -> (N, out_channels, scale H, scale W)."""
        if x.ndim != 4 or x.shape[1] != self.in_channels:
            raise ShapeError(
                f"ResidualEditor: input must be (N, {self.in_channels}, H, W), got {x.shape}; "
                "this network was built for pictures with that number of channels"
            )
        height, width = x.shape[2:]
        x = F.pad(x, (0, -width % self.multiple, 0, -height % self.multiple), mode="replicate")
        h = self.head(F.pixel_unshuffle(x, self.multiple))
        h = self.tail(F.relu(self.body(h)))
        out = self._start(x) + F.pixel_shuffle(h, self.multiple * self.scale)
        return out[:, :, : height * self.scale, : width * self.scale]

    def _start(self, x: Tensor) -> Tensor:
        """The input as a first guess of the output."""
        if self.in_channels != self.out_channels:
            x = x.mean(1, keepdim=True).expand(-1, self.out_channels, -1, -1)
        return x if self.scale == 1 else F.interpolate(x, scale_factor=self.scale, mode="bicubic")


def _shrink(layer: nn.Conv2d) -> None:
    """Start near the identity: what a branch adds is small at first."""
    with no_grad():
        layer.weight.mul_(0.1)
