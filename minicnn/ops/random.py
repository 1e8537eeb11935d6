"""Random tensors of several distributions. Numbers are drawn on the host, as in `create.py`."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from minicnn.autograd.tensor import Tensor
from minicnn.dtypes import default_dtype, float64, int64
from minicnn.errors import ArgumentError, ShapeError
from minicnn.ops.operands import operands, require_kind
from minicnn.ops.places import Place
from minicnn.ops.sampling import randint
from minicnn.runtime import random
from minicnn.runtime.devices import Device, to_host

__all__ = ["bernoulli", "multinomial", "normal", "poisson", "randint_like"]


def _tensor(values: Any, dtype: Any, device: Device) -> Tensor:
    return Tensor._of(device.array(np.asarray(values).astype(dtype)), device=device)


def _check(call: str, holds: Any, rule: str) -> None:
    if not holds:
        raise ArgumentError(f"{call}: {rule}")


@random.takes_generator
def normal(
    mean: Any,
    std: Any = 1.0,
    size: Sequence[int] | None = None,
    *,
    dtype: Any = None,
    device: Place = None,
    requires_grad: bool = False,
) -> Tensor:
    """Return random numbers from normal distributions, one for each element of `mean` and `std`, or of this size.

    Parameters
    ----------
    mean, std : Tensor or float
        They broadcast.
    size : sequence of int, optional
        For two numbers.
    dtype : dtype, optional
    device : str or Device, optional
    requires_grad : bool

    Raises
    ------
    ArgumentError
        If a deviation is negative, or there is no size.
    DTypeError
        If a tensor does not hold floats.
    """
    if not isinstance(mean, Tensor) and not isinstance(std, Tensor):
        _check("normal", size is not None, "two numbers need a size, as in normal(0.0, 1.0, (2, 3))")
        _check("normal", std >= 0, f"std must not be negative, got {std}")
        drawn = random.generator().standard_normal(tuple(size or ())) * std + mean
        place = Device.named("cpu" if device is None else device)
        return _tensor(drawn, dtype or default_dtype, place).requires_grad_(requires_grad)
    for t in (mean, std):
        if isinstance(t, Tensor):
            require_kind("normal", t.dtype, "f", "floats")
    centre, spread = operands("normal", mean, std)
    _check("normal", (to_host(spread.array) >= 0).all(), "std must not be negative")
    shape = np.broadcast_shapes(centre.shape, spread.shape)
    drawn = random.generator().standard_normal(shape) * to_host(spread.array) + to_host(centre.array)
    return _tensor(drawn, centre.dtype, centre.device)


@random.takes_generator
def randint_like(
    input: Tensor,
    low: int = 0,
    high: int | None = None,
    *,
    dtype: Any = None,
    device: Place = None,
    requires_grad: bool = False,
) -> Tensor:
    """Return random integers from low to high - 1 (from 0 to low - 1 without `high`), with the shape of input.

    By default they have its element type and device.
    """
    first, last = (0, low) if high is None else (low, high)
    kind, place = dtype or input.dtype, device or input.device
    return randint(first, last, input.shape, dtype=kind, device=place, requires_grad=requires_grad)


@random.takes_generator
def bernoulli(input: Tensor, p: float | None = None) -> Tensor:
    """Return 1 with the probability that each element of input is, and 0 otherwise; or with the probability p.

    Raises
    ------
    DTypeError
        If the tensor does not hold floats, without p.
    ArgumentError
        If a probability is not in [0, 1].
    """
    if p is None:
        require_kind("bernoulli", input.dtype, "f", "floats")
    chance = to_host(input.array) if p is None else np.asarray(p)
    _check("bernoulli", ((chance >= 0) & (chance <= 1)).all(), "probabilities must be in [0, 1]")
    return _tensor(random.generator().random(input.shape) < chance, input.dtype, input.device)


@random.takes_generator
def poisson(input: Tensor) -> Tensor:
    """Return random numbers from Poisson distributions, whose means are the elements of input.

    Raises
    ------
    DTypeError
        If the tensor does not hold floats.
    ArgumentError
        If a mean is negative.
    """
    require_kind("poisson", input.dtype, "f", "floats")
    mean = to_host(input.array)
    _check("poisson", (mean >= 0).all(), "means must not be negative")
    return _tensor(random.generator().poisson(mean), input.dtype, input.device)


@random.takes_generator
def multinomial(input: Tensor, num_samples: int, replacement: bool = False) -> Tensor:
    """Return the numbers of random elements of each row, which are drawn with the probability of their weight.

    Parameters
    ----------
    input : Tensor, (..., n)
        Weights >= 0; they need not add up to 1. A vector, or a matrix.
    num_samples : int
    replacement : bool
        Whether an element can be drawn several times.

    Returns
    -------
    Tensor, (..., num_samples), int64

    Raises
    ------
    DTypeError
        If the tensor does not hold floats.
    ShapeError
        If it is neither a vector nor a matrix.
    ArgumentError
        If a weight is negative or not finite, a row has only zeros, or there are too few elements.
    """
    require_kind("multinomial", input.dtype, "f", "floats")
    if input.ndim not in (1, 2):
        raise ShapeError(f"multinomial: expected a vector or a matrix of weights, got {input.shape}")
    n = input.shape[-1]
    weights = to_host(input.array).astype(float64)
    _check("multinomial", num_samples > 0, f"num_samples must be above 0, got {num_samples}")
    _check("multinomial", replacement or num_samples <= n, f"{n} elements do not give {num_samples} different ones")
    _check("multinomial", (np.isfinite(weights) & (weights >= 0)).all(), "weights must be finite and not negative")
    _check("multinomial", (weights.sum(-1) > 0).all(), "each row needs a weight above 0")
    if replacement:
        edges = np.cumsum(weights, -1)
        point = random.generator().random((*weights.shape[:-1], num_samples)) * edges[..., -1:]
        drawn = (point[..., :, None] >= edges[..., None, :]).sum(-1)
    else:  # the first arrivals of Poisson processes with these rates
        with np.errstate(divide="ignore"):
            arrival = random.generator().standard_exponential(weights.shape) / weights
        drawn = np.argsort(arrival, -1, kind="stable")[..., :num_samples]
    return _tensor(drawn, int64, input.device)
