"""VAE, the variational autoencoder: codes are normal numbers, so random codes give new pictures.

Kingma and Welling ("Auto-encoding variational Bayes", 2014). The encoder gives a normal distribution for each code.
Apart from a constant, the loss is an upper bound of -log p(picture):

    D / 2 · log(mean squared error) + KL,  KL = ½ Σ (μ² + σ² - 1 - log σ²),

where D is the number of values of a picture. The first term belongs to normal noise of the best standard deviation in
the pixels (Rybkin et al., "Simple and effective VAE training with calibrated decoders", 2021), so that no weight
between the two terms must be chosen.
"""

import minicnn.nn as nn
import minicnn.nn.functional as F
from minicnn.autograd.tape import no_grad
from minicnn.autograd.tensor import Tensor
from minicnn.models.autoencoder import convolutional_decoder, convolutional_encoder
from minicnn.models.generative_model import GenerativeModel
from minicnn.ops.exponentials import exp, log
from minicnn.ops.indexing import cat
from minicnn.ops.sampling import randn

__all__ = ["VAE"]

SMALLEST_ERROR = 1e-6  # limits the loss of pictures that are all alike
LIMIT = 8.0  # of |log σ²|


class VAE(GenerativeModel):
    """A convolutional variational autoencoder, with labels if there are classes.

    Parameters
    ----------
    channels, size : int
        Of the pictures.
    classes : int
        The number of labels, or 0.
    width : int
        The number of channels at the full resolution; each lower one has `width` more.
    latent : int
        The number of numbers in a code.

    Raises
    ------
    ArgumentError
        If an argument is not a positive integer (`classes` may be 0), or the size cannot be halved to 8 pixels or less.

    Examples
    --------
    >>> import minicnn
    >>> VAE(width=4, latent=3).sample(2).shape
    (2, 1, 28, 28)
    """

    def __init__(self, channels: int = 1, size: int = 28, classes: int = 0, width: int = 32, latent: int = 32) -> None:
        super().__init__(channels=channels, size=size, classes=classes, width=width, latent=latent)
        self.noise_shape = (latent,)
        self.encoder = convolutional_encoder(channels, size, width, 2 * latent)
        self.label = nn.Embedding(classes, 2 * latent) if classes else None
        if self.label is not None:
            nn.init.zeros_(self.label.weight)
        self.decoder = convolutional_decoder(channels, size, width, latent + classes)

    def encode(self, pictures: Tensor, labels: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return μ and log σ² of the codes, both (N, latent), of pictures and labels (N,)."""
        self.check_labels(len(pictures), labels)
        numbers = self.encoder(2 * pictures - 1)
        if self.label is not None:
            numbers = numbers + self.label(labels)  # so that a code need not say the label
        mean, log_variance = numbers.chunk(2, dim=1)
        return mean, log_variance.clamp(-LIMIT, LIMIT)

    def decode(self, codes: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return the pictures of codes (N, latent) and labels (N,). Values may be a little outside [0, 1]."""
        self.check_labels(len(codes), labels)
        if labels is not None:
            codes = cat([codes, F.one_hot(labels, self.classes).to(codes.dtype)], dim=1)
        pictures: Tensor = (self.decoder(codes) + 1) / 2
        return pictures

    def losses(self, pictures: Tensor, labels: Tensor | None = None) -> dict[str, Tensor]:
        """Return the loss for each value of a picture, the mean squared error, and KL for each picture."""
        mean, log_variance = self.encode(pictures, labels)
        codes = mean + exp(log_variance / 2) * randn(*mean.shape, dtype=mean.dtype, device=mean.device)
        error = F.mse_loss(self.decode(codes, labels), pictures)
        divergence = (mean**2 + exp(log_variance) - 1 - log_variance).sum(1).mean() / 2
        values = self.channels * self.size**2
        loss = log(error + SMALLEST_ERROR) / 2 + divergence / values
        return {"loss": loss, "error": error.detach(), "divergence": divergence.detach()}

    def reconstruct(self, pictures: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return pictures that went through the means of their codes, in [0, 1]."""
        with no_grad():
            return self.decode(self.encode(pictures, labels)[0], labels).clamp(0, 1)

    def generate(self, noise: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return the pictures of codes (N, latent)."""
        with no_grad():
            return self.decode(noise, labels).clamp(0, 1)
