"""LatentFlow: an autoencoder makes pictures small, and flow matching generates the small ones.

Rombach et al. ("High-resolution image synthesis with latent diffusion models", 2022): a generator needs most of its
work for details that an autoencoder can repeat. So an encoder maps a picture to a map of a quarter of its size, a flow
learns to generate such maps, and the decoder makes pictures of them. Both are trained in the same step: the flow gets
detached maps. Batch norm without weights gives the maps the mean 0 and the variance 1, which the flow needs, and a
little noise on them makes the decoder indifferent to small errors of the flow.
"""

from functools import partial

import minicnn.nn as nn
import minicnn.nn.functional as F
from minicnn.autograd.tape import no_grad
from minicnn.autograd.tensor import Tensor
from minicnn.errors import ArgumentError
from minicnn.models.diffusion_unet import DiffusionUNet
from minicnn.models.flow_matching import flow, velocity_loss
from minicnn.models.generative_model import GenerativeModel
from minicnn.ops.sampling import randn

__all__ = ["LatentFlow"]

REDUCTION = 4  # size of a picture / size of its latent map
NOISE = 0.1  # standard deviation of the noise on the latent maps


class LatentFlow(GenerativeModel):
    """An autoencoder with latent maps (latent, size / 4, size / 4), and a flow in them.

    Parameters
    ----------
    channels, size : int
        Of the pictures; `size` is a multiple of 4.
    classes : int
        The number of labels, or 0.
    width : int
        The number of channels of the flow's `DiffusionUNet`, a multiple of 8.
    latent : int
        The number of channels of a latent map.
    blocks : int
        Of the `DiffusionUNet`.

    Raises
    ------
    ArgumentError
        If an argument is not a positive integer (`classes` may be 0), or the size is not a multiple of 4.

    Examples
    --------
    >>> import minicnn
    >>> LatentFlow(size=8, width=8).eval().sample(2, steps=3).shape
    (2, 1, 8, 8)
    """

    def __init__(
        self,
        channels: int = 1,
        size: int = 28,
        classes: int = 0,
        width: int = 48,
        latent: int = 4,
        blocks: int = 1,
    ) -> None:
        super().__init__(channels=channels, size=size, classes=classes, width=width, latent=latent, blocks=blocks)
        if size % REDUCTION:
            raise ArgumentError(f"LatentFlow: size must be a multiple of {REDUCTION}, got {size}; choose 28, 32 or 64")
        self.noise_shape = (latent, size // REDUCTION, size // REDUCTION)
        self.encoder = nn.Sequential(
            nn.PixelUnshuffle(2),
            nn.Conv2d(4 * channels, width, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(width, width, 4, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(width, latent, 3, padding=1),
        )
        self.scale = nn.BatchNorm2d(latent, affine=False)
        self.decoder = nn.Sequential(
            nn.Conv2d(latent, 2 * width, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(2 * width, 4 * width, 3, padding=1),
            nn.PixelShuffle(2),
            nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(width, 4 * channels, 3, padding=1),
            nn.PixelShuffle(2),
        )
        self.network = DiffusionUNet(latent, width, classes, blocks, patch=1)

    def encode(self, pictures: Tensor) -> Tensor:
        """Return the latent maps (N, latent, size / 4, size / 4) of pictures in [0, 1]."""
        maps: Tensor = self.scale(self.encoder(2 * pictures - 1))
        return maps

    def decode(self, maps: Tensor) -> Tensor:
        """Return the pictures of latent maps. Values may be a little outside [0, 1]."""
        pictures: Tensor = (self.decoder(maps) + 1) / 2
        return pictures

    def losses(self, pictures: Tensor, labels: Tensor | None = None) -> dict[str, Tensor]:
        """Return the sum of the error of the repeated pictures and of the error of the velocities in the maps."""
        self.check_labels(len(pictures), labels)
        maps = self.encode(pictures)
        noise = randn(*maps.shape, dtype=maps.dtype, device=maps.device)
        error = F.mse_loss(self.decode(maps + NOISE * noise), pictures)
        velocity = velocity_loss(self.network, maps.detach(), labels)
        return {"loss": error + velocity, "error": error.detach(), "velocity": velocity.detach()}

    def reconstruct(self, pictures: Tensor) -> Tensor:
        """Return pictures that went through their latent maps, in [0, 1]."""
        with no_grad():
            repeated: Tensor = self.decode(self.encode(pictures)).clamp(0, 1)
        return repeated

    def generate(
        self,
        noise: Tensor,
        labels: Tensor | None = None,
        *,
        steps: int = 20,
        method: str = "heun",
        guidance: float = 1.0,
    ) -> Tensor:
        """Return the pictures of the maps to which noise (N, latent, size / 4, size / 4) flows.

        Parameters
        ----------
        noise : Tensor
        labels : Tensor, (N,), of integers, optional
        steps, method
            As for `flow`.
        guidance : float
            As for `DiffusionUNet.guided`.
        """
        self.check_labels(len(noise), labels)
        velocity = partial(self.network.guided, labels=labels, guidance=guidance)
        with no_grad():
            pictures: Tensor = self.decode(flow(velocity, noise, steps=steps, method=method)).clamp(0, 1)
        return pictures
