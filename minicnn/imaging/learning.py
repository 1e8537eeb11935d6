"""Learning to edit: from photos and a task, or from pairs of pictures, to a trained network and its judgement."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from minicnn.data import DataLoader, PatchDataset
from minicnn.errors import DataError
from minicnn.imaging.classical import bicubic
from minicnn.imaging.editing import edit
from minicnn.imaging.metrics import psnr, ssim
from minicnn.models import ResidualEditor
from minicnn.nn import Module, MSELoss
from minicnn.optim import Adam
from minicnn.optim.lr_scheduler import OneCycleLR
from minicnn.training import Checkpoint, ClipGradients, History, ProgressBar, StopOnNaN, Trainer

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
]

Picture = NDArray[np.float32]
Pair = tuple[Picture, Picture]

CHECKPOINT = "checkpoint.safetensors"
STEPS_AN_EPOCH = 100
GRADIENT_NORM = 0.03  # twice the usual: without a limit, one bad step at the highest rate can kill the network


@dataclass(frozen=True)
class Recipe:
    """How to train: the defaults suit a ResidualEditor.

    Attributes
    ----------
    steps : int
        Optimizer steps; rounded up to whole epochs of 100 steps (one shorter epoch, if fewer).
    batch_size : int
        Patches a step.
    patch : int
        Side of the network's input patches, in pixels.
    learning_rate : float
        The highest one: it rises to it over the first third and falls to almost nothing (one cycle).
    seed : int
    """

    steps: int = 3000
    batch_size: int = 8
    patch: int = 40
    learning_rate: float = 3e-3
    seed: int = 0

    @property
    def epoch_steps(self) -> int:
        """Steps an epoch."""
        return min(self.steps, STEPS_AN_EPOCH)

    @property
    def epochs(self) -> int:
        """Epochs in all."""
        return -(-self.steps // self.epoch_steps)


def spoilt_patches(
    photos: Iterable[Picture], spoil: Callable[[Picture, Generator], Pair], recipe: Recipe, scale: int = 1
) -> PatchDataset:
    """Return random patches of good photos, spoilt on the fly: samples are (input, target).

    A target is `scale` times as large as its input; `TASKS` are such functions.
    """
    count = recipe.epoch_steps * recipe.batch_size
    return PatchDataset(photos, recipe.patch * scale, count, rotate=True, transform=spoil, seed=recipe.seed)


def pair_patches(pairs: Sequence[Pair], recipe: Recipe) -> PatchDataset:
    """Return random patches cut at the same place from the inputs and the targets."""
    return PatchDataset(pairs, recipe.patch, recipe.epoch_steps * recipe.batch_size, rotate=True, seed=recipe.seed)


def pair_scale(pairs: Sequence[Pair]) -> int:
    """Return how many times larger the targets are than their inputs.

    Raises
    ------
    DataError
        If that is not the same whole number for every pair.
    """
    scales = {(t.shape[1] / i.shape[1], t.shape[2] / i.shape[2]) for i, t in pairs} or {(1.0, 1.0)}
    scale = min(scales)[0]
    if scales != {(scale, scale)} or scale != int(scale):
        ratios = ", ".join(f"{h:.3g} x {w:.3g}" for h, w in sorted(scales))
        raise DataError(
            f"pairs: every target must be the same whole number of times as high and wide as its input, got {ratios} "
            "times; a network can keep the size of a picture or enlarge it, so resize one side, or swap them"
        )
    return int(scale)


def fit(
    model: Module, patches: PatchDataset, recipe: Recipe, folder: Path, *, resume: bool = False, bar: bool = True
) -> list[float]:
    """Train a model by mean squared error; Ctrl-C keeps a checkpoint to resume from.

    Parameters
    ----------
    model : Module
        On the device to train on.
    patches : PatchDataset
    recipe : Recipe
    folder : Path
        Gets the checkpoint, after every epoch, and losses.jsonl.
    resume : bool
        Go on from the checkpoint there.
    bar : bool
        Show a progress bar in terminals.

    Returns
    -------
    list of float
        The loss of every step.
    """
    loader = DataLoader(patches, recipe.batch_size, num_workers=0, seed=recipe.seed)
    optimizer = Adam(model.parameters(), lr=recipe.learning_rate)
    schedule = OneCycleLR(optimizer, recipe.learning_rate, total_steps=recipe.epochs * len(loader))
    history = History(folder / "losses.jsonl")
    callbacks = [StopOnNaN(), ClipGradients(GRADIENT_NORM), history, Checkpoint(folder / CHECKPOINT)]
    trainer = Trainer(
        model, optimizer, MSELoss(), schedule, [*([ProgressBar()] if bar else []), *callbacks], schedule="step"
    )
    trainer.fit(loader, recipe.epochs, resume=folder / CHECKPOINT if resume else None)
    return history.values("loss")


def first_guess(image: Picture, model: ResidualEditor) -> Picture:
    """Return the input in the shape of the output: what there is without a network."""
    image = image if model.scale == 1 else bicubic(image, model.scale)
    same = image.shape[0] == model.out_channels
    return image if same else np.repeat(image.mean(0, keepdims=True), model.out_channels, 0)


@dataclass(frozen=True)
class Score:
    """How near a picture is to its target.

    Attributes
    ----------
    psnr : float
        Decibels; more is better.
    ssim : float
        At most 1, which is best.
    """

    psnr: float
    ssim: float

    def __str__(self) -> str:
        return f"{self.psnr:.2f} dB, {self.ssim:.3f}"

    @staticmethod
    def of(image: Picture, target: Picture) -> Score:
        """Measure one picture."""
        return Score(psnr(image, target), ssim(image, target))

    @staticmethod
    def mean(scores: Iterable[Score]) -> Score:
        """Average over pictures."""
        table: NDArray[Any] = np.array([(s.psnr, s.ssim) for s in scores])
        return Score(*table.mean(0).tolist())


def judge(model: ResidualEditor, pairs: Iterable[Pair]) -> tuple[Score, Score]:
    """Return the mean scores of the inputs as they are and of what the network makes of them."""
    scores = [(Score.of(first_guess(i, model), t), Score.of(edit(model, i), t)) for i, t in pairs]
    before, after = zip(*scores, strict=True)
    return Score.mean(before), Score.mean(after)
