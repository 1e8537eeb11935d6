"""Checks of arguments: what layers are built with, at the constructor, where the mistake is; what losses take."""

from typing import Any

from minicnn.autograd.tensor import Tensor
from minicnn.errors import ArgumentError, DTypeError, ShapeError

__all__ = ["check_float", "check_groups", "check_positive", "check_probability", "check_reduction"]


def check_positive(call: str, **sizes: Any) -> None:
    """Refuse sizes that are not integers >= 1.

    Raises
    ------
    ShapeError
    """
    for name, size in sizes.items():
        if not isinstance(size, int) or size < 1:
            raise ShapeError(f"{call}: {name} must be an integer >= 1, got {size!r}")


def check_groups(call: str, groups: int, **channels: int) -> None:
    """Refuse channels that cannot be split into so many groups.

    Raises
    ------
    ShapeError
    """
    check_positive(call, groups=groups, **channels)
    for name, count in channels.items():
        if count % groups:
            fits = ", ".join(str(g) for g in range(1, count + 1) if count % g == 0)
            raise ShapeError(f"{call}: {name}={count} cannot be split into groups={groups}; groups that fit: {fits}")


def check_probability(call: str, p: float) -> None:
    """Refuse a number outside [0, 1].

    Raises
    ------
    ShapeError
    """
    if not 0 <= p <= 1:
        raise ArgumentError(f"{call}: p must be a probability from 0 to 1, got {p}")


def check_float(call: str, input: Tensor) -> None:
    """Refuse a tensor that is not floating point.

    Raises
    ------
    DTypeError
    """
    if input.dtype.kind != "f":
        raise DTypeError(f"{call}: the input must be floating point, got {input.dtype}; convert it with .float()")


def check_reduction(call: str, reduction: str) -> None:
    """Refuse an unknown way to reduce a loss.

    Raises
    ------
    ArgumentError
    """
    if reduction not in ("mean", "sum", "none"):
        raise ArgumentError(f"{call}: reduction must be 'mean', 'sum' or 'none', got {reduction!r}")
