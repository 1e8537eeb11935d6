"""ResidualEditor, a small fully convolutional network that edits photos of any size.

It learns the difference between output and input; for denoising this is the noise (Zhang et al., "Beyond a Gaussian
denoiser", 2017). It moves each 2×2 pixels to channels and works at half the resolution. This takes a quarter of the
work and doubles the receptive field (Zhang et al., "FFDNet", 2018). Its residual blocks have no normalisation, because
this preserves the contrast of images (Lim et al., "Enhanced deep residual networks for single image super-resolution",
2017).
"""

from typing import Any

import minicnn.nn as nn
import minicnn.nn.functional as F
from minicnn.autograd.tape import no_grad
from minicnn.autograd.tensor import Tensor
from minicnn.errors import ArgumentError, ShapeError

__all__ = ["ResidualBlock", "ResidualEditor"]


class ResidualBlock(nn.Module):
    """A residual block, x + conv(relu(conv(x))), with 3×3 kernels and `width` channels."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width, width, 3, padding=1)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1)
        _scale_down(self.conv2)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, width, H, W) to the same shape."""
        y: Tensor = x + self.conv2(F.relu(self.conv1(x)))
        return y


class ResidualEditor(nn.Module):
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

    Attributes
    ----------
    arguments : dict
        The arguments of the constructor, from which a saved model is built again.
    scale : int
    multiple : int
        The network pads height and width to a multiple of this number, and crops the output.
    radius : int
        Half the size of the receptive field, in input pixels. Editing in tiles needs scale, multiple and radius.

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
        self.multiple = 2 if scale == 1 else 1  # an enlargement starts from few pixels: keep the full resolution
        self.radius = self.multiple * (2 + 2 * blocks) + 2  # 1 for each 3×3 kernel, 2 for bicubic interpolation
        self.head = nn.Conv2d(in_channels * self.multiple**2, width, 3, padding=1)
        self.body = nn.Sequential(*(ResidualBlock(width) for _ in range(blocks)))
        self.tail = nn.Conv2d(width, out_channels * (self.multiple * scale) ** 2, 3, padding=1)
        _scale_down(self.tail)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, in_channels, H, W) to (N, out_channels, scale H, scale W).

        Raises
        ------
        ShapeError
            If the input has another number of axes or channels.
        """
        if x.ndim != 4 or x.shape[1] != self.in_channels:
            raise ShapeError(
                f"ResidualEditor: input must be (N, {self.in_channels}, H, W), got {x.shape}; "
                "build the network with the number of channels of the images"
            )
        height, width = x.shape[2:]
        x = F.pad(x, (0, -width % self.multiple, 0, -height % self.multiple), mode="replicate")
        h = self.head(F.pixel_unshuffle(x, self.multiple))
        h = self.tail(F.relu(self.body(h)))
        out = self.first_guess(x) + F.pixel_shuffle(h, self.multiple * self.scale)
        return out[:, :, : height * self.scale, : width * self.scale]

    def first_guess(self, x: Tensor) -> Tensor:
        """Return the input in the shape of the output. The network adds its difference to it."""
        if self.in_channels != self.out_channels:
            x = x.mean(1, keepdim=True).expand(-1, self.out_channels, -1, -1)
        return x if self.scale == 1 else F.interpolate(x, scale_factor=self.scale, mode="bicubic")


def _scale_down(layer: nn.Conv2d) -> None:
    """Multiply the weight by 0.1, so that the block or network starts near the identity."""
    with no_grad():
        layer.weight.mul_(0.1)
