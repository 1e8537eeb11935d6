"""Tensors of random numbers. They are drawn on the CPU, so that a seed gives the same numbers on every device."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from minicnn.autograd.tensor import Tensor
from minicnn.dtypes import default_dtype, float32, float64, int64
from minicnn.errors import DTypeError
from minicnn.ops.axes import sizes_by_name, sizes_of
from minicnn.ops.places import Place, checked, options_like, placed
from minicnn.runtime import random

__all__ = ["rand", "rand_like", "randint", "randn", "randn_like", "randperm"]


def _random_dtype(call: str, dtype: Any) -> Any:
    kind = np.dtype(dtype or default_dtype)
    if kind not in (float32, float64):
        raise DTypeError(f"{call}: numbers are drawn as float32 or float64, got {kind}; convert the result with .to()")
    return kind


@checked
@sizes_by_name("size")
def rand(
    *size: Any,
    generator: random.Generator | None = None,
    dtype: Any = None,
    device: Place = None,
    requires_grad: bool = False,
) -> Tensor:
    """Return random numbers from the uniform distribution on [0, 1), as float32 or float64.

    Raises
    ------
    DTypeError, ArgumentError
        If an argument has a wrong type or value.
    """
    drawn = random.generator(generator).random(sizes_of("rand", size), _random_dtype("rand", dtype))
    return placed(drawn, device, requires_grad)


@checked
@sizes_by_name("size")
def randn(
    *size: Any,
    generator: random.Generator | None = None,
    dtype: Any = None,
    device: Place = None,
    requires_grad: bool = False,
) -> Tensor:
    """Return random numbers from the normal distribution with mean 0 and variance 1, as float32 or float64.

    Raises
    ------
    DTypeError, ArgumentError
        If an argument has a wrong type or value.
    """
    drawn = random.generator(generator).standard_normal(sizes_of("randn", size), _random_dtype("randn", dtype))
    return placed(drawn, device, requires_grad)


def rand_like(
    input: Tensor,
    *,
    generator: random.Generator | None = None,
    dtype: Any = None,
    device: Place = None,
    requires_grad: bool = False,
) -> Tensor:
    """Return numbers of the uniform distribution on [0, 1), with the shape of input; by default also its type."""
    return rand(input.shape, generator=generator, **options_like(input, dtype, device), requires_grad=requires_grad)


def randn_like(
    input: Tensor,
    *,
    generator: random.Generator | None = None,
    dtype: Any = None,
    device: Place = None,
    requires_grad: bool = False,
) -> Tensor:
    """Return numbers of the standard normal distribution, with the shape of input; by default also its type."""
    return randn(input.shape, generator=generator, **options_like(input, dtype, device), requires_grad=requires_grad)


@checked
def randint(
    low: int = 0,
    high: int | Sequence[int] | None = None,
    size: Sequence[int] | None = None,
    *,
    generator: random.Generator | None = None,
    dtype: Any = None,
    device: Place = None,
    requires_grad: bool = False,
) -> Tensor:
    """Return random integers from low to high - 1, by default as int64; `randint(high, size)` starts at 0.

    Raises
    ------
    DTypeError, ArgumentError
        If an argument has a wrong type or value.
    """
    if size is None:
        low, high, size = 0, low, high  # type: ignore[assignment]
    drawn = random.generator(generator).integers(low, high, tuple(size), dtype=np.int64)  # type: ignore[arg-type]
    return placed(drawn.astype(dtype or int64, copy=False), device, requires_grad)


@checked
def randperm(
    n: int,
    *,
    generator: random.Generator | None = None,
    dtype: Any = None,
    device: Place = None,
    requires_grad: bool = False,
) -> Tensor:
    """Return a random permutation of 0, ..., n - 1, by default as int64.

    Raises
    ------
    DTypeError, ArgumentError
        If an argument has a wrong type or value.
    """
    return placed(random.generator(generator).permutation(n).astype(dtype or int64, copy=False), device, requires_grad)
