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

    def _items(self) -> dict[str, Any]:
        """Return the attributes, and None for a name that has no parameter, such as `bias` without a bias."""
        own, places = dict(self._module._own(self._kind)), self._module._places
        names = [n for n in vars(self._module) if n in own or places.get(n) is self._kind]
        return {name: own.get(name) for name in names}

    def __iter__(self) -> Iterator[str]:
        return iter(self._items())

    def __len__(self) -> int:
        return len(self._items())

    def __getitem__(self, name: str) -> Any:
        return self._items()[name]

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
