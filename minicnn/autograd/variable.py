"""`Variable`, the class of tensors with gradients before PyTorch 0.4. Now every tensor can have a gradient."""

import warnings
from typing import Any

from minicnn.autograd.tensor import Tensor
from minicnn.errors import DTypeError

__all__ = ["Variable"]


class _Tensors(type):
    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, Tensor)


class Variable(metaclass=_Tensors):
    """``Variable(x)`` is a tensor that shares the memory of x; ``isinstance(x, Variable)`` is true for every tensor.

    Parameters
    ----------
    data : Tensor
    requires_grad : bool
    volatile : bool
        No effect, and a warning: `minicnn.no_grad()` replaces it.

    Raises
    ------
    DTypeError
        If the data is not a tensor.
    """

    def __new__(cls, data: Tensor, requires_grad: bool = False, volatile: bool = False) -> Tensor:  # type: ignore[misc]
        """Return the tensor."""
        if not isinstance(data, Tensor):
            raise DTypeError(f"Variable: expected a tensor, got {type(data).__name__}; use minicnn.tensor")
        if volatile:
            warnings.warn("Variable: volatile has no effect; use minicnn.no_grad()", UserWarning, stacklevel=2)
        shared = data.detach()
        return shared.requires_grad_(requires_grad)
