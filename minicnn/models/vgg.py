"""VGG-11 and VGG-16, classifiers of 3×3 convolutions and pooling (Simonyan and Zisserman, "Very deep convolutional
networks for large-scale image recognition", 2015).

Two 3×3 convolutions see as many pixels as one of 5×5, with fewer parameters and one more activation between them. Five
times, maximum pooling halves the resolution. Then three linear layers give the logits of the classes.

The parameters have the names that torchvision gives them, so its weights can be loaded.
"""

from collections.abc import Sequence
from typing import Any

import minicnn.nn as nn
from minicnn.autograd.tensor import Tensor
from minicnn.errors import ArgumentError
from minicnn.models.generative_model import check_arguments

__all__ = ["VGG", "vgg11", "vgg11_bn", "vgg16", "vgg16_bn"]

WIDTHS = (64, 128, 256, 512, 512)
HIDDEN = 4096
POOLED = 7  # pixels; the size that the linear layers expect


class VGG(nn.Module):
    """Map pictures (N, in_channels, H, W), H and W at least 32, to logits (N, num_classes).

    Parameters
    ----------
    layers : sequence of 5 int
        The number of convolutions before each pooling: 1, 1, 2, 2, 2 is VGG-11; 2, 2, 3, 3, 3 is VGG-16.
    num_classes : int
    in_channels : int
        1 for grey, 3 for colour.
    batch_norm : bool
        Put batch norm after each convolution.

    Attributes
    ----------
    arguments : dict
        The arguments of the constructor, from which a saved model is built again.

    Raises
    ------
    ArgumentError
        If `layers` are not 5, a number is not a positive integer, or `batch_norm` is not True or False.
    """

    def __init__(
        self,
        layers: Sequence[int] = (1, 1, 2, 2, 2),
        num_classes: int = 1000,
        in_channels: int = 3,
        batch_norm: bool = False,
    ) -> None:
        super().__init__()
        if not isinstance(layers, Sequence) or len(layers) != len(WIDTHS):
            raise ArgumentError(f"VGG: layers must be {len(WIDTHS)} numbers of convolutions, got {layers!r}")
        if not isinstance(batch_norm, bool):
            raise ArgumentError(f"VGG: batch_norm must be True or False, got {batch_norm!r}")
        counts = {f"layers[{index}]": count for index, count in enumerate(layers)}
        check_arguments("VGG", {**counts, "num_classes": num_classes, "in_channels": in_channels}, zero=())
        self.arguments: dict[str, Any] = {
            "layers": list(layers),
            "num_classes": num_classes,
            "in_channels": in_channels,
            "batch_norm": batch_norm,
        }
        features: list[nn.Module] = []
        channels = in_channels
        for width, count in zip(WIDTHS, layers, strict=True):
            for _ in range(count):
                features.append(nn.Conv2d(channels, width, 3, padding=1))
                features += [nn.BatchNorm2d(width)] if batch_norm else []
                features.append(nn.ReLU())
                channels = width
            features.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*features)
        self.avgpool = nn.AdaptiveAvgPool2d(POOLED)
        self.classifier = nn.Sequential(
            nn.Linear(channels * POOLED**2, HIDDEN),
            nn.ReLU(),
            nn.Dropout(),
            nn.Linear(HIDDEN, HIDDEN),
            nn.ReLU(),
            nn.Dropout(),
            nn.Linear(HIDDEN, num_classes),
        )
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            elif isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, 0, 0.01)
        for name, parameter in self.named_parameters():
            if name.endswith("bias"):
                nn.init.zeros_(parameter)

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits."""
        logits: Tensor = self.classifier(self.avgpool(self.features(x)).flatten(1))
        return logits


def vgg11(num_classes: int = 1000, in_channels: int = 3) -> VGG:
    """Return a VGG-11: 133 million parameters with 1000 classes, most of them in the linear layers."""
    return VGG((1, 1, 2, 2, 2), num_classes, in_channels)


def vgg11_bn(num_classes: int = 1000, in_channels: int = 3) -> VGG:
    """Return a VGG-11 with batch norm, which trains at higher learning rates."""
    return VGG((1, 1, 2, 2, 2), num_classes, in_channels, batch_norm=True)


def vgg16(num_classes: int = 1000, in_channels: int = 3) -> VGG:
    """Return a VGG-16: 138 million parameters with 1000 classes, most of them in the linear layers."""
    return VGG((2, 2, 3, 3, 3), num_classes, in_channels)


def vgg16_bn(num_classes: int = 1000, in_channels: int = 3) -> VGG:
    """Return a VGG-16 with batch norm, which trains at higher learning rates."""
    return VGG((2, 2, 3, 3, 3), num_classes, in_channels, batch_norm=True)
