"""`EditingNetwork`, the base class of all networks that edit images: output = first guess + learned difference.

The first guess is the input in the shape of the output. So a network learns only what must change; for denoising this
is the noise (Zhang et al., "Beyond a Gaussian denoiser", 2017).
"""

from collections.abc import Callable
from typing import Any

import minicnn.nn as nn
import minicnn.nn.functional as F
from minicnn.autograd.tape import no_grad
from minicnn.autograd.tensor import Tensor
from minicnn.errors import ArgumentError, ShapeError

__all__ = ["EditingNetwork", "ResidualBlock", "scale_down"]

MIDDLE_GREY = 0.5  # is subtracted first: networks train faster on numbers around 0


class EditingNetwork(nn.Module):
    """Base class of the networks that edit images of any size.

    A subclass sets `multiple` and `radius`, and defines `difference`.

    Parameters
    ----------
    **arguments : int
        All arguments of the constructor of the subclass; `in_channels` and `out_channels` among them.

    Attributes
    ----------
    arguments : dict
        The arguments of the constructor, from which a saved model is built again.
    in_channels, out_channels : int
        1 for grey, 3 for colour.
    scale : int
        Output size / input size.
    multiple : int
        The network pads height and width to a multiple of this number, and crops the output.
    radius : int
        A tile that starts at a multiple of `multiple` needs this many more pixels on each side. Then its result is the
        result for the whole image.
    fills : bool
        Whether the network fills in the pixels that have exactly the colour `HOLE_COLOUR`. Then it also defines `fill`.
    adds_colours : bool
        Whether a grey image that is edited as 3 equal channels gets a result in colour.
    global_statistics : bool
        Whether the result depends on means over the whole image. Then tiles need `with_statistics`.

    Raises
    ------
    ArgumentError
        If an argument is not a positive integer (`blocks` may be 0).
    """

    multiple: int = 1
    radius: int
    fills: bool = False
    adds_colours: bool = False
    global_statistics: bool = False

    def __init__(self, **arguments: int) -> None:
        super().__init__()
        for name, value in arguments.items():
            if not isinstance(value, int) or value < (name != "blocks"):
                raise ArgumentError(f"{type(self).__name__}: {name} must be a positive integer, got {value!r}")
        self.arguments: dict[str, Any] = arguments
        self.in_channels, self.out_channels = arguments["in_channels"], arguments["out_channels"]
        self.scale = arguments.get("scale", 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, in_channels, H, W) to (N, out_channels, scale H, scale W).

        Raises
        ------
        ShapeError
            If the input has another number of axes or channels.
        """
        self._check(x)
        return self._padded(self.edited, x)

    def _check(self, x: Tensor) -> None:
        if x.ndim != 4 or x.shape[1] != self.in_channels:
            raise ShapeError(
                f"{type(self).__name__}: input must be (N, {self.in_channels}, H, W), got {x.shape}; "
                "build the network with the number of channels of the images"
            )

    def _padded(self, function: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
        """Return function(x) for x of any size: its sides are padded to multiples, and the result is cropped."""
        height, width = x.shape[2:]
        x = F.pad(x, (0, -width % self.multiple, 0, -height % self.multiple), mode="replicate")
        return function(x)[:, :, : height * self.scale, : width * self.scale]

    def edited(self, x: Tensor) -> Tensor:
        """Return the result for x, whose height and width are multiples of `multiple`."""
        y: Tensor = self.first_guess(x) + self.difference(x - MIDDLE_GREY)
        return y

    def difference(self, x: Tensor) -> Tensor:
        """Return the difference between the result and the first guess.

        x is the input minus `MIDDLE_GREY`; its height and width are multiples of `multiple`.
        """
        raise NotImplementedError

    def fill(self, smooth: Tensor, hole: Tensor) -> Tensor:
        """Return the result for a tile of a smoothly filled image and of its holes, if the network `fills` them in."""
        raise NotImplementedError

    def with_statistics(self, x: Tensor) -> "EditingNetwork":
        """Return a network for the tiles of an image x, which uses the means of all of x. Default: this network."""
        return self

    def first_guess(self, x: Tensor) -> Tensor:
        """Return the input in the shape of the output. The network adds its difference to it."""
        if self.in_channels != self.out_channels:
            x = x.mean(1, keepdim=True).expand(-1, self.out_channels, -1, -1)
        return x if self.scale == 1 else F.interpolate(x, scale_factor=self.scale, mode="bicubic")


class ResidualBlock(nn.Module):
    """A residual block, x + conv(relu(conv(x))), with 3×3 kernels and `width` channels.

    It has no normalisation, because this preserves the contrast of images (Lim et al., "Enhanced deep residual networks
    for single image super-resolution", 2017).
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        last = nn.Conv2d(width, width, 3, padding=1)
        scale_down(last)
        self.body = nn.Sequential(nn.Conv2d(width, width, 3, padding=1), nn.ReLU(), last)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, width, H, W) to the same shape."""
        y: Tensor = x + self.body(x)
        return y


def scale_down(layer: nn.Conv2d) -> None:
    """Multiply the weight by 0.1, so that the block or network starts near the identity."""
    with no_grad():
        layer.weight.mul_(0.1)
