"""Checks of the state of an optimizer that a file holds."""

from typing import Any

import numpy as np

from minicnn.autograd.tensor import Tensor
from minicnn.errors import CheckpointError
from minicnn.ops.create import tensor

__all__ = ["fitting_tensor", "plain_number"]


def fitting_tensor(call: str, name: str, value: Any, parameter: Tensor, shape: tuple[int, ...]) -> Any:
    """Return a copy of a saved tensor for this parameter.

    Raises
    ------
    CheckpointError
        If it is no tensor, or has another shape.
    """
    if not isinstance(value, Tensor | np.ndarray):
        raise CheckpointError(f"{call}: {name} must be a tensor, got a {type(value).__name__}; use another state")
    if value.shape != shape:
        raise CheckpointError(
            f"{call}: {name} has shape {value.shape}, the parameter {parameter.shape}; use a state of the same model"
        )
    return tensor(value, dtype=parameter.dtype, device=parameter.device)


def plain_number(call: str, name: str, value: Any) -> Any:
    """Return a saved number, which PyTorch saves as a tensor without axes; a step is an integer.

    Raises
    ------
    CheckpointError
        If a step is no integer of at least 0.
    """
    number = value.item() if isinstance(value, Tensor | np.ndarray) and value.shape == () else value
    if name == "step":
        if not isinstance(number, int | float | np.integer | np.floating) or not number >= 0 or number % 1 != 0:
            raise CheckpointError(f"{call}: step must be an integer >= 0, got {number!r}; use another state")
        return int(number)
    return number
