"""Tests of the autoencoder with a flow in its latent maps."""

import numpy as np
import pytest

import minicnn
from minicnn.errors import ArgumentError
from minicnn.models import LatentFlow


def make(**arguments):
    minicnn.manual_seed(0)
    return LatentFlow(size=8, width=8, latent=2, **arguments)


def test_the_flow_does_not_change_the_autoencoder():
    model, pictures = make(), minicnn.rand(4, 1, 8, 8)
    with minicnn.no_grad():
        for p in model.network.parameters():
            p.add_(0.1 * minicnn.randn(*p.shape))
    found = []
    for name in ("loss", "error"):
        minicnn.manual_seed(1)
        model.zero_grad()
        losses = model.losses(pictures, None)
        if name == "error":  # without the flow
            maps = model.encode(pictures)
            minicnn.manual_seed(1)
            noise = minicnn.randn(*maps.shape)
            losses["error"] = ((model.decode(maps + 0.1 * noise) - pictures) ** 2).mean()
        losses[name].backward()
        found.append([p.grad.numpy().copy() for p in (*model.encoder.parameters(), *model.decoder.parameters())])
    for with_flow, without in zip(*found, strict=True):
        assert np.abs(without).max() > 0
        np.testing.assert_allclose(with_flow, without, rtol=1e-4, atol=1e-8)


def test_maps_have_mean_zero_and_variance_one():
    model = make()
    maps = model.encode(minicnn.rand(64, 1, 8, 8)).detach().numpy()
    assert maps.shape == (64, 2, 2, 2)
    np.testing.assert_allclose(maps.mean((0, 2, 3)), 0, atol=1e-4)
    np.testing.assert_allclose(maps.std((0, 2, 3)), 1, atol=0.05)


def test_it_learns_to_repeat_and_to_generate():
    model = make(classes=2)
    optimizer = minicnn.optim.Adam(model.parameters(), lr=5e-3)

    def draw(count):
        """Return even pictures: dark ones of label 0, light ones of label 1."""
        labels = minicnn.randint(0, 2, (count,))
        levels = 0.4 * minicnn.rand(count) + 0.6 * labels.to(minicnn.float32)
        return levels.reshape(count, 1, 1, 1).expand(-1, -1, 8, 8), labels

    for _ in range(200):
        pictures, labels = draw(16)
        optimizer.zero_grad()
        model.losses(pictures, labels)["loss"].backward()
        optimizer.step()
    model.eval()
    pictures, labels = draw(50)
    assert ((model.reconstruct(pictures) - pictures) ** 2).mean().item() < 0.005
    made = model.sample(200, minicnn.tensor([0, 1] * 100)).numpy().mean((1, 2, 3)).reshape(100, 2)
    np.testing.assert_allclose(made.mean(0), [0.2, 0.8], atol=0.1)
    assert (made.std(0) > 0.05).all()


def test_a_size_that_is_no_multiple_of_four():
    with pytest.raises(ArgumentError, match="LatentFlow: size must be a multiple of 4, got 30"):
        LatentFlow(size=30)
