"""What exists only so that older programs run. Nothing here is needed in a new program."""

import warnings
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from minicnn.errors import ArgumentError

__all__ = ["implicit_dim", "older_name", "reduction_of", "warn_of_older_name"]

P = ParamSpec("P")
R = TypeVar("R")


def warn_of_older_name(name: str, new: str) -> None:
    """Warn that a name of a function is an older one, and say the new one."""
    warnings.warn(f"{name} is an older name of {new}", FutureWarning, stacklevel=3)


def older_name(name: str, function: Callable[P, R]) -> Callable[P, R]:
    """Return the function under its older name; each call warns."""

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        warn_of_older_name(name, function.__name__)
        return function(*args, **kwargs)

    call.__name__ = call.__qualname__ = name
    call.__doc__ = f"Warn, because this name is older, and do the same as in `{function.__name__}`."
    return call


def implicit_dim(call: str, ndim: int) -> int:
    """Return the axis of a softmax without `dim`, and warn: 0 for 0, 1 or 3 axes, and 1 for others."""
    axis = 0 if ndim in (0, 1, 3) else 1
    warnings.warn(f"{call}: without dim, the axis is guessed: {axis}; pass dim={axis}", UserWarning, stacklevel=3)
    return axis


REDUCTIONS = ("mean", "sum", "none")


class _Reduction:
    """PyTorch's numbers of reductions, which losses that people copied ask for."""

    @staticmethod
    def get_enum(reduction: str) -> int:
        """Return 0 for "none", 1 for "mean" and 2 for "sum".

        Raises
        ------
        ArgumentError
            If the reduction is unknown.
        """
        if reduction not in REDUCTIONS:
            raise ArgumentError(f"get_enum: reduction must be 'mean', 'sum' or 'none', got {reduction!r}")
        return ("none", "mean", "sum").index(reduction)


def reduction_of(
    call: str,
    size_average: bool | None,
    reduce: bool | None,
    reduction: str,
    reductions: tuple[str, ...] = REDUCTIONS,
) -> str:
    """Return the reduction of a loss: "mean", "sum" or "none", or another one in `reductions`.

    PyTorch 0.4 and earlier had two arguments for it, and losses still take them, in the same places: ``reduce=False``
    is "none"; otherwise ``size_average=False`` is "sum", and True is "mean".

    Raises
    ------
    ArgumentError
        If the reduction is unknown, or `size_average` or `reduce` is neither a bool nor None. (PyTorch takes the text
        in ``MSELoss("sum")`` for True.)
    """
    for name, value in {"size_average": size_average, "reduce": reduce}.items():
        if value is not None and not isinstance(value, bool):
            raise ArgumentError(
                f"{call}: {name} must be True, False or None, got {value!r}; name the argument, as in "
                f"reduction={value if value in reductions else 'mean'!r}"
            )
    if reduction not in reductions:
        known = ", ".join(map(repr, reductions[:-1]))
        raise ArgumentError(f"{call}: reduction must be {known} or {reductions[-1]!r}, got {reduction!r}")
    if size_average is None and reduce is None:
        return reduction
    return "none" if reduce is False else "sum" if size_average is False else "mean"
