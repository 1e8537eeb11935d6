"""PyTorch's compiler, which minicnn does not have: models run as they are."""

from collections.abc import Callable
from typing import Any

__all__ = ["compile", "is_compiling"]


def compile(model: Callable[..., Any] | None = None, **options: Any) -> Any:
    """Return the model or function as it is; as a decorator too, with options. Nothing is compiled."""
    return (lambda function: function) if model is None else model


def is_compiling() -> bool:
    """Return False."""
    return False
