"""Ready-made networks, and `build`, which makes a network from the name and the arguments in a saved model's file."""

from typing import Any

from minicnn.errors import CheckpointError
from minicnn.models.autoencoder import Autoencoder
from minicnn.models.dcgan import DCGAN
from minicnn.models.ddpm import DDPM
from minicnn.models.diffusion_unet import DiffusionUNet
from minicnn.models.discriminator import PatchDiscriminator
from minicnn.models.dncnn import DnCNN
from minicnn.models.editing_network import EditingNetwork
from minicnn.models.editor import ResidualEditor
from minicnn.models.edsr import EDSR
from minicnn.models.flow_matching import FlowMatching
from minicnn.models.generative_model import GenerativeModel
from minicnn.models.generator import CNNGenerator
from minicnn.models.inpainter import CELL, FILL_RADIUS, HOLE_COLOUR, Inpainter, coarse_fill, pyramid_fill
from minicnn.models.latent_flow import LatentFlow
from minicnn.models.picture_classifier import PictureClassifier
from minicnn.models.resnet import ResNet, resnet18, resnet34
from minicnn.models.style_network import StyleNetwork
from minicnn.models.texture_classifier import TextureClassifier
from minicnn.models.unet import EditingUNet
from minicnn.models.vae import VAE
from minicnn.models.vgg import VGG, vgg11, vgg11_bn, vgg16, vgg16_bn

__all__ = [
    "CELL",
    "DCGAN",
    "DDPM",
    "EDSR",
    "FILL_RADIUS",
    "HOLE_COLOUR",
    "VAE",
    "VGG",
    "Autoencoder",
    "CNNGenerator",
    "DiffusionUNet",
    "DnCNN",
    "EditingNetwork",
    "EditingUNet",
    "FlowMatching",
    "GenerativeModel",
    "Inpainter",
    "LatentFlow",
    "PatchDiscriminator",
    "PictureClassifier",
    "ResNet",
    "ResidualEditor",
    "StyleNetwork",
    "TextureClassifier",
    "build",
    "coarse_fill",
    "pyramid_fill",
    "resnet18",
    "resnet34",
    "vgg11",
    "vgg11_bn",
    "vgg16",
    "vgg16_bn",
]

_MODELS: dict[str, Any] = {
    model.__name__: model
    for model in (
        DCGAN,
        DDPM,
        VAE,
        VGG,
        Autoencoder,
        CNNGenerator,
        DnCNN,
        EDSR,
        EditingUNet,
        FlowMatching,
        Inpainter,
        LatentFlow,
        PictureClassifier,
        ResNet,
        ResidualEditor,
        StyleNetwork,
        TextureClassifier,
    )
}


def build(name: str, arguments: dict[str, Any]) -> Any:
    """Build a model (a Module) from the name of its class and its arguments, as a model file stores them.

    Raises
    ------
    CheckpointError
        If the class is unknown, or does not accept these arguments.

    Examples
    --------
    >>> build("ResidualEditor", {"width": 8, "blocks": 1}).arguments["width"]
    8
    """
    if name not in _MODELS:
        raise CheckpointError(f"build: there is no model {name!r}; this version has {', '.join(_MODELS)}")
    try:
        model = _MODELS[name](**arguments)
    except (TypeError, ValueError) as error:
        raise CheckpointError(f"build: {name} does not take the arguments {arguments}: {error}") from error
    return model
