"""PatchDiscriminator, the PatchGAN of pix2pix: it tells targets from results of a generator, patch by patch.

Strided 4×4 convolutions halve the resolution, and each number of the last one judges the patch of pixels that it sees
(Isola et al., "Image-to-image translation with conditional adversarial networks", 2017). So the network learns texture,
which a mean error blurs; an L1 loss beside it takes care of the rest. The paper normalises the layers over a batch of
one picture. This network has no normalisation, because it removes contrast: with it, results had coloured edges and
larger errors.
"""

from itertools import pairwise

import minicnn.nn as nn
import minicnn.nn.functional as F
from minicnn.autograd.tensor import Tensor
from minicnn.errors import ArgumentError, ShapeError
from minicnn.ops.indexing import cat

__all__ = ["PatchDiscriminator"]

KERNEL = 4
WIDEST = 8  # no layer has more than this many times `width` channels
SLOPE = 0.2  # of LeakyReLU


class PatchDiscriminator(nn.Module):
    """A network that judges whether a picture is a target of an input, or made from the input by a generator.

    The layers have C, 2C, 4C, ..., at most 8C channels: convolution and LeakyReLU. The first `layers` convolutions have
    stride 2; one more layer and the output have stride 1.

    Parameters
    ----------
    in_channels, out_channels : int
        The channels of the generator's inputs and of its results: 1 for grey, 3 for colour.
    width : int
        C, the number of channels of the first layer.
    layers : int
        The number of strided convolutions. A logit sees 16×16 pixels with 1, 34×34 with 2, 70×70 (as in the paper)
        with 3.

    Attributes
    ----------
    receptive_field : int
        Side of the patch that a logit sees, in pixels.
    smallest : int
        The smallest height and width of a picture, in pixels.

    Raises
    ------
    ArgumentError
        If an argument is not a positive integer.

    Examples
    --------
    >>> import minicnn
    >>> PatchDiscriminator(width=8)(minicnn.zeros(1, 3, 32, 48), minicnn.zeros(1, 3, 64, 96)).shape
    (1, 1, 14, 22)
    """

    def __init__(self, in_channels: int = 3, out_channels: int = 3, width: int = 32, layers: int = 2) -> None:
        super().__init__()
        arguments = {"in_channels": in_channels, "out_channels": out_channels, "width": width, "layers": layers}
        for name, value in arguments.items():
            if not isinstance(value, int) or value < 1:
                raise ArgumentError(f"PatchDiscriminator: {name} must be a positive integer, got {value!r}")
        self.in_channels, self.out_channels = in_channels, out_channels
        self.smallest = 3 * 2**layers  # 3×3 pixels for the layers of stride 1, which take one pixel each
        self.receptive_field = KERNEL + (KERNEL - 1)  # of the layers of stride 1
        for _ in range(layers):
            self.receptive_field = 2 * self.receptive_field + KERNEL - 2
        widths = [width * min(2**layer, WIDEST) for layer in range(layers + 1)]
        body: list[nn.Module] = []
        for layer, (before, after) in enumerate(pairwise([in_channels + out_channels, *widths])):
            stride = 2 if layer < layers else 1
            body += [nn.Conv2d(before, after, KERNEL, stride=stride, padding=1), nn.LeakyReLU(SLOPE)]
        self.body = nn.Sequential(*body)
        self.tail = nn.Conv2d(widths[-1], 1, KERNEL, padding=1)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Return the logits that `y` is the target of `x`, for each patch: above 0 for "target", below 0 for "made".

        Parameters
        ----------
        x : Tensor, (N, in_channels, H, W)
            The inputs of the generator.
        y : Tensor, (N, out_channels, scale H, scale W)
            Targets or results in [0, 1]; `scale` is an integer. The inputs are enlarged to their size.

        Returns
        -------
        Tensor, (N, 1, h, w)
            h = scale H // 2 ** layers - 2, and likewise w.

        Raises
        ------
        ShapeError
            If a shape does not fit, or the pictures are too small.
        """
        height, width = x.shape[2:] if x.ndim == 4 else (0, 0)
        scale = y.shape[2] // max(height, 1) if y.ndim == 4 else 0
        expected = (len(x), self.out_channels, scale * height, scale * width)
        if x.ndim != 4 or x.shape[1] != self.in_channels or scale < 1 or y.shape != expected:
            raise ShapeError(
                f"PatchDiscriminator: the inputs must be (N, {self.in_channels}, H, W) and the pictures "
                f"(N, {self.out_channels}, scale H, scale W), got {x.shape} and {y.shape}"
            )
        if min(y.shape[2:]) < self.smallest:
            raise ShapeError(
                f"PatchDiscriminator: pictures must have at least {self.smallest} x {self.smallest} pixels, "
                f"got {y.shape[3]} x {y.shape[2]}; choose larger patches"
            )
        if scale > 1:
            x = F.interpolate(x, scale_factor=scale)
        logits: Tensor = self.tail(self.body(2 * cat([x, y], dim=1) - 1))  # from [0, 1] to [-1, 1]
        return logits
