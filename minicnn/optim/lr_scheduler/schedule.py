"""Learning-rate schedules in closed form: each is a formula for the learning rate of an epoch.

`LRScheduler` is the base class. The number of the epoch is the only state, so a schedule can jump to any epoch.
"""

import math
from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import Any

from minicnn.errors import ArgumentError, CheckpointError
from minicnn.optim.optimizer import Optimizer, check_at_least

__all__ = [
    "ConstantLR",
    "CosineAnnealingLR",
    "ExponentialLR",
    "LRScheduler",
    "LambdaLR",
    "LinearLR",
    "MultiStepLR",
    "SequentialLR",
    "StepLR",
    "check_fraction",
    "cosine",
    "load_position",
    "value_per_group",
]


class LRScheduler:
    """The base class of schedules: `lr_at` is the formula, `step` advances to the next epoch.

    Parameters
    ----------
    optimizer : Optimizer
        The first schedule stores the learning rate of each group in `initial_lr`. Later schedules start from it, so
        that schedules can be combined.
    last_epoch : int
        The epoch of the learning rates so far; the schedule begins with the next one. -1: a new training.

    Raises
    ------
    ArgumentError
        If `last_epoch` is not -1, and the optimizer does not know the initial learning rates.

    Attributes
    ----------
    last_epoch : int
        The number of calls of `step`.
    base_lrs : list of float
        The initial learning rate of each group.
    """

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        if last_epoch != -1 and any("initial_lr" not in group for group in optimizer.param_groups):
            raise ArgumentError(
                f"{type(self).__name__}: last_epoch={last_epoch} continues a training, but a group of the optimizer "
                "has no 'initial_lr'; load the optimizer's state first"
            )
        self.optimizer = optimizer
        self.base_lrs: list[float] = [g.setdefault("initial_lr", g["lr"]) for g in optimizer.param_groups]
        self.set_epoch(last_epoch + 1)

    def lr_at(self, epoch: int, group: int) -> float:
        """Return the learning rate of a parameter group in an epoch."""
        raise NotImplementedError

    def step(self) -> None:
        """Go to the next epoch and set its learning rates."""
        self.set_epoch(self.last_epoch + 1)

    def set_epoch(self, epoch: int) -> None:
        """Go to an epoch and set its learning rates."""
        self.last_epoch = epoch
        for i, group in enumerate(self.optimizer.param_groups):
            group["lr"] = self.lr_at(epoch, i)

    def get_last_lr(self) -> list[float]:
        """Return the learning rate of each group."""
        return [group["lr"] for group in self.optimizer.param_groups]

    def state_dict(self) -> dict[str, Any]:
        """Return the epoch and the initial learning rates. The arguments of the formula are not saved."""
        return {"last_epoch": self.last_epoch, "base_lrs": list(self.base_lrs)}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Load the epoch. The learning rates are in the optimizer's state.

        Raises
        ------
        CheckpointError
            If the state is from another kind of schedule, or has another number of groups.
        """
        load_position(self, state_dict)


class StepLR(LRScheduler):
    """lr = base · gammaᵏ with k = epoch // step_size.

    Raises
    ------
    ArgumentError, DTypeError
        If `step_size` is not a number >= 1.
    """

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1, last_epoch: int = -1) -> None:
        check_at_least("StepLR", "step_size", step_size, 1)
        self.step_size, self.gamma = step_size, gamma
        super().__init__(optimizer, last_epoch)

    def lr_at(self, epoch: int, group: int) -> float:
        """Return the learning rate of a parameter group in an epoch."""
        return float(self.base_lrs[group] * self.gamma ** (epoch // self.step_size))


class MultiStepLR(LRScheduler):
    """lr = base · gammaᵏ, where k is the number of milestones <= epoch."""

    def __init__(
        self, optimizer: Optimizer, milestones: Sequence[int], gamma: float = 0.1, last_epoch: int = -1
    ) -> None:
        self.milestones, self.gamma = sorted(milestones), gamma
        super().__init__(optimizer, last_epoch)

    def lr_at(self, epoch: int, group: int) -> float:
        """Return the learning rate of a parameter group in an epoch."""
        return float(self.base_lrs[group] * self.gamma ** bisect_right(self.milestones, epoch))


class ExponentialLR(LRScheduler):
    """lr = base · gamma^epoch."""

    def __init__(self, optimizer: Optimizer, gamma: float, last_epoch: int = -1) -> None:
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def lr_at(self, epoch: int, group: int) -> float:
        """Return the learning rate of a parameter group in an epoch."""
        return float(self.base_lrs[group] * self.gamma**epoch)


class ConstantLR(LRScheduler):
    """lr = base · factor for the first `total_iters` epochs, then base.

    Raises
    ------
    ArgumentError
        If `factor` is not in [0, 1].
    """

    def __init__(self, optimizer: Optimizer, factor: float = 1 / 3, total_iters: int = 5, last_epoch: int = -1) -> None:
        check_fraction("ConstantLR", "factor", factor)
        self.factor, self.total_iters = factor, total_iters
        super().__init__(optimizer, last_epoch)

    def lr_at(self, epoch: int, group: int) -> float:
        """Return the learning rate of a parameter group in an epoch."""
        return self.base_lrs[group] * (self.factor if epoch < self.total_iters else 1)


class LinearLR(LRScheduler):
    """lr = base · factor, where the factor goes linearly from `start_factor` to `end_factor` in `total_iters` epochs.

    Raises
    ------
    ArgumentError
        If a factor is not in [0, 1], or `total_iters` is below 1.
    DTypeError
        If `total_iters` is not a number.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        start_factor: float = 1 / 3,
        end_factor: float = 1.0,
        total_iters: int = 5,
        last_epoch: int = -1,
    ) -> None:
        check_fraction("LinearLR", "start_factor", start_factor)
        check_fraction("LinearLR", "end_factor", end_factor)
        check_at_least("LinearLR", "total_iters", total_iters, 1)
        self.start_factor, self.end_factor, self.total_iters = start_factor, end_factor, total_iters
        super().__init__(optimizer, last_epoch)

    def lr_at(self, epoch: int, group: int) -> float:
        """Return the learning rate of a parameter group in an epoch."""
        done = min(epoch, self.total_iters) / self.total_iters
        return self.base_lrs[group] * (self.start_factor + (self.end_factor - self.start_factor) * done)


class CosineAnnealingLR(LRScheduler):
    """lr = eta_min + (base - eta_min) (1 + cos(π epoch / T_max)) / 2; after T_max it rises again.

    Raises
    ------
    ArgumentError, DTypeError
        If `T_max` is not a number >= 1.

    References
    ----------
    Loshchilov, Hutter: SGDR: stochastic gradient descent with warm restarts. ICLR 2017, equation 5.
    """

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0, last_epoch: int = -1) -> None:
        check_at_least("CosineAnnealingLR", "T_max", T_max, 1)
        self.T_max, self.eta_min = T_max, eta_min
        super().__init__(optimizer, last_epoch)

    def lr_at(self, epoch: int, group: int) -> float:
        """Return the learning rate of a parameter group in an epoch."""
        return cosine(self.base_lrs[group], self.eta_min, epoch / self.T_max)


class LambdaLR(LRScheduler):
    """lr = base · lr_lambda(epoch), for a function or a list with a function for each group.

    Raises
    ------
    ArgumentError
        If the list has another length than the groups.

    Examples
    --------
    >>> from minicnn import optim, zeros
    >>> optimizer = optim.SGD([zeros(1, requires_grad=True)], lr=1.0)
    >>> scheduler = LambdaLR(optimizer, lambda epoch: 1 / (1 + epoch))
    >>> scheduler.step()
    >>> scheduler.get_last_lr()
    [0.5]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        lr_lambda: Callable[[int], float] | Sequence[Callable[[int], float]],
        last_epoch: int = -1,
    ) -> None:
        self._functions = value_per_group("LambdaLR", "lr_lambda", lr_lambda, optimizer)
        super().__init__(optimizer, last_epoch)

    def lr_at(self, epoch: int, group: int) -> float:
        """Return the learning rate of a parameter group in an epoch."""
        return float(self.base_lrs[group] * self._functions[group](epoch))


class SequentialLR(LRScheduler):
    """Run schedules one after another. At each milestone the next schedule begins with its epoch 0.

    Raises
    ------
    ArgumentError
        If the number of milestones is not the number of schedules - 1, the milestones are not sorted, or a schedule
        belongs to another optimizer.

    Examples
    --------
    >>> from minicnn import optim, zeros
    >>> optimizer = optim.SGD([zeros(1, requires_grad=True)], lr=8.0)
    >>> warmup = LinearLR(optimizer, start_factor=0.25, total_iters=3)
    >>> scheduler = SequentialLR(optimizer, [warmup, ExponentialLR(optimizer, 0.5)], milestones=[3])
    >>> for epoch in range(5):
    ...     print(scheduler.get_last_lr())
    ...     scheduler.step()
    [2.0]
    [4.0]
    [6.0]
    [8.0]
    [4.0]
    """

    def __init__(
        self, optimizer: Optimizer, schedulers: Sequence[LRScheduler], milestones: Sequence[int], last_epoch: int = -1
    ) -> None:
        if len(schedulers) != len(milestones) + 1 or list(milestones) != sorted(milestones):
            raise ArgumentError(
                f"SequentialLR: {len(schedulers)} schedules need {len(schedulers) - 1} milestones in increasing order, "
                f"got {list(milestones)}"
            )
        for s in schedulers:
            if s.optimizer is not optimizer:
                raise ArgumentError(
                    f"SequentialLR: {type(s).__name__} belongs to another optimizer; build all schedules for the same"
                )
        self._schedulers, self.milestones = list(schedulers), list(milestones)
        super().__init__(optimizer, last_epoch)

    def set_epoch(self, epoch: int) -> None:
        """Go to an epoch: the schedule of this epoch sets the learning rates."""
        self.last_epoch = epoch
        k = bisect_right(self.milestones, epoch)
        self._schedulers[k].set_epoch(epoch - (self.milestones[k - 1] if k else 0))


# --- helpers of the schedules ---------------------------------------------------------------------------------


def cosine(start: float, end: float, done: float) -> float:
    """Interpolate along half a cosine: start for done = 0, end for done = 1."""
    return end + (start - end) / 2 * (1 + math.cos(math.pi * done))


def check_fraction(call: str, name: str, value: float) -> None:
    """Raise ArgumentError if the value is not in [0, 1]."""
    if not 0 <= value <= 1:
        raise ArgumentError(f"{call}: {name} must be from 0 to 1, got {value}")


def value_per_group(call: str, name: str, value: Any, optimizer: Optimizer) -> list[Any]:
    """Return a list with a value for each parameter group, from a single value or a list.

    Raises
    ------
    ArgumentError
        If the list has another length than the groups.
    """
    groups = len(optimizer.param_groups)
    values = list(value) if isinstance(value, Sequence) else [value] * groups
    if len(values) != groups:
        raise ArgumentError(
            f"{call}: {len(values)} values of {name} for {groups} parameter groups; pass 1 value, or {groups}"
        )
    return values


def load_position(scheduler: Any, state_dict: dict[str, Any]) -> None:
    """Set the attributes of a schedule from a state dict.

    Raises
    ------
    CheckpointError
        If the state dict has other keys or lengths than the schedule's own.
    """
    expected = scheduler.state_dict()
    lists = {name: len(value) for name, value in expected.items() if isinstance(value, list)}
    if state_dict.keys() != expected.keys() or any(len(state_dict[name]) != n for name, n in lists.items()):
        raise CheckpointError(
            f"{type(scheduler).__name__}.load_state_dict: the state {state_dict} does not fit this schedule, "
            f"which has {expected}; build the same schedule for the same parameter groups"
        )
    vars(scheduler).update(state_dict)
