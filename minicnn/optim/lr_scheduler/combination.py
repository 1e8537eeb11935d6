"""Several schedules for one optimizer: SequentialLR runs one after another, ChainedScheduler all at once."""

from bisect import bisect_right
from collections.abc import Sequence
from typing import Any

from minicnn.errors import ArgumentError
from minicnn.optim.lr_scheduler.plateau import ReduceLROnPlateau
from minicnn.optim.lr_scheduler.schedule import LRScheduler
from minicnn.optim.optimizer import Optimizer

__all__ = ["ChainedScheduler", "SequentialLR"]


class _Several(LRScheduler):
    _schedulers: list[LRScheduler]

    def state_dict(self) -> dict[str, Any]:
        """Return the state, with the states of all schedules."""
        return {**super().state_dict(), "_schedulers": [s.state_dict() for s in self._schedulers]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Load the state, and the states of all schedules.

        Raises
        ------
        CheckpointError
            If the state is from other schedules, or for another number of groups.
        """
        states = state_dict.get("_schedulers", [])
        own = {name: value for name, value in state_dict.items() if name != "_schedulers"}
        super().load_state_dict(own if len(states) == len(self._schedulers) else {})
        for scheduler, state in zip(self._schedulers, states, strict=True):
            scheduler.load_state_dict(state)


def _check(call: str, schedulers: Sequence[LRScheduler], optimizer: Optimizer) -> None:
    for s in schedulers:
        if isinstance(s, ReduceLROnPlateau):
            raise ArgumentError(f"{call}: ReduceLROnPlateau needs a metric in each step; call it by itself")
        if s.optimizer is not optimizer:
            raise ArgumentError(
                f"{call}: {type(s).__name__} belongs to another optimizer; build all schedules for the same"
            )


class SequentialLR(_Several):
    """Run schedules one after another. At each milestone the next schedule begins with its epoch 0.

    Raises
    ------
    ArgumentError
        If the number of milestones is not the number of schedules - 1, the milestones are not sorted, or a schedule
        belongs to another optimizer or needs a metric.

    Examples
    --------
    >>> from minicnn import optim, zeros
    >>> from minicnn.optim.lr_scheduler import ExponentialLR, LinearLR
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
        _check("SequentialLR", schedulers, optimizer)
        self.optimizer, self.last_epoch = optimizer, last_epoch + 1
        self._schedulers, self._milestones = list(schedulers), list(milestones)
        for group in optimizer.param_groups:
            group["lr"] = group["initial_lr"]
        _undo(self)
        first = self._schedulers[bisect_right(self._milestones, 0)]
        first._initial_step()
        self._last_lr = first.get_last_lr()

    def _initial_step(self) -> None:
        for scheduler in self._schedulers[:1]:
            scheduler._initial_step()

    def step(self, epoch: int | None = None) -> None:
        """Go to the next epoch, or to `epoch`: the schedule of this epoch sets the learning rates."""
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        k = bisect_right(self._milestones, self.last_epoch)
        start = self._milestones[k - 1] if k else 0
        scheduler = self._schedulers[k]
        if epoch is not None or (k and start == self.last_epoch):
            scheduler.step(self.last_epoch - start)
        else:
            scheduler.step()
        self._last_lr = scheduler.get_last_lr()


def _undo(scheduler: LRScheduler) -> None:
    """Take back the step that every schedule takes when it is built."""
    for inner in getattr(scheduler, "_schedulers", ()):
        _undo(inner)
        if not hasattr(inner, "_schedulers"):
            inner.last_epoch -= 1


class ChainedScheduler(_Several):
    """Step several schedules at once: each multiplies the rates that the ones before it have set.

    Raises
    ------
    ArgumentError
        If there is no schedule, or one belongs to another optimizer or needs a metric.

    Examples
    --------
    >>> from minicnn import optim, zeros
    >>> from minicnn.optim.lr_scheduler import ConstantLR, ExponentialLR
    >>> optimizer = optim.SGD([zeros(1, requires_grad=True)], lr=8.0)
    >>> scheduler = ChainedScheduler([ConstantLR(optimizer, 0.5, total_iters=2), ExponentialLR(optimizer, 0.5)])
    >>> rates = []
    >>> for epoch in range(4):
    ...     rates += scheduler.get_last_lr()
    ...     scheduler.step()
    >>> rates
    [4.0, 2.0, 2.0, 1.0]
    """

    def __init__(self, schedulers: Sequence[LRScheduler], optimizer: Optimizer | None = None) -> None:
        if not schedulers:
            raise ArgumentError("ChainedScheduler: there is no schedule; pass at least one")
        self.optimizer = schedulers[0].optimizer if optimizer is None else optimizer
        _check("ChainedScheduler", schedulers, self.optimizer)
        self._schedulers = list(schedulers)
        self._last_lr = [group["lr"] for group in self.optimizer.param_groups]

    def _initial_step(self) -> None:
        for scheduler in self._schedulers:
            scheduler._initial_step()

    def step(self, epoch: int | None = None) -> None:
        """Step all schedules."""
        for scheduler in self._schedulers:
            scheduler.step()
        self._last_lr = [group["lr"] for group in self.optimizer.param_groups]
