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
from minicnn.data import DataLoader, PatchDataset
from minicnn.errors import DataError
from minicnn.imaging.editing import edit, load_editor, save_editor
from minicnn.imaging.metrics import Score
from minicnn.imaging.tasks import Recipe
from minicnn.models import EditingNetwork
from minicnn.nn import Module, MSELoss
from minicnn.nn.utils import clip_grad_norm_
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
    ReportDeadChannels,
    StopOnNaN,
    Trainer,
)

__all__ = [
    "CHECKPOINT",
    "MODEL",
    "first_guess",
    "fit",
    "judge",
    "pair_patches",
    "pair_scale",
    "spoilt_patches",
    "steps_for",
]

Picture = NDArray[np.float32]
Pair = tuple[Picture, Picture]

CHECKPOINT = "checkpoint.safetensors"
MODEL = "model.safetensors"
BETAS = (0.9, 0.99)  # of Adam; with 0.999, U-Nets train unstably
MIN_PATIENCE = 5  # epochs
MIN_STEPS = 100  # of a training for a given time
TIMED_STEPS = 20
STEP_SHARE = 1.15  # of a step's time: patches, callbacks and checkpoints come on top
CHECKED_PATCHES = 400  # patches that decide whether a network has learned; fewer are too few for colours
GRADIENT_NORM = 0.03  # twice a typical norm; without a limit, a single bad step at the peak rate can ruin the network


def spoilt_patches(
    photos: Iterable[Picture], spoil: Callable[[Picture, Generator], Pair], recipe: Recipe, scale: int = 1
) -> PatchDataset:
    """Return a dataset of pairs (input, target): `spoil` makes each pair from a random patch of a clean photo.

    `spoil` is usually a task of `TASKS`. A target is `scale` times as large as its input.
    """
    count = recipe.epoch_steps * recipe.batch_size
    return PatchDataset(photos, recipe.patch * scale, count, rotate=True, transform=spoil, seed=recipe.seed)


def pair_patches(pairs: Sequence[Pair], recipe: Recipe) -> PatchDataset:
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
    recipe: Recipe,
    folder: Path,
    *,
    evaluate: Callable[[Any], float] | None = None,
    about: Mapping[str, Any] | None = None,
    resume: bool = False,
    bar: bool = True,
    say: Callable[[str], Any] = print,
) -> History:
    """Train a model with the mean squared error. After Ctrl-C there is a checkpoint to resume from.

    The model ends with an exponential moving average of its weights. With `evaluate` it is the average after the epoch
    with the best score, and the training ends early if the score has not improved for a third of the epochs. At the end
    it says so if channels are dead, or if an editing network is no better than its first guess.

    Parameters
    ----------
    model : Module
        Training runs on the device of its parameters.
    patches : PatchDataset
    recipe : Recipe
    folder : Path
        The folder for losses.jsonl and the checkpoint, which is written after every epoch.
    evaluate : callable, optional
        `evaluate(model)` returns a score; larger is better. It is called after every epoch, with the averaged weights.
        The best model so far is in model.safetensors in the folder; `model` must be an EditingNetwork.
    about : mapping, optional
        Metadata for this file.
    resume : bool
        Resume from the checkpoint in the folder.
    bar : bool
        Show a progress bar in terminals.
    say : callable
        Called with a line of text for each fault of the trained network.

    Returns
    -------
    History
        The "loss" of every step and, with `evaluate`, the "score" of every epoch.
    """
    loader = DataLoader(patches, recipe.batch_size, num_workers=0, seed=recipe.seed)
    optimizer = Adam(model.parameters(), lr=recipe.learning_rate, betas=BETAS)
    schedule = OneCycleLR(optimizer, recipe.learning_rate, total_steps=recipe.epochs * len(loader))
    history, ema = History(folder / "losses.jsonl"), EMA()
    callbacks: list[Any] = [ProgressBar()] if bar else []
    callbacks += [StopOnNaN(), ReportDeadChannels(say), ClipGradients(GRADIENT_NORM), ema]
    if evaluate is not None:

        def save(trained: Any) -> None:
            with ema.applied(trained):
                save_editor(folder / MODEL, trained, **(about or {}))

        patience = max(recipe.epochs // 3, MIN_PATIENCE)
        callbacks += [
            _Evaluate(evaluate, ema),
            BestModel(save, "score", "max"),
            EarlyStopping(patience, "score", "max"),
        ]
    callbacks += [history, Checkpoint(folder / CHECKPOINT)]
    trainer = Trainer(model, optimizer, MSELoss(), schedule, callbacks, schedule="step")
    trainer.fit(loader, recipe.epochs, resume=folder / CHECKPOINT if resume else None)
    if evaluate is not None:
        model.load_state_dict(load_editor(folder / MODEL).model.state_dict())
    else:
        with ema.applied(model):
            averages = {name: value.clone() for name, value in model.state_dict().items()}
        model.load_state_dict(averages)
    if isinstance(model, EditingNetwork) and not _improves(model, patches):
        say(
            "the network has learned nothing: its results are no better than its inputs; "
            "train again with more steps or a lower learning rate"
        )
    return history


class _Evaluate:
    """Evaluate the averaged weights after every epoch, and put the result into `trainer.metrics` as "score"."""

    def __init__(self, evaluate: Callable[[Any], float], ema: EMA) -> None:
        self.evaluate, self.ema = evaluate, ema

    def on_epoch_end(self, trainer: Trainer) -> None:
        with self.ema.applied(trainer.model):
            trainer.metrics["score"] = self.evaluate(trainer.model.eval())
        trainer.model.train()


def steps_for(
    minutes: float,
    model: Module,
    patches: PatchDataset,
    recipe: Recipe,
    loss: Callable[[Any, Any], Any] | None = None,
) -> int:
    """Return how many steps of a training take about this time, but at least an epoch of 100 steps.

    It is measured with a copy of the model. The loss is `loss(output, target)`, by default the mean squared error.
    """
    state = random.get_rng_state()
    copy = deepcopy(model)
    optimizer, loss = Adam(copy.parameters(), lr=recipe.learning_rate), loss or MSELoss()
    device = next(copy.parameters()).device
    seconds = []
    for batch in islice(DataLoader(patches, recipe.batch_size, num_workers=0, seed=recipe.seed), TIMED_STEPS):
        begin = time.perf_counter()
        inputs, targets = (part.to(device) for part in batch)
        optimizer.zero_grad()
        loss(copy(inputs), targets).backward()
        clip_grad_norm_(copy.parameters(), GRADIENT_NORM)
        optimizer.step()
        seconds.append(time.perf_counter() - begin)
    random.set_rng_state(state)
    return max(int(60 * minutes / (STEP_SHARE * float(np.median(seconds)))), MIN_STEPS)


def _improves(model: EditingNetwork, patches: PatchDataset) -> bool:
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
    """Return the mean scores of the network's first guesses and of its results.

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
    return Score.mean(before), Score.mean(after)
