"""Tensors of random numbers. They are drawn on the CPU, so that a seed gives the same numbers on every device."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minicnn.autograd.tensor import Tensor
from minicnn.dtypes import DType, complex64, complex128, default_dtype, float32, float64, int64, real_type
from minicnn.errors import DTypeError
from minicnn.ops.axes import sizes_by_name, sizes_of
from minicnn.ops.places import Place, checked, options_like, placed
from minicnn.runtime import random

__all__ = ["rand", "rand_like", "randint", "randn", "randn_like", "randperm"]


def _drawn(call: str, size: tuple[Any, ...], dtype: Any, draw: Callable[[tuple[int, ...], Any], Any]) -> Any:
    """Return the numbers that a function draws for a shape and a type; of complex numbers it draws both parts."""
    kind, shape = DType(dtype or default_dtype), sizes_of(call, size)
    if kind in (complex64, complex128):
        return draw((*shape, 2), real_type(kind)).view(kind)[..., 0]
    if kind not in (float32, float64):
        raise DTypeError(
            f"{call}: numbers are drawn as float32, float64 or complex, got {kind}; convert the result with .to()"
        )
    return draw(shape, kind)


@checked
@sizes_by_name("size")
def rand(
    *size: Any,
    generator: random.Generator | None = None,
    dtype: Any = None,
    device: Place = None,
    requires_grad: bool = False,
) -> Tensor:
    """Return random numbers from the uniform distribution on [0, 1), as float32, float64 or complex numbers.

    Both parts of a complex number are drawn from [0, 1).

    Raises
    ------
    DTypeError, ArgumentError
        If an argument has a wrong type or value.
    """
    drawn = _drawn("rand", size, dtype, random.generator(generator).random)
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
    """Return random numbers from the normal distribution with mean 0 and variance 1.

    The type is float32, float64 or complex. Of complex numbers, each part has the variance 1/2.

    Raises
    ------
    DTypeError, ArgumentError
        If an argument has a wrong type or value.
    """
    drawn = _drawn("randn", size, dtype, random.generator(generator).standard_normal)
    if drawn.dtype.kind == "c":
        drawn *= drawn.real.dtype.type(0.5**0.5)
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
