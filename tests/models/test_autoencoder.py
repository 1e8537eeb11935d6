"""Tests of the autoencoder and of its coders."""

import numpy as np
import pytest

import minicnn
from minicnn.errors import ArgumentError
from minicnn.models import Autoencoder
from minicnn.models.autoencoder import convolutional_decoder, convolutional_encoder


@pytest.mark.parametrize("size", [1, 5, 8, 16, 28, 32, 64])
def test_coders_of_any_size(size):
    codes = convolutional_encoder(3, size, 4, 6)(minicnn.randn(2, 3, size, size))
    assert codes.shape == (2, 6)
    assert convolutional_decoder(3, size, 4, 6)(codes).shape == (2, 3, size, size)


def test_it_learns_to_repeat_pictures():
    minicnn.manual_seed(0)
    model = Autoencoder(size=8, width=8, latent=2)
    rng = np.random.default_rng(0)
    corners = rng.random((256, 2, 1, 1)).astype(np.float32)
    pictures = np.concatenate([corners[:, :1].repeat(4, 3), corners[:, 1:].repeat(4, 3)], axis=3).repeat(8, 2)
    optimizer = minicnn.optim.Adam(model.parameters(), lr=5e-3)
    for step in range(200):
        optimizer.zero_grad()
        batch = minicnn.tensor(pictures[step % 12 * 16 : step % 12 * 16 + 16])
        model.losses(batch)["loss"].backward()
        optimizer.step()
    test = minicnn.tensor(pictures[200:])
    error = ((model.eval().reconstruct(test) - test) ** 2).mean().item()
    assert error < 0.05 * pictures.var()
    codes = model.encode(test)
    np.testing.assert_array_equal(model(test).detach().numpy(), model.decode(codes).detach().numpy())


def test_labels_have_no_use():
    with pytest.raises(ArgumentError, match="classes must be 0, because a code needs no label, got 3"):
        Autoencoder(classes=3)
