"""Optimizer steps over all parameters in one call, in place: kernels/cpu/optim.cpp."""

import math
from functools import lru_cache
from typing import Any

import numpy as np

from minicnn.backends.native.library import Source, contiguous, floats
from minicnn.runtime.devices import Array
from minicnn.runtime.dispatch import kernel

__all__ = ["adam_step", "sgd_step"]

source = Source("optim.cpp")

CHUNK = 16384  # elements: pieces of four float32 arrays, 256 kB, are enough for a task and few enough to share evenly
REQUIRES = "contiguous arrays, all float32 or all float64"

Arrays = list[Array]


def _in_place(parameters: Arrays, gradients: Arrays, *state: Arrays, **options: Any) -> bool:
    """Whether parameters and state can be changed where they are; of gradients there may be a copy."""
    changed = [*parameters, *(a for arrays in state for a in arrays)]
    return floats(*changed, *gradients) and all(a.flags.carray for a in changed) and source.works(changed[0].dtype)


@lru_cache(maxsize=64)
def _chunks(sizes: tuple[int, ...]) -> Array:
    """Return (chunks, 3): the number of a parameter, the first element and how many."""
    table = [(p, i, min(CHUNK, size - i)) for p, size in enumerate(sizes) for i in range(0, size, CHUNK)]
    return np.array(table, np.int64).reshape(-1, 3)


def _addresses(*lists: Arrays) -> Array:
    """Return (parameters, lists): where each array begins."""
    return np.array([[a.__array_interface__["data"][0] for a in arrays] for arrays in lists], np.int64).T.copy()


@kernel("adam_step", "native", name="multi_tensor", supports=_in_place, requires=REQUIRES)
def adam_step(
    parameters: Arrays,
    gradients: Arrays,
    averages: Arrays,
    squares: Arrays,
    maxima: Arrays,
    *,
    steps: list[int],
    lr: float,
    beta1: float,
    beta2: float,
    eps: float,
    weight_decay: float,
    decoupled: bool,
) -> None:
    """Change all parameters and their averages."""
    roots = [math.sqrt(1 - beta2**step) for step in steps]
    rates = [(lr * root / (1 - beta1**step), eps * root) for step, root in zip(steps, roots, strict=True)]
    decay, shrink = (0.0, 1 - lr * weight_decay) if decoupled else (weight_decay, 1.0)
    gradients = [contiguous(g) for g in gradients]  # copies live until the call is over
    addresses = _addresses(parameters, gradients, averages, squares, *([maxima] if maxima else []))
    chunks = _chunks(tuple(p.size for p in parameters))
    rates_array = np.array(rates, parameters[0].dtype)
    numbers = (1 - beta1, beta2, 1 - beta2, decay, shrink)
    source.call("adam_step", addresses, chunks, len(chunks), rates_array, int(bool(maxima)), *numbers)


@kernel("sgd_step", "native", name="multi_tensor", supports=_in_place, requires=REQUIRES)
def sgd_step(
    parameters: Arrays,
    gradients: Arrays,
    buffers: Arrays,
    *,
    shares: list[float],
    lr: float,
    momentum: float,
    weight_decay: float,
    nesterov: bool,
) -> None:
    """Change all parameters and their buffers."""
    gradients = [contiguous(g) for g in gradients]
    addresses = _addresses(parameters, gradients, *([buffers] if buffers else []))
    chunks = _chunks(tuple(p.size for p in parameters))
    counts = (int(bool(buffers)), int(nesterov))
    numbers = (lr, momentum, weight_decay)
    source.call("sgd_step", addresses, chunks, len(chunks), np.array(shares, parameters[0].dtype), *counts, *numbers)
