"""Train the classifier whose features measure generated clothes: `make models`, or python -m recipes.clothes.

`PictureClassifier` learns Fashion-MNIST in three minutes on two cores. Its accuracy on the test pictures, and the
number that scales its features to the mean variance 1, are written to the file, with half precision, to
minicnn/trained/. The same kind of processor gives the same bits.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

import minicnn
from minicnn.autograd.tape import no_grad
from minicnn.data import DataLoader, random_stream
from minicnn.generation.features import CLOTHES_CLASSIFIER
from minicnn.generation.pictures import PictureSet, load_pictures
from minicnn.models import PictureClassifier
from minicnn.nn import CrossEntropyLoss
from minicnn.optim import Adam
from minicnn.optim.lr_scheduler import OneCycleLR
from minicnn.training import ProgressBar, StopOnNaN, Trainer
from recipes.half_precision import write_half
from recipes.texture import accuracy

BATCH, EPOCHS, RATE = 128, 4, 3e-3


@dataclass(frozen=True)
class Flipped:
    """Pictures with their labels, half of them flipped from left to right."""

    pictures: PictureSet
    epoch: int = 0

    def __len__(self) -> int:
        return len(self.pictures)

    def __getitem__(self, index: int) -> tuple[NDArray[np.float32], Any]:
        part, labels = self.pictures.part(slice(index, index + 1)), self.pictures.labels
        assert labels is not None
        rng = random_stream(0, self.epoch, index)
        picture = part.floats()[0]
        return np.ascontiguousarray(picture[..., ::-1] if rng.random() < 0.5 else picture), labels[index]

    def at_epoch(self, epoch: int) -> "Flipped":
        """Return the pictures of an epoch."""
        return Flipped(self.pictures, epoch)


def main() -> None:
    """Train, measure, and put the network into the package."""
    train, test = load_pictures("fashion-mnist")
    minicnn.manual_seed(0)
    network = PictureClassifier()
    loader = DataLoader(Flipped(train), BATCH, shuffle=True, drop_last=True)
    optimizer = Adam(network.parameters(), lr=RATE)
    schedule = OneCycleLR(optimizer, RATE, total_steps=EPOCHS * len(loader))
    callbacks = [ProgressBar(force=True), StopOnNaN()]
    trainer = Trainer(network, optimizer, CrossEntropyLoss(), schedule, callbacks, schedule="step")
    trainer.fit(loader, EPOCHS)
    unseen = [(minicnn.from_numpy(test.floats()), minicnn.tensor(test.labels))]
    share = trainer.evaluate(unseen, {"accuracy": accuracy})["accuracy"]
    network.eval()
    with no_grad():
        features = network.features(minicnn.from_numpy(test.floats())).numpy()
    result = f"{share:.1%} of the 10,000 test pictures of Fashion-MNIST"
    scale = float(features.var(0).mean() ** -0.5)
    write_half("recipes.clothes", CLOTHES_CLASSIFIER, network, results=[result], scale=scale)
    print(f"wrote {CLOTHES_CLASSIFIER}: {result}")


if __name__ == "__main__":
    main()
