"""PyTorch's compiler of scripts. Functions and modules run as they are, so its decorators return them unchanged."""

from collections.abc import Callable
from typing import Any, Final, TypeVar

__all__ = ["Final", "export", "ignore", "is_scripting", "is_tracing", "script", "trace", "unused"]

F = TypeVar("F", bound=Callable[..., Any])


def script(obj: F, *args: Any, **kwargs: Any) -> F:
    """Return the function or module unchanged."""
    return obj


def trace(func: F, *args: Any, **kwargs: Any) -> F:
    """Return the function or module unchanged."""
    return func


def export(fn: F) -> F:
    """Return the function unchanged."""
    return fn


def unused(fn: F) -> F:
    """Return the function unchanged."""
    return fn


def ignore(drop: Any = False, **kwargs: Any) -> Any:
    """Return the function unchanged; as a decorator with or without arguments."""
    return drop if callable(drop) else lambda fn: fn


def is_scripting() -> bool:
    """Return False."""
    return False


def is_tracing() -> bool:
    """Return False."""
    return False
