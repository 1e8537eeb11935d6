"""Tests of ResidualEditor: its multiple and radius, no activation before the last layer, and a network that learns."""

import pytest

import minicnn
from minicnn.errors import CheckpointError
from minicnn.models import ResidualEditor, build


@pytest.mark.parametrize(
    ("scale", "blocks", "multiple", "radius"), [(1, 0, 2, 6), (1, 2, 2, 14), (2, 2, 1, 8), (3, 1, 1, 6)]
)
def test_the_multiple_and_the_radius(scale, blocks, multiple, radius):
    model = ResidualEditor(scale=scale, width=4, blocks=blocks)
    assert (model.multiple, model.radius) == (multiple, radius)


def test_a_large_negative_bias_does_not_stop_the_gradient():
    model = ResidualEditor(width=4, blocks=0)
    with minicnn.no_grad():
        model.head.bias.sub_(100)
    model(minicnn.rand(1, 3, 8, 8)).sum().backward()
    assert float(model.head.weight.grad.abs().max()) > 0


def test_trains():
    minicnn.manual_seed(2)
    model = ResidualEditor(width=4, blocks=1)
    optimizer = minicnn.optim.Adam(model.parameters(), lr=0.01)
    clean = minicnn.rand(4, 3, 1, 1).expand(4, 3, 12, 12)
    noisy = clean + 0.2 * minicnn.randn(4, 3, 12, 12)
    losses = []
    for _ in range(60):
        optimizer.zero_grad()
        loss = ((model(noisy) - clean) ** 2).mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] * 0.6


def test_build_makes_the_model_again_or_says_why_not():
    model = ResidualEditor(width=4, blocks=1, scale=2)
    assert build("ResidualEditor", model.arguments).arguments == model.arguments
    with pytest.raises(
        CheckpointError, match="no model 'Nonesuch'; this version has DCGAN, DDPM, VAE, VGG, Autoencoder"
    ):
        build("Nonesuch", {})
    with pytest.raises(CheckpointError, match=r"ResidualEditor does not take the arguments {'depth': 3}"):
        build("ResidualEditor", {"depth": 3})
