"""`Named`: the parameters, buffers or children of a module as a mapping, which programs of PyTorch read and change."""

from collections.abc import Iterator, MutableMapping
from typing import Any

from minicnn.autograd.tensor import Tensor

__all__ = ["Named"]


class Named(MutableMapping[str, Any]):
    """The attributes of a module that are of one kind, by name; changes go to the module.

    Parameters
    ----------
    module : Module
    kind : Parameter, Tensor (for buffers) or Module
    """

    def __init__(self, module: Any, kind: type) -> None:
        self._module, self._kind = module, kind

    def __iter__(self) -> Iterator[str]:
        return iter([name for name, _ in self._module._own(self._kind)])

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __getitem__(self, name: str) -> Any:
        return dict(self._module._own(self._kind))[name]

    def __setitem__(self, name: str, value: Any) -> None:
        if self._kind is Tensor:
            self._module.register_buffer(name, value)
        else:
            self._module._register(name, value, self._kind)

    def __delitem__(self, name: str) -> None:
        self[name]  # an unknown name is a KeyError
        delattr(self._module, name)

    def __repr__(self) -> str:
        return repr(dict(self))
