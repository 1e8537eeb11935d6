"""`BestModel` and `EarlyStopping`: callbacks that watch a metric of the epochs. Put them after `Validate`."""

import math
from collections.abc import Callable
from typing import Any, Literal

from minicnn.errors import ArgumentError, CheckpointError, DataError
from minicnn.nn import Module
from minicnn.training.trainer import Trainer

__all__ = ["BestModel", "EarlyStopping"]

Mode = Literal["min", "max"]


class _Watch:
    """The best value of a metric so far, and its epoch."""

    def __init__(self, metric: str, mode: Mode) -> None:
        if mode not in ("min", "max"):
            raise ArgumentError(f"{type(self).__name__}: mode must be 'min' or 'max', got {mode!r}")
        self.metric, self.mode = metric, mode
        self.best: float | None = None
        self.best_epoch = 0

    def improved(self, trainer: Trainer) -> bool:
        """Return whether the metric of this epoch is better than all before, and remember it."""
        if self.metric not in trainer.metrics:
            raise DataError(
                f"{type(self).__name__}: there is no metric {self.metric!r}, only "
                f"{', '.join(trainer.metrics) or 'none'}; put it after a Validate that computes the metric"
            )
        value = trainer.metrics[self.metric]
        better = not math.isnan(value) and (
            self.best is None or (value < self.best if self.mode == "min" else value > self.best)
        )
        if better:
            self.best, self.best_epoch = value, trainer.epoch
        return better

    def state_dict(self) -> dict[str, Any]:
        """Return the best value and its epoch."""
        return {"metric": self.metric, "best": self.best, "best_epoch": self.best_epoch}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Load the best value and its epoch.

        Raises
        ------
        CheckpointError
            If the state is of another metric.
        """
        if state_dict.get("metric") != self.metric:
            raise CheckpointError(
                f"{type(self).__name__}.load_state_dict: the state is of the metric {state_dict.get('metric')!r}, "
                f"not of {self.metric!r}; use the same metric"
            )
        self.best, self.best_epoch = state_dict["best"], state_dict["best_epoch"]


class BestModel(_Watch):
    """Save the model after each epoch in which a metric is better than in all epochs before.

    Parameters
    ----------
    save : callable
        `save(model)` writes the model, for example ``partial(save_model, path)``.
    metric : str
        A name in `trainer.metrics`.
    mode : "min" or "max"
        Whether smaller or larger values are better.

    Attributes
    ----------
    best : float or None
    best_epoch : int

    Raises
    ------
    ArgumentError
        If the mode is unknown.
    DataError
        From the training loop, if there is no such metric.
    """

    def __init__(self, save: Callable[[Module], Any], metric: str = "validation_loss", mode: Mode = "min") -> None:
        super().__init__(metric, mode)
        self.save = save

    def on_epoch_end(self, trainer: Trainer) -> None:
        """Save the model if the metric is better than before."""
        if self.improved(trainer):
            self.save(trainer.model)


class EarlyStopping(_Watch):
    """End the training if a metric has not improved for some epochs.

    Parameters
    ----------
    patience : int
        The number of epochs without an improvement after which the training ends.
    metric : str
        A name in `trainer.metrics`.
    mode : "min" or "max"
        Whether smaller or larger values are better.

    Attributes
    ----------
    best : float or None
    best_epoch : int

    Raises
    ------
    ArgumentError
        If the mode is unknown, or the patience is below 1.
    DataError
        From the training loop, if there is no such metric.
    """

    def __init__(self, patience: int, metric: str = "validation_loss", mode: Mode = "min") -> None:
        super().__init__(metric, mode)
        if patience < 1:
            raise ArgumentError(f"EarlyStopping: patience must be at least 1, got {patience}")
        self.patience = patience

    def on_epoch_end(self, trainer: Trainer) -> None:
        """Stop the training if the last improvement is too long ago."""
        self.improved(trainer)
        if trainer.epoch - self.best_epoch >= self.patience:
            trainer.stopping = True
