"""Callbacks: what happens around the training loop. Each is a small class with some of the trainer's event methods."""

import json
import signal
import threading
from collections.abc import Callable, Iterable, Mapping, Sized
from pathlib import Path
from typing import Any, TextIO

from minicnn.errors import DataError
from minicnn.nn.utils import clip_grad_norm_
from minicnn.training.trainer import Trainer, numbers

__all__ = ["Checkpoint", "ClipGradients", "History", "LossPlot", "ProgressBar", "Validate"]

AWAY = 50  # records whose losses may wait on a GPU, to be fetched together


class ProgressBar:
    """A bar over all steps with epoch, loss, steps a second and the time left; in terminals and notebooks.

    Parameters
    ----------
    force : bool
        Draw it also where the output is no terminal, as in a log file.
    """

    def __init__(self, force: bool = False) -> None:
        self.force = force
        self.bar: Any = None

    def on_fit_start(self, trainer: Trainer) -> None:
        """Draw the bar."""
        from tqdm.auto import tqdm

        total = len(trainer.loader) * trainer.epochs if isinstance(trainer.loader, Sized) else None
        hidden = False if self.force else None  # None: tqdm finds out
        self.bar = tqdm(total=total, initial=trainer.step, unit="step", disable=hidden, dynamic_ncols=True)

    def on_step_end(self, trainer: Trainer) -> None:
        """Move it on; the loss is fetched only when the bar is drawn."""
        if self.bar.update():
            self._say(trainer.epoch + 1, trainer, {"loss": float(trainer.loss)})

    def on_epoch_end(self, trainer: Trainer) -> None:
        """Show the epoch's mean loss and the metrics."""
        self._say(trainer.epoch, trainer, {"loss": trainer.epoch_loss, **trainer.metrics})

    def _say(self, epoch: int, trainer: Trainer, values: dict[str, float]) -> None:
        self.bar.set_description(f"epoch {epoch}/{trainer.epochs}", refresh=False)
        self.bar.set_postfix_str(", ".join(f"{name}={value:.4g}" for name, value in values.items()), refresh=False)

    def on_fit_end(self, trainer: Trainer) -> None:
        """Draw it for the last time."""
        if self.bar is not None:
            self.bar.close()


class Validate:
    """Evaluate the model on held-out data after every epoch, into `trainer.metrics`.

    Parameters
    ----------
    loader : iterable of (inputs, targets)
    metrics : dict of str to callable, optional
        `metric(output, target)`; the loss, if left out.
    prefix : str
        Before the names of the metrics: "loss" becomes "validation_loss".
    """

    def __init__(
        self,
        loader: Iterable[Any],
        metrics: Mapping[str, Callable[[Any, Any], Any]] | None = None,
        prefix: str = "validation_",
    ) -> None:
        self.loader, self.metrics, self.prefix = loader, metrics, prefix

    def on_epoch_end(self, trainer: Trainer) -> None:
        """Evaluate."""
        values = trainer.evaluate(self.loader, self.metrics)
        trainer.metrics.update({self.prefix + name: value for name, value in values.items()})


class History:
    """Keep the loss of every step, and mean loss and metrics of every epoch (put it after `Validate`).

    Parameters
    ----------
    path : str or Path, optional
        A file that gets a line of JSON for each record, as it happens. A training that is resumed goes on with the
        records that the file holds up to there; any other one starts it anew.

    Attributes
    ----------
    records : list of dict
        Of a step: step, epoch, loss, lr. Of an epoch: step, epoch, epoch_loss and the metrics. Both count what was
        completed.

    Notes
    -----
    On a GPU losses are fetched 50 at a time, and when an epoch ends or `records` are read, for each time waits for it.
    """

    def __init__(self, path: str | Path | None = None) -> None:
        self.path = None if path is None else Path(path)
        self._records: list[dict[str, Any]] = []
        self._waiting: list[dict[str, Any]] = []  # records whose loss is still a tensor
        self._file: TextIO | None = None

    @property
    def records(self) -> list[dict[str, Any]]:
        self._fetch()
        return self._records

    def values(self, name: str) -> list[float]:
        """Return the values of that name in order."""
        return [record[name] for record in self.records if name in record]

    def on_fit_start(self, trainer: Trainer) -> None:
        """Read what the file holds of this training, and open it."""
        if self.path is None:
            return
        if trainer.step and self.path.exists():
            found = [json.loads(line) for line in self.path.read_text().splitlines() if line.endswith("}")]
            self._records = [r for r in found if r["step"] <= trainer.step and r["epoch"] <= trainer.epoch]
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self.path.open("w", buffering=1)
        self._file.writelines(json.dumps(record) + "\n" for record in self.records)

    def on_step_end(self, trainer: Trainer) -> None:
        """Record a step."""
        rate = trainer.optimizer.param_groups[0]["lr"]
        self._waiting.append({"step": trainer.step, "epoch": trainer.epoch, "loss": trainer.loss, "lr": rate})
        if trainer.device is None or trainer.device.on_host or len(self._waiting) >= AWAY:
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
        waiting, self._waiting = self._waiting, []
        for record, loss in zip(waiting, numbers([r["loss"] for r in waiting]), strict=True):
            self._add({**record, "loss": loss})

    def _add(self, record: dict[str, Any]) -> None:
        self._records.append(record)
        if self._file is not None:
            self._file.write(json.dumps(record) + "\n")


class LossPlot:
    """Draw the loss curves into a picture after every epoch (put it after `History`).

    Parameters
    ----------
    history : History
    path : str or Path
    draw : callable
        `draw(path, values by name)`; `minicnn.imaging.loss_curve` is one.
    """

    def __init__(self, history: History, path: str | Path, draw: Callable[[Path, dict[str, list[float]]], Any]) -> None:
        self.history, self.path, self.draw = history, Path(path), draw

    def on_epoch_end(self, trainer: Trainer) -> None:
        """Draw the loss of every step, and every metric of the epochs whose name ends in loss."""
        names = ["loss", *(name for name in trainer.metrics if name.endswith("loss"))]
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.draw(self.path, {name: self.history.values(name) for name in names})


class ClipGradients:
    """Scale all gradients together before every step, so that their norm is at most `max_norm` (after `StopOnNaN`).

    Parameters
    ----------
    max_norm : float
        Above zero.

    Raises
    ------
    DataError
        If it is not.
    """

    def __init__(self, max_norm: float) -> None:
        if not max_norm > 0:
            raise DataError(f"ClipGradients: max_norm must be above zero, got {max_norm}; pass e.g. 1.0")
        self.max_norm = max_norm

    def on_backward_end(self, trainer: Trainer) -> None:
        """Clip."""
        clip_grad_norm_(trainer.model.parameters(), self.max_norm)


class Checkpoint:
    """Save the whole training to one file, over and over, and once more on Ctrl-C (put it last).

    Parameters
    ----------
    path : str or Path
    every_epochs : int
        0 for never.
    every_steps : int
        0 for never.

    Notes
    -----
    Ctrl-C lets the step at hand end, so that what is saved is whole; then KeyboardInterrupt goes its way. A second
    Ctrl-C does not wait.
    """

    def __init__(self, path: str | Path, every_epochs: int = 1, every_steps: int = 0) -> None:
        self.path, self.every_epochs, self.every_steps = Path(path), every_epochs, every_steps
        self._interrupted = False
        self._handler: Any = None

    def on_fit_start(self, trainer: Trainer) -> None:
        """Take charge of Ctrl-C, where Python lets us: in the main thread."""
        trainer.parts()  # raises now, not after the first epoch, if there is a part that cannot be saved
        self._interrupted = False
        handler = signal.getsignal(signal.SIGINT)
        if threading.current_thread() is threading.main_thread() and callable(handler):
            self._handler = handler
            signal.signal(signal.SIGINT, self._interrupt)

    def on_fit_end(self, trainer: Trainer) -> None:
        """Give Ctrl-C back."""
        if self._handler is not None:
            signal.signal(signal.SIGINT, self._handler)
            self._handler = None
        if self._interrupted:  # after the last step
            raise KeyboardInterrupt

    def _interrupt(self, number: int, frame: Any) -> None:
        self._interrupted = True
        signal.signal(signal.SIGINT, self._handler)

    def on_step_end(self, trainer: Trainer) -> None:
        """Save, if it is time."""
        self._save(trainer, self.every_steps and trainer.step % self.every_steps == 0)

    def on_epoch_end(self, trainer: Trainer) -> None:
        """Save, if it is time."""
        self._save(trainer, self.every_epochs and trainer.epoch % self.every_epochs == 0)

    def _save(self, trainer: Trainer, due: bool | int) -> None:
        if due or self._interrupted:
            trainer.save(self.path)
        if self._interrupted:
            self._interrupted = False
            raise KeyboardInterrupt(f"training stopped after step {trainer.step}; resume from '{self.path}'")
