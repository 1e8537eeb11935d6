"""Tests of the losses of generator and discriminator."""

import numpy as np
import pytest

import minicnn
from minicnn.errors import ArgumentError
from minicnn.models import DCGAN


def make(**arguments):
    minicnn.manual_seed(0)
    return DCGAN(size=8, width=8, latent=4, **arguments)


def gradients(network):
    return {name: None if p.grad is None else p.grad.numpy().copy() for name, p in network.named_parameters()}


@pytest.mark.parametrize("classes", [0, 3])
def test_each_network_has_the_gradient_of_its_own_loss(classes):
    pictures = minicnn.rand(6, 1, 8, 8)
    labels = minicnn.tensor(np.arange(6) % 3) if classes else None

    def copy():
        model = make(classes=classes)
        with minicnn.no_grad():
            for _ in range(10):  # so that the largest singular values are known
                model.judge(pictures, labels)
        return model.eval()  # in eval mode the power iteration does not change the weights

    model = copy()
    minicnn.manual_seed(5)
    losses = model.losses(pictures, labels)
    losses["loss"].backward()

    generator = copy()
    minicnn.manual_seed(5)
    made = generator.make(generator.noise(6), labels)
    loss = (1 + (-generator.judge(made, labels)).exp()).log().mean()
    assert losses["generator"].item() == pytest.approx(loss.item(), rel=1e-5)
    loss.backward()
    for name, expected in gradients(generator.generator).items():
        np.testing.assert_allclose(gradients(model.generator)[name], expected, rtol=1e-3, atol=1e-7)

    discriminator = copy()
    minicnn.manual_seed(5)
    made = discriminator.make(discriminator.noise(6), labels).detach()
    real, false = discriminator.judge(2 * pictures - 1, labels), discriminator.judge(made, labels)
    loss = ((1 + (-real).exp()).log().mean() + (1 + false.exp()).log().mean()) / 2
    assert losses["discriminator"].item() == pytest.approx(loss.item(), rel=1e-5)
    loss.backward()
    for name, expected in gradients(discriminator.discriminator).items():
        np.testing.assert_allclose(gradients(model.discriminator)[name], expected, rtol=1e-3, atol=1e-7)


def test_the_discriminator_learns_to_tell_pictures_apart():
    model = make(classes=2)
    optimizer = minicnn.optim.Adam(model.discriminator.parameters(), lr=2e-3)
    dark, light = minicnn.full((8, 1, 8, 8), -0.5), minicnn.full((8, 1, 8, 8), 0.5)
    labels = minicnn.tensor([0, 1] * 4)
    for _ in range(60):
        optimizer.zero_grad()
        sign = 1 - 2 * labels.to(minicnn.float32)  # light is real for label 0, dark for label 1
        difference = sign * (model.judge(light, labels) - model.judge(dark, labels))
        (-difference).exp().mean().backward()
        optimizer.step()
    assert (difference.detach().numpy() > 0.5).all()


def test_a_size_that_is_no_multiple_of_four():
    with pytest.raises(ArgumentError, match="DCGAN: size must be a multiple of 4, got 30; choose 32"):
        DCGAN(size=30)
