"""Callbacks for `Trainer`: progress bar, validation, history, loss plot, gradient clipping, checkpoints.

A callback is an object with methods such as `on_step_end`. The trainer calls them with itself as the argument.
"""

import json
import math
import signal
import threading
from collections.abc import Callable, Iterable, Mapping, Sized
from contextlib import nullcontext
from pathlib import Path
from typing import Any, TextIO

from minicnn.autograd.tensor import Tensor
from minicnn.curves import svg_curve
from minicnn.errors import DataError
from minicnn.nn.utils import clip_grad_norm_
from minicnn.training.ema import EMA
from minicnn.training.trainer import Trainer, numbers

__all__ = ["Checkpoint", "ClipGradients", "History", "LossPlot", "ProgressBar", "Validate"]

LOSSES_PER_FETCH = 50  # losses that stay on a GPU and are fetched together


class ProgressBar:
    """A progress bar over all steps, for terminals and notebooks. It shows epoch, loss, steps per second and time left.

    Parameters
    ----------
    force : bool
        Draw the bar also if the output is not a terminal, for example a log file.
    """

    def __init__(self, force: bool = False) -> None:
        self.force = force
        self.bar: Any = None

    def on_fit_start(self, trainer: Trainer) -> None:
        """Draw the bar."""
        from tqdm.auto import tqdm

        total = len(trainer.loader) * trainer.epochs if isinstance(trainer.loader, Sized) else None
        hidden = False if self.force else None  # None: tqdm checks for a terminal
        self.bar = tqdm(total=total, initial=trainer.step, unit="step", disable=hidden, dynamic_ncols=True)

    def on_step_end(self, trainer: Trainer) -> None:
        """Advance the bar. The loss is fetched only when the bar is drawn, because that waits for a GPU."""
        if self.bar.update():
            self._show(trainer.epoch + 1, trainer, {"loss": float(trainer.loss)})

    def on_epoch_end(self, trainer: Trainer) -> None:
        """Show the epoch's mean loss and the metrics."""
        self._show(trainer.epoch, trainer, {"loss": trainer.epoch_loss, **trainer.metrics})

    def _show(self, epoch: int, trainer: Trainer, values: dict[str, float]) -> None:
        self.bar.set_description(f"epoch {epoch}/{trainer.epochs}", refresh=False)
        self.bar.set_postfix_str(", ".join(f"{name}={value:.4g}" for name, value in values.items()), refresh=False)

    def on_fit_end(self, trainer: Trainer) -> None:
        """Close the bar."""
        if self.bar is not None:
            self.bar.close()


class Validate:
    """Evaluate the model on validation data after every epoch, and put the results into `trainer.metrics`.

    Parameters
    ----------
    loader : iterable of (inputs, targets)
    metrics : dict of str to callable, optional
        `metric(output, target)`. Default: the loss.
    prefix : str
        Put before the names of the metrics: "loss" becomes "validation_loss".
    ema : EMA, optional
        Evaluate the model with these averaged weights.
    """

    def __init__(
        self,
        loader: Iterable[Any],
        metrics: Mapping[str, Callable[[Any, Any], Any]] | None = None,
        prefix: str = "validation_",
        ema: EMA | None = None,
    ) -> None:
        self.loader, self.metrics, self.prefix, self.ema = loader, metrics, prefix, ema

    def on_epoch_end(self, trainer: Trainer) -> None:
        """Evaluate the model."""
        with self.ema.applied(trainer.model) if self.ema else nullcontext():
            values = trainer.evaluate(self.loader, self.metrics)
        trainer.metrics.update({self.prefix + name: value for name, value in values.items()})


class History:
    """Record the loss of every step, and the mean loss and the metrics of every epoch. Put it after `Validate`.

    Parameters
    ----------
    path : str or Path, optional
        A file that gets a line of JSON for each record. A resumed training keeps the file's records up to its own step.
        Any other training overwrites the file.

    Attributes
    ----------
    records : list of dict
        A record of a step has step, epoch, loss, the trainer's terms and lr. A record of an epoch has step, epoch,
        epoch_loss and the metrics. `step` and `epoch` are the numbers of completed steps and epochs.

    Notes
    -----
    On a GPU, losses are fetched 50 at a time, because each fetch waits for the GPU. The end of an epoch and `records`
    also fetch.
    """

    def __init__(self, path: str | Path | None = None) -> None:
        self.path = None if path is None else Path(path)
        self._records: list[dict[str, Any]] = []
        self._pending: list[dict[str, Any]] = []  # records whose losses are still tensors
        self._file: TextIO | None = None

    @property
    def records(self) -> list[dict[str, Any]]:
        self._fetch()
        return self._records

    def values(self, name: str) -> list[float]:
        """Return the values of this name from all records that have it, in order."""
        return [record[name] for record in self.records if name in record]

    def _repr_html_(self) -> str:  # for notebooks: a curve for each loss and metric
        names = {name for record in self.records for name in record} - {"step", "epoch", "epoch_loss"}
        values = {name: [float(value) for value in self.values(name)] for name in sorted(names, key=_loss_first)}
        return "".join(svg_curve(name, curve) for name, curve in values.items())

    def on_fit_start(self, trainer: Trainer) -> None:
        """Read the file's records of this training if it is resumed, and open the file."""
        if self.path is None:
            return
        if trainer.step and self.path.exists():
            found = [json.loads(line) for line in self.path.read_text().splitlines() if line.endswith("}")]
            self._records = [
                r for r in found if r.get("step", math.inf) <= trainer.step and r.get("epoch", 0) <= trainer.epoch
            ]
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self.path.open("w", buffering=1)
        self._file.writelines(json.dumps(record) + "\n" for record in self.records)

    def on_step_end(self, trainer: Trainer) -> None:
        """Record a step."""
        losses, rate = {"loss": trainer.loss, **trainer.terms}, trainer.optimizer.param_groups[0]["lr"]
        self._pending.append({"step": trainer.step, "epoch": trainer.epoch, **losses, "lr": rate})
        if trainer.device is None or trainer.device.on_host or len(self._pending) >= LOSSES_PER_FETCH:
            self._fetch()

    def on_epoch_end(self, trainer: Trainer) -> None:
        """Record an epoch."""
        self._fetch()
        record = {"step": trainer.step, "epoch": trainer.epoch, "epoch_loss": trainer.epoch_loss, **trainer.metrics}
        self._add(record)

    def on_fit_end(self, trainer: Trainer) -> None:
        """Close the file."""
        self._fetch()
        if self._file is not None:
            self._file.close()
            self._file = None

    def _fetch(self) -> None:
        pending, self._pending = self._pending, []
        losses = [(record, name) for record in pending for name in record if isinstance(record[name], Tensor)]
        for (record, name), value in zip(losses, numbers([r[name] for r, name in losses]), strict=True):
            record[name] = value
        for record in pending:
            self._add(record)

    def _add(self, record: dict[str, Any]) -> None:
        self._records.append(record)
        if self._file is not None:
            self._file.write(json.dumps(record) + "\n")


class LossPlot:
    """Draw the loss curves to an image file after every epoch. Put it after `History`.

    Parameters
    ----------
    history : History
    path : str or Path
    draw : callable
        `draw(path, curves)` with a dict of name to values, for example `minicnn.imaging.loss_curve`.
    """

    def __init__(self, history: History, path: str | Path, draw: Callable[[Path, dict[str, list[float]]], Any]) -> None:
        self.history, self.path, self.draw = history, Path(path), draw

    def on_epoch_end(self, trainer: Trainer) -> None:
        """Draw the loss of the steps, and the metrics of the epochs whose names end with "loss"."""
        names = ["loss", *(name for name in trainer.metrics if name.endswith("loss"))]
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.draw(self.path, {name: self.history.values(name) for name in names})


class ClipGradients:
    """Scale all gradients before every step, so that their norm is at most `max_norm`. Put it after `StopOnNaN`.

    Parameters
    ----------
    max_norm : float

    Raises
    ------
    DataError
        If `max_norm` is not positive.
    """

    def __init__(self, max_norm: float) -> None:
        if not max_norm > 0:
            raise DataError(f"ClipGradients: max_norm must be above zero, got {max_norm}; pass e.g. 1.0")
        self.max_norm = max_norm

    def on_backward_end(self, trainer: Trainer) -> None:
        """Clip the gradients."""
        clip_grad_norm_(trainer.model.parameters(), self.max_norm)


class Checkpoint:
    """Save the whole training to a file at intervals, and also on Ctrl-C. Put it last.

    Parameters
    ----------
    path : str or Path
        Each checkpoint replaces the file.
    every_epochs : int
        0: not after epochs.
    every_steps : int
        0: not after steps.

    Notes
    -----
    After Ctrl-C the current step is completed and saved; then KeyboardInterrupt is raised. A second Ctrl-C interrupts
    at once.
    """

    def __init__(self, path: str | Path, every_epochs: int = 1, every_steps: int = 0) -> None:
        self.path, self.every_epochs, self.every_steps = Path(path), every_epochs, every_steps
        self._interrupted = False
        self._handler: Any = None

    def on_fit_start(self, trainer: Trainer) -> None:
        """Install a handler for Ctrl-C. Python allows this only in the main thread."""
        trainer.parts()  # raises an error now, not after the first epoch, if a part cannot be saved
        self._interrupted = False
        handler = signal.getsignal(signal.SIGINT)
        if threading.current_thread() is threading.main_thread() and callable(handler):
            self._handler = handler
            signal.signal(signal.SIGINT, self._interrupt)

    def on_fit_end(self, trainer: Trainer) -> None:
        """Restore the handler for Ctrl-C."""
        if self._handler is not None:
            signal.signal(signal.SIGINT, self._handler)
            self._handler = None
        if self._interrupted:  # Ctrl-C came after the last step
            raise KeyboardInterrupt

    def _interrupt(self, number: int, frame: Any) -> None:
        self._interrupted = True
        signal.signal(signal.SIGINT, self._handler)

    def on_step_end(self, trainer: Trainer) -> None:
        """Save if the interval is over, or after Ctrl-C."""
        self._save(trainer, self.every_steps and trainer.step % self.every_steps == 0)

    def on_epoch_end(self, trainer: Trainer) -> None:
        """Save if the interval is over, or after Ctrl-C."""
        self._save(trainer, self.every_epochs and trainer.epoch % self.every_epochs == 0)

    def _save(self, trainer: Trainer, due: bool | int) -> None:
        if due or self._interrupted:
            trainer.save(self.path)
        if self._interrupted:
            self._interrupted = False
            raise KeyboardInterrupt(f"training stopped after step {trainer.step}; resume from '{self.path}'")


def _loss_first(name: str) -> tuple[bool, str]:
    return name != "loss", name
