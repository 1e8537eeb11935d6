"""Parameter, a tensor that a module trains."""

from typing import Any

from minicnn.autograd.tensor import Tensor
from minicnn.ops.create import as_tensor

__all__ = ["Parameter"]


class Parameter(Tensor):
    """A tensor that training changes. As an attribute of a module it appears in `parameters()`.

    Parameters
    ----------
    data : Tensor or array_like
    requires_grad : bool
    """

    __slots__ = ()

    def __init__(self, data: Any, requires_grad: bool = True) -> None:
        super().__init__(as_tensor(data))
        self.requires_grad = requires_grad

    def __repr__(self) -> str:
        return f"Parameter containing:\n{super().__repr__()}"
