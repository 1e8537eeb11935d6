"""`EMA`: a running average of the weights, which often generalises better than the last of them."""

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
    """Average the weights after every step: a ← decay · a + (1 - decay) · w.

    Parameters
    ----------
    decay : float

    Attributes
    ----------
    averages : dict of str to Tensor
        By the parameters' names.

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
        """Take in the weights after a step."""
        self.update(trainer.model)

    def update(self, model: Module) -> None:
        """Take in the weights of a model; the first are taken as they are."""
        with no_grad():
            for name, p in model.named_parameters():
                if name in self.averages:
                    self.averages[name] = self.averages[name].to(p.device)  # after loading, or where the model moved
                    self.averages[name].mul_(self.decay).add_(p, alpha=1 - self.decay)
                else:
                    self.averages[name] = p.detach().clone()

    @contextmanager
    def applied(self, model: Module) -> Iterator[None]:
        """Exchange the weights of a model for the averages inside the `with` block."""
        own = {name: p.data for name, p in model.named_parameters()}
        for name, p in model.named_parameters():
            p.data = self.averages[name].to(p.device)
        try:
            yield
        finally:
            for name, p in model.named_parameters():
                p.data = own[name]

    def state_dict(self) -> dict[str, Any]:
        """Return the decay, and the averages, not copied."""
        return {"decay": self.decay, "averages": dict(self.averages)}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over copies of averages.

        Raises
        ------
        CheckpointError
            If they were made with another decay, or of other parameters than those averaged so far.
        """
        decay, averages = state_dict["decay"], state_dict["averages"]
        if decay != self.decay:
            raise CheckpointError(
                f"EMA.load_state_dict: the state has decay {decay} and this one {self.decay}; build EMA(decay={decay})"
            )
        if self.averages and self.averages.keys() != averages.keys():
            raise CheckpointError(
                f"EMA.load_state_dict: the state averages {', '.join(averages)} and this one "
                f"{', '.join(self.averages)}; build the same model"
            )
        self.averages = {name: tensor(t) for name, t in averages.items()}
