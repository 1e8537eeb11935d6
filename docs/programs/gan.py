"""A GAN of Fashion-MNIST: a generator makes pictures, a discriminator tells them from real ones.

python docs/programs/gan.py [steps]
"""

import sys

import minicnn
import minicnn.nn as nn
import minicnn.nn.functional as F
from minicnn import optim
from minicnn.data import DataLoader, FashionMNIST
from minicnn.imaging.grid import save_image

BATCH, LATENT = 64, 32


def main(steps: int = 2000, width: int = 32, data: object = None) -> float:
    """Train both networks, and write 20 new pictures to gan.png."""
    minicnn.manual_seed(0)
    loader = DataLoader(data or FashionMNIST(), BATCH, shuffle=True, drop_last=True)
    generator = nn.Sequential(
        nn.Linear(LATENT, 2 * width * 7 * 7), nn.Unflatten(1, (2 * width, 7, 7)), nn.BatchNorm2d(2 * width), nn.ReLU(),
        nn.ConvTranspose2d(2 * width, width, 4, stride=2, padding=1), nn.BatchNorm2d(width), nn.ReLU(),
        nn.ConvTranspose2d(width, 1, 4, stride=2, padding=1), nn.Sigmoid(),
    )  # fmt: skip
    discriminator = nn.Sequential(
        nn.utils.spectral_norm(nn.Conv2d(1, width, 4, stride=2, padding=1)), nn.LeakyReLU(0.2),
        nn.utils.spectral_norm(nn.Conv2d(width, 2 * width, 4, stride=2, padding=1)), nn.LeakyReLU(0.2),
        nn.Flatten(), nn.utils.spectral_norm(nn.Linear(2 * width * 7 * 7, 1)),
    )  # fmt: skip
    g, d = (optim.Adam(net.parameters(), lr=1e-3, betas=(0.5, 0.99)) for net in (generator, discriminator))
    ones, zeros = minicnn.ones(BATCH, 1), minicnn.zeros(BATCH, 1)
    bce = F.binary_cross_entropy_with_logits
    step, total = 0, 0.0
    while step < steps:
        for pictures, _ in loader:
            made = generator(minicnn.randn(BATCH, LATENT))
            loss_d = bce(discriminator(pictures), ones) + bce(discriminator(made.detach()), zeros)
            d.zero_grad()
            loss_d.backward()
            d.step()
            loss_g = bce(discriminator(made), ones)
            g.zero_grad()
            loss_g.backward()
            g.step()
            step, total = step + 1, total + loss_d.item()
            if step % 100 == 0 or step == steps:
                print(f"step {step}, loss of the discriminator {total / step:.3f}, generator {loss_g.item():.3f}")
            if step == steps:
                break
    with minicnn.no_grad():
        save_image(generator.eval()(minicnn.randn(20, LATENT)), "gan.png", nrow=10)
    return total / step


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
