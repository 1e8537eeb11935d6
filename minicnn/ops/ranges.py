"""Sequences of numbers: arange, linspace, logspace. Floats are computed on the host: the same on every device."""

from math import ceil, isfinite
from typing import Any

import numpy as np

from minicnn.autograd.tensor import Tensor
from minicnn.dtypes import DType, default_dtype, float64
from minicnn.ops.places import Place, checked, place_of, placed

__all__ = ["arange", "linspace", "logspace"]


def _number(value: Any) -> Any:
    """Return a number, or the only element of a tensor, as a Python number."""
    return value.item() if isinstance(value, Tensor | np.generic) else value


@checked
def arange(
    start: float = 0,
    end: float | None = None,
    step: float = 1,
    dtype: Any = None,
    device: Place = None,
    requires_grad: bool = False,
) -> Tensor:
    """Return start, start + step, ... without end; `arange(end)` starts at 0. Integers give int64, floats float32.

    Raises
    ------
    DTypeError, ArgumentError
        If an argument has a wrong type or value, or the step leads away from the end.

    Examples
    --------
    >>> arange(3).tolist()
    [0, 1, 2]
    """
    low, high, step = (_number(v) for v in ((0, start, step) if end is None else (start, end, step)))
    whole = not any(isinstance(v, float) for v in (low, high, step))
    kind = DType(dtype or (np.int64 if whole else default_dtype))
    if not (isfinite(low) and isfinite(high)):
        raise ValueError("start and end must be finite")
    if kind.kind != "f":
        low, high, step = int(low), int(high), int(step)
    if step == 0 or (high - low) * step < 0:
        raise ValueError(f"a step of {step} does not lead from {low} to {high}")
    if kind.kind != "f":
        return placed(place_of(device).xp.arange(low, high, step, dtype=kind), device, requires_grad)
    count = ceil((high - low) / step)
    return placed((low + np.arange(count) * step).astype(kind), device, requires_grad)


def _between(low: Any, high: Any, steps: int, kind: Any) -> Any:
    """Return `steps` numbers from low to high; the second half is counted from the end, so that it is exact."""
    if steps < 0:
        raise ValueError("the number of steps must not be negative")
    wide = kind if kind.kind == "f" else float64
    if kind.kind != "f":
        low, high = int(low), int(high)
    low, high = wide.type(low), wide.type(high)
    step = (high - low) / wide.type(max(steps - 1, 1))
    i = np.arange(steps)
    return np.where(i < (steps + 1) // 2, low + step * i.astype(wide), high - step * (steps - 1 - i).astype(wide))


@checked
def linspace(
    start: float, end: float, steps: int, dtype: Any = None, device: Place = None, requires_grad: bool = False
) -> Tensor:
    """Return `steps` evenly spaced values from start to end, both included; float32 by default.

    Raises
    ------
    DTypeError, ArgumentError
        If an argument has a wrong type or value.
    """
    kind = DType(dtype or default_dtype)
    return placed(_between(_number(start), _number(end), steps, kind).astype(kind), device, requires_grad)


@checked
def logspace(
    start: float,
    end: float,
    steps: int,
    base: float = 10.0,
    dtype: Any = None,
    device: Place = None,
    requires_grad: bool = False,
) -> Tensor:
    """Return base to the power of `steps` evenly spaced values from start to end; float32 by default.

    Raises
    ------
    DTypeError, ArgumentError
        If an argument has a wrong type or value.

    Examples
    --------
    >>> logspace(0, 2, 3).tolist()
    [1.0, 10.0, 100.0]
    """
    kind = DType(dtype or default_dtype)
    with np.errstate(all="ignore"):
        powers = np.power(float(base), _between(_number(start), _number(end), steps, kind).astype(float64))
    return placed(powers.astype(kind), device, requires_grad)
