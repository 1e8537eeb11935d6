"""Normalization and its gradients: wrappers for kernels/cpu/norm.cpp.

A kernel sees x as (outer, channels, inner), and normalizes over outer and inner. So the axes that stay must be
neighbours; batch, instance, layer and group norm satisfy this.
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

REQUIRES = "float32 or float64, and the axes that are not normalized must be neighbours"


def _view(shape: Sequence[int], axes: Sequence[int]) -> tuple[int, ...]:
    """Return the shape as (outer, channels, inner), with `axes` in outer and inner; () if that is impossible."""
    batch, *view = axis_blocks(shape, axes) or (0,)
    return tuple(view) if batch == 1 else ()


def _supports(x: Array, *others: Array, axes: tuple[int, ...], eps: float) -> bool:
    return x.size > 0 and floats(x, *others) and len(_view(x.shape, axes)) == 3 and source.works(x.dtype)


@kernel("normalize", "native", name="blocks", supports=_supports, requires=REQUIRES)
def normalize(x: Array, *, axes: tuple[int, ...], eps: float) -> Array:
    """Return (x - mean) / √(variance + eps), with statistics over `axes`."""
    y = np.empty(x.shape, x.dtype)
    source.call("normalize", contiguous(x), y, *_view(x.shape, axes), eps)
    return y


@kernel("rstd", "native", name="blocks", supports=_supports, requires=REQUIRES)
def rstd(x: Array, *, axes: tuple[int, ...], eps: float) -> Array:
    """Return 1 / √(variance + eps), with the variance over `axes`, which keep the size 1."""
    reduced = {a % x.ndim for a in axes}
    r = np.empty([1 if axis in reduced else size for axis, size in enumerate(x.shape)], x.dtype)
    source.call("rstd", contiguous(x), r, *_view(x.shape, axes), eps)
    return r


@kernel("normalize_input_grad", "native", name="blocks", supports=_supports, requires=REQUIRES)
def normalize_input_grad(g: Array, x: Array, *, axes: tuple[int, ...], eps: float) -> Array:
    """Return the gradient of `normalize` for x."""
    out = np.empty(x.shape, x.dtype)
    source.call("normalize_input_grad", contiguous(g), contiguous(x), out, *_view(x.shape, axes), eps)
    return out


def _batch_norm_supports(x: Array, *others: Array, eps: float) -> bool:
    return x.size > 0 and floats(x, *others) and source.works(x.dtype)


def _batch_view(x: Array) -> tuple[int, int, int]:
    return x.shape[0], x.shape[1], prod(x.shape[2:])


@kernel("batch_norm", "native", name="blocks", supports=_batch_norm_supports, requires="float32 or float64")
def batch_norm(x: Array, w: Array, b: Array, *, eps: float) -> tuple[Array, Array, Array]:
    """Return w normalize(x) + b for x (N, C, ...), w and b (C,), and the mean and biased variance of each channel."""
    y, mean, variance = np.empty(x.shape, x.dtype), np.empty(w.shape, x.dtype), np.empty(w.shape, x.dtype)
    source.call("batch_norm", contiguous(x), contiguous(w), contiguous(b), y, mean, variance, *_batch_view(x), eps)
    return y, mean, variance


@kernel("batch_norm_grads", "native", name="blocks", supports=_batch_norm_supports, requires="float32 or float64")
def batch_norm_grads(g: Array, x: Array, w: Array, *, eps: float) -> tuple[Array, Array, Array]:
    """Return the gradients of `batch_norm` for x, w and b."""
    grad_x, grad_w, grad_b = np.empty(x.shape, x.dtype), np.empty(w.shape, x.dtype), np.empty(w.shape, x.dtype)
    source.call(
        "batch_norm_grads", contiguous(g), contiguous(x), contiguous(w), grad_x, grad_w, grad_b, *_batch_view(x), eps
    )
    return grad_x, grad_w, grad_b
