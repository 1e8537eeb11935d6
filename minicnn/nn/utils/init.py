"""skip_init, the construction of a module whose parameters will be overwritten."""

from typing import Any, TypeVar

from minicnn.errors import ArgumentError
from minicnn.nn.module import Module

__all__ = ["skip_init"]

Layer = TypeVar("Layer", bound=Module)


def skip_init(module_cls: type[Layer], *args: Any, **kwargs: Any) -> Layer:
    """Return module_cls(*args, **kwargs), for programs that fill the parameters themselves.

    PyTorch leaves the parameters uninitialised. Here they have their usual values, which takes little time.

    Raises
    ------
    ArgumentError
        If it is not a class of modules.

    Examples
    --------
    >>> import minicnn.nn as nn
    >>> skip_init(nn.Linear, 3, 2)
    Linear(in_features=3, out_features=2, bias=True)
    """
    if not (isinstance(module_cls, type) and issubclass(module_cls, Module)):
        raise ArgumentError(f"skip_init: expected a class of modules, got {module_cls!r}")
    return module_cls(*args, **kwargs)
