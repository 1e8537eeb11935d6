"""DDPM, denoising diffusion: a network removes a little noise, a thousand times; DDIM needs fifty steps.

Ho et al. ("Denoising diffusion probabilistic models", 2020): a picture x becomes noise in T steps,

    x_t = √ā_t x + √(1 - ā_t) ε,

and the network learns to see picture and noise in x_t: its result is v = √ā_t ε - √(1 - ā_t) x (Salimans and Ho,
"Progressive distillation for fast sampling of diffusion models", 2022), from which both follow,

    x̂ = √ā_t x_t - √(1 - ā_t) v,  ε̂ = √(1 - ā_t) x_t + √ā_t v.

If it saw the noise alone, as in the first paper, x̂ would be very inexact where there is little but noise. The step back
from t to s < t draws

    x_s = √ā_s x̂ + √(1 - ā_s - σ²) ε̂ + σ z

with σ = η √((1 - ā_s) / (1 - ā_t)) √(1 - ā_t / ā_s). With η = 1 it is the step of DDPM, with η = 0 that of DDIM, which
adds no noise and may leave steps out (Song et al., "Denoising diffusion implicit models", 2021). The amounts ā_t are
the squared cosine of Nichol and Dhariwal ("Improved denoising diffusion probabilistic models", 2021).
"""

import math
from itertools import pairwise

import minicnn.nn.functional as F
from minicnn.autograd.tape import no_grad
from minicnn.autograd.tensor import Tensor
from minicnn.errors import ArgumentError
from minicnn.models.diffusion_unet import DiffusionUNet
from minicnn.models.generative_model import GenerativeModel
from minicnn.ops.create import full, tensor
from minicnn.ops.sampling import randint, randn

__all__ = ["DDPM"]

TIMES = 1000
OFFSET = 0.008  # keeps the first amounts of noise visible
LEAST = 1e-3  # the smallest ā, so that the first step back is finite


def _amounts() -> list[float]:
    """Return ā_t for t = 0, 1, ..., 1000: how much of the picture's variance is left, from 1 to nearly 0."""
    angles = [(t / TIMES + OFFSET) / (1 + OFFSET) * math.pi / 2 for t in range(TIMES + 1)]
    return [max(math.cos(a) ** 2 / math.cos(angles[0]) ** 2, LEAST) for a in angles]


class DDPM(GenerativeModel):
    """A generative model that learns to see picture and noise in noisy pictures.

    Parameters
    ----------
    channels, size : int
        Of the pictures.
    classes : int
        The number of labels, or 0.
    width, blocks : int
        Of the `DiffusionUNet`.

    Raises
    ------
    ArgumentError
        If an argument is not a positive integer (`classes` may be 0).

    Examples
    --------
    >>> import minicnn
    >>> DDPM(size=8, width=8).sample(2, steps=3).shape
    (2, 1, 8, 8)
    """

    def __init__(self, channels: int = 1, size: int = 28, classes: int = 0, width: int = 48, blocks: int = 1) -> None:
        super().__init__(channels=channels, size=size, classes=classes, width=width, blocks=blocks)
        self.network = DiffusionUNet(channels, width, classes, blocks)
        self.amounts, self.noise_shape = _amounts(), (channels, size, size)

    def losses(self, pictures: Tensor, labels: Tensor | None = None) -> dict[str, Tensor]:
        """Return the mean squared error of v at random times."""
        count, device = len(pictures), pictures.device
        self.check_labels(count, labels)
        time = randint(1, TIMES + 1, (count,), device=device)
        left = tensor(self.amounts, dtype=pictures.dtype, device=device)[time].reshape(count, 1, 1, 1)
        noise = randn(*pictures.shape, dtype=pictures.dtype, device=device)
        clean, signal, blur = 2 * pictures - 1, left.sqrt(), (1 - left).sqrt()
        x, v = signal * clean + blur * noise, signal * noise - blur * clean
        return {"loss": F.mse_loss(self.network(x, time.to(x.dtype) / TIMES, self.network.without_some(labels)), v)}

    def generate(
        self, noise: Tensor, labels: Tensor | None = None, *, steps: int = 50, eta: float = 0.0, guidance: float = 1.0
    ) -> Tensor:
        """Return the pictures of noise (N, channels, size, size).

        Parameters
        ----------
        noise : Tensor
        labels : Tensor, (N,), of integers, optional
        steps : int
            From 1 to 1000. 1000 with eta 1 is DDPM.
        eta : float
            The share of new noise: 0 for DDIM, 1 for DDPM.
        guidance : float
            As for `DiffusionUNet.guided`.

        Raises
        ------
        ArgumentError
            If the steps are not from 1 to 1000, or eta is not in [0, 1].
        """
        if not 1 <= steps <= TIMES or not 0 <= eta <= 1:
            raise ArgumentError(
                f"DDPM: steps must be from 1 to {TIMES} and eta from 0 to 1, got steps {steps}, eta {eta}"
            )
        self.check_labels(len(noise), labels)
        times = [round(TIMES * (1 - i / steps)) for i in range(steps + 1)]
        with no_grad():
            x = noise
            for now, then in pairwise(times):
                a, b = self.amounts[now], self.amounts[then]
                t = full((len(x),), now / TIMES, dtype=x.dtype, device=x.device)
                v = self.network.guided(x, t, labels, guidance)
                clean = (math.sqrt(a) * x - math.sqrt(1 - a) * v).clamp(-1, 1)
                seen = (x - math.sqrt(a) * clean) / math.sqrt(1 - a)  # the noise that belongs to the clamped picture
                sigma = eta * math.sqrt(max((1 - b) / (1 - a) * (1 - a / b), 0.0))
                x = math.sqrt(b) * clean + math.sqrt(max(1 - b - sigma**2, 0.0)) * seen
                if sigma:
                    x = x + sigma * randn(*x.shape, dtype=x.dtype, device=x.device)
            pictures: Tensor = ((x + 1) / 2).clamp(0, 1)
        return pictures
