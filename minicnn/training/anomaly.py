"""Callbacks that find faults of a training: `StopOnNaN` and `ReportDeadChannels`.

`StopOnNaN` stops before an update with NaN, and finds the operation that produced it. It checks the loss and the
gradients after each backward pass. If a value is not finite, it runs the batch again under `detect_anomaly`.
"""

from collections.abc import Callable
from typing import Any

from minicnn.autograd.tape import detect_anomaly, no_grad
from minicnn.autograd.tensor import Tensor
from minicnn.errors import AnomalyError, ArgumentError
from minicnn.ops.indexing import stack
from minicnn.runtime.random import get_rng_state, set_rng_state
from minicnn.training.trainer import Trainer, numbers

__all__ = ["ReportDeadChannels", "StopOnNaN"]


class StopOnNaN:
    """Stop before the optimizer's step if the loss or a gradient is NaN or infinite, and report the reason.

    The batch runs again under `detect_anomaly`, with the same random state. The AnomalyError names the operation.
    Weights, buffers (running means) and random state are restored to their values before the step.

    Parameters
    ----------
    every : int, optional
        Check once in `every` steps, and at the end of an epoch. Default: 1 on a CPU, 50 on a GPU, because each check
        waits for the GPU. With every > 1 the error names the step but comes later: the weights are then damaged, and
        the operation is not known.

    Raises
    ------
    ArgumentError
        If `every` is below 1.
    AnomalyError
        From the training loop. It names the step and the operation, or the input or weight that was not finite before.

    Notes
    -----
    Costs a pass over the gradients in each step, and with every=1 a copy of the buffers. Between two checks a
    `Checkpoint` may save damaged weights: choose `every_steps` of the Checkpoint as a multiple of `every`.
    """

    def __init__(self, every: int | None = None) -> None:
        if every is not None and every < 1:
            raise ArgumentError(f"StopOnNaN: every must be at least 1, got {every}; leave it out for the default")
        self.every = every
        self._finite_steps: list[Tensor] = []  # for each step since the last check: whether all values were finite

    def on_fit_start(self, trainer: Trainer) -> None:
        """Choose the interval."""
        on_host = trainer.device is None or trainer.device.on_host
        self._interval, self._finite_steps = self.every or (1 if on_host else 50), []

    def on_step_start(self, trainer: Trainer) -> None:
        """Save the random state and the buffers, which the forward pass changes."""
        if self._interval == 1:
            self._random = get_rng_state()
            self._buffers = [b.detach().clone() for b in trainer.model.buffers()]

    def on_backward_end(self, trainer: Trainer) -> None:
        """Check the loss and the gradients.

        Raises
        ------
        AnomalyError
            If a value is not finite.
        """
        values = [trainer.loss, *(p.grad for p in trainer.model.parameters() if p.grad is not None)]
        self._finite_steps.append(stack([t.isfinite().all() for t in values]).all())
        if len(self._finite_steps) < self._interval:
            return
        if self._interval > 1:
            self._check_steps(trainer, trainer.step + 1)
        elif not self._finite_steps.pop():
            self._raise_with_reason(trainer)

    def on_epoch_end(self, trainer: Trainer) -> None:
        """Check the steps since the last check; errors as in `on_backward_end`."""
        self._check_steps(trainer, trainer.step)

    def _check_steps(self, trainer: Trainer, last: int) -> None:
        """Raise AnomalyError if a value was not finite in a step since the last check; `last` is the newest step."""
        finite, self._finite_steps = numbers(self._finite_steps), []
        if 0 in finite:
            step = last - len(finite) + 1 + finite.index(0)
            raise AnomalyError(
                f"StopOnNaN: in step {step}, the loss or a gradient was not finite, but the check came only after "
                f"{trainer.step} updates, so the weights may be damaged; resume from a checkpoint before that step, "
                "with StopOnNaN(every=1), which stops before the update and names the operation"
            )

    def _raise_with_reason(self, trainer: Trainer) -> None:
        """Repeat the step to find the reason, and raise AnomalyError with it."""
        self._restore(trainer)
        try:
            reason = self._find_reason(trainer)
        finally:
            self._restore(trainer)
            trainer.optimizer.zero_grad()
        problem = "a gradient is not finite" if _finite(trainer.loss) else f"the loss is {float(trainer.loss)}"
        raise AnomalyError(
            f"StopOnNaN: in step {trainer.step + 1}, {problem}: {reason}; nothing was updated; "
            "try a smaller learning rate, or look at this batch (trainer.batch)"
        )

    def _find_reason(self, trainer: Trainer) -> str:
        for name, p in trainer.model.named_parameters():
            if not _finite(p.detach()):
                return f"parameter {name} is not finite"
        for name, t in zip(("inputs", "targets"), trainer.batch, strict=False):
            if isinstance(t, Tensor) and not _finite(t):
                return f"the {name} of the batch are not finite"
        trainer.optimizer.zero_grad()
        try:
            with detect_anomaly():
                trainer.compute_loss(trainer.batch).backward()
        except AnomalyError as error:
            return str(error)
        return "it did not happen again with the same batch, so there is randomness outside of minicnn's generator"

    def _restore(self, trainer: Trainer) -> None:
        set_rng_state(self._random)
        with no_grad():
            for buffer, saved in zip(trainer.model.buffers(), self._buffers, strict=True):
                buffer.copy_(saved)


def _finite(t: Any) -> bool:
    return bool(t.isfinite().all())


class ReportDeadChannels:
    """Tell at the end of a training which layers have lost half of their channels or more.

    A ReLU that is 0 for every input passes no gradient, so the weights before it never change again: the channel is
    dead. A channel counts as dead if the gradient of its weights was exactly 0 in every step of the last epoch.

    Parameters
    ----------
    say : callable
        Called with a line of text for each such layer.
    """

    def __init__(self, say: Callable[[str], Any] = print) -> None:
        self.say = say
        self._alive: dict[str, Tensor] = {}  # for each weight: which output channels had a gradient in the last epoch

    def on_backward_end(self, trainer: Trainer) -> None:
        """Look at the gradients of the last epoch."""
        if trainer.epoch < trainer.epochs - 1:
            return
        for name, p in trainer.model.named_parameters():
            if p.grad is not None and p.ndim > 1:
                alive = (p.grad != 0).reshape(len(p), -1).any(1)
                self._alive[name] = self._alive[name].logical_or(alive) if name in self._alive else alive

    def on_fit_end(self, trainer: Trainer) -> None:
        """Report the layers."""
        for name, alive in self._alive.items():
            dead = len(alive) - sum(alive.tolist())
            if 2 * dead >= len(alive):
                self.say(
                    f"{dead} of {len(alive)} channels of {name} are dead: they got no gradient in the last epoch; "
                    "train again with a lower learning rate"
                )
