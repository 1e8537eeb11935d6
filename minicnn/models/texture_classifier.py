"""TextureClassifier, a small VGG whose features describe texture: style transfer compares pictures with them.

It learns to tell from which of many photos a patch is cut. This needs no labels (Dosovitskiy et al., "Discriminative
unsupervised feature learning with convolutional neural networks", 2014). The features are those of VGG (Simonyan and
Zisserman, "Very deep convolutional networks for large-scale image recognition", 2015), with two changes. Batch norm
makes the training short, and gives all channels similar sizes, as Gatys et al. need them. Mean pooling gives smoother
gradients for pixels than maximum pooling ("Image style transfer using convolutional neural networks", 2016).
"""

from itertools import pairwise
from typing import Any

import minicnn.nn as nn
import minicnn.nn.functional as F
from minicnn.autograd.tensor import Tensor
from minicnn.errors import ArgumentError, ShapeError
from minicnn.models.editing_network import MIDDLE_GREY

__all__ = ["TextureClassifier"]


class TextureClassifier(nn.Module):
    """3×3 convolutions, batch norm, ReLU and mean pooling; the mean over all pixels; a linear layer.

    Level k = 1, 2, ... works at 1 / 2 ** (k - 1) of the resolution with k `width` channels. Level 1 has one
    convolution, the others have two.

    Parameters
    ----------
    classes : int
        The number of photos.
    width : int
        The number of channels of level 1.
    levels : int
        The number of resolutions.

    Attributes
    ----------
    arguments : dict
        The arguments of the constructor, from which a saved model is built again.
    multiple : int
        The smallest side of a picture: each level needs a pixel.

    Raises
    ------
    ArgumentError
        If an argument is not a positive integer.

    Examples
    --------
    >>> import minicnn
    >>> network = TextureClassifier(classes=5, width=4, levels=2)
    >>> network(minicnn.zeros(1, 3, 8, 10)).shape
    (1, 5)
    >>> [y.shape for y in network.features(minicnn.zeros(1, 3, 8, 10))]
    [(1, 4, 8, 10), (1, 8, 4, 5)]
    """

    def __init__(self, classes: int = 261, width: int = 24, levels: int = 4) -> None:
        super().__init__()
        self.arguments: dict[str, Any] = {"classes": classes, "width": width, "levels": levels}
        for name, value in self.arguments.items():
            if not isinstance(value, int) or value < 1:
                raise ArgumentError(f"TextureClassifier: {name} must be a positive integer, got {value!r}")
        self.multiple = 2 ** (levels - 1)
        widths = [width * level for level in range(1, levels + 1)]
        first = nn.Sequential(*_layers(3, width))
        deeper = (nn.Sequential(*_layers(a, b), *_layers(b, b)) for a, b in pairwise(widths))
        self.levels = nn.ModuleList([first, *deeper])
        self.linear = nn.Linear(widths[-1], classes)

    def features(self, x: Tensor) -> list[Tensor]:
        """Return the features of pictures at the end of each level, before pooling.

        Parameters
        ----------
        x : Tensor, (N, 3, H, W), in [0, 1]

        Returns
        -------
        list of Tensor, (N, k width, H // 2 ** (k - 1), W // 2 ** (k - 1)) for k = 1, 2, ...

        Raises
        ------
        ShapeError
            If the input has another number of axes or channels, or a side is below `multiple`.
        """
        if x.ndim != 4 or x.shape[1] != 3 or min(x.shape[2:]) < self.multiple:
            raise ShapeError(
                f"TextureClassifier: input must be (N, 3, H, W) with H and W at least {self.multiple}, got {x.shape}; "
                "pass larger colour pictures"
            )
        found: list[Tensor] = []
        h = x - MIDDLE_GREY
        for level in self.levels:
            h = level(F.avg_pool2d(h, 2) if found else h)
            found.append(h)
        return found

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, 3, H, W) to the logits of the classes, (N, classes); errors as in `features`."""
        y: Tensor = self.linear(self.features(x)[-1].mean((2, 3)))
        return y


def _layers(in_channels: int, out_channels: int) -> tuple[nn.Module, ...]:
    return (
        nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False),
        nn.BatchNorm2d(out_channels),
        nn.ReLU(),
    )
