"""The operators of ONNX: each is one function of tensors, found by its name and the version of the operator set.

The parameters of a function are those of the operator. Positional ones are the inputs, keywords are the attributes,
with ONNX's defaults. What was an attribute in an old version and is an input now, such as the axes of Squeeze, is one
parameter for both. Only where the meaning changed are there two functions.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from inspect import Parameter, signature
from typing import Any, Literal, TypeVar, get_args, get_origin

__all__ = ["Operator", "find", "operator", "operators"]

Function = Callable[..., Any]
F = TypeVar("F", bound=Function)


@dataclass(frozen=True)
class Operator:
    """An operator of ONNX.

    Attributes
    ----------
    name : str
    since : int
        The version of the operator set from which the function holds.
    function : callable
        From inputs (None where one is left out) and attributes to a tensor, or a tuple of them.
    settings : tuple of int
        The numbers of the inputs that are no weights: they are not trained, although they may be floating point.
    """

    name: str
    since: int
    function: Function
    settings: tuple[int, ...] = ()
    counts_outputs: bool = field(init=False)  # whether the function wants to know how many outputs are used

    def __post_init__(self) -> None:
        names = signature(self.function).parameters
        object.__setattr__(self, "counts_outputs", "outputs" in names)

    def __reduce__(self) -> tuple[Any, ...]:  # pickled by name, because functions are not
        return find, (self.name, self.since)

    def problem(self, inputs: int, attributes: dict[str, Any]) -> str:
        """Return the fault of a call, or an empty text. A parameter of type Literal takes its values only."""
        parameters = signature(self.function).parameters
        any_name = any(p.kind is Parameter.VAR_KEYWORD for p in parameters.values())
        named = {
            name
            for name, p in parameters.items()
            if p.kind not in (Parameter.VAR_POSITIONAL, Parameter.POSITIONAL_ONLY)
        }
        for name in attributes:
            if name == "outputs" or (name not in named and not any_name):
                return f"has the attribute {name!r}, which is not supported"
            kind = parameters[name].annotation if name in named else None
            if get_origin(kind) is Literal and attributes[name] not in get_args(kind):
                allowed = ", ".join(repr(value) for value in get_args(kind) if value != "")
                return f"has {name}={attributes[name]!r}, which must be one of {allowed}"
        extra = {"outputs": 1} if self.counts_outputs else {}
        try:
            signature(self.function).bind(*(None,) * inputs, **attributes, **extra)
        except TypeError as error:
            return f"has wrong inputs or attributes ({error})"
        return ""


_table: dict[str, list[Operator]] = {}


def operator(name: str, since: int = 1, settings: tuple[int, ...] = ()) -> Callable[[F], F]:
    """Register a function as an operator of ONNX; see `Operator`."""

    def register(function: F) -> F:
        versions = _table.setdefault(name, [])
        versions.append(Operator(name, since, function, settings))
        versions.sort(key=lambda known: known.since)
        return function

    return register


def find(name: str, version: int) -> Operator | None:
    """Return the operator as it is in this version of the operator set, or None if there is none."""
    known = [found for found in _table.get(name, ()) if found.since <= version]
    return known[-1] if known else None


def operators() -> list[str]:
    """Return the names of the operators, sorted."""
    return sorted(_table)
