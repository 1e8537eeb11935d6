"""DCGAN: a generator makes pictures, a discriminator tells them from real ones, and each learns to beat the other.

Goodfellow et al. ("Generative adversarial nets", 2014) with the convolutional networks of Radford et al. ("Unsupervised
representation learning with deep convolutional generative adversarial networks", 2016). The weights of the
discriminator are divided by their largest singular value, so that it cannot become arbitrarily steep (Miyato et al.,
"Spectral normalization for generative adversarial networks", 2018). With labels, it compares its features with a vector
of the label (Miyato and Koyama, "cGANs with projection discriminator", 2018).
"""

from itertools import pairwise

import minicnn.nn as nn
import minicnn.nn.functional as F
from minicnn.autograd.tape import no_grad
from minicnn.autograd.tensor import Tensor
from minicnn.errors import ArgumentError
from minicnn.models.generative_model import GenerativeModel
from minicnn.nn.utils import spectral_norm
from minicnn.ops.create import full_like
from minicnn.ops.indexing import cat
from minicnn.ops.sampling import randn

__all__ = ["DCGAN"]

SLOPE = 0.2  # of LeakyReLU
STANDARD_DEVIATION = 0.02  # of new weights, as in the paper


class DCGAN(GenerativeModel):
    """A generator and a discriminator. The losses of both are computed together; see `losses`.

    Parameters
    ----------
    channels, size : int
        Of the pictures; `size` is a multiple of 4.
    classes : int
        The number of labels, or 0.
    width : int
        The number of channels at half the resolution; at a quarter it is 2 `width`.
    latent : int
        The number of random numbers from which a picture is made.

    Raises
    ------
    ArgumentError
        If an argument is not a positive integer (`classes` may be 0), or the size is not a multiple of 4.

    Examples
    --------
    >>> import minicnn
    >>> DCGAN(width=8).sample(2).shape
    (2, 1, 28, 28)
    """

    def __init__(self, channels: int = 1, size: int = 28, classes: int = 0, width: int = 48, latent: int = 64) -> None:
        super().__init__(channels=channels, size=size, classes=classes, width=width, latent=latent)
        if size % 4:
            raise ArgumentError(f"DCGAN: size must be a multiple of 4, got {size}; choose {size // 4 * 4 + 4}")
        self.noise_shape = (latent,)
        small, wide = size // 4, 2 * width
        self.generator = nn.Sequential(
            nn.Linear(latent + classes, wide * small**2, bias=False),
            nn.Unflatten(1, (wide, small, small)),
            nn.BatchNorm2d(wide),
            nn.ReLU(),
            nn.ConvTranspose2d(wide, width, 4, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.ConvTranspose2d(width, channels, 4, stride=2, padding=1),
            nn.Tanh(),
        )
        layers: list[nn.Module] = []
        for before, after in pairwise((channels, width, wide)):
            layers += [spectral_norm(nn.Conv2d(before, after, 4, stride=2, padding=1)), nn.LeakyReLU(SLOPE)]
        layers += [spectral_norm(nn.Conv2d(wide, wide, 3, padding=1)), nn.LeakyReLU(SLOPE), nn.Flatten()]
        self.discriminator = nn.ModuleDict(
            {"body": nn.Sequential(*layers), "score": spectral_norm(nn.Linear(wide * small**2, 1))}
        )
        if classes:
            self.discriminator["label"] = spectral_norm(nn.Embedding(classes, wide * small**2))
        with no_grad():
            for layer in self.generator.modules():
                if isinstance(layer, nn.ConvTranspose2d | nn.Linear):
                    layer.weight.copy_(randn(*layer.weight.shape) * STANDARD_DEVIATION)

    def make(self, noise: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return the pictures in [-1, 1] of random numbers (N, latent) and labels (N,)."""
        self.check_labels(len(noise), labels)
        if labels is not None:
            noise = cat([noise, F.one_hot(labels, self.classes).to(noise.dtype)], dim=1)
        pictures: Tensor = self.generator(noise)
        return pictures

    def judge(self, pictures: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return the logits (N,) that pictures in [-1, 1] are real: above 0 for "real"."""
        features = self.discriminator["body"](pictures)
        logits: Tensor = self.discriminator["score"](features).flatten()
        if labels is not None:
            logits = logits + (features * self.discriminator["label"](labels)).sum(1)
        return logits

    def losses(self, pictures: Tensor, labels: Tensor | None = None) -> dict[str, Tensor]:
        """Return the losses of generator G and discriminator D, with the logits D(picture).

            generator = bce(D(G(noise)), 1)
            discriminator = (bce(D(picture), 1) + bce(D(G(noise)), 0)) / 2

        bce is the binary cross-entropy. The first does not change D, and the second, of detached pictures, does not
        change G. So one backward pass of their sum takes a step of both.
        """
        made = self.make(self.noise(len(pictures)), labels)
        self.discriminator.requires_grad_(False)
        generator = _cross_entropy(self.judge(made, labels), 1)
        self.discriminator.requires_grad_(True)
        real, false = self.judge(2 * pictures - 1, labels), self.judge(made.detach(), labels)
        discriminator = (_cross_entropy(real, 1) + _cross_entropy(false, 0)) / 2
        return {
            "loss": generator + discriminator,
            "generator": generator.detach(),
            "discriminator": discriminator.detach(),
        }

    def generate(self, noise: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return the pictures of random numbers (N, latent)."""
        with no_grad():
            return (self.make(noise, labels) + 1) / 2


def _cross_entropy(logits: Tensor, label: float) -> Tensor:
    return F.binary_cross_entropy_with_logits(logits, full_like(logits, label))
