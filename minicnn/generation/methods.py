"""The methods that generate pictures: `METHODS`. A method is a model with its recipe.

To add a method, write its model in `models/` and add a line to the tuple at the end. The command line takes its choices
and its help from there.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from minicnn.models import DCGAN, DDPM, VAE, Autoencoder, FlowMatching, GenerativeModel, LatentFlow
from minicnn.training import Recipe

__all__ = ["METHODS", "Method"]


@dataclass(frozen=True)
class Method:
    """A way to generate pictures.

    Attributes
    ----------
    name : str
        The name on the command line.
    summary : str
        A short description for the help text.
    model : type of GenerativeModel
    recipe : Recipe
        The settings of the training.
    betas : (float, float)
        Of Adam.
    watched : dict of str to number
        Arguments of `generate` for the samples of the training: few steps, to save time.
    metric : "distance" or "error"
        The score that chooses the best network: the distance between samples and held-out pictures, or the mean squared
        error of pictures that went through their codes.
    takes_labels : bool
    """

    name: str
    summary: str
    model: type[GenerativeModel]
    recipe: Recipe
    betas: tuple[float, float] = (0.9, 0.99)
    watched: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    metric: str = "distance"
    takes_labels: bool = True

    def build(self, channels: int, size: int, classes: int, **arguments: int) -> GenerativeModel:
        """Return a new model for pictures of this shape."""
        return self.model(channels=channels, size=size, classes=classes, **arguments)


_METHODS = (
    Method(
        "flow",
        "flow matching: noise moves along learned velocities; the best pictures",
        FlowMatching,
        Recipe(steps=6000, batch_size=64, learning_rate=2e-3),
        watched=MappingProxyType({"steps": 10, "method": "euler"}),
    ),
    Method(
        "latent-flow",
        "flow matching in the small maps of an autoencoder; good pictures in two minutes",
        LatentFlow,
        Recipe(steps=3000, batch_size=64, learning_rate=2e-3),
        watched=MappingProxyType({"steps": 10, "method": "euler"}),
    ),
    Method(
        "ddpm",
        "denoising diffusion: noise is removed in many small steps",
        DDPM,
        Recipe(steps=6000, batch_size=64, learning_rate=2e-3),
        watched=MappingProxyType({"steps": 20}),
    ),
    Method(
        "dcgan",
        "a generator against a discriminator; sharp pictures, and fast to use",
        DCGAN,
        Recipe(steps=10000, batch_size=64, learning_rate=5e-4),
        betas=(0.5, 0.99),
    ),
    Method(
        "vae",
        "variational autoencoder: codes that are normal numbers; smooth, blurred pictures",
        VAE,
        Recipe(steps=6000, batch_size=64, learning_rate=2e-3),
    ),
    Method(
        "autoencoder",
        "pictures to 32 numbers and back; for 'minicnn generate repeat'",
        Autoencoder,
        Recipe(steps=6000, batch_size=64, learning_rate=2e-3),
        metric="error",
        takes_labels=False,
    ),
)
METHODS: dict[str, Method] = {method.name: method for method in _METHODS}
