"""Optimizer steps: wrappers for kernels/cpu/optim.cpp.

One call updates all parameters of a network in place, so each array is read and written once.
"""

from functools import lru_cache
from typing import Any

import numpy as np

from minicnn.backends.native.library import Source, contiguous, floats
from minicnn.backends.step_options import AdamOptions, SGDOptions
from minicnn.runtime.devices import Array
from minicnn.runtime.dispatch import kernel

__all__ = ["adam_step", "sgd_step"]

source = Source("optim.cpp")

CHUNK = 16384  # elements of a task: 256 kB for four float32 arrays repay a task, and threads get equal shares
REQUIRES = "contiguous arrays, all float32 or all float64"

Arrays = list[Array]


def _in_place(parameters: Arrays, gradients: Arrays, *state: Arrays, **params: Any) -> bool:
    """Return whether parameters and state can be updated in place; gradients may be copied."""
    changed = [*parameters, *(a for arrays in state for a in arrays)]
    return floats(*changed, *gradients) and all(a.flags.carray for a in changed) and source.works(changed[0].dtype)


@lru_cache(maxsize=64)
def _chunks(sizes: tuple[int, ...]) -> Array:
    """Return a table (chunks, 3): the index of the parameter, the first element and the number of elements."""
    table = [(p, i, min(CHUNK, size - i)) for p, size in enumerate(sizes) for i in range(0, size, CHUNK)]
    return np.array(table, np.int64).reshape(-1, 3)


def _addresses(*lists: Arrays) -> Array:
    """Return the addresses of the arrays, as a table (parameters, lists)."""
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
    """Update all parameters and their averages in place."""
    gradients = [contiguous(g) for g in gradients]  # keeps the copies alive during the call
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
    """Update all parameters and their momentum buffers in place."""
    gradients = [contiguous(g) for g in gradients]
    addresses = _addresses(parameters, gradients, *([buffers] if buffers else []))
    chunks = _chunks(tuple(p.size for p in parameters))
    counts = (int(bool(buffers)), int(options.nesterov))
    numbers = (options.lr, options.momentum, options.weight_decay)
    source.call("sgd_step", addresses, chunks, len(chunks), np.array(shares, parameters[0].dtype), *counts, *numbers)
