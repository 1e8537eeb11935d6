"""The schedule that looks at a metric."""

import math
from collections.abc import Sequence
from typing import Any

from minicnn.errors import ArgumentError
from minicnn.optim.lr_scheduler.schedule import load_position, one_each
from minicnn.optim.optimizer import Optimizer, check_at_least

__all__ = ["ReduceLROnPlateau"]


class ReduceLROnPlateau:
    """Multiply the rates by `factor` once a metric has not become better for more than `patience` epochs.

    Parameters
    ----------
    optimizer : Optimizer
    mode : "min" or "max"
        Which way is better.
    factor : float, below 1
    patience : int
    threshold : float
        What counts as better: by this share of the best (threshold_mode "rel"), or by this much ("abs").
    threshold_mode : "rel" or "abs"
    cooldown : int
        Epochs after a reduction that are not counted.
    min_lr : float, or list with one for each group
    eps : float
        A reduction by no more than this is left out.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        mode: str = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: str = "rel",
        cooldown: int = 0,
        min_lr: float | Sequence[float] = 0.0,
        eps: float = 1e-8,
    ) -> None:
        if mode not in ("min", "max") or threshold_mode not in ("rel", "abs"):
            raise ArgumentError(
                "ReduceLROnPlateau: mode must be 'min' or 'max' and threshold_mode 'rel' or 'abs', "
                f"got {mode!r} and {threshold_mode!r}"
            )
        check_at_least("ReduceLROnPlateau", "factor", factor, 0, below=1)
        self.optimizer, self.mode, self.factor, self.patience = optimizer, mode, factor, patience
        self.threshold, self.threshold_mode, self.cooldown, self.eps = threshold, threshold_mode, cooldown, eps
        self.min_lrs: list[float] = one_each("ReduceLROnPlateau", "min_lr", min_lr, optimizer)
        self.best: float | None = None
        self.last_epoch = self.num_bad_epochs = self.cooldown_counter = 0

    def step(self, metrics: float) -> None:
        """Take the metric of an epoch that has passed, and reduce the learning rates if it is time."""
        current = float(metrics)
        self.last_epoch += 1
        if self.is_better(current):
            self.best, self.num_bad_epochs = current, 0
        else:
            self.num_bad_epochs += 1
        if self.cooldown_counter > 0:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        if self.num_bad_epochs > self.patience:
            self._reduce()
            self.cooldown_counter, self.num_bad_epochs = self.cooldown, 0

    def is_better(self, metric: float) -> bool:
        """Return whether a metric is better than the best so far by more than the threshold."""
        if self.best is None:
            return math.isfinite(metric)
        sign = 1 if self.mode == "max" else -1
        margin = self.threshold * (self.best if self.threshold_mode == "rel" else 1)
        return sign * metric > sign * self.best + margin

    def _reduce(self) -> None:
        for group, minimum in zip(self.optimizer.param_groups, self.min_lrs, strict=True):
            reduced = max(group["lr"] * self.factor, minimum)
            if group["lr"] - reduced > self.eps:
                group["lr"] = reduced

    def get_last_lr(self) -> list[float]:
        """Return the learning rate of each group."""
        return [group["lr"] for group in self.optimizer.param_groups]

    def state_dict(self) -> dict[str, Any]:
        """Return what was seen so far, as plain numbers."""
        return {name: getattr(self, name) for name in ("best", "last_epoch", "num_bad_epochs", "cooldown_counter")}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take up what was seen; the optimizer's state brings the learning rates.

        Raises
        ------
        CheckpointError
            If the state is of another kind of schedule.
        """
        load_position(self, state_dict)
