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


def generator_of_functions(lib: Any) -> Any:
    """The network of `cnn_generator`, whose forward calls functions."""
    nn, F = lib.nn, lib.nn.functional

    class Generator(nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.conv1, self.conv2 = nn.Conv2d(3, 32, 3, padding=1), nn.Conv2d(32, 64, 3, padding=1)
            self.pool = nn.MaxPool2d(2)
            self.fc1, self.fc2 = nn.Linear(64 * 8 * 8, 128), nn.Linear(128, 784)

        def forward(self, x: Any) -> Any:
            x = self.pool(F.relu(self.conv1(x)))
            x = self.pool(F.relu(self.conv2(x)))
            x = F.relu(self.fc1(x.flatten(1)))
            return lib.tanh(self.fc2(x))

    return Generator()


def diffusion_unet(lib: Any) -> Any:
    """The U-Net of `minicnn.models.DiffusionUNet` at a fixed time and label for each picture; a test compares both."""
    nn, F = lib.nn, lib.nn.functional
    width, classes, groups = 48, 10, 8
    wide, vector = 2 * width, 4 * width

    class Block(nn.Module):  # type: ignore[misc]
        def __init__(self, channels: int) -> None:
            super().__init__()
            self.norm1, self.norm2 = nn.GroupNorm(groups, channels), nn.GroupNorm(groups, channels)
            self.conv1, self.conv2 = (nn.Conv2d(channels, channels, 3, padding=1) for _ in range(2))
            self.modulation = nn.Linear(vector, 2 * channels)

        def forward(self, x: Any, vector: Any) -> Any:
            scale, shift = self.modulation(vector).unsqueeze(-1).unsqueeze(-1).chunk(2, dim=1)
            h = self.norm2(self.conv1(F.silu(self.norm1(x))))
            return x + self.conv2(F.silu(h * (1 + scale) + shift))

    class Attention(nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.norm, self.qkv, self.out = nn.GroupNorm(groups, wide), nn.Linear(wide, 3 * wide), nn.Linear(wide, wide)

        def forward(self, x: Any) -> Any:
            n, c, h, w = x.shape
            pixels = self.norm(x).flatten(2).transpose(1, 2)
            q, k, v = self.qkv(pixels).reshape(n, h * w, 3, 3, c // 3).permute(2, 0, 3, 1, 4).unbind(0)
            seen = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)
            return x + self.out(seen).transpose(1, 2).reshape(x.shape)

    class UNet(nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.time = nn.Sequential(nn.Linear(64, vector), nn.SiLU(), nn.Linear(vector, vector))
            self.label = nn.Embedding(classes + 1, vector)
            self.head, self.tail = nn.Conv2d(12, width, 3, padding=1), nn.Conv2d(width, 12, 3, padding=1)
            self.down, self.up = nn.Conv2d(width, wide, 3, padding=1), nn.Conv2d(wide, width, 3, padding=1)
            self.first, self.before, self.after, self.last = Block(width), Block(wide), Block(wide), Block(width)
            self.attention = Attention()
            self.norm = nn.GroupNorm(groups, width)

        def forward(self, x: Any) -> Any:
            time = (lib.arange(len(x)).to(x.dtype) + 0.5) / len(x)
            frequencies = lib.exp(lib.arange(32).to(x.dtype) * (np.log(1000) / 31).item())
            angles = time.unsqueeze(1) * frequencies * (2 * np.pi)
            vector = self.time(lib.cat([lib.sin(angles), lib.cos(angles)], 1))
            vector = F.silu(vector + self.label(lib.arange(len(x)) % classes))
            skip = self.first(self.head(F.pixel_unshuffle(x, 2)), vector)
            h = self.before(self.down(F.avg_pool2d(skip, 2)), vector)
            h = self.after(self.attention(h), vector)
            h = self.last(skip + F.interpolate(self.up(h), scale_factor=2), vector)
            return F.pixel_shuffle(self.tail(F.silu(self.norm(h))), 2)

    return UNet()


def dcgan(lib: Any) -> Any:
    """A generator and a discriminator. Returns the sum of both losses, for a single step of both."""
    nn, F = lib.nn, lib.nn.functional
    latent, width = 64, 48

    def bce(logits: Any, label: float) -> Any:
        return F.binary_cross_entropy_with_logits(logits, lib.full_like(logits, label))

    class DCGAN(nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.generator = nn.Sequential(
                nn.Linear(latent, 2 * width * 64, bias=False),
                nn.Unflatten(1, (2 * width, 8, 8)),
                nn.BatchNorm2d(2 * width),
                nn.ReLU(),
                nn.ConvTranspose2d(2 * width, width, 4, 2, 1, bias=False),
                nn.BatchNorm2d(width),
                nn.ReLU(),
                nn.ConvTranspose2d(width, 3, 4, 2, 1),
                nn.Tanh(),
            )
            self.discriminator = nn.Sequential(
                nn.Conv2d(3, width, 4, 2, 1),
                nn.LeakyReLU(0.2),
                nn.Conv2d(width, 2 * width, 4, 2, 1),
                nn.LeakyReLU(0.2),
                nn.Conv2d(2 * width, 2 * width, 3, padding=1),
                nn.LeakyReLU(0.2),
                nn.Flatten(),
                nn.Linear(2 * width * 64, 1),
            )

        def forward(self, x: Any) -> Any:
            noise = np.random.default_rng(2).standard_normal((len(x), latent), np.float32)
            made = self.generator(lib.from_numpy(noise).to(x.dtype))
            self.discriminator.requires_grad_(False)
            generator = bce(self.discriminator(made), 1)
            self.discriminator.requires_grad_(True)
            real, false = self.discriminator(2 * x - 1), self.discriminator(made.detach())
            return generator + (bce(real, 1) + bce(false, 0)) / 2

    return DCGAN()


@dataclass(frozen=True)
class Recipe:
    """A network with its loss and its optimizer. Without a loss, the network returns it."""

    build: Callable[[Any], Any]
    loss: str | None = "mse_loss"
    optimizer: str = "Adam"


NETWORKS = {
    "CNNGenerator": Recipe(cnn_generator),
    "VGG classifier": Recipe(vgg_classifier, "cross_entropy", "SGD"),
    "autoencoder": Recipe(autoencoder),
    "residual denoiser": Recipe(residual_denoiser),
    "U-Net": Recipe(unet),
    "CNNGenerator of functions": Recipe(generator_of_functions),
    "diffusion U-Net": Recipe(diffusion_unet),
    "DCGAN": Recipe(dcgan, None),
}


def inputs(case: Net) -> tuple[np.ndarray, np.ndarray]:
    """Return the batch and its targets."""
    rng = np.random.default_rng(0)
    x = rng.random((case.batch, 3, case.size, case.size), np.float32)
    if case.network.startswith("CNNGenerator"):
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
