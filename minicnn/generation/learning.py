"""Training of generators: `fit` trains a model and keeps the one whose samples are distributed best.

The score of an epoch is the Fréchet distance between samples and held-out pictures, in the first principal components
of the training pictures. So it needs no classifier, and works for all pictures.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minicnn.autograd.tensor import Tensor
from minicnn.data import DataLoader
from minicnn.generation.generators import Generator, load_generator, save_generator
from minicnn.generation.methods import Method
from minicnn.generation.pictures import PictureSet, RandomPictures
from minicnn.imaging.distributions import frechet_distance
from minicnn.imaging.grid import save_image
from minicnn.imaging.learning import CHECKPOINT, MODEL
from minicnn.models import GenerativeModel
from minicnn.nn.functional import mse_loss
from minicnn.ops.create import from_numpy
from minicnn.optim import Adam
from minicnn.optim.lr_scheduler import LambdaLR
from minicnn.runtime import random
from minicnn.training import (
    EMA,
    BestModel,
    Checkpoint,
    ClipGradients,
    History,
    ProgressBar,
    Recipe,
    StopOnNaN,
    Trainer,
)

__all__ = ["GenerativeTrainer", "PixelComponents", "evaluation_seconds", "fit", "trainer_for"]

Picture = NDArray[np.float32]

WARM_UP = 0.05  # of the steps: the learning rate grows from 0
DECAY = 0.6  # of the steps: then it falls to 0
GRADIENT_NORM = 1.0
COMPONENTS = 64
MAX_NUMBERS = 1024  # of a picture
WATCHED = 500  # samples of the score of an epoch
SHOWN = 64  # in samples/
TIMED = 32  # samples that are timed
COLUMNS, MOST_COLUMNS = 8, 16  # in samples/
ALIKE = 0.1  # of the spread of real pictures: with less, all samples are the same picture


class GenerativeTrainer(Trainer):
    """Trains a `GenerativeModel` with its own losses. `terms` holds the parts of the loss."""

    def compute_loss(self, batch: Any) -> Tensor:
        """Return the loss of a batch (pictures,) or (pictures, labels)."""
        model: Any = self.model
        losses = dict(model.losses(*batch) if len(batch) == 2 else model.losses(*batch, None))
        loss: Tensor = losses.pop("loss")
        self.terms = losses
        return loss


def trainer_for(method: Method, model: GenerativeModel, recipe: Recipe, callbacks: Sequence[Any]) -> GenerativeTrainer:
    """Return a trainer with Adam. The learning rate grows for 1/20 of the steps, and falls to 0 in the last 3/5."""
    optimizer = Adam(model.parameters(), lr=recipe.learning_rate, betas=method.betas)
    steps = recipe.epochs * recipe.epoch_steps
    schedule = LambdaLR(optimizer, lambda step: min(1, (step + 1) / (WARM_UP * steps), (1 - step / steps) / DECAY))
    return GenerativeTrainer(model, optimizer, mse_loss, schedule, callbacks, schedule="step")


class PixelComponents:
    """The first principal components of pictures: a linear map of pixels that keeps most of their variance.

    Pictures with more than 1024 numbers are reduced first, by averaging: the first components are coarse.

    Parameters
    ----------
    pictures : numpy.ndarray, (N, C, S, S), float32
    count : int
        The number of components; at most (N - 1) / 2.
    """

    def __init__(self, pictures: Picture, count: int = COMPONENTS) -> None:
        numbers = pictures[0].size
        self.factor = math.ceil(math.sqrt(numbers / MAX_NUMBERS))
        rows = self._rows(pictures)
        self.mean = rows.mean(0)
        _, vectors = np.linalg.eigh(np.cov(rows, rowvar=False))
        self.vectors = vectors[:, ::-1][:, : max(min(count, (len(pictures) - 1) // 2), 1)]

    def __call__(self, pictures: Picture) -> NDArray[np.float64]:
        """Return (N, count)."""
        rows: NDArray[np.float64] = (self._rows(pictures) - self.mean) @ self.vectors
        return rows

    def _rows(self, pictures: Picture) -> NDArray[np.float64]:
        """Return the numbers of reduced pictures as rows."""
        count, channels, size, _ = pictures.shape
        side = size // self.factor
        inside = pictures[:, :, : side * self.factor, : side * self.factor].astype(np.float64)
        squares = inside.reshape(count, channels, side, self.factor, side, self.factor)
        rows: NDArray[np.float64] = squares.mean((3, 5)).reshape(count, -1)
        return rows


def fit(
    method: Method,
    model: GenerativeModel,
    pictures: PictureSet,
    held_out: PictureSet,
    recipe: Recipe,
    folder: Path,
    *,
    about: Mapping[str, Any] | None = None,
    resume: bool = False,
    bar: bool = True,
    say: Callable[[str], Any] = print,
) -> History:
    """Train a generator. After Ctrl-C there is a checkpoint to resume from.

    The model ends with an exponential moving average of its weights: the one after the epoch with the best score.

    Parameters
    ----------
    method : Method
    model : GenerativeModel
        Training runs on the device of its parameters.
    pictures, held_out : PictureSet
        For the training, and for the score. If no picture is held out, the score is that of the training pictures.
    recipe : Recipe
    folder : Path
        The folder for losses.jsonl, samples/, the checkpoint, and model.safetensors, the best model so far.
    about : mapping, optional
        Metadata for this file.
    resume : bool
        Resume from the checkpoint in the folder.
    bar : bool
        Show a progress bar in terminals.
    say : callable
        Called with a line of text if all samples become the same picture.

    Returns
    -------
    History
        The "loss" and its parts of every step. Of every epoch the score, "distance" or "error" (`Method.metric`);
        smaller is better. "nothing" is the score of a model that always makes the mean picture.
    """
    dataset = RandomPictures(pictures, recipe.epoch_steps * recipe.batch_size, recipe.seed)
    loader = DataLoader(dataset, recipe.batch_size, num_workers=0, seed=recipe.seed)
    history, ema = History(folder / "losses.jsonl"), EMA()

    def save(trained: Any) -> None:
        with ema.applied(trained):
            save_generator(folder / MODEL, trained, **(about or {}))

    callbacks: list[Any] = [ProgressBar()] if bar else []
    callbacks += [
        StopOnNaN(),
        ClipGradients(GRADIENT_NORM),
        ema,
        _Watch(method, pictures, held_out, ema, folder / "samples", say),
        BestModel(save, method.metric, "min"),
        history,
        Checkpoint(folder / CHECKPOINT),
    ]
    trainer = trainer_for(method, model, recipe, callbacks)
    trainer.fit(loader, recipe.epochs, resume=folder / CHECKPOINT if resume else None)
    model.load_state_dict(load_generator(folder / MODEL).model.state_dict())
    model.eval()
    return history


def evaluation_seconds(method: Method, model: GenerativeModel) -> float:
    """Return how long the samples after an epoch take. The state of the random numbers stays."""
    state = random.get_rng_state()
    start = time.perf_counter()
    Generator(model.eval(), {}).sample(TIMED, **method.watched)
    model.train()
    random.set_rng_state(state)
    return (time.perf_counter() - start) * (WATCHED + SHOWN) / TIMED


class _Watch:
    """After every epoch, score samples of the averaged weights, and write some to a file."""

    def __init__(
        self,
        method: Method,
        pictures: PictureSet,
        held_out: PictureSet,
        ema: EMA,
        folder: Path,
        say: Callable[[str], Any],
    ) -> None:
        real = held_out if len(held_out) else pictures
        some = pictures.part(np.linspace(0, len(pictures) - 1, min(len(pictures), 10 * WATCHED)).astype(int))
        self.components = PixelComponents(some.floats())
        self.spread = float(some.floats().var(0).sum())
        few = np.linspace(0, len(real) - 1, min(len(real), WATCHED)).astype(int)
        self.real = real.part(few) if method.metric == "error" else real
        # The labels of the samples have the shares of the real ones.
        labels = real.labels
        self.labels = None if labels is None else np.random.default_rng(0).choice(labels, WATCHED)
        self.found = self.components(self.real.floats())
        self.method, self.ema, self.folder, self.say = method, ema, folder, say
        self.collapsed = False

    def on_epoch_end(self, trainer: Trainer) -> None:
        model: Any = trainer.model
        state = random.get_rng_state()
        columns = model.classes if 1 <= model.classes <= MOST_COLUMNS else COLUMNS  # a column for each class
        with self.ema.applied(model.eval()):
            if self.method.metric == "error":
                real = self.real.floats()
                samples = model.reconstruct(from_numpy(real).to(model.device)).cpu().numpy()
                trainer.metrics |= {
                    "error": float(((samples - real) ** 2).mean()),
                    "nothing": float(real.var(0).mean()),
                }
                pairs = np.stack([real, samples], axis=1).reshape(-1, *real.shape[1:])  # each beside its original
                shown = pairs[:SHOWN]
            else:
                generator = Generator(model, {})
                samples = generator.sample(WATCHED, self.labels, **self.method.watched)
                count = columns * (SHOWN // columns)
                shown = generator.sample(count, **self.method.watched) if model.classes else samples[:count]
                distance = frechet_distance(self.components(samples), self.found)
                trainer.metrics |= {"distance": distance, "nothing": float(self.found.var(0).sum())}
        random.set_rng_state(state)
        model.train()
        self.folder.mkdir(parents=True, exist_ok=True)
        save_image(shown, self.folder / f"{trainer.epoch:03}.png", nrow=columns)
        alike = samples.var(0).sum() < ALIKE**2 * self.spread
        if alike and not self.collapsed:
            self.say(
                f"after {trainer.step} steps all samples are nearly the same picture; "
                "if this lasts, train again with a lower learning rate or another seed"
            )
        self.collapsed = bool(alike)
