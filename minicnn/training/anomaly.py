"""`StopOnNaN`: no update with NaN, and the name of the operation that made it."""

from typing import Any

from minicnn.errors import AnomalyError
from minicnn.random import get_rng_state, set_rng_state
from minicnn.tape import detect_anomaly, no_grad
from minicnn.tensor import Tensor
from minicnn.training.trainer import Trainer

__all__ = ["StopOnNaN"]


class StopOnNaN:
    """Stop when the loss or a gradient is NaN or infinite, before the optimizer's step, and find out why.

    The batch is run again, from the same random state, under `detect_anomaly`: the AnomalyError names the operation.
    Weights, buffers (running means) and random state are left as they were before the step.

    Raises
    ------
    AnomalyError
        From the training loop, naming the step and the operation, or the input or weight that was not finite before.

    Notes
    -----
    Costs one pass over the gradients, and a copy of the buffers, every step.
    """

    def on_step_start(self, trainer: Trainer) -> None:
        """Remember what a step changes before the optimizer does."""
        self._random = get_rng_state()
        self._buffers = [b.detach().clone() for b in trainer.model.buffers()]

    def on_backward_end(self, trainer: Trainer) -> None:
        """Look at loss and gradients."""
        gradients = [p.grad for p in trainer.model.parameters()]
        if all(_finite(t) for t in (trainer.loss, *gradients)):
            return
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
    return t is None or bool(t.isfinite().all())
