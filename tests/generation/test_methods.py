"""Tests of the list of methods."""

from minicnn.generation.methods import METHODS
from minicnn.models import GenerativeModel


def test_every_method_is_complete():
    assert list(METHODS) == ["flow", "latent-flow", "ddpm", "dcgan", "vae", "autoencoder"]
    for name, method in METHODS.items():
        assert method.name == name
        assert issubclass(method.model, GenerativeModel)
        assert method.summary
        model = method.build(3, 16, 0, width=8)
        assert (model.channels, model.size, model.classes) == (3, 16, 0)
