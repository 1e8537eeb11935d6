"""Modules that contain parameters: ParameterList and ParameterDict.

The elements are attributes, so `Module` finds the parameters. Plain tensors become parameters.
"""

from collections import OrderedDict
from collections.abc import Hashable, Iterable, Iterator, Mapping, MutableMapping
from typing import Any, Self

from minicnn.autograd.tensor import Tensor
from minicnn.errors import DTypeError, ShapeError
from minicnn.nn.module import Module
from minicnn.nn.parameter import Parameter

__all__ = ["ParameterDict", "ParameterList"]


def _as_parameter(owner: Module, value: Any) -> Any:
    if not isinstance(value, Tensor) or isinstance(value, Parameter):
        return value
    if value.dtype.kind not in "fc":
        raise DTypeError(f"{type(owner).__name__}: a parameter must be floating point, got {value.dtype}")
    return Parameter(value)


def _described(value: Any, type_name: str) -> str:
    if not isinstance(value, Tensor):
        return f"Object of type: {type(value).__name__}"
    kind = "Parameter" if isinstance(value, Parameter) else "Tensor"
    sizes = "x".join(map(str, value.shape))
    return f"{kind} containing: [{type_name} of size {sizes}]"


class ParameterList(Module):
    """A list of parameters; element i has the name str(i).

    Parameters
    ----------
    values : iterable, optional
        Parameters; plain tensors become parameters.

    Examples
    --------
    >>> import minicnn
    >>> weights = ParameterList([minicnn.zeros(2), minicnn.ones(3)])
    >>> [name for name, _ in weights.named_parameters()]
    ['0', '1']
    """

    def __init__(self, values: Iterable[Any] | None = None) -> None:
        super().__init__()
        self._size = 0
        if values is not None:
            self.extend(values)

    def _name(self, index: int) -> str:
        if not -self._size <= index < self._size:
            raise IndexError(f"ParameterList: index {index} is out of range for {self._size} elements")
        return str(index % self._size)

    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return type(self)(list(self)[index])
        return getattr(self, self._name(index))

    def __setitem__(self, index: int, value: Any) -> None:
        setattr(self, self._name(index), _as_parameter(self, value))

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[Any]:
        return (getattr(self, str(i)) for i in range(self._size))

    def __iadd__(self, values: Iterable[Any]) -> Self:
        return self.extend(values)

    def append(self, value: Any) -> Self:
        """Add a parameter at the end.

        Raises
        ------
        DTypeError
            If it is a tensor that is not floating point.
        """
        setattr(self, str(self._size), _as_parameter(self, value))
        self._size += 1
        return self

    def extend(self, values: Iterable[Any]) -> Self:
        """Add several parameters at the end.

        Raises
        ------
        DTypeError
            If it is not an iterable, but for example a single tensor.
        """
        if not isinstance(values, Iterable) or isinstance(values, Tensor):
            raise DTypeError(f"extend: expected an iterable of parameters, got {type(values).__name__}")
        for value in values:
            self.append(value)
        return self

    def __repr__(self) -> str:
        rows = (
            f"    ({i}): {_described(v, f'torch.{v.dtype}' if isinstance(v, Tensor) else '')}\n"
            for i, v in enumerate(self)
        )
        return "ParameterList(\n" + "".join(rows) + ")" if len(self) else "ParameterList()"


class ParameterDict(Module, MutableMapping[str, Any]):
    """A dictionary of parameters, in order of insertion.

    Parameters
    ----------
    parameters : mapping or iterable of (name, parameter), optional
        Plain tensors become parameters. A plain dict is sorted by its names, as in PyTorch.

    Examples
    --------
    >>> import minicnn
    >>> weights = ParameterDict({"scale": minicnn.ones(2)})
    >>> weights["scale"].shape, list(weights)
    ((2,), ['scale'])
    """

    __hash__ = Module.__hash__
    __eq__ = Module.__eq__

    def __init__(self, parameters: Any = None) -> None:
        super().__init__()
        self._names: dict[str, None] = {}
        if parameters is not None:
            self.update(parameters)

    def __getitem__(self, key: str) -> Any:
        if key not in self._names:
            raise KeyError(key)
        return getattr(self, key)

    def __setitem__(self, key: str, value: Any) -> None:
        if not isinstance(key, str):
            raise DTypeError(f"ParameterDict: a name must be a string, got {key!r}")
        if key not in self._names and hasattr(self, key):
            raise ShapeError(f"ParameterDict: {key!r} cannot be a name, because a method or setting has this name")
        self._names[key] = None
        setattr(self, key, _as_parameter(self, value))

    def __delitem__(self, key: str) -> None:
        del self._names[key]
        delattr(self, key)

    def __contains__(self, key: object) -> bool:
        return isinstance(key, Hashable) and key in self._names

    def __len__(self) -> int:
        return len(self._names)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __reversed__(self) -> Iterator[str]:
        return reversed(self._names)

    def update(self, parameters: Any) -> None:  # type: ignore[override]
        """Add or replace parameters: of a mapping, or of pairs (name, parameter)."""
        if isinstance(parameters, Mapping):
            ordered = isinstance(parameters, OrderedDict | ParameterDict)
            parameters = parameters.items() if ordered else sorted(parameters.items())
        for key, value in parameters:
            self[key] = value

    def setdefault(self, key: str, default: Any = None) -> Any:
        """Return the parameter of a name; set it first if there is none."""
        if key not in self._names:
            self[key] = default
        return self[key]

    def popitem(self) -> tuple[str, Any]:
        """Remove and return the last name and parameter."""
        if not self._names:
            raise KeyError("popitem: the ParameterDict is empty")
        key = next(reversed(self._names))
        return key, self.pop(key)

    def copy(self) -> "ParameterDict":
        """Return a new dictionary with the same parameters."""
        return ParameterDict(OrderedDict(self.items()))

    def fromkeys(self, keys: Iterable[str], default: Any = None) -> "ParameterDict":
        """Return a new dictionary with a parameter of this value for each name."""
        return ParameterDict([(key, default) for key in keys])

    def __or__(self, other: Mapping[str, Any]) -> "ParameterDict":
        both = self.copy()
        both.update(other)
        return both

    def __ror__(self, other: Mapping[str, Any]) -> "ParameterDict":
        both = ParameterDict(other)
        both.update(self)
        return both

    def __ior__(self, other: Mapping[str, Any]) -> Self:
        self.update(other)
        return self

    def __repr__(self) -> str:
        rows = (f"    ({k}): {_described(v, v.type() if isinstance(v, Tensor) else '')}\n" for k, v in self.items())
        return "ParameterDict(\n" + "".join(rows) + ")" if len(self) else "ParameterDict()"
