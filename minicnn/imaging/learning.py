"""Training of editing networks: make patches from photos or from pairs of images, train, and measure the result.

`Recipe` holds the settings, `fit` trains and `judge` measures.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from minicnn.autograd.tape import no_grad
from minicnn.data import DataLoader, PatchDataset
from minicnn.errors import DataError
from minicnn.imaging.classical import bicubic
from minicnn.imaging.editing import edit
from minicnn.imaging.metrics import psnr, ssim
from minicnn.models import EditingNetwork
from minicnn.nn import Module, MSELoss
from minicnn.nn.utils import clip_grad_norm_
from minicnn.ops.create import from_numpy
from minicnn.optim import Adam
from minicnn.optim.lr_scheduler import OneCycleLR
from minicnn.runtime import random
from minicnn.training import (
    Checkpoint,
    ClipGradients,
    History,
    ProgressBar,
    ReportDeadChannels,
    StopOnNaN,
    Trainer,
)

__all__ = [
    "CHECKPOINT",
    "Recipe",
    "Score",
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
MAX_EPOCH_STEPS = 100
TIMED_STEPS = 20
STEP_SHARE = 1.15  # of a step's time: patches, callbacks and checkpoints come on top
CHECKED_PATCHES = 400  # patches that decide whether a network has learned; fewer are too few for colours
GRADIENT_NORM = 0.03  # twice a typical norm; without a limit, a single bad step at the peak rate can ruin the network


@dataclass(frozen=True)
class Recipe:
    """The settings of a training. The defaults are for a ResidualEditor.

    Attributes
    ----------
    steps : int
        The number of optimizer steps, rounded up to epochs of 100 steps. Fewer than 100 steps are a single epoch.
    batch_size : int
        The number of patches in a step.
    patch : int
        Side of the network's input patches, in pixels.
    learning_rate : float
        The highest learning rate of the one-cycle schedule.
    seed : int
    """

    steps: int = 3000
    batch_size: int = 8
    patch: int = 40
    learning_rate: float = 2e-3
    seed: int = 0

    @property
    def epoch_steps(self) -> int:
        """The number of steps in an epoch."""
        return min(self.steps, MAX_EPOCH_STEPS)

    @property
    def epochs(self) -> int:
        """The number of epochs."""
        return -(-self.steps // self.epoch_steps)


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
    resume: bool = False,
    bar: bool = True,
    say: Callable[[str], Any] = print,
) -> list[float]:
    """Train a model with the mean squared error. After Ctrl-C there is a checkpoint to resume from.

    At the end it says so if channels are dead, or if an editing network is no better than its first guess.

    Parameters
    ----------
    model : Module
        Training runs on the device of its parameters.
    patches : PatchDataset
    recipe : Recipe
    folder : Path
        The folder for losses.jsonl and the checkpoint, which is written after every epoch.
    resume : bool
        Resume from the checkpoint in the folder.
    bar : bool
        Show a progress bar in terminals.
    say : callable
        Called with a line of text for each fault of the trained network.

    Returns
    -------
    list of float
        The loss of every step.
    """
    loader = DataLoader(patches, recipe.batch_size, num_workers=0, seed=recipe.seed)
    optimizer = Adam(model.parameters(), lr=recipe.learning_rate)
    schedule = OneCycleLR(optimizer, recipe.learning_rate, total_steps=recipe.epochs * len(loader))
    history = History(folder / "losses.jsonl")
    faults = [StopOnNaN(), ReportDeadChannels(say)]
    callbacks = [*faults, ClipGradients(GRADIENT_NORM), history, Checkpoint(folder / CHECKPOINT)]
    trainer = Trainer(
        model, optimizer, MSELoss(), schedule, [*([ProgressBar()] if bar else []), *callbacks], schedule="step"
    )
    trainer.fit(loader, recipe.epochs, resume=folder / CHECKPOINT if resume else None)
    if isinstance(model, EditingNetwork) and not _improves(model, patches):
        say(
            "the network has learned nothing: its results are no better than its inputs; "
            "train again with more steps or a lower learning rate"
        )
    return history.values("loss")


def steps_for(minutes: float, model: Module, patches: PatchDataset, recipe: Recipe) -> int:
    """Return how many steps of a training take about this time, but at least an epoch of 100 steps.

    It is measured with a copy of the model.
    """
    state = random.get_rng_state()
    copy = deepcopy(model)
    optimizer, loss = Adam(copy.parameters(), lr=recipe.learning_rate), MSELoss()
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
    return max(int(60 * minutes / (STEP_SHARE * float(np.median(seconds)))), MAX_EPOCH_STEPS)


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
    """Return the input in the shape of the output, by bicubic enlargement: the baseline without a network."""
    image = image if model.scale == 1 else bicubic(image, model.scale)
    same = image.shape[0] == model.out_channels
    return image if same else np.repeat(image.mean(0, keepdims=True), model.out_channels, 0)


@dataclass(frozen=True)
class Score:
    """The similarity of an image and its target.

    Attributes
    ----------
    psnr : float
        In decibels; larger is better.
    ssim : float
        At most 1; larger is better.
    """

    psnr: float
    ssim: float

    def __str__(self) -> str:
        return f"{self.psnr:.2f} dB, {self.ssim:.3f}"

    @staticmethod
    def of(image: Picture, target: Picture) -> Score:
        """Return the score of an image; errors as in `psnr` and `ssim`."""
        return Score(psnr(image, target), ssim(image, target))

    @staticmethod
    def mean(scores: Iterable[Score]) -> Score:
        """Return the mean of the scores."""
        table: NDArray[Any] = np.array([(s.psnr, s.ssim) for s in scores])
        return Score(*table.mean(0).tolist())


def judge(model: EditingNetwork, pairs: Iterable[Pair]) -> tuple[Score, Score]:
    """Return the mean scores of the inputs (`first_guess`) and of the network's outputs."""
    scores = [(Score.of(first_guess(i, model), t), Score.of(edit(model, i), t)) for i, t in pairs]
    before, after = zip(*scores, strict=True)
    return Score.mean(before), Score.mean(after)
