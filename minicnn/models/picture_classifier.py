"""PictureClassifier, a small classifier of small pictures. Its features measure generated pictures.

Convolutions and pooling as in VGG (Simonyan and Zisserman, "Very deep convolutional networks for large-scale image
recognition", 2015), with batch norm, and a layer of 64 features before the classes. The Fréchet distance in these
features is for small pictures what the one in Inception's features is for photos (Heusel et al., 2017).
"""

from typing import Any

import minicnn.nn as nn
from minicnn.autograd.tensor import Tensor
from minicnn.errors import ArgumentError
from minicnn.models.generative_model import check_arguments

__all__ = ["PictureClassifier"]

FEATURES = 64
SMALLEST = 4  # pixels: two poolings need them


class PictureClassifier(nn.Module):
    """Map pictures (N, channels, size, size) in [0, 1] to logits (N, classes).

    Parameters
    ----------
    channels, size : int
        Of the pictures.
    classes : int
    width : int
        The number of channels at the full resolution; half of it has 2 `width`.

    Attributes
    ----------
    arguments : dict
        The arguments of the constructor, from which a saved model is built again.

    Raises
    ------
    ArgumentError
        If an argument is not a positive integer, or the size is below 4.

    Examples
    --------
    >>> import minicnn
    >>> network = PictureClassifier(width=8).eval()
    >>> network(minicnn.zeros(2, 1, 28, 28)).shape, network.features(minicnn.zeros(2, 1, 28, 28)).shape
    ((2, 10), (2, 64))
    """

    def __init__(self, channels: int = 1, size: int = 28, classes: int = 10, width: int = 32) -> None:
        super().__init__()
        arguments = {"channels": channels, "size": size, "classes": classes, "width": width}
        check_arguments("PictureClassifier", arguments, zero=())
        if size < SMALLEST:
            raise ArgumentError(f"PictureClassifier: size must be at least {SMALLEST}, got {size}")
        self.arguments: dict[str, Any] = arguments
        self.body = nn.Sequential(
            *_layers(channels, width),
            *_layers(width, width),
            nn.MaxPool2d(2),
            *_layers(width, 2 * width),
            *_layers(2 * width, 2 * width),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Dropout(0.3),
            nn.Linear(2 * width * (size // 4) ** 2, FEATURES),
            nn.ReLU(),
        )
        self.head = nn.Linear(FEATURES, classes)

    def features(self, x: Tensor) -> Tensor:
        """Return the features (N, 64)."""
        found: Tensor = self.body(2 * x - 1)
        return found

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits."""
        logits: Tensor = self.head(self.features(x))
        return logits


def _layers(in_channels: int, out_channels: int) -> tuple[nn.Module, ...]:
    return nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False), nn.BatchNorm2d(out_channels), nn.ReLU()
