"""Image-to-image translation with a conditional GAN: pix2pix, of Isola et al. (2017).

A mean error blurs wherever several results are possible, because their mean has the smallest error. So a second
network, the discriminator, learns to tell results from targets, and the editing network, the generator, learns to
deceive it. `fit` trains both.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import minicnn.nn as nn
import minicnn.nn.functional as F
from minicnn.autograd.tensor import Tensor
from minicnn.data import DataLoader, PatchDataset
from minicnn.imaging.editing import edit, save_editor
from minicnn.imaging.learning import CHECKPOINT, MODEL, Evaluate, Pair, first_guess
from minicnn.imaging.tasks import PatchRecipe
from minicnn.models import EditingNetwork, PatchDiscriminator
from minicnn.ops.create import full_like
from minicnn.optim import Adam
from minicnn.optim.lr_scheduler import LambdaLR
from minicnn.training import (
    EMA,
    Checkpoint,
    ClipGradients,
    History,
    ProgressBar,
    ReportDeadChannels,
    StopOnNaN,
    Trainer,
)

__all__ = ["Pix2Pix", "Pix2PixTrainer", "absolute_errors", "fit", "trainer_for"]

L1_WEIGHT = 100.0  # of the paper
BETAS = (0.5, 0.99)  # of Adam; the paper has 0.5 and 0.999, with which editing networks train unstably
SLOWER = 2.5  # the learning rate of the generator / of the discriminator, which would win otherwise
GRADIENT_NORM = 30.0  # a typical norm; that of a bad step is 100 times as large


class Pix2Pix(nn.Module):
    """The two networks of a training.

    Parameters
    ----------
    generator : EditingNetwork
    discriminator : PatchDiscriminator
    """

    def __init__(self, generator: EditingNetwork, discriminator: PatchDiscriminator) -> None:
        super().__init__()
        self.generator, self.discriminator = generator, discriminator

    def forward(self, x: Tensor) -> Tensor:
        """Return the results of the generator."""
        y: Tensor = self.generator(x)
        return y


class Pix2PixTrainer(Trainer):
    """Trains the generator G and the discriminator D, whose logits are D(input, picture), each on a loss of its own.

    With an input x, its target y and the result G(x):

        loss of G = bce(D(x, G(x)), 1) + 100 mean |y - G(x)|
        loss of D = (bce(D(x, y), 1) + bce(D(x, G(x)), 0)) / 2

    bce is the binary cross-entropy with logits. The loss of G does not change D, and the loss of D does not change G:
    it gets detached results. So one backward pass of the sum, and one optimizer with a group for each network, take the
    alternating steps of two optimizers: a step of G, then a step of D with the same results.

    The model is a `Pix2Pix`. `terms` holds "l1" (the mean without its weight), "generator" (the other part of the loss
    of G) and "discriminator".

    References
    ----------
    Isola, Zhu, Zhou, Efros: Image-to-image translation with conditional adversarial networks. CVPR 2017.
    """

    def compute_loss(self, batch: Any) -> Tensor:
        """Return the sum of the losses of both networks."""
        inputs, targets = batch
        discriminator: Any = self.model.discriminator
        results = self.model(inputs)
        l1 = F.l1_loss(results, targets)
        discriminator.requires_grad_(False)
        generator_loss = _cross_entropy(discriminator(inputs, results), 1)
        discriminator.requires_grad_(True)
        real, made = discriminator(inputs, targets), discriminator(inputs, results.detach())
        discriminator_loss = (_cross_entropy(real, 1) + _cross_entropy(made, 0)) / 2
        losses = {"l1": l1, "generator": generator_loss, "discriminator": discriminator_loss}
        self.terms = {name: loss.detach() for name, loss in losses.items()}
        total: Tensor = L1_WEIGHT * l1 + generator_loss + discriminator_loss
        return total


def _cross_entropy(logits: Tensor, label: float) -> Tensor:
    return F.binary_cross_entropy_with_logits(logits, full_like(logits, label))


def trainer_for(model: EditingNetwork, recipe: PatchRecipe, callbacks: Sequence[Any]) -> Pix2PixTrainer:
    """Return a trainer of a generator and a new discriminator, on the generator's device.

    The learning rates are constant for half of the steps, as in the paper, and then fall to 0 in a line. The generator
    has the recipe's rate, the discriminator 2/5 of it.
    """
    discriminator = PatchDiscriminator(model.in_channels, model.out_channels)
    both = Pix2Pix(model, discriminator.to(next(model.parameters()).device))
    rates = ((model, recipe.learning_rate), (discriminator, recipe.learning_rate / SLOWER))
    optimizer = Adam([{"params": list(network.parameters()), "lr": rate} for network, rate in rates], betas=BETAS)
    steps = recipe.epochs * recipe.epoch_steps
    schedule = LambdaLR(optimizer, lambda step: min(1, 2 * (1 - step / steps)))
    return Pix2PixTrainer(both, optimizer, F.l1_loss, schedule, callbacks, schedule="step")


def fit(
    model: EditingNetwork,
    patches: PatchDataset,
    recipe: PatchRecipe,
    folder: Path,
    *,
    evaluate: Callable[[Any], float] | None = None,
    about: Mapping[str, Any] | None = None,
    resume: bool = False,
    bar: bool = True,
    say: Callable[[str], Any] = print,
) -> History:
    """Train a generator against a new discriminator. After Ctrl-C there is a checkpoint to resume from.

    The model ends with an exponential moving average of its weights. There is no early end and no choice of a best
    network: the errors of sharp results are larger than the errors of blurred ones.

    Parameters
    ----------
    model : EditingNetwork
        Training runs on the device of its parameters.
    patches : PatchDataset
    recipe : PatchRecipe
        See `trainer_for` for the learning rates.
    folder : Path
        The folder for losses.jsonl, the checkpoint and model.safetensors, which are written after every epoch.
    evaluate : callable, optional
        `evaluate(model)` returns a score. It is called after every epoch, with the averaged weights.
    about : mapping, optional
        Metadata for model.safetensors.
    resume : bool
        Continue from the checkpoint in the folder, with results identical to an uninterrupted training.
    bar : bool
        Show a progress bar in terminals.
    say : callable
        Called with a line of text for each fault of the trained networks.

    Returns
    -------
    History
        The "l1", "generator" and "discriminator" of every step and, with `evaluate`, the "score" of every epoch.
    """
    loader = DataLoader(patches, recipe.batch_size, num_workers=0, seed=recipe.seed)
    history, ema = History(folder / "losses.jsonl"), EMA()
    callbacks: list[Any] = [ProgressBar()] if bar else []
    callbacks += [
        StopOnNaN(),
        ReportDeadChannels(say),
        ClipGradients(GRADIENT_NORM),
        ema,
        _SaveGenerator(folder / MODEL, ema, about or {}),
    ]
    if evaluate is not None:
        callbacks.append(Evaluate(lambda both: evaluate(both.generator), ema))
    callbacks += [history, Checkpoint(folder / CHECKPOINT)]
    trainer = trainer_for(model, recipe, callbacks)
    trainer.fit(loader, recipe.epochs, resume=folder / CHECKPOINT if resume else None)
    with ema.applied(trainer.model):
        averages = {name: value.clone() for name, value in model.state_dict().items()}
    model.load_state_dict(averages)
    return history


class _SaveGenerator:
    """Write the averaged generator to a file after every epoch."""

    def __init__(self, path: Path, ema: EMA, about: Mapping[str, Any]) -> None:
        self.path, self.ema, self.about = path, ema, about

    def on_epoch_end(self, trainer: Trainer) -> None:
        with self.ema.applied(trainer.model):
            save_editor(self.path, trainer.model.generator, **self.about)


def absolute_errors(model: EditingNetwork, pairs: Iterable[Pair]) -> tuple[float, float]:
    """Return mean |target - image| of the network's first guesses and of its results, the mean over all pairs.

    Parameters
    ----------
    model : EditingNetwork
    pairs : iterable of (input, target)
    """
    errors = [
        [float(np.abs(target - y).mean()) for y in (first_guess(image, model), edit(model, image))]
        for image, target in pairs
    ]
    before, after = np.mean(errors, axis=0).tolist()
    return before, after
