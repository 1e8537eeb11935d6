"""`StopOnNaN`: no update with NaN, and the name of the operation that made it."""

from typing import Any

from minicnn.autograd.tape import detect_anomaly, no_grad
from minicnn.autograd.tensor import Tensor
from minicnn.errors import AnomalyError, ArgumentError
from minicnn.ops.indexing import stack
from minicnn.runtime.random import get_rng_state, set_rng_state
from minicnn.training.trainer import Trainer, numbers

__all__ = ["StopOnNaN"]


class StopOnNaN:
    """Stop when the loss or a gradient is NaN or infinite, before the optimizer's step, and find out why.

    The batch is run again, from the same random state, under `detect_anomaly`: the AnomalyError names the operation.
    Weights, buffers (running means) and random state are left as they were before the step.

    Parameters
    ----------
    every : int, optional
        Look once in so many steps, and when an epoch ends. The error names the step, but comes after it: the weights
        are spoilt then, and the operation is not known. 1 on the host and 50 on a GPU, if left out, for each look waits
        for the GPU.

    Raises
    ------
    ArgumentError
        If `every` is not at least 1.
    AnomalyError
        From the training loop, naming the step and the operation, or the input or weight that was not finite before.

    Notes
    -----
    Costs one pass over the gradients, and with every=1 a copy of the buffers, every step. Between two looks a
    `Checkpoint` may save spoilt weights: let `every` divide its `every_steps`.
    """

    def __init__(self, every: int | None = None) -> None:
        if every is not None and every < 1:
            raise ArgumentError(f"StopOnNaN: every must be at least 1, got {every}; leave it out for the usual")
        self.every = every
        self._healthy: list[Tensor] = []  # of the steps since the last look

    def on_fit_start(self, trainer: Trainer) -> None:
        """Find out how often to look."""
        on_host = trainer.device is None or trainer.device.on_host
        self._interval, self._healthy = self.every or (1 if on_host else 50), []

    def on_step_start(self, trainer: Trainer) -> None:
        """Remember what a step changes before the optimizer does."""
        if self._interval == 1:
            self._random = get_rng_state()
            self._buffers = [b.detach().clone() for b in trainer.model.buffers()]

    def on_backward_end(self, trainer: Trainer) -> None:
        """Look at loss and gradients."""
        watched = [trainer.loss, *(p.grad for p in trainer.model.parameters() if p.grad is not None)]
        self._healthy.append(stack([t.isfinite().all() for t in watched]).all())
        if len(self._healthy) < self._interval:
            return
        if self._interval > 1:
            self._look(trainer, trainer.step + 1)
        elif not self._healthy.pop():
            self._explain(trainer)

    def on_epoch_end(self, trainer: Trainer) -> None:
        """Look at what was left."""
        self._look(trainer, trainer.step)

    def _look(self, trainer: Trainer, last: int) -> None:
        """Raise, if one of the steps up to the last was not healthy."""
        healthy, self._healthy = numbers(self._healthy), []
        if 0 in healthy:
            step = last - len(healthy) + 1 + healthy.index(0)
            raise AnomalyError(
                f"StopOnNaN: in step {step}, the loss or a gradient was not finite, which is seen only after "
                f"{trainer.step} updates, so the weights may be spoilt; go on from a checkpoint before that step, with "
                "StopOnNaN(every=1), which stops in time and names the operation"
            )

    def _explain(self, trainer: Trainer) -> None:
        self._restore(trainer)
        try:
            reason = self._find(trainer)
        finally:
            self._restore(trainer)
            trainer.optimizer.zero_grad()
        what = "a gradient is not finite" if _finite(trainer.loss) else f"the loss is {float(trainer.loss)}"
        raise AnomalyError(
            f"StopOnNaN: in step {trainer.step + 1}, {what}: {reason}; nothing was updated; "
            "try a smaller learning rate, or look at this batch (trainer.batch)"
        )

    def _find(self, trainer: Trainer) -> str:
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
        return "it did not happen again when the batch was repeated, so something is random beyond the engine"

    def _restore(self, trainer: Trainer) -> None:
        set_rng_state(self._random)
        with no_grad():
            for buffer, before in zip(trainer.model.buffers(), self._buffers, strict=True):
                buffer.copy_(before)


def _finite(t: Any) -> bool:
    return bool(t.isfinite().all())
