"""Training of editing networks: make patches from photos or from pairs of images, train, and measure the result.

`fit` trains and `judge` measures.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import deepcopy
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from minicnn.autograd.tape import no_grad
from minicnn.autograd.tensor import Tensor
from minicnn.data import DataLoader, PatchDataset
from minicnn.errors import DataError
from minicnn.imaging.editing import edit, load_editor, save_editor
from minicnn.imaging.metrics import Score
from minicnn.imaging.tasks import PatchRecipe
from minicnn.models import EditingNetwork
from minicnn.nn import Module
from minicnn.nn.functional import mse_loss
from minicnn.ops.create import from_numpy
from minicnn.optim import Adam
from minicnn.optim.lr_scheduler import OneCycleLR
from minicnn.runtime import random
from minicnn.training import (
    EMA,
    BestModel,
    Checkpoint,
    ClipGradients,
    EarlyStopping,
    History,
    ProgressBar,
    Recipe,
    ReportDeadChannels,
    StopOnNaN,
    Trainer,
)
from minicnn.training.recipe import EPOCH_STEPS, MAX_EPOCHS

__all__ = [
    "CHECKPOINT",
    "MODEL",
    "Evaluate",
    "first_guess",
    "fit",
    "improves",
    "judge",
    "pair_patches",
    "pair_scale",
    "spoilt_patches",
    "steps_for",
    "trainer_for",
]

Picture = NDArray[np.float32]
Pair = tuple[Picture, Picture]

CHECKPOINT = "checkpoint.safetensors"
MODEL = "model.safetensors"
BETAS = (0.9, 0.99)  # of Adam; with 0.999 U-Nets train unstably; with 0.95 long trainings learn less
MIN_PATIENCE = 5  # epochs
MIN_STEPS = 100  # of a training for a given time
TIMED_STEPS = 20
STEP_SHARE = 1.1  # of the time of a step and its batch: evaluations and checkpoints come on top
CHECKED_PATCHES = 400  # patches that decide whether a network has learned; fewer are too few for colours
GRADIENT_NORM = 0.03  # twice a typical norm; without a limit, a single bad step at the peak rate can ruin the network


def spoilt_patches(
    photos: Iterable[Picture],
    spoil: Callable[[Picture, Generator], Pair],
    recipe: PatchRecipe,
    side: int | None = None,
) -> PatchDataset:
    """Return a dataset of pairs (input, target): `spoil` makes each pair from a random patch of a clean photo.

    Parameters
    ----------
    photos : iterable of arrays (3, H, W)
    spoil : callable, (clean, rng) -> (input, target)
        Usually a task of `TASKS`.
    recipe : PatchRecipe
    side : int, optional
        The side of the clean patches, for a task ``task.clean_side(recipe.patch)``. Default: ``recipe.patch``.
    """
    count = recipe.epoch_steps * recipe.batch_size
    return PatchDataset(photos, side or recipe.patch, count, rotate=True, transform=spoil, seed=recipe.seed)


def pair_patches(pairs: Sequence[Pair], recipe: PatchRecipe) -> PatchDataset:
    """Return a dataset of random patches, cut at the same position from an input and its target."""
    return PatchDataset(pairs, recipe.patch, recipe.epoch_steps * recipe.batch_size, rotate=True, seed=recipe.seed)


def pair_scale(pairs: Sequence[Pair]) -> int:
    """Return the ratio of target size to input size.

    Raises
    ------
    DataError
        If the ratio is not the same integer for all pairs and both axes.
    """
    scales = {(t.shape[1] / i.shape[1], t.shape[2] / i.shape[2]) for i, t in pairs} or {(1.0, 1.0)}
    scale = min(scales)[0]
    if scales != {(scale, scale)} or scale != int(scale):
        ratios = ", ".join(f"{h:.3g} x {w:.3g}" for h, w in sorted(scales))
        raise DataError(
            f"pairs: target size / input size must be the same integer for every pair, got {ratios}; "
            "a network keeps or enlarges the size of an image, so resize the inputs or targets, or swap them"
        )
    return int(scale)


def fit(
    model: Module,
    patches: PatchDataset,
    recipe: PatchRecipe,
    folder: Path,
    *,
    loss: Callable[[Any, Any], Tensor] | None = None,
    evaluate: Callable[[Any], float] | None = None,
    about: Mapping[str, Any] | None = None,
    resume: bool = False,
    bar: bool = True,
    say: Callable[[str], Any] = print,
) -> History:
    """Train a model. After Ctrl-C there is a checkpoint to resume from.

    The model ends with an exponential moving average of its weights. With `evaluate` it is the average after the epoch
    with the best score, or the model as it began if no score is better. Then the training also ends early: if the score
    has not improved for two thirds of the epochs, at least 5.

    Parameters
    ----------
    model : Module
        Training runs on the device of its parameters.
    patches : PatchDataset
    recipe : PatchRecipe
    folder : Path
        The folder for losses.jsonl and the checkpoint, which is written after every epoch.
    loss : callable, (output, target) -> Tensor, optional
        Default: the mean squared error.
    evaluate : callable, optional
        `evaluate(model)` returns a score; larger is better. It is called at the start, and after every epoch with the
        averaged weights.
        The best model so far is in model.safetensors in the folder; `model` must be an EditingNetwork.
    about : mapping, optional
        Metadata for this file.
    resume : bool
        Resume from the checkpoint in the folder.
    bar : bool
        Show a progress bar in terminals.
    say : callable
        Called with a line of text if channels of the network are dead, or if the training ends early.

    Returns
    -------
    History
        The "loss" of every step and, with `evaluate`, the "score" of every epoch.
    """
    loader = DataLoader(patches, recipe.batch_size, num_workers=0, seed=recipe.seed)
    history, ema = History(folder / "losses.jsonl"), EMA()
    callbacks: list[Any] = [ProgressBar()] if bar else []
    callbacks += [StopOnNaN(), ReportDeadChannels(say), ClipGradients(GRADIENT_NORM), ema]
    if evaluate is not None:

        def save(trained: Any) -> None:
            with ema.applied(trained):
                save_editor(folder / MODEL, trained, **(about or {}))

        best = BestModel(save, "score", "max")
        patience = max(recipe.epochs * 2 // 3, MIN_PATIENCE)  # the score may fall while the learning rate is high
        early = EarlyStopping(patience, "score", "max")
        callbacks += [Evaluate(evaluate, ema), best, early]
        if not resume:
            start = evaluate(model.eval())
            best.best = None if np.isnan(start) else start
            save(model.train())
    callbacks += [history, Checkpoint(folder / CHECKPOINT)]
    trainer = trainer_for(model, recipe, callbacks, loss or mse_loss)
    trainer.fit(loader, recipe.epochs, resume=folder / CHECKPOINT if resume else None)
    if trainer.stopping:
        say(f"ended after {trainer.step} steps, because nothing improved any more")
    if evaluate is not None and (folder / MODEL).exists():
        model.load_state_dict(load_editor(folder / MODEL).model.state_dict())
    else:
        with ema.applied(model):
            averages = {name: value.clone() for name, value in model.state_dict().items()}
        model.load_state_dict(averages)
    return history


class Evaluate:
    """A callback that evaluates the averaged weights after every epoch. The result is `trainer.metrics["score"]`.

    Parameters
    ----------
    evaluate : callable
        `evaluate(model)` returns a score.
    ema : EMA
    """

    def __init__(self, evaluate: Callable[[Any], float], ema: EMA) -> None:
        self.evaluate, self.ema = evaluate, ema

    def on_epoch_end(self, trainer: Trainer) -> None:
        """Evaluate the model."""
        with self.ema.applied(trainer.model):
            trainer.metrics["score"] = self.evaluate(trainer.model.eval())
        trainer.model.train()


def trainer_for(
    model: Module, recipe: PatchRecipe, callbacks: Sequence[Any], loss: Callable[[Any, Any], Tensor] = mse_loss
) -> Trainer:
    """Return a trainer that minimises a loss with Adam and a one-cycle schedule."""
    optimizer = Adam(model.parameters(), lr=recipe.learning_rate, betas=BETAS)
    schedule = OneCycleLR(optimizer, recipe.learning_rate, total_steps=recipe.epochs * recipe.epoch_steps)
    return Trainer(model, optimizer, loss, schedule, callbacks, schedule="step")


def steps_for(
    minutes: float,
    model: Any,
    patches: PatchDataset,
    recipe: Recipe,
    make: Callable[[Any, Any, Sequence[Any]], Trainer] = trainer_for,
    evaluation: float = 0.0,
) -> int:
    """Return how many steps of a training take about this time: hundreds, at least 100.

    It is measured with a copy of the model. `make` returns its trainer, as `trainer_for` does. `evaluation` is the time
    after each epoch, in seconds, if it is long.
    """
    state, timer = random.get_rng_state(), _Timer()
    batches = islice(DataLoader(patches, recipe.batch_size, num_workers=0, seed=recipe.seed), TIMED_STEPS)
    make(deepcopy(model), recipe, [timer]).fit(batches, 1)
    random.set_rng_state(state)
    seconds = STEP_SHARE * float(np.median(np.diff(timer.ends)))
    short = 60 * minutes / (seconds + evaluation / EPOCH_STEPS)  # epochs of 100 steps
    long = (60 * minutes - MAX_EPOCHS * evaluation) / seconds  # 25 epochs
    return max(int(max(short, long)) // MIN_STEPS, 1) * MIN_STEPS


class _Timer:
    """Note the time after each step, in seconds."""

    def __init__(self) -> None:
        self.ends: list[float] = []

    def on_step_end(self, trainer: Trainer) -> None:
        self.ends.append(time.perf_counter())


def improves(model: EditingNetwork, patches: PatchDataset) -> bool:
    """Tell whether the squared error of the network's results is below that of its first guesses."""
    guessed = learned = 0.0
    with no_grad():
        for index in range(min(len(patches), CHECKED_PATCHES)):
            x, target = (from_numpy(part[np.newaxis]).to(next(model.parameters()).device) for part in patches[index])
            guessed += float(((model.first_guess(x) - target) ** 2).mean())
            learned += float(((model(x) - target) ** 2).mean())
    return learned < guessed


def first_guess(image: Picture, model: EditingNetwork) -> Picture:
    """Return the image to which a network adds its difference: the baseline without learning."""
    with no_grad():
        x = from_numpy(image[np.newaxis]).to(next(model.parameters()).device)
        guess: Picture = model.first_guess(x)[0].cpu().numpy()
    return guess.clip(0, 1)


def judge(
    model: EditingNetwork, pairs: Iterable[Pair], score: Callable[[Picture, Picture, Picture], Score] | None = None
) -> tuple[Score, Score]:
    """Return the scores of the network's first guesses and of its results, for all pairs together.

    Parameters
    ----------
    model : EditingNetwork
    pairs : iterable of (input, target)
    score : callable, (image, target, input) -> Score, optional
        Default: the score of the whole image.
    """
    scores = []
    for image, target in pairs:
        results = first_guess(image, model), edit(model, image)
        scores.append([score(y, target, image) if score else Score.of(y, target) for y in results])
    before, after = zip(*scores, strict=True)
    return Score.pooled(before), Score.pooled(after)
