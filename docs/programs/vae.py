"""A variational autoencoder of Fashion-MNIST: codes are normal numbers, so random codes give new pictures.

python docs/programs/vae.py [steps]
"""

import sys

import minicnn
import minicnn.nn as nn
import minicnn.nn.functional as F
from minicnn import optim
from minicnn.data import DataLoader, FashionMNIST
from minicnn.imaging.grid import save_image

BATCH, LATENT = 64, 16


def main(steps: int = 2000, width: int = 32, data: object = None) -> float:
    """Train encoder and decoder, and write 20 new pictures to vae.png."""
    minicnn.manual_seed(0)
    loader = DataLoader(data or FashionMNIST(), BATCH, shuffle=True, drop_last=True)
    encoder = nn.Sequential(
        nn.Conv2d(1, width, 4, stride=2, padding=1), nn.ReLU(),
        nn.Conv2d(width, 2 * width, 4, stride=2, padding=1), nn.ReLU(),
        nn.Flatten(), nn.Linear(2 * width * 7 * 7, 2 * LATENT),
    )  # fmt: skip
    decoder = nn.Sequential(
        nn.Linear(LATENT, 2 * width * 7 * 7), nn.ReLU(), nn.Unflatten(1, (2 * width, 7, 7)),
        nn.ConvTranspose2d(2 * width, width, 4, stride=2, padding=1), nn.ReLU(),
        nn.ConvTranspose2d(width, 1, 4, stride=2, padding=1), nn.Sigmoid(),
    )  # fmt: skip
    optimizer = optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=1e-3)
    step, total = 0, 0.0
    while step < steps:
        for pictures, _ in loader:
            mean, log_variance = encoder(pictures).chunk(2, dim=1)
            code = mean + (log_variance / 2).exp() * minicnn.randn(*mean.shape)
            error = F.mse_loss(decoder(code), pictures)
            divergence = (mean**2 + log_variance.exp() - 1 - log_variance).sum(1).mean() / 2
            loss = error.log() / 2 + divergence / 784
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            step, total = step + 1, total + loss.item()
            if step % 100 == 0 or step == steps:
                print(f"step {step}, mean loss {total / step:.3f}, error {error.item():.4f}")
            if step == steps:
                break
    with minicnn.no_grad():
        save_image(decoder(minicnn.randn(20, LATENT)), "vae.png", nrow=10)
    return total / step


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
