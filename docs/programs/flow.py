"""Flow matching on Fashion-MNIST: noise moves along learned velocities until it is a picture.

python docs/programs/flow.py [steps]
"""

import sys

import minicnn
from minicnn import optim
from minicnn.data import DataLoader, FashionMNIST
from minicnn.imaging.grid import save_image
from minicnn.models import DiffusionUNet

BATCH, CLASSES, SAMPLING_STEPS = 64, 10, 20


def main(steps: int = 2000, width: int = 32, data: object = None) -> float:
    """Train a network for the velocities, and write 20 new pictures to flow.png."""
    minicnn.manual_seed(0)
    loader = DataLoader(data or FashionMNIST(), BATCH, shuffle=True, drop_last=True)
    network = DiffusionUNet(channels=1, width=width, classes=CLASSES)
    optimizer = optim.Adam(network.parameters(), lr=1e-3)
    step, total = 0, 0.0
    while step < steps:
        for pictures, labels in loader:
            x = 2 * pictures - 1
            noise = minicnn.randn(*x.shape)
            t = minicnn.sigmoid(minicnn.randn(len(x)))  # a time for each picture
            s = t.reshape(-1, 1, 1, 1)
            velocity = network((1 - s) * noise + s * x, t, labels)
            loss = ((velocity - (x - noise)) ** 2).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            step, total = step + 1, total + loss.item()
            if step % 100 == 0 or step == steps:
                print(f"step {step}, mean loss {total / step:.3f}")
            if step == steps:
                break
    labels = minicnn.arange(20) % CLASSES
    x = minicnn.randn(20, *pictures.shape[1:])
    with minicnn.no_grad():
        for i in range(SAMPLING_STEPS):  # Euler's method
            x = x + network(x, minicnn.full((20,), i / SAMPLING_STEPS), labels) / SAMPLING_STEPS
    save_image(((x + 1) / 2).clamp(0, 1), "flow.png", nrow=CLASSES)
    return total / step


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
