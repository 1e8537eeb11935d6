"""The base class of learning-rate schedules, and the schedules that multiply the learning rate.

`LRScheduler.step` goes to the next epoch and sets the learning rates that `get_lr` returns. Most schedules compute them
from the current ones. So schedules can be combined, and a rate that was set by hand stays in force.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from minicnn.errors import ArgumentError, CheckpointError, DTypeError
from minicnn.optim.optimizer import Optimizer, check_at_least

__all__ = [
    "ConstantLR",
    "ExponentialLR",
    "LRScheduler",
    "LambdaLR",
    "LinearLR",
    "MultiStepLR",
    "MultiplicativeLR",
    "PolynomialLR",
    "StepLR",
    "check_fraction",
    "value_per_group",
]


class LRScheduler:
    """The base class of schedules. A subclass has `get_lr`, which returns a learning rate for each group.

    Parameters
    ----------
    optimizer : Optimizer
        The first schedule stores the learning rate of each group in `initial_lr`. Later schedules start from it.
    last_epoch : int
        The epoch of the learning rates so far; the schedule begins with the next one. -1: a new training.

    Raises
    ------
    DTypeError
        If `optimizer` is not an Optimizer.
    ArgumentError
        If `last_epoch` is not -1, and the optimizer does not know the initial learning rates.

    Attributes
    ----------
    last_epoch : int
        The number of calls of `step`.
    base_lrs : list of float
        The initial learning rate of each group.

    Examples
    --------
    >>> from minicnn import optim, zeros
    >>> class Halving(LRScheduler):
    ...     def get_lr(self):
    ...         return [group["lr"] * (0.5 if self.last_epoch else 1) for group in self.optimizer.param_groups]
    >>> scheduler = Halving(optim.SGD([zeros(1, requires_grad=True)], lr=8.0))
    >>> scheduler.step()
    >>> scheduler.get_last_lr()
    [4.0]
    """

    optimizer: Optimizer
    last_epoch: int

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        name = type(self).__name__
        if not isinstance(optimizer, Optimizer):
            raise DTypeError(f"{name}: expected an Optimizer, got {type(optimizer).__name__}")
        if last_epoch != -1 and any("initial_lr" not in group for group in optimizer.param_groups):
            raise ArgumentError(
                f"{name}: last_epoch={last_epoch} continues a training, but a group of the optimizer "
                "has no 'initial_lr'; load the optimizer's state first"
            )
        self.optimizer = optimizer
        self.base_lrs: list[float] = [g.setdefault("initial_lr", g["lr"]) for g in optimizer.param_groups]
        self.last_epoch = last_epoch
        self._initial_step()

    def _initial_step(self) -> None:
        self._step_count = 0
        self.step()

    def get_lr(self) -> list[float]:
        """Return the learning rates of the epoch `last_epoch`; the groups have those of the epoch before."""
        raise NotImplementedError(f"{type(self).__name__} has no get_lr(); define it")

    def step(self, epoch: int | None = None) -> None:
        """Go to the next epoch, or to `epoch`, and set its learning rates."""
        self._step_count += 1
        if epoch is None:
            self.last_epoch += 1
            rates = self.get_lr()
        else:
            self.last_epoch = epoch
            rates = getattr(self, "_get_closed_form_lr", self.get_lr)()
        for group, rate in zip(self.optimizer.param_groups, rates, strict=False):  # a later group has no base
            group["lr"] = rate
        self._last_lr = [group["lr"] for group in self.optimizer.param_groups]

    def get_last_lr(self) -> list[float]:
        """Return the learning rate of each group after the last step."""
        return list(self._last_lr)

    def state_dict(self) -> dict[str, Any]:
        """Return the epoch and the settings, without the optimizer and without functions."""
        return {name: value for name, value in vars(self).items() if _is_plain(value)}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Load the epoch and the settings. The learning rates are in the optimizer's state.

        Raises
        ------
        CheckpointError
            If the state is from another kind of schedule, or has another number of groups.
        """
        expected = self.state_dict()
        public = {name for name in expected if name[0] != "_"}
        found = {name for name in state_dict if name[0] != "_" and name != "lr_lambdas"}
        lengths = {name: len(expected[name]) for name in ("base_lrs", "max_lrs", "min_lrs") if name in expected}
        if public != found or any(len(state_dict[name]) != length for name, length in lengths.items()):
            raise CheckpointError(
                f"{type(self).__name__}.load_state_dict: the state {state_dict} does not fit this schedule, "
                f"which has {expected}; build the same schedule for the same parameter groups"
            )
        vars(self).update({name: value for name, value in state_dict.items() if name in expected})


def _is_plain(value: Any) -> bool:
    if isinstance(value, list):
        return all(map(_is_plain, value))
    return value is None or isinstance(value, int | float | str)


class _Multiple(LRScheduler):
    """A schedule whose rates are base · multiple(epoch), if nobody else changes them."""

    # Whether a schedule that continues a training (last_epoch >= 0) leaves the rates at first: PyTorch's ones differ.
    _waits = False

    def _multiple(self, epoch: int) -> float:
        raise NotImplementedError

    def get_lr(self) -> list[float]:
        """Return the current learning rates times multiple(epoch) / multiple(epoch - 1)."""
        if self._waits and self._step_count == 1 and self.last_epoch > 0:
            return [group["lr"] for group in self.optimizer.param_groups]
        before = self._multiple(self.last_epoch - 1) if self.last_epoch else 1.0
        if before == 0:
            return self._get_closed_form_lr()
        ratio = self._multiple(self.last_epoch) / before
        return [group["lr"] * ratio for group in self.optimizer.param_groups]

    def _get_closed_form_lr(self) -> list[float]:
        return [base * self._multiple(self.last_epoch) for base in self.base_lrs]


class StepLR(_Multiple):
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

    def _multiple(self, epoch: int) -> float:
        return float(self.gamma ** (epoch // self.step_size))


class MultiStepLR(_Multiple):
    """lr = base · gammaᵏ, where k is the number of milestones <= epoch."""

    def __init__(
        self, optimizer: Optimizer, milestones: Iterable[int], gamma: float = 0.1, last_epoch: int = -1
    ) -> None:
        self.milestones, self.gamma = sorted(milestones), gamma
        super().__init__(optimizer, last_epoch)

    def _multiple(self, epoch: int) -> float:
        return float(self.gamma ** bisect_right(self.milestones, epoch))


class ExponentialLR(_Multiple):
    """lr = base · gamma^epoch."""

    _waits = True

    def __init__(self, optimizer: Optimizer, gamma: float, last_epoch: int = -1) -> None:
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def _multiple(self, epoch: int) -> float:
        return float(self.gamma**epoch)


class ConstantLR(_Multiple):
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

    def _multiple(self, epoch: int) -> float:
        return self.factor if epoch < self.total_iters else 1


class LinearLR(_Multiple):
    """lr = base · factor, where the factor goes linearly from `start_factor` to `end_factor` in `total_iters` epochs.

    Raises
    ------
    ArgumentError
        If a factor is not in [0, 1], `start_factor` is 0, or `total_iters` is below 1.
    DTypeError
        If `total_iters` is not a number.
    """

    _waits = True

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
        if start_factor == 0:
            raise ArgumentError("LinearLR: start_factor must be above 0, because later rates are multiples of it")
        check_at_least("LinearLR", "total_iters", total_iters, 1)
        self.start_factor, self.end_factor, self.total_iters = start_factor, end_factor, total_iters
        super().__init__(optimizer, last_epoch)

    def _multiple(self, epoch: int) -> float:
        done = min(epoch, self.total_iters) / self.total_iters
        return self.start_factor + (self.end_factor - self.start_factor) * done


class PolynomialLR(_Multiple):
    """lr = base · (1 - epoch / total_iters)^power, and 0 after `total_iters` epochs.

    Raises
    ------
    ArgumentError, DTypeError
        If `total_iters` is not a number >= 1.
    """

    _waits = True

    def __init__(self, optimizer: Optimizer, total_iters: int = 5, power: float = 1.0, last_epoch: int = -1) -> None:
        check_at_least("PolynomialLR", "total_iters", total_iters, 1)
        self.total_iters, self.power = total_iters, power
        super().__init__(optimizer, last_epoch)

    def _multiple(self, epoch: int) -> float:
        return float((1 - min(epoch, self.total_iters) / self.total_iters) ** self.power)


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
        self.lr_lambdas = value_per_group("LambdaLR", "lr_lambda", lr_lambda, optimizer)
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """Return base · lr_lambda(epoch)."""
        pairs = zip(self.base_lrs, self.lr_lambdas, strict=True)
        return [float(base * function(self.last_epoch)) for base, function in pairs]


class MultiplicativeLR(LRScheduler):
    """Multiply the learning rate by lr_lambda(epoch) in each epoch after 0; a function, or a list with one per group.

    Raises
    ------
    ArgumentError
        If the list has another length than the groups.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        lr_lambda: Callable[[int], float] | Sequence[Callable[[int], float]],
        last_epoch: int = -1,
    ) -> None:
        self.lr_lambdas = value_per_group("MultiplicativeLR", "lr_lambda", lr_lambda, optimizer)
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """Return the current learning rates times lr_lambda(epoch)."""
        rates = [group["lr"] for group in self.optimizer.param_groups]
        if self._step_count == 1:
            return rates
        return [float(rate * f(self.last_epoch)) for rate, f in zip(rates, self.lr_lambdas, strict=False)]


# --- checks of the schedules ----------------------------------------------------------------------------------


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
