"""`EMA`, an exponential moving average of the weights, which often generalises better than the last weights.

It is a callback: the trainer updates it after every step and saves it in checkpoints.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from minicnn.autograd.tape import no_grad
from minicnn.autograd.tensor import Tensor
from minicnn.errors import CheckpointError
from minicnn.nn import Module
from minicnn.ops.create import tensor
from minicnn.training.trainer import Trainer

__all__ = ["EMA"]


class EMA:
    """Exponential moving average of the weights w: after every step, a ← decay · a + (1 - decay) · w.

    Parameters
    ----------
    decay : float

    Attributes
    ----------
    averages : dict of str to Tensor
        The average of each parameter, by the name of the parameter.

    Examples
    --------
    >>> from minicnn import nn
    >>> ema, model = EMA(decay=0.99), nn.Linear(2, 3)
    >>> ema.update(model)
    >>> with ema.applied(model):
    ...     pass  # here the model has the averaged weights: evaluate it, or save it
    """

    def __init__(self, decay: float = 0.999) -> None:
        self.decay = decay
        self.averages: dict[str, Tensor] = {}

    def on_step_end(self, trainer: Trainer) -> None:
        """Update the averages after a step."""
        self.update(trainer.model)

    def update(self, model: Module) -> None:
        """Update the averages with the weights of a model. The first weights are copied."""
        with no_grad():
            for name, p in model.named_parameters():
                if name in self.averages:
                    self.averages[name] = self.averages[name].to(p.device)  # differs after loading or model.to()
                    self.averages[name].mul_(self.decay).add_(p, alpha=1 - self.decay)
                else:
                    self.averages[name] = p.detach().clone()

    @contextmanager
    def applied(self, model: Module) -> Iterator[None]:
        """Replace the weights of a model by the averages inside the `with` block."""
        weights = {name: p.data for name, p in model.named_parameters()}
        for name, p in model.named_parameters():
            p.data = self.averages[name].to(p.device)
        try:
            yield
        finally:
            for name, p in model.named_parameters():
                p.data = weights[name]

    def state_dict(self) -> dict[str, Any]:
        """Return the decay and the averages. The tensors are not copied."""
        return {"decay": self.decay, "averages": dict(self.averages)}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Load copies of the averages.

        Raises
        ------
        CheckpointError
            If the decay or the names of the parameters differ.
        """
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
        self.averages = {name: tensor(t) for name, t in averages.items()}
