"""Train the network that measures style: `make models`, or python -m recipes.texture FOLDER.

FOLDER holds the photos of `recipes.photos`. `TextureClassifier` learns to tell from which photo a patch is cut: a class
is a photo, so there are no labels. The right quarter of each photo is held out: the accuracy on its patches is measured
and written to the file, with half precision, to minicnn/trained/. It takes five minutes on two cores. The same machine
gives the same bits.
"""

import copy
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import minicnn
from minicnn.data import DataLoader, random_crop, random_flip, random_stream, read_image
from minicnn.imaging.editing import TEXTURE_CLASSIFIER
from minicnn.models import TextureClassifier
from minicnn.nn import CrossEntropyLoss
from minicnn.optim import Adam
from minicnn.optim.lr_scheduler import OneCycleLR
from minicnn.training import ProgressBar, StopOnNaN, Trainer
from recipes.half_precision import write_half

Picture = NDArray[np.float32]

PATCH = 64  # pixels
BATCH, EPOCHS, EPOCH_STEPS, RATE = 32, 10, 150, 4e-3
TEST_PATCHES = 20  # of each photo
HELD_OUT = 0.25  # of the width of each photo
GAIN, SHIFT, NOISE = 0.15, 0.05, 0.04  # of the changes of a patch: factors of the colours, brightness, σ of the noise


class PhotoPatches:
    """Random patches (3, 64, 64) with the numbers of their photos. Patch i of an epoch is always the same."""

    def __init__(self, photos: list[Picture], count: int, *, changed: bool, seed: int = 0) -> None:
        self.photos, self.count, self.changed, self.seed, self.epoch = photos, count, changed, seed, 0

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> tuple[Picture, int]:
        rng = random_stream(self.seed, self.epoch, index)
        number = index % len(self.photos) if not self.changed else int(rng.integers(len(self.photos)))
        (patch,) = random_crop((self.photos[number],), PATCH, rng)
        if self.changed:
            (patch,) = random_flip((patch,), rng)
            patch = patch * rng.uniform(1 - GAIN, 1 + GAIN, (3, 1, 1)) + rng.uniform(-SHIFT, SHIFT)
            patch = patch + rng.normal(0, rng.uniform(0, NOISE), patch.shape)
        return np.ascontiguousarray(patch, np.float32), number

    def at_epoch(self, epoch: int) -> "PhotoPatches":
        """Return the patches of an epoch."""
        other = copy.copy(self)
        other.epoch = epoch
        return other


def split(photo: Picture) -> tuple[Picture, Picture]:
    """Cut a photo (3, H, W) into its left part, for training, and its right part, which is held out."""
    border = int(photo.shape[2] * (1 - HELD_OUT))
    return photo[:, :, :border], photo[:, :, border:]


def accuracy(output: Any, target: Any) -> float:
    """Return the share of patches whose photo has the highest logit."""
    return float((output.argmax(1) == target).float().mean())


def main(folder: Path) -> None:
    """Train, measure, and put the network into the package."""
    photos = [read_image(path) for path in sorted((folder / "train").glob("*.png"))]
    train, test = zip(*map(split, photos), strict=True)
    minicnn.manual_seed(0)
    network = TextureClassifier(classes=len(photos))
    loader = DataLoader(PhotoPatches(list(train), EPOCH_STEPS * BATCH, changed=True), BATCH)
    optimizer = Adam(network.parameters(), lr=RATE)
    schedule = OneCycleLR(optimizer, RATE, total_steps=EPOCHS * EPOCH_STEPS)
    callbacks = [ProgressBar(force=True), StopOnNaN()]
    trainer = Trainer(network, optimizer, CrossEntropyLoss(), schedule, callbacks, schedule="step")
    trainer.fit(loader, EPOCHS)
    unseen = DataLoader(PhotoPatches(list(test), TEST_PATCHES * len(photos), changed=False, seed=1), BATCH)
    share = trainer.evaluate(unseen, {"accuracy": accuracy})["accuracy"]
    count = len(photos)
    result = f"{share:.1%} of {TEST_PATCHES * count} patches of unseen parts of {count} photos; chance {1 / count:.1%}"
    write_half("recipes.texture", TEXTURE_CLASSIFIER, network, results=[result])
    print(f"wrote {TEXTURE_CLASSIFIER}: {result}")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    main(Path(sys.argv[1]))
