"""PyTorch's address ``torch.nn.modules.utils``: a size for each axis, from one size; names of states."""

from collections.abc import Callable, Iterable, MutableMapping
from typing import Any

__all__ = ["_ntuple", "_pair", "_quadruple", "_single", "_triple", "consume_prefix_in_state_dict_if_present"]


def _ntuple(n: int, name: str = "parse") -> Callable[[Any], tuple[Any, ...]]:
    """Return a function that makes a tuple: of an iterable its items, of another value n times the value."""

    def parse(x: Any) -> tuple[Any, ...]:
        return tuple(x) if isinstance(x, Iterable) else (x,) * n

    parse.__name__, parse.__doc__ = name, f"Return {n} values: the items of an iterable, or a value {n} times."
    return parse


_single = _ntuple(1, "_single")
_pair = _ntuple(2, "_pair")
_triple = _ntuple(3, "_triple")
_quadruple = _ntuple(4, "_quadruple")


def consume_prefix_in_state_dict_if_present(state_dict: MutableMapping[str, Any], prefix: str) -> None:
    """Remove the beginning of names, in place, such as "module." of a model that several processes trained.

    Parameters
    ----------
    state_dict : mapping of str to Tensor
        Names without this beginning stay as they are.
    prefix : str
    """
    for name in [name for name in state_dict if name.startswith(prefix)]:
        state_dict[name.removeprefix(prefix)] = state_dict.pop(name)
    versions = getattr(state_dict, "_metadata", {})  # of the classes, by the path of the module
    for path in list(versions):
        if path and f"{path}.".startswith(prefix):
            versions[f"{path}.".removeprefix(prefix).rstrip(".")] = versions.pop(path)
