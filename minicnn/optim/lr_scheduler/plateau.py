"""ReduceLROnPlateau, the schedule that depends on a metric.

It has no formula over epochs: its `step` takes the metric.
"""

import math
from collections.abc import Sequence

from minicnn.errors import ArgumentError
from minicnn.optim.lr_scheduler.schedule import LRScheduler, value_per_group
from minicnn.optim.optimizer import Optimizer, check_at_least

__all__ = ["ReduceLROnPlateau"]


class ReduceLROnPlateau(LRScheduler):
    """Multiply the learning rates by `factor` if a metric has not improved for more than `patience` epochs.

    Parameters
    ----------
    optimizer : Optimizer
    mode : "min" or "max"
        Whether a smaller or a larger metric is better.
    factor : float, below 1
    patience : int
    threshold : float
        A smaller improvement does not count. "rel": a fraction of the best metric. "abs": a difference.
    threshold_mode : "rel" or "abs"
    cooldown : int
        The number of epochs after a reduction in which bad epochs are not counted.
    min_lr : float, or list with a float for each group
    eps : float
        Skip reductions of at most this size.

    Raises
    ------
    ArgumentError
        If an argument is out of range.
    DTypeError
        If `factor` is not a number.
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
        self.min_lrs: list[float] = value_per_group("ReduceLROnPlateau", "min_lr", min_lr, optimizer)
        self.best: float | None = None
        self.last_epoch = self.num_bad_epochs = self.cooldown_counter = 0
        self._last_lr = [group["lr"] for group in optimizer.param_groups]

    def step(self, metrics: float, epoch: int | None = None) -> None:  # type: ignore[override]
        """Record the metric of an epoch, and reduce the learning rates after too many bad epochs."""
        current = float(metrics)
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
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
        self._last_lr = [group["lr"] for group in self.optimizer.param_groups]

    def is_better(self, metric: float) -> bool:
        """Return whether a metric is better than the best metric by more than the threshold."""
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
