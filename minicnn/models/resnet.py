"""ResNet-18 and ResNet-34, classifiers of residual blocks (He et al., "Deep residual learning", 2016).

A residual block learns a difference: y = relu(x + f(x)), where f is two 3×3 convolutions with batch norm. The gradient
also flows through x itself, past f, so deep networks train. Where a block halves the resolution or changes the number
of channels, a 1×1 convolution brings x to the new shape:

    7×7 convolution, stride 2, max pooling          1/4 of the resolution
    blocks with 64 channels                         1/4
    blocks with 128, 256, 512 channels              1/8, 1/16, 1/32; the first block of each has stride 2
    mean over all pixels, linear layer              the logits of the classes

The parameters have the names that torchvision gives them, so its weights can be loaded.
"""

from collections.abc import Sequence
from typing import Any

import minicnn.nn as nn
from minicnn.autograd.tensor import Tensor
from minicnn.errors import ArgumentError
from minicnn.models.generative_model import check_arguments

__all__ = ["BasicBlock", "ResNet", "resnet18", "resnet34"]

WIDTHS = (64, 128, 256, 512)


class ResNet(nn.Module):
    """Map pictures (N, in_channels, H, W) to logits (N, num_classes).

    Parameters
    ----------
    layers : sequence of 4 int
        The number of residual blocks at each resolution: 2, 2, 2, 2 is ResNet-18; 3, 4, 6, 3 is ResNet-34.
    num_classes : int
    in_channels : int
        1 for grey, 3 for colour.

    Attributes
    ----------
    arguments : dict
        The arguments of the constructor, from which a saved model is built again.

    Raises
    ------
    ArgumentError
        If `layers` are not 4, or an argument is not a positive integer.

    Examples
    --------
    >>> import minicnn
    >>> ResNet((1, 1, 1, 1), num_classes=10).eval()(minicnn.zeros(1, 3, 32, 32)).shape
    (1, 10)
    """

    def __init__(self, layers: Sequence[int] = (2, 2, 2, 2), num_classes: int = 1000, in_channels: int = 3) -> None:
        super().__init__()
        if not isinstance(layers, Sequence) or len(layers) != len(WIDTHS):
            raise ArgumentError(f"ResNet: layers must be {len(WIDTHS)} numbers of blocks, got {layers!r}")
        counts = {f"layers[{index}]": count for index, count in enumerate(layers)}
        check_arguments("ResNet", {**counts, "num_classes": num_classes, "in_channels": in_channels}, zero=())
        self.arguments: dict[str, Any] = {
            "layers": list(layers),
            "num_classes": num_classes,
            "in_channels": in_channels,
        }
        self.conv1 = nn.Conv2d(in_channels, WIDTHS[0], 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(WIDTHS[0])
        self.relu = nn.ReLU()
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        self.layer1 = _blocks(WIDTHS[0], WIDTHS[0], layers[0])
        self.layer2 = _blocks(WIDTHS[0], WIDTHS[1], layers[1], stride=2)
        self.layer3 = _blocks(WIDTHS[1], WIDTHS[2], layers[2], stride=2)
        self.layer4 = _blocks(WIDTHS[2], WIDTHS[3], layers[3], stride=2)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(WIDTHS[3], num_classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits."""
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        logits: Tensor = self.fc(self.avgpool(x).flatten(1))
        return logits


class BasicBlock(nn.Module):
    """A residual block: y = relu(x + f(x)), or relu(downsample(x) + f(x)) where the shape changes."""

    def __init__(self, in_channels: int, out_channels: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(out_channels)
        self.relu = nn.ReLU()
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(out_channels)
        self.downsample: nn.Sequential | None = None
        if stride != 1 or in_channels != out_channels:
            self.downsample = nn.Sequential(
                nn.Conv2d(in_channels, out_channels, 1, stride=stride, bias=False), nn.BatchNorm2d(out_channels)
            )

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, in_channels, H, W) to (N, out_channels, ceil(H / stride), ceil(W / stride))."""
        f = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        y: Tensor = self.relu(f + (x if self.downsample is None else self.downsample(x)))
        return y


def resnet18(num_classes: int = 1000, in_channels: int = 3) -> ResNet:
    """Return a ResNet-18: 11.7 million parameters with 1000 classes.

    Parameters
    ----------
    num_classes : int
    in_channels : int
        1 for grey, 3 for colour.
    """
    return ResNet((2, 2, 2, 2), num_classes, in_channels)


def resnet34(num_classes: int = 1000, in_channels: int = 3) -> ResNet:
    """Return a ResNet-34: 21.8 million parameters with 1000 classes.

    Parameters
    ----------
    num_classes : int
    in_channels : int
        1 for grey, 3 for colour.
    """
    return ResNet((3, 4, 6, 3), num_classes, in_channels)


def _blocks(in_channels: int, out_channels: int, count: int, stride: int = 1) -> nn.Sequential:
    first = BasicBlock(in_channels, out_channels, stride)
    return nn.Sequential(first, *(BasicBlock(out_channels, out_channels) for _ in range(count - 1)))
