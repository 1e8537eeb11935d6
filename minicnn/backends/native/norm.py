"""Normalisation and its gradient: kernels/cpu/norm.cpp.

The axes must leave one block of axes between (or before, or after) them: batch, instance, layer and group norm do.
"""

from collections.abc import Sequence
from math import prod

import numpy as np

from minicnn.backends.native.library import Source, contiguous, floats
from minicnn.backends.native.reduce import axis_blocks
from minicnn.runtime.devices import Array
from minicnn.runtime.dispatch import kernel

__all__ = ["batch_norm", "batch_norm_grads", "normalize", "normalize_input_grad", "rstd"]

source = Source("norm.cpp")

REQUIRES = "floats, axes around one block of others"


def _view(shape: Sequence[int], axes: Sequence[int]) -> tuple[int, ...]:
    """Return the shape as (outer, channels, inner), the axes in outer and inner; nothing where that cannot be."""
    batch, *view = axis_blocks(shape, axes) or (0,)
    return tuple(view) if batch == 1 else ()


def _supports(x: Array, *others: Array, axes: tuple[int, ...], eps: float) -> bool:
    return x.size > 0 and floats(x, *others) and len(_view(x.shape, axes)) == 3 and source.works(x.dtype)


@kernel("normalize", "native", name="blocks", supports=_supports, requires=REQUIRES)
def normalize(x: Array, *, axes: tuple[int, ...], eps: float) -> Array:
    """(x - mean) / √(variance + eps)."""
    y = np.empty(x.shape, x.dtype)
    source.call("normalize", contiguous(x), y, *_view(x.shape, axes), eps)
    return y


@kernel("rstd", "native", name="blocks", supports=_supports, requires=REQUIRES)
def rstd(x: Array, *, axes: tuple[int, ...], eps: float) -> Array:
    """1 / √(variance + eps)."""
    reduced = {a % x.ndim for a in axes}
    r = np.empty([1 if axis in reduced else size for axis, size in enumerate(x.shape)], x.dtype)
    source.call("rstd", contiguous(x), r, *_view(x.shape, axes), eps)
    return r


@kernel("normalize_input_grad", "native", name="blocks", supports=_supports, requires=REQUIRES)
def normalize_input_grad(g: Array, x: Array, *, axes: tuple[int, ...], eps: float) -> Array:
    """The gradient of normalize at x."""
    out = np.empty(x.shape, x.dtype)
    source.call("normalize_input_grad", contiguous(g), contiguous(x), out, *_view(x.shape, axes), eps)
    return out


def _batch_norm_supports(x: Array, *others: Array, eps: float) -> bool:
    return x.size > 0 and floats(x, *others) and source.works(x.dtype)


def _batch_view(x: Array) -> tuple[int, int, int]:
    return x.shape[0], x.shape[1], prod(x.shape[2:])


@kernel("batch_norm", "native", name="blocks", supports=_batch_norm_supports, requires="floats")
def batch_norm(x: Array, w: Array, b: Array, *, eps: float) -> tuple[Array, Array, Array]:
    """x (N, C, ...), w and b (C,) -> w normalize(x) + b, and mean and biased variance of each channel."""
    y, mean, variance = np.empty(x.shape, x.dtype), np.empty(w.shape, x.dtype), np.empty(w.shape, x.dtype)
    source.call("batch_norm", contiguous(x), contiguous(w), contiguous(b), y, mean, variance, *_batch_view(x), eps)
    return y, mean, variance


@kernel("batch_norm_grads", "native", name="blocks", supports=_batch_norm_supports, requires="floats")
def batch_norm_grads(g: Array, x: Array, w: Array, *, eps: float) -> tuple[Array, Array, Array]:
    """The gradients of batch_norm for x, w and b."""
    to_x, to_w, to_b = np.empty(x.shape, x.dtype), np.empty(w.shape, x.dtype), np.empty(w.shape, x.dtype)
    source.call("batch_norm_grads", contiguous(g), contiguous(x), contiguous(w), to_x, to_w, to_b, *_batch_view(x), eps)
    return to_x, to_w, to_b
