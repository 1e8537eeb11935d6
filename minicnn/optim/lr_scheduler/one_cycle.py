"""OneCycleLR, the one-cycle schedule of learning rate and momentum.

The curve is a list of corner points; between two corners it follows half a cosine or a line.
"""

from collections.abc import Sequence

from minicnn.errors import ArgumentError
from minicnn.optim.lr_scheduler.cosine import cosine
from minicnn.optim.lr_scheduler.cyclic import check_momentum, set_momentum
from minicnn.optim.lr_scheduler.schedule import LRScheduler, check_fraction, value_per_group
from minicnn.optim.optimizer import Optimizer, check_at_least

__all__ = ["OneCycleLR", "line"]


class OneCycleLR(LRScheduler):
    """Increase the learning rate to max_lr, then decrease it far below the start. Call `step` after every batch.

    The learning rate starts at max_lr / div_factor. It reaches max_lr after the fraction pct_start of all steps, and
    ends at max_lr / (div_factor final_div_factor). Momentum (β₁ of Adam) falls while the learning rate rises, and rises
    while it falls.

    Parameters
    ----------
    optimizer : Optimizer
    max_lr : float, or list with a float for each group
    total_steps : int
        Default: epochs × steps_per_epoch.
    epochs, steps_per_epoch : int
    pct_start : float
        The fraction of steps in which the learning rate rises.
    anneal_strategy : "cos" or "linear"
    cycle_momentum : bool
        Also set momentum, between base_momentum and max_momentum.
    base_momentum, max_momentum, div_factor, final_div_factor : float
    three_phase : bool
        Decrease in two phases: first to the start, in as many steps as the rise took, then to the end.

    Raises
    ------
    ArgumentError
        If an argument is out of range, or `step` is called more than total_steps times.
    DTypeError
        If the number of steps is not a number.

    References
    ----------
    Smith, Topin: Super-convergence: very fast training of neural networks using large learning rates. 2019.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: float | Sequence[float],
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: str = "cos",
        cycle_momentum: bool = True,
        base_momentum: float = 0.85,
        max_momentum: float = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
        last_epoch: int = -1,
    ) -> None:
        if total_steps is None:
            total_steps = (epochs or 0) * (steps_per_epoch or 0)
        check_at_least("OneCycleLR", "total_steps (or epochs · steps_per_epoch)", total_steps, 1)
        check_fraction("OneCycleLR", "pct_start", pct_start)
        if anneal_strategy not in ("cos", "linear"):
            raise ArgumentError(f"OneCycleLR: anneal_strategy must be 'cos' or 'linear', got {anneal_strategy!r}")
        if cycle_momentum:
            check_momentum("OneCycleLR", optimizer)
        self.max_lrs: list[float] = value_per_group("OneCycleLR", "max_lr", max_lr, optimizer)
        self.total_steps, self.cycle_momentum = total_steps, cycle_momentum
        self._anneal = cosine if anneal_strategy == "cos" else line
        # Corners of the curve: (step, lr / max_lr, momentum)
        start, end = 1 / div_factor, 1 / (div_factor * final_div_factor)
        low, high = base_momentum, max_momentum
        peak = pct_start * total_steps - 1
        self._corners = [(0.0, start, high), (peak, 1.0, low)]
        if three_phase:
            self._corners.append((2 * peak, start, high))
        self._corners.append((total_steps - 1.0, end, high))
        if last_epoch == -1:
            for group, highest in zip(optimizer.param_groups, self.max_lrs, strict=True):
                group |= {"initial_lr": highest * start, "max_lr": highest, "min_lr": highest * end}
                if cycle_momentum:
                    group |= {"max_momentum": high, "base_momentum": low}
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """Return the learning rates of the step `last_epoch`, and set the momentum.

        Raises
        ------
        ArgumentError
            If the step is larger than total_steps.
        """
        height, momentum = self._values_at(self.last_epoch)
        if self.cycle_momentum:
            set_momentum(self.optimizer, [momentum] * len(self.max_lrs))
        return [high * height for high in self.max_lrs]

    def _values_at(self, step: int) -> tuple[float, float]:
        """Return lr / max_lr and the momentum of a step."""
        if step > self.total_steps:
            raise ArgumentError(
                f"OneCycleLR: step {step} is beyond total_steps={self.total_steps}; "
                "call step() once for each batch, and pass the total number of batches"
            )
        pairs = list(zip(self._corners, self._corners[1:], strict=False))
        left, right = next((pair for pair in pairs if step <= pair[1][0]), pairs[-1])
        done = (step - left[0]) / (right[0] - left[0]) if right[0] != left[0] else 1.0
        return self._anneal(left[1], right[1], done), self._anneal(left[2], right[2], done)


def line(start: float, end: float, done: float) -> float:
    """Interpolate linearly: start for done = 0, end for done = 1."""
    return start + (end - start) * done
