"""Trees: tensors in dicts, lists and tuples, nested to any depth. The functions of `func` take and return them."""

from collections.abc import Callable, Iterator
from typing import Any

from minicnn.autograd.tensor import Tensor

__all__ = ["leaves", "mapped", "mapped_together"]


def leaves(tree: Any) -> Iterator[Any]:
    """Yield all values in a tree that are no containers, in order."""
    if isinstance(tree, dict):
        for value in tree.values():
            yield from leaves(value)
    elif isinstance(tree, list | tuple):
        for value in tree:
            yield from leaves(value)
    else:
        yield tree


def mapped(function: Callable[[Any], Any], tree: Any) -> Any:
    """Return a tree of the same form with function(leaf) in the place of each leaf."""
    return mapped_together(lambda leaf, _: function(leaf), tree, None)


def mapped_together(function: Callable[[Any, Any], Any], tree: Any, other: Any) -> Any:
    """Return a tree of the same form with function(leaf, value), where the value is from the same place of `other`.

    `other` may be a tree that ends earlier: its value is then that of all leaves below.

    Raises
    ------
    ValueError
        If the forms differ.
    """
    below = isinstance(other, dict | list | tuple) and not isinstance(other, Tensor)
    if isinstance(tree, dict):
        if below and (not isinstance(other, dict) or other.keys() != tree.keys()):
            raise ValueError(f"{other} does not have the form of a dict with the keys {list(tree)}")
        return type(tree)((k, mapped_together(function, v, other[k] if below else other)) for k, v in tree.items())
    if isinstance(tree, list | tuple):
        if below and (isinstance(other, dict) or len(other) != len(tree)):
            raise ValueError(f"{other} does not have the form of a {type(tree).__name__} of {len(tree)}")
        parts = [mapped_together(function, v, other[i] if below else other) for i, v in enumerate(tree)]
        return type(tree)(*parts) if hasattr(tree, "_fields") else type(tree)(parts)
    if below:
        raise ValueError(f"{other} is deeper than the value in its place, a {type(tree).__name__}")
    return function(tree, other)
