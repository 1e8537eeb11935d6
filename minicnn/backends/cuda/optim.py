"""Optimizer steps: wrappers for kernels/cuda/optim.cu, for `adam_step` and `sgd_step`.

The steps update lists of arrays in place. `multi_tensor` launches once for all tensors, `per_tensor` once for each.
"""

from collections.abc import Hashable
from functools import lru_cache
from types import ModuleType
from typing import Any

import numpy as np

from minicnn.backends.cuda.launch import Source, contiguous, device_key, floats, on_device
from minicnn.backends.step_options import AdamOptions, SGDOptions
from minicnn.geometry import ceil_div
from minicnn.runtime.devices import Array, xp
from minicnn.runtime.dispatch import kernel

__all__ = ["adam_multi_tensor", "adam_per_tensor", "sgd_multi_tensor", "sgd_per_tensor"]

source = Source("optim.cu")

THREADS = 256
CHUNK = 4096  # elements of a block, a multiple of 4: enough work for a block, and a large tensor has many blocks

Arrays = list[Array]
REQUIRES = "contiguous, aligned arrays, all float32 or all float64"


def _in_place(parameters: Arrays, gradients: Arrays, *state: Arrays, **params: Any) -> bool:
    """Return whether parameters and state can be updated in place; gradients may be copied."""
    changed = [*parameters, *(a for arrays in state for a in arrays)]
    return floats(*changed, *gradients) and all(contiguous(a) is a for a in changed)


@lru_cache(maxsize=64)
def _chunks(module: ModuleType, device: Hashable, sizes: tuple[int, ...]) -> Array:
    """Return a table (chunks, 3): the index of the tensor, the first element and the number of elements."""
    table = [(t, i, min(CHUNK, size - i)) for t, size in enumerate(sizes) for i in range(0, size, CHUNK)]
    return module.asarray(np.array(table, np.int32).reshape(-1, 3))


def _chunks_of(arrays: Arrays) -> Array:
    return _chunks(xp(arrays[0]), device_key(arrays[0]), tuple(a.size for a in arrays))


def adam_multi_tensor(
    parameters: Arrays,
    gradients: Arrays,
    averages: Arrays,
    squares: Arrays,
    maxima: Arrays,
    *,
    steps: list[int],
    options: AdamOptions,
) -> None:
    """Update all tensors in place, in one launch."""
    chunks = _chunks_of(parameters)
    rates = on_device(parameters[0], np.array([options.rate_and_floor(step) for step in steps], parameters[0].dtype))
    arrays = [*parameters, *averages, *squares, *maxima]
    counts = (len(parameters), int(bool(maxima)))
    numbers = (1 - options.beta1, options.beta2, 1 - options.beta2, *options.decay_and_shrink())
    grads = [contiguous(g) for g in gradients]
    source.launch("optim_adam", len(chunks), THREADS, arrays, grads, chunks, rates, *counts, *numbers)


def adam_per_tensor(
    parameters: Arrays,
    gradients: Arrays,
    averages: Arrays,
    squares: Arrays,
    maxima: Arrays,
    *,
    steps: list[int],
    options: AdamOptions,
) -> None:
    """Update all tensors in place, with one launch for each tensor."""
    numbers = (1 - options.beta1, options.beta2, 1 - options.beta2, *options.decay_and_shrink())
    for i, (g, step) in enumerate(zip(gradients, steps, strict=True)):
        arrays = [parameters[i], averages[i], squares[i], *maxima[i : i + 1]]
        counts, rates = (g.size, int(bool(maxima))), options.rate_and_floor(step)
        source.launch(
            "optim_adam_each", ceil_div(g.size, THREADS), THREADS, arrays, contiguous(g), *counts, *rates, *numbers
        )


def sgd_multi_tensor(
    parameters: Arrays,
    gradients: Arrays,
    buffers: Arrays,
    *,
    shares: list[float],
    options: SGDOptions,
) -> None:
    """Update all tensors in place, in one launch."""
    chunks = _chunks_of(parameters)
    shared = on_device(parameters[0], np.array(shares, parameters[0].dtype))
    counts = (len(parameters), int(bool(buffers)), int(options.nesterov))
    numbers = (options.lr, options.momentum, options.weight_decay)
    grads = [contiguous(g) for g in gradients]
    arrays = [*parameters, *buffers]
    source.launch("optim_sgd", len(chunks), THREADS, arrays, grads, chunks, shared, *counts, *numbers)


def sgd_per_tensor(
    parameters: Arrays,
    gradients: Arrays,
    buffers: Arrays,
    *,
    shares: list[float],
    options: SGDOptions,
) -> None:
    """Update all tensors in place, with one launch for each tensor."""
    for i, (g, share) in enumerate(zip(gradients, shares, strict=True)):
        arrays = [parameters[i], *buffers[i : i + 1]]
        counts = (g.size, int(bool(buffers)), int(options.nesterov))
        numbers = (options.lr, share, options.momentum, options.weight_decay)
        source.launch("optim_sgd_each", ceil_div(g.size, THREADS), THREADS, arrays, contiguous(g), *counts, *numbers)


kernel("adam_step", "cuda", name="multi_tensor", supports=_in_place, requires=REQUIRES)(adam_multi_tensor)
kernel("adam_step", "cuda", name="per_tensor", supports=_in_place, requires=REQUIRES)(adam_per_tensor)
kernel("sgd_step", "cuda", name="multi_tensor", supports=_in_place, requires=REQUIRES)(sgd_multi_tensor)
kernel("sgd_step", "cuda", name="per_tensor", supports=_in_place, requires=REQUIRES)(sgd_per_tensor)
