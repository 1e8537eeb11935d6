"""Automatic mixed precision, which programs of PyTorch switch on. Here a tensor is computed in its own type.

So `autocast` changes nothing, and `GradScaler` multiplies by 1. Results are those of a program without them.
"""

from collections.abc import Iterable
from contextlib import ContextDecorator
from typing import TYPE_CHECKING, Any

from minicnn.autograd.tensor import Tensor

if TYPE_CHECKING:
    from minicnn.optim import Optimizer

__all__ = ["GradScaler", "autocast"]


class autocast(ContextDecorator):  # noqa: N801 (PyTorch's name)
    """A context, or a decorator of functions, without effect; arguments are ignored."""

    def __init__(
        self, device_type: Any = None, dtype: Any = None, enabled: bool = True, cache_enabled: bool | None = None
    ) -> None:
        pass

    def __enter__(self) -> "autocast":
        return self

    def __exit__(self, *exception: Any) -> None:
        pass


class GradScaler:
    """Scale losses by 1: `step` takes the step of the optimizer; arguments of the scale are ignored."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        pass

    def scale(self, outputs: Tensor | Iterable[Tensor]) -> Any:
        """Return the outputs."""
        return outputs

    def unscale_(self, optimizer: "Optimizer") -> None:
        """Do nothing: gradients are not scaled."""

    def step(self, optimizer: "Optimizer", *args: Any, **kwargs: Any) -> Any:
        """Return optimizer.step(...)."""
        return optimizer.step(*args, **kwargs)

    def update(self, new_scale: Any = None) -> None:
        """Do nothing: the scale stays 1."""

    def get_scale(self) -> float:
        """Return the scale, 1."""
        return 1.0

    def is_enabled(self) -> bool:
        """Return False: there is no scaling."""
        return False

    def state_dict(self) -> dict[str, Any]:
        """Return an empty dict: there is no state."""
        return {}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Do nothing: there is no state."""
