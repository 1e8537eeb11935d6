"""Checks of arguments that layers and losses share.

Layers check in the constructor, so the error appears where the wrong argument was written.
"""

from typing import Any

from minicnn.autograd.tensor import Tensor
from minicnn.errors import ArgumentError, DTypeError, ShapeError

__all__ = ["check_float", "check_groups", "check_positive", "check_probability"]


def check_positive(call: str, **sizes: Any) -> None:
    """Check that all sizes are integers >= 1.

    Raises
    ------
    ShapeError
        If a size is not.
    """
    for name, size in sizes.items():
        if not isinstance(size, int) or size < 1:
            raise ShapeError(f"{call}: {name} must be an integer >= 1, got {size!r}")


def check_groups(call: str, groups: int, **channels: int) -> None:
    """Check that each number of channels is a multiple of `groups`.

    Raises
    ------
    ShapeError
        If it is not, or if a number is not an integer >= 1.
    """
    check_positive(call, groups=groups, **channels)
    for name, count in channels.items():
        if count % groups:
            divisors = ", ".join(str(g) for g in range(1, count + 1) if count % g == 0)
            raise ShapeError(
                f"{call}: {name}={count} cannot be split into groups={groups}; groups that fit: {divisors}"
            )


def check_probability(call: str, p: float) -> None:
    """Check that p is in [0, 1].

    Raises
    ------
    ArgumentError
        If it is not.
    """
    if not 0 <= p <= 1:
        raise ArgumentError(f"{call}: p must be a probability from 0 to 1, got {p}")


def check_float(call: str, input: Tensor, kinds: str = "f") -> None:
    """Check that a tensor is floating point; with the kinds "fc", or complex.

    Raises
    ------
    DTypeError
        If it is not.
    """
    if input.dtype.kind not in kinds:
        raise DTypeError(f"{call}: the input must be floating point, got {input.dtype}; convert it with .float()")
