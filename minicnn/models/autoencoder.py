"""Autoencoder: a picture becomes a few numbers, its code, and these become the picture again.

The network learns to repeat its input through a narrow place (Hinton and Salakhutdinov, "Reducing the dimensionality of
data with neural networks", 2006). With linear layers alone the best result is principal component analysis.
"""

from itertools import pairwise

import minicnn.nn as nn
import minicnn.nn.functional as F
from minicnn.autograd.tape import no_grad
from minicnn.autograd.tensor import Tensor
from minicnn.errors import ArgumentError
from minicnn.models.generative_model import GenerativeModel

__all__ = ["Autoencoder", "convolutional_decoder", "convolutional_encoder"]

SMALLEST = 8  # pixels; the resolution is halved while it is larger and even


def _sizes(size: int) -> list[int]:
    """Return the resolutions, from the size of a picture down."""
    sizes = [size]
    while sizes[-1] > SMALLEST and sizes[-1] % 2 == 0:
        sizes.append(sizes[-1] // 2)
    return sizes


def _widths(size: int, width: int) -> list[int]:
    return [width * (level + 1) for level in range(len(_sizes(size)))]


def convolutional_encoder(channels: int, size: int, width: int, outputs: int) -> nn.Sequential:
    """Return a network from pictures (N, channels, size, size) to (N, outputs): convolutions that halve the size.

    Raises
    ------
    ArgumentError
        If the size cannot be halved to 8 pixels or fewer.
    """
    sizes, widths = _sizes(size), _widths(size, width)
    if sizes[-1] > SMALLEST:
        raise ArgumentError(
            f"convolutional_encoder: size must be {SMALLEST} or less, or become it by halving, got {size}; "
            "choose 28, 32 or 64"
        )
    layers: list[nn.Module] = [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU()]
    for before, after in pairwise(widths):
        layers += [nn.Conv2d(before, after, 4, stride=2, padding=1), nn.ReLU()]
        layers += [nn.Conv2d(after, after, 3, padding=1), nn.ReLU()]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(widths[-1] * sizes[-1] ** 2, outputs))


def convolutional_decoder(channels: int, size: int, width: int, inputs: int) -> nn.Sequential:
    """Return a network from codes (N, inputs) to (N, channels, size, size): convolutions that double the size."""
    sizes, widths = _sizes(size), _widths(size, width)
    layers: list[nn.Module] = [nn.Linear(inputs, widths[-1] * sizes[-1] ** 2), nn.ReLU()]
    layers += [nn.Unflatten(1, (widths[-1], sizes[-1], sizes[-1]))]
    for before, after in pairwise(reversed(widths)):
        layers += [nn.Conv2d(before, before, 3, padding=1), nn.ReLU()]
        layers += [nn.Conv2d(before, 4 * after, 3, padding=1), nn.PixelShuffle(2), nn.ReLU()]
    return nn.Sequential(*layers, nn.Conv2d(width, channels, 3, padding=1))


class Autoencoder(GenerativeModel):
    """A convolutional autoencoder.

    Parameters
    ----------
    channels, size : int
        Of the pictures.
    classes : int
        0, because a code needs no label.
    width : int
        The number of channels at the full resolution; each lower one has `width` more.
    latent : int
        The number of numbers in a code.

    Raises
    ------
    ArgumentError
        If an argument is not a positive integer, `classes` is not 0, or the size cannot be halved to 8 pixels or fewer.

    Examples
    --------
    >>> import minicnn
    >>> Autoencoder(width=4, latent=3).encode(minicnn.zeros(2, 1, 28, 28)).shape
    (2, 3)
    """

    def __init__(self, channels: int = 1, size: int = 28, classes: int = 0, width: int = 32, latent: int = 32) -> None:
        super().__init__(channels=channels, size=size, classes=classes, width=width, latent=latent)
        if classes:
            raise ArgumentError(f"Autoencoder: classes must be 0, because a code needs no label, got {classes}")
        self.noise_shape = (latent,)
        self.encoder = convolutional_encoder(channels, size, width, latent)
        self.decoder = convolutional_decoder(channels, size, width, latent)

    def encode(self, pictures: Tensor) -> Tensor:
        """Return the codes (N, latent) of pictures (N, channels, size, size) in [0, 1]."""
        code: Tensor = self.encoder(2 * pictures - 1)
        return code

    def decode(self, codes: Tensor) -> Tensor:
        """Return the pictures of codes (N, latent). Values may be a little outside [0, 1]."""
        pictures: Tensor = (self.decoder(codes) + 1) / 2
        return pictures

    def forward(self, pictures: Tensor) -> Tensor:
        """Return pictures that went through their codes."""
        return self.decode(self.encode(pictures))

    def losses(self, pictures: Tensor, labels: Tensor | None = None) -> dict[str, Tensor]:
        """Return the mean squared error of the repeated pictures."""
        return {"loss": F.mse_loss(self(pictures), pictures)}

    def reconstruct(self, pictures: Tensor) -> Tensor:
        """Return pictures that went through their codes, in [0, 1]."""
        with no_grad():
            repeated: Tensor = self(pictures).clamp(0, 1)
        return repeated

    def generate(self, noise: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return pictures of random codes.

        Nothing makes the codes of an autoencoder normal numbers, so the pictures are poor: use `VAE` or `LatentFlow`.
        """
        with no_grad():
            pictures: Tensor = self.decode(noise).clamp(0, 1)
        return pictures
