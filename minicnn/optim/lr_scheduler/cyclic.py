"""CyclicLR, a schedule that goes up and down between two learning rates."""

import math
from collections.abc import Callable, Sequence

from minicnn.errors import ArgumentError
from minicnn.optim.lr_scheduler.schedule import LRScheduler, value_per_group
from minicnn.optim.optimizer import Optimizer, check_at_least

__all__ = ["CyclicLR", "check_momentum", "set_momentum"]


class CyclicLR(LRScheduler):
    """Go from base_lr to max_lr in step_size_up steps, and back in step_size_down steps. Call `step` after every batch.

    lr = base_lr + (max_lr - base_lr) · height · scale, where the height is between 0 and 1. Momentum (β₁ of Adam) goes
    from max_momentum to base_momentum and back.

    Parameters
    ----------
    optimizer : Optimizer
    base_lr, max_lr : float, or list with a float for each group
    step_size_up, step_size_down : int
        By default both are the same.
    mode : "triangular", "triangular2" or "exp_range"
        The scale: 1, or 1 / 2^(cycle - 1), or gamma^steps.
    gamma : float
    scale_fn : callable, optional
        A scale of your own, of the number of the cycle (from 1), or of the step.
    scale_mode : "cycle" or "iterations"
        What `scale_fn` takes.
    cycle_momentum : bool
        Also set momentum.
    base_momentum, max_momentum : float, or list with a float for each group
    last_epoch : int
        As in LRScheduler.

    Raises
    ------
    ArgumentError
        If an argument is out of range, or the optimizer has no momentum to cycle.
    DTypeError
        If the number of steps is not a number.

    References
    ----------
    Smith: Cyclical learning rates for training neural networks. WACV 2017.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        base_lr: float | Sequence[float],
        max_lr: float | Sequence[float],
        step_size_up: int = 2000,
        step_size_down: int | None = None,
        mode: str = "triangular",
        gamma: float = 1.0,
        scale_fn: Callable[[float], float] | None = None,
        scale_mode: str = "cycle",
        cycle_momentum: bool = True,
        base_momentum: float = 0.8,
        max_momentum: float = 0.9,
        last_epoch: int = -1,
    ) -> None:
        modes = ("triangular", "triangular2", "exp_range")
        if mode not in modes and scale_fn is None:
            raise ArgumentError(f"CyclicLR: mode must be one of {', '.join(map(repr, modes))}, got {mode!r}")
        check_at_least("CyclicLR", "step_size_up", step_size_up, 1)
        bases = value_per_group("CyclicLR", "base_lr", base_lr, optimizer)
        self.max_lrs: list[float] = value_per_group("CyclicLR", "max_lr", max_lr, optimizer)
        down = step_size_up if step_size_down is None else step_size_down
        self.total_size, self.step_ratio = step_size_up + down, step_size_up / (step_size_up + down)
        self.mode, self.gamma = mode, gamma
        self.scale_mode = scale_mode if scale_fn else "iterations" if mode == "exp_range" else "cycle"
        self._scale_fn = scale_fn
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            check_momentum("CyclicLR", optimizer)
            self.base_momentums: list[float] = value_per_group("CyclicLR", "base_momentum", base_momentum, optimizer)
            self.max_momentums: list[float] = value_per_group("CyclicLR", "max_momentum", max_momentum, optimizer)
        if last_epoch == -1:
            for group, rate in zip(optimizer.param_groups, bases, strict=True):
                group["lr"] = rate
        super().__init__(optimizer, last_epoch)
        self.base_lrs = bases

    def scale_fn(self, x: float) -> float:
        """Return the scale of a cycle or of a step."""
        if self._scale_fn is not None:
            return self._scale_fn(x)
        scales = {"triangular": 1.0, "triangular2": 0.5 ** (x - 1), "exp_range": self.gamma**x}
        return float(scales[self.mode])

    def get_lr(self) -> list[float]:
        """Return the rates of the formula, and set the momentum."""
        cycle = math.floor(1 + self.last_epoch / self.total_size)
        x = 1 + self.last_epoch / self.total_size - cycle
        height = x / self.step_ratio if x <= self.step_ratio else (x - 1) / (self.step_ratio - 1)
        height *= self.scale_fn(cycle if self.scale_mode == "cycle" else self.last_epoch)
        if self.cycle_momentum:
            pairs = zip(self.max_momentums, self.base_momentums, strict=True)
            set_momentum(self.optimizer, [high - (high - low) * height for high, low in pairs])
        return [low + (high - low) * height for low, high in zip(self.base_lrs, self.max_lrs, strict=True)]


def check_momentum(call: str, optimizer: Optimizer) -> None:
    """Raise ArgumentError if the optimizer has neither momentum nor β₁."""
    if not {"momentum", "betas"} & optimizer.defaults.keys():
        raise ArgumentError(f"{call}: this optimizer has no momentum to cycle; pass cycle_momentum=False")


def set_momentum(optimizer: Optimizer, values: Sequence[float]) -> None:
    """Set the momentum of each group, or β₁ where there are betas."""
    for group, momentum in zip(optimizer.param_groups, values, strict=False):
        if "betas" in group:
            group["betas"] = (momentum, *group["betas"][1:])
        else:
            group["momentum"] = momentum
