"""Optimizer steps over all parameters in one call, in place: kernels/cpu/optim.cpp."""

from functools import lru_cache
from typing import Any

import numpy as np

from minicnn.backends.native.library import Source, contiguous, floats
from minicnn.backends.step_options import AdamOptions, SGDOptions
from minicnn.runtime.devices import Array
from minicnn.runtime.dispatch import kernel

__all__ = ["adam_step", "sgd_step"]

source = Source("optim.cpp")

CHUNK = 16384  # elements: pieces of four float32 arrays, 256 kB, are enough for a task and few enough to share evenly
REQUIRES = "contiguous arrays, all float32 or all float64"

Arrays = list[Array]


def _in_place(parameters: Arrays, gradients: Arrays, *state: Arrays, **params: Any) -> bool:
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
    options: AdamOptions,
) -> None:
    """Change all parameters and their averages."""
    gradients = [contiguous(g) for g in gradients]  # copies live until the call is over
    addresses = _addresses(parameters, gradients, averages, squares, *([maxima] if maxima else []))
    chunks = _chunks(tuple(p.size for p in parameters))
    rates = np.array([options.rate_and_floor(step) for step in steps], parameters[0].dtype)
    numbers = (1 - options.beta1, options.beta2, 1 - options.beta2, *options.decay_and_shrink())
    source.call("adam_step", addresses, chunks, len(chunks), rates, int(bool(maxima)), *numbers)


@kernel("sgd_step", "native", name="multi_tensor", supports=_in_place, requires=REQUIRES)
def sgd_step(
    parameters: Arrays,
    gradients: Arrays,
    buffers: Arrays,
    *,
    shares: list[float],
    options: SGDOptions,
) -> None:
    """Change all parameters and their buffers."""
    gradients = [contiguous(g) for g in gradients]
    addresses = _addresses(parameters, gradients, *([buffers] if buffers else []))
    chunks = _chunks(tuple(p.size for p in parameters))
    counts = (int(bool(buffers)), int(options.nesterov))
    numbers = (options.lr, options.momentum, options.weight_decay)
    source.call("sgd_step", addresses, chunks, len(chunks), np.array(shares, parameters[0].dtype), *counts, *numbers)
