"""Parameter, a tensor that a module trains."""

from typing import Any

from minicnn.autograd.tensor import Tensor
from minicnn.ops.create import as_tensor

__all__ = ["Buffer", "Parameter"]


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


class Buffer(Tensor):
    """A tensor that becomes a buffer as an attribute of a module: a part of its state that is not trained.

    Parameters
    ----------
    data : Tensor or array_like
    persistent : bool
        Whether `state_dict` contains it.
    """

    __slots__ = ("persistent",)

    def __init__(self, data: Any = None, *, persistent: bool = True) -> None:
        super().__init__(as_tensor([] if data is None else data))
        self.persistent = persistent

    def __copy__(self) -> Any:
        duplicate = super().__copy__()
        duplicate.persistent = self.persistent
        return duplicate

    def __reduce__(self) -> Any:
        return (*super().__reduce__(), (None, {"persistent": self.persistent}))  # the state of the slots
