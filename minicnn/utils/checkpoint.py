"""`checkpoint`, with which programs of PyTorch save memory: it forgets values and computes them again.

Here the values are kept, so results and gradients are the same, and no time is lost.
"""

from collections.abc import Callable, Sequence
from typing import Any

__all__ = ["checkpoint", "checkpoint_sequential"]


def checkpoint(function: Callable[..., Any], *args: Any, use_reentrant: bool | None = None, **kwargs: Any) -> Any:
    """Return function(*args, **kwargs); `use_reentrant` and the other options of PyTorch have no effect."""
    for option in ("preserve_rng_state", "context_fn", "determinism_check", "debug", "early_stop"):
        kwargs.pop(option, None)
    return function(*args, **kwargs)


def checkpoint_sequential(
    functions: Sequence[Callable[..., Any]], segments: int, input: Any, use_reentrant: bool | None = None, **kwargs: Any
) -> Any:
    """Return the input after all functions, one after another; the other arguments have no effect."""
    for function in functions:
        input = function(input)
    return input
