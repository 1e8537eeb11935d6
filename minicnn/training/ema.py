"""`EMA`, an exponential moving average of the weights, which often generalises better than the last weights.

It is a callback: the trainer updates it after every step and saves it in checkpoints.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from minicnn.autograd.tape import no_grad
from minicnn.autograd.tensor import Tensor
from minicnn.errors import ArgumentError, CheckpointError
from minicnn.nn import Module
from minicnn.ops.create import tensor
from minicnn.training.trainer import Trainer

__all__ = ["EMA"]


class EMA:
    """Exponential moving average of the weights w: after every step, a ← d a + (1 - d) w, with d = `decay`.

    It is computed as a ← a + (1 - d) (w - a): a GPU then needs only one new number in each step.

    The first weights are random. So that the average forgets them soon, d is smaller at first: in update n = 0, 1, ...
    it is min(decay, n / (9 + n)). Buffers of floating-point numbers, such as the running statistics of batch
    normalisation, are averaged in the same way. Other buffers are copied.

    Parameters
    ----------
    decay : float
        About 1 / (1 - decay) of the last steps count.

    Attributes
    ----------
    averages : dict of str to Tensor
        The average of each parameter and buffer, by its name in the state dict.
    updates : int
        The number of updates so far.

    Raises
    ------
    ArgumentError
        If the decay is not in [0, 1).

    Examples
    --------
    >>> from minicnn import nn
    >>> ema, model = EMA(decay=0.99), nn.Linear(2, 3)
    >>> ema.update(model)
    >>> with ema.applied(model):
    ...     pass  # here the model has the averaged weights: evaluate it, or save it
    """

    def __init__(self, decay: float = 0.999) -> None:
        if not 0 <= decay < 1:
            raise ArgumentError(f"EMA: decay must be at least 0 and below 1, got {decay}; pass e.g. 0.999")
        self.decay = decay
        self.averages: dict[str, Tensor] = {}
        self.updates = 0

    def on_step_end(self, trainer: Trainer) -> None:
        """Update the averages after a step."""
        self.update(trainer.model)

    def update(self, model: Module) -> None:
        """Update the averages with the weights and buffers of a model."""
        decay = min(self.decay, self.updates / (9 + self.updates))
        with no_grad():
            for name, value in model.state_dict().items():
                if name in self.averages and value.dtype.kind in "fc":
                    average = self.averages[name].to(value.device)  # differs after loading or model.to()
                    self.averages[name] = average.add_(value - average, alpha=1 - decay)
                else:
                    self.averages[name] = value.detach().clone()
        self.updates += 1

    @contextmanager
    def applied(self, model: Module) -> Iterator[None]:
        """Replace the weights and buffers of a model by the averages inside the `with` block."""
        tensors = [*model.named_parameters(), *model.named_buffers()]
        own = {name: t.data for name, t in tensors if name in self.averages}
        for name, t in tensors:
            if name in own:
                t.data = self.averages[name].to(t.device)
        try:
            yield
        finally:
            for name, t in tensors:
                if name in own:
                    t.data = own[name]

    def state_dict(self) -> dict[str, Any]:
        """Return the decay, the number of updates and the averages. The tensors are not copied."""
        return {"decay": self.decay, "updates": self.updates, "averages": dict(self.averages)}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Load copies of the averages.

        Raises
        ------
        CheckpointError
            If a part is missing, or the decay or the names of the averages differ.
        """
        missing = [name for name in ("decay", "updates", "averages") if name not in state_dict]
        if missing:
            raise CheckpointError(
                f"EMA.load_state_dict: the state has no {' and no '.join(missing)}; it is from an earlier version, or "
                "not of an EMA"
            )
        decay, averages = state_dict["decay"], state_dict["averages"]
        if decay != self.decay:
            raise CheckpointError(
                f"EMA.load_state_dict: the state has decay {decay}, this EMA {self.decay}; build EMA(decay={decay})"
            )
        if self.averages and self.averages.keys() != averages.keys():
            raise CheckpointError(
                f"EMA.load_state_dict: the state has averages of {', '.join(averages)}, this EMA of "
                f"{', '.join(self.averages)}; build the same model"
            )
        self.updates = state_dict["updates"]
        self.averages = {name: tensor(t) for name, t in averages.items()}
