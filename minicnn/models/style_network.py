"""StyleNetwork, a network that redraws photos in the style of a picture, in one pass.

The network of Johnson et al., "Perceptual losses for real-time style transfer and super-resolution" (2016): two strided
convolutions, residual blocks, and two enlargements. Instance norm takes the contrast of the photo away (Ulyanov et al.,
"Instance normalization: the missing ingredient for fast stylization", 2016). Repeated pixels and a convolution enlarge
without a checkerboard (Odena et al., "Deconvolution and checkerboard artifacts", 2016). Reflection padding leaves no
frame around the picture.
"""

import copy

import minicnn.nn as nn
from minicnn.autograd.tape import no_grad
from minicnn.autograd.tensor import Tensor
from minicnn.models.editing_network import MIDDLE_GREY, EditingNetwork
from minicnn.ops.activation import sigmoid
from minicnn.ops.create import zeros

__all__ = ["StyleNetwork"]


class StyleNetwork(EditingNetwork):
    """A network that redraws images in one style.

    Instance norm subtracts the mean of a channel over the whole image, and divides by its standard deviation. So the
    result of a tile alone would have other colours than its neighbours. `edit` therefore measures mean and standard
    deviation once for all tiles, with `with_statistics`; then the radius is limited, and the tiles fit exactly.

    Parameters
    ----------
    in_channels, out_channels : int
        1 for grey, 3 for colour.
    width : int
        The number of channels at the full resolution. The residual blocks have 4 `width` channels at a quarter of it.
    blocks : int
        The number of residual blocks.

    Raises
    ------
    ArgumentError
        If an argument is not a positive integer (`blocks` may be 0).

    Examples
    --------
    >>> import minicnn
    >>> StyleNetwork(width=4)(minicnn.zeros(1, 3, 7, 9)).shape
    (1, 3, 7, 9)
    """

    multiple = 8  # so that the smallest image has 2×2 pixels at a quarter of the resolution, enough to reflect
    adds_colours = True
    global_statistics = True

    def __init__(self, in_channels: int = 3, out_channels: int = 3, width: int = 16, blocks: int = 3) -> None:
        super().__init__(in_channels=in_channels, out_channels=out_channels, width=width, blocks=blocks)
        self.radius = 8 + 8 * blocks + 4  # down (4 + 1 + 2, rounded up to 8), through the blocks, and up (2 + 1 + 1)
        self.head = nn.Sequential(*_layers(in_channels, width, 9))
        self.body = nn.Sequential(
            *_layers(width, 2 * width, 3, stride=2),
            *_layers(2 * width, 4 * width, 3, stride=2),
            *(_StyleBlock(4 * width) for _ in range(blocks)),
            nn.Upsample(scale_factor=2),
            *_layers(4 * width, 2 * width, 3),
            nn.Upsample(scale_factor=2),
            *_layers(2 * width, width, 3),
        )
        self.tail = _conv(width, out_channels, 3)

    def edited(self, x: Tensor) -> Tensor:
        """Map (N, in_channels, H, W) to (N, out_channels, H, W), in (0, 1)."""
        h = self.head(x - MIDDLE_GREY)
        y: Tensor = sigmoid(self.tail(h + self.body(h)))
        return y

    def with_statistics(self, x: Tensor) -> "StyleNetwork":
        """Return a copy in eval mode whose instance norms use the means and standard deviations of their inputs for x.

        Parameters
        ----------
        x : Tensor, (1, in_channels, H, W)
            A whole image, or pixels that represent it.
        """
        network = copy.deepcopy(self)
        for layer in network.modules():
            if isinstance(layer, nn.InstanceNorm2d):
                layer.running_mean = zeros(layer.num_features, device=x.device)
                layer.running_var = zeros(layer.num_features, device=x.device)
                layer.track_running_stats, layer.momentum = True, 1.0  # the last input replaces earlier ones
        with no_grad():
            network.train()(x)
        return network.eval()


class _StyleBlock(nn.Module):
    """x + norm(conv(relu(norm(conv(x)))))."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            *_layers(width, width, 3), _conv(width, width, 3), nn.InstanceNorm2d(width, affine=True)
        )

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = x + self.body(x)
        return y


def _layers(in_channels: int, out_channels: int, size: int, stride: int = 1) -> tuple[nn.Module, ...]:
    return _conv(in_channels, out_channels, size, stride), nn.InstanceNorm2d(out_channels, affine=True), nn.ReLU()


def _conv(in_channels: int, out_channels: int, size: int, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(in_channels, out_channels, size, stride=stride, padding=size // 2, padding_mode="reflect")
