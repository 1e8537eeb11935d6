"""The networks of the benchmark. Each is written once: `lib` is minicnn or torch, which have the same names.

NumPy draws the parameters and inputs from a seed, so all engines get the same values.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from benchmarks.cases import Net

__all__ = ["NETWORKS", "Recipe", "inputs", "parameters"]


def cnn_generator(lib: Any) -> Any:
    """The same network as in minicnn.models; a test compares both."""
    nn = lib.nn
    layers = OrderedDict(
        conv1=nn.Conv2d(3, 32, kernel_size=3, stride=1, padding=1),
        relu1=nn.ReLU(),
        pool1=nn.MaxPool2d(kernel_size=2, stride=2),
        conv2=nn.Conv2d(32, 64, kernel_size=3, stride=1, padding=1),
        relu2=nn.ReLU(),
        pool2=nn.MaxPool2d(kernel_size=2, stride=2),
        flatten=nn.Flatten(),
        fc1=nn.Linear(64 * 8 * 8, 128),
        relu3=nn.ReLU(),
        fc2=nn.Linear(128, 784),
        tanh=nn.Tanh(),
    )
    return nn.Sequential(layers)


def vgg_classifier(lib: Any) -> Any:
    """Three stages of two convolutions with batch norm, then a linear classifier of 10 classes."""
    nn = lib.nn
    layers, channels = [], 3
    for width in (32, 64, 128):
        for _ in range(2):
            layers += [nn.Conv2d(channels, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU()]
            channels = width
        layers.append(nn.MaxPool2d(2))
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(128 * 4 * 4, 10))


def autoencoder(lib: Any) -> Any:
    """Three convolutions with stride 2, then three transposed convolutions."""
    nn = lib.nn
    widths = (3, 32, 64, 128)
    down = [m for c, f in pairwise(widths) for m in (nn.Conv2d(c, f, 3, 2, 1), nn.ReLU())]
    up = [m for c, f in pairwise(widths[::-1]) for m in (nn.ConvTranspose2d(c, f, 4, 2, 1), nn.ReLU())]
    return nn.Sequential(*down, *up[:-1], nn.Sigmoid())


def residual_denoiser(lib: Any) -> Any:
    """A small DnCNN: six convolutions with batch norm predict the noise, which is subtracted."""
    nn = lib.nn

    class ResidualDenoiser(nn.Module):  # type: ignore[misc]
        def __init__(self, width: int = 48, blocks: int = 4) -> None:
            super().__init__()
            middle = [
                m
                for _ in range(blocks)
                for m in (nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU())
            ]
            ends = nn.Conv2d(3, width, 3, padding=1), nn.Conv2d(width, 3, 3, padding=1)
            self.noise = nn.Sequential(ends[0], nn.ReLU(), *middle, ends[1])

        def forward(self, x: Any) -> Any:
            return x - self.noise(x)

    return ResidualDenoiser()


def unet(lib: Any) -> Any:
    """A U-Net: two levels of pooling, two transposed convolutions, each joined with the features of its level."""
    nn = lib.nn

    def stage(channels: int, width: int) -> Any:
        pair = [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU(), nn.Conv2d(width, width, 3, padding=1), nn.ReLU()]
        return nn.Sequential(*pair)

    class UNet(nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.down1, self.down2, self.bottom = stage(3, 32), stage(32, 64), stage(64, 128)
            self.pool = nn.MaxPool2d(2)
            self.up2, self.join2 = nn.ConvTranspose2d(128, 64, 2, 2), stage(128, 64)
            self.up1, self.join1 = nn.ConvTranspose2d(64, 32, 2, 2), stage(64, 32)
            self.out = nn.Conv2d(32, 3, 1)

        def forward(self, x: Any) -> Any:
            fine = self.down1(x)
            middle = self.down2(self.pool(fine))
            x = self.bottom(self.pool(middle))
            x = self.join2(lib.cat([self.up2(x), middle], 1))
            return self.out(self.join1(lib.cat([self.up1(x), fine], 1)))

    return UNet()


@dataclass(frozen=True)
class Recipe:
    """A network with its loss and its optimizer."""

    build: Callable[[Any], Any]
    loss: str = "mse_loss"
    optimizer: str = "Adam"


NETWORKS = {
    "CNNGenerator": Recipe(cnn_generator),
    "VGG classifier": Recipe(vgg_classifier, "cross_entropy", "SGD"),
    "autoencoder": Recipe(autoencoder),
    "residual denoiser": Recipe(residual_denoiser),
    "U-Net": Recipe(unet),
}


def inputs(case: Net) -> tuple[np.ndarray, np.ndarray]:
    """Return the batch and its targets."""
    rng = np.random.default_rng(0)
    x = rng.random((case.batch, 3, case.size, case.size), np.float32)
    if case.network == "CNNGenerator":
        return x, rng.random((case.batch, 784), np.float32)
    if NETWORKS[case.network].loss == "cross_entropy":
        return x, rng.integers(0, 10, case.batch)
    return x, rng.random(x.shape, np.float32)


def parameters(model: Any) -> dict[str, np.ndarray]:
    """Draw the parameters: weights as in He et al. (2015), other parameters near one or zero."""
    rng = np.random.default_rng(1)
    values = {}
    for name, p in model.named_parameters():
        shape = tuple(p.shape)
        noise = rng.standard_normal(shape, np.float32)
        if len(shape) > 1:
            values[name] = noise * np.float32(np.sqrt(2 / np.prod(shape[1:])))
        else:
            values[name] = 0.05 * noise + np.float32(name.endswith("weight"))
    return values
