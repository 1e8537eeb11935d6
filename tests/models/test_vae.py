"""Tests of the variational autoencoder: its loss by direct formulas, and that it learns."""

import numpy as np
import pytest

import minicnn
from minicnn.errors import ArgumentError
from minicnn.models import VAE


def make(**arguments):
    minicnn.manual_seed(0)
    return VAE(**{"size": 8, "width": 8, "latent": 3, **arguments})


def test_the_loss_by_its_formula():
    model, pictures = make(), minicnn.rand(5, 1, 8, 8)
    minicnn.manual_seed(1)
    losses = model.losses(pictures)
    mean, log_variance = (t.detach().numpy().astype(float) for t in model.encode(pictures))
    minicnn.manual_seed(1)
    codes = mean + np.exp(log_variance / 2) * minicnn.randn(5, 3).numpy()
    made = model.decode(minicnn.tensor(codes.astype(np.float32))).detach().numpy()
    error = ((made - pictures.numpy()) ** 2).mean()
    variance = np.exp(log_variance)
    divergence = 0.5 * (mean**2 + variance - 1 - log_variance).sum(1).mean()
    assert losses["error"].item() == pytest.approx(error, rel=1e-4)
    assert losses["divergence"].item() == pytest.approx(divergence, rel=1e-4)
    assert losses["loss"].item() == pytest.approx(np.log(error + 1e-6) / 2 + divergence / 64, rel=1e-4)


def test_the_divergence_is_that_of_samples():
    mean, deviation = np.array([0.5, -1.0]), np.array([0.5, 1.5])
    z = mean + deviation * np.random.default_rng(0).normal(size=(400_000, 2))
    log_ratio = (-(((z - mean) / deviation) ** 2) / 2 - np.log(deviation) + z**2 / 2).sum(1)
    exact = 0.5 * (mean**2 + deviation**2 - 1 - 2 * np.log(deviation)).sum()
    assert log_ratio.mean() == pytest.approx(exact, rel=0.02)


def test_it_learns_to_repeat_and_to_generate():
    model = make(latent=1)
    optimizer = minicnn.optim.Adam(model.parameters(), lr=5e-3)

    def draw(count):
        """Return even pictures of any brightness."""
        return minicnn.rand(count, 1, 1, 1).expand(-1, -1, 8, 8)

    for _ in range(600):
        optimizer.zero_grad()
        model.losses(draw(16))["loss"].backward()
        optimizer.step()
    model.eval()
    pictures = draw(50)
    assert ((model.reconstruct(pictures) - pictures) ** 2).mean().item() < 0.005
    made = model.sample(400).numpy()
    assert made.std((1, 2, 3)).mean() < 0.05  # each is even
    levels = made.mean((1, 2, 3))
    assert abs(levels.mean() - 0.5) < 0.15
    assert levels.std() > 0.12  # that of uniform numbers is 0.29


def test_a_size_that_cannot_be_halved():
    with pytest.raises(ArgumentError, match="size must be 8 or less, or become it by halving, got 27; choose 28, 32"):
        VAE(size=27)
