"""Modules that contain modules: Sequential, ModuleList, ModuleDict.

The elements are attributes, so `Module` finds their parameters.
"""

from collections.abc import ItemsView, Iterable, Iterator, KeysView, Mapping, ValuesView
from itertools import groupby
from typing import Any, Self

from minicnn.nn.fusion import run, stages
from minicnn.nn.module import Module

__all__ = ["ModuleDict", "ModuleList", "Sequential"]


class _Container(Module):
    """A module whose children are its elements, in insertion order."""

    def _items(self) -> dict[str, Module]:
        return {name: value for name, value in self.__dict__.items() if isinstance(value, Module)}

    def _refill(self, modules: Mapping[str, Module]) -> None:
        for name in self._items():
            delattr(self, name)
        for name, module in modules.items():
            self.add_module(name, module)

    def __len__(self) -> int:
        return len(self._items())


class _Sequence(_Container):
    """A container indexed by position; element i has the name str(i), unless a Sequential got a mapping."""

    def _name(self, index: int) -> str:
        names = list(self._items())
        if not -len(names) <= index < len(names):
            raise IndexError(f"{type(self).__name__}: index {index} is out of range for {len(names)} modules")
        return names[index]

    def _renumber(self, modules: Iterable[Module]) -> None:
        self._refill({str(i): module for i, module in enumerate(modules)})

    def __iter__(self) -> Iterator[Module]:
        return iter(self._items().values())

    def __setitem__(self, index: int, module: Module) -> None:
        self.add_module(self._name(index), module)

    def __delitem__(self, index: int | slice) -> None:
        modules = list(self)
        del modules[index]
        self._renumber(modules)

    def pop(self, key: int) -> Module:
        """Remove the module at a position, renumber the others and return it."""
        module = list(self)[key]
        del self[key]
        return module

    def append(self, module: Module) -> Self:
        """Add a module at the end."""
        self.add_module(str(len(self)), module)
        return self

    def extend(self, modules: Iterable[Module]) -> Self:
        """Add several modules at the end."""
        for module in modules:
            self.append(module)
        return self

    def insert(self, index: int, module: Module) -> None:
        """Insert a module before a position and renumber all modules."""
        modules = list(self)
        modules.insert(index, module)
        self._renumber(modules)


class Sequential(_Sequence):
    """Call modules one after another. A convolution with the ReLU and maximum pooling after it runs as one operation.

    Parameters
    ----------
    *args : Module, or a single mapping of names to modules

    Notes
    -----
    `nn/fusion.py` describes the groups of layers that are fused.

    Examples
    --------
    >>> from minicnn.nn.activation import ReLU, Tanh
    >>> Sequential(ReLU(), Tanh())[1:]
    Sequential(
      (1): Tanh()
    )
    """

    def __init__(self, *args: Module | Mapping[str, Module]) -> None:
        super().__init__()
        if len(args) == 1 and isinstance(args[0], Mapping):
            self._refill(args[0])
        else:
            for i, module in enumerate(args):
                self.add_module(str(i), module)  # type: ignore[arg-type]

    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return type(self)(dict(list(self._items().items())[index]))
        return getattr(self, self._name(index))

    def __add__(self, other: Iterable[Module]) -> Any:
        return Sequential(*self, *other)

    def __mul__(self, other: int) -> Any:
        return Sequential(*(layer for _ in range(other) for layer in self))

    __rmul__ = __mul__

    def extend(self, sequential: Iterable[Module]) -> Self:
        """Add several modules at the end."""
        return super().extend(sequential)

    def forward(self, input: Any) -> Any:
        for stage in stages(self):
            input = run(stage, input)
        return input


class ModuleList(_Sequence):
    """A list of modules. `parameters()` includes their parameters; it has no forward."""

    def __init__(self, modules: Iterable[Module] = ()) -> None:
        super().__init__()
        self.extend(modules)

    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return type(self)(list(self)[index])
        return getattr(self, self._name(index))

    def _texts(self) -> list[tuple[str, str]]:
        texts, start = [], 0
        for text, equal in groupby(map(repr, self)):  # neighbours of the same text share a line
            end = start + len(list(equal))
            texts.append((str(start), text) if end - start == 1 else (f"{start}-{end - 1}", f"{end - start} x {text}"))
            start = end
        return texts


class ModuleDict(_Container):
    """A dictionary of modules. `parameters()` includes their parameters; it has no forward."""

    def __init__(self, modules: Mapping[str, Module] | None = None) -> None:
        super().__init__()
        self.update(modules or {})

    def __getitem__(self, key: str) -> Any:
        if key not in self:
            raise KeyError(f"ModuleDict: there is no module {key!r}; the modules are {', '.join(self)}")
        return self._items()[key]

    def __setitem__(self, key: str, module: Module) -> None:
        self.add_module(key, module)

    def __delitem__(self, key: str) -> None:
        self.pop(key)

    def __iter__(self) -> Iterator[str]:
        return iter(self._items())

    def __contains__(self, key: str) -> bool:
        return key in self._items()

    def keys(self) -> KeysView[str]:
        """Return the names."""
        return self._items().keys()

    def values(self) -> ValuesView[Module]:
        """Return the modules."""
        return self._items().values()

    def items(self) -> ItemsView[str, Module]:
        """Return pairs of name and module."""
        return self._items().items()

    def pop(self, key: str) -> Module:
        """Remove a module and return it."""
        module: Module = self[key]
        delattr(self, key)
        return module

    def update(self, modules: Mapping[str, Module]) -> None:
        """Add modules; a module of the same name is replaced."""
        for key, module in modules.items():
            self[key] = module

    def clear(self) -> None:
        """Remove all modules."""
        self._refill({})
