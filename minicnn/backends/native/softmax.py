"""Softmax, log-softmax, cross-entropy for class indices, and their gradients: wrappers for kernels/cpu/softmax.cpp.

The kernels see x as (outer, n, inner), where n is the size of the axis, and keep a line along n in the cache.
"""

from math import prod
from typing import Any

import numpy as np

from minicnn.backends.native.library import Source, contiguous, floats
from minicnn.runtime.devices import Array
from minicnn.runtime.dispatch import kernel

__all__ = [
    "cross_entropy",
    "cross_entropy_grad",
    "log_softmax",
    "log_softmax_grad",
    "nll",
    "nll_grad",
    "softmax",
    "softmax_grad",
]

source = Source("softmax.cpp")

MIN_GRAD_ELEMENTS = 1 << 9  # from there on a gradient kernel is faster than NumPy, measured on 1 core
MAX_COLUMN = 1 << 18  # elements; the kernel copies 16 neighbouring columns (float32), together 16 MB
BEST_FOR = f"more than one element along the axis, and at most {MAX_COLUMN} if it is not the last axis"
GRAD_BEST_FOR = f"{BEST_FOR}, and at least {MIN_GRAD_ELEMENTS} elements in total"


def _sizes(shape: tuple[int, ...], axis: int) -> tuple[int, int, int]:
    """Return the shape as (outer, n, inner), n the size of the axis."""
    axis %= len(shape)
    return prod(shape[:axis]), shape[axis], prod(shape[axis + 1 :])


def _supports(x: Array, *others: Array, axis: int) -> bool:
    return x.ndim > 0 and x.size > 0 and floats(x, *others) and source.works(x.dtype)


def _profitable(x: Array, *, axis: int) -> bool:
    if not x.ndim:
        return False
    _, n, inner = _sizes(x.shape, axis)
    return n > 1 and (inner == 1 or n <= MAX_COLUMN)


def _grad_profitable(g: Array, p: Array, *, axis: int) -> bool:
    return g.size >= MIN_GRAD_ELEMENTS and _profitable(g, axis=axis)


def _call(name: str, axis: int, *arrays: Array) -> Array:
    y = np.empty(arrays[0].shape, arrays[0].dtype)
    source.call(name, *map(contiguous, arrays), y, *_sizes(y.shape, axis))
    return y


@kernel(
    "softmax", "native", name="lines", supports=_supports, requires="floats", profitable=_profitable, best_for=BEST_FOR
)
def softmax(x: Array, *, axis: int) -> Array:
    """Return eˣ / Σ eˣ along an axis."""
    return _call("softmax", axis, x)


@kernel(
    "log_softmax",
    "native",
    name="lines",
    supports=_supports,
    requires="floats",
    profitable=_profitable,
    best_for=BEST_FOR,
)
def log_softmax(x: Array, *, axis: int) -> Array:
    """Return x - log Σ eˣ along an axis."""
    return _call("log_softmax", axis, x)


@kernel(
    "softmax_grad",
    "native",
    name="lines",
    supports=_supports,
    requires="floats",
    profitable=_grad_profitable,
    best_for=GRAD_BEST_FOR,
)
def softmax_grad(g: Array, p: Array, *, axis: int) -> Array:
    """Return the gradient of softmax, p (g - Σ g p) along an axis, where p is its output."""
    return _call("softmax_grad", axis, g, p)


@kernel(
    "log_softmax_grad",
    "native",
    name="lines",
    supports=_supports,
    requires="floats",
    profitable=_grad_profitable,
    best_for=GRAD_BEST_FOR,
)
def log_softmax_grad(g: Array, log_p: Array, *, axis: int) -> Array:
    """Return the gradient of log_softmax, g - p Σ g along an axis, where log p is its output."""
    return _call("log_softmax_grad", axis, g, log_p)


# --- cross-entropy for class indices: `classes` is (axis, label smoothing, ignored label) -----------------------------

Classes = tuple[int, float, int]
REQUIRES = "float32 or float64, int64 labels"


def _loss_supports(x: Array, labels: Array, weight: Array, *, classes: Classes) -> bool:
    return x.size > 0 and floats(x, weight) and labels.dtype == np.int64 and source.works(x.dtype)


def _grad_supports(g: Array, *others: Array, classes: Classes) -> bool:
    *x, labels, weight = others
    return g.size * weight.size > 0 and floats(g, weight, *x) and labels.dtype == np.int64 and source.works(g.dtype)


def _loss(name: str, x: Array, labels: Array, weight: Array, classes: Classes) -> tuple[Array, Array]:
    axis, smoothing, ignored = classes
    loss, weights = np.empty(labels.shape, x.dtype), np.empty(labels.shape, x.dtype)
    inputs = map(contiguous, (x, labels, weight))
    source.call(name, *inputs, loss, weights, *_sizes(x.shape, axis), smoothing, ignored)
    return loss, weights


def _loss_grad(name: str, weight: Array, classes: Classes, g: Array, *others: Any) -> Array:
    axis, smoothing, ignored = classes
    out = np.empty((*g.shape[:axis], len(weight), *g.shape[axis:]), g.dtype)
    source.call(name, *map(contiguous, (g, *others, weight)), out, *_sizes(out.shape, axis), smoothing, ignored)
    return out


@kernel("nll", "native", name="lines", supports=_loss_supports, requires=REQUIRES)
def nll(x: Array, labels: Array, weight: Array, *, classes: Classes) -> tuple[Array, Array]:
    """Return the loss and the weight of each example, from log probabilities."""
    return _loss("nll", x, labels, weight, classes)


@kernel("cross_entropy", "native", name="lines", supports=_loss_supports, requires=REQUIRES)
def cross_entropy(x: Array, labels: Array, weight: Array, *, classes: Classes) -> tuple[Array, Array]:
    """Return the loss and the weight of each example, from logits."""
    return _loss("cross_entropy", x, labels, weight, classes)


@kernel("nll_grad", "native", name="lines", supports=_grad_supports, requires=REQUIRES)
def nll_grad(g: Array, labels: Array, weight: Array, *, classes: Classes) -> Array:
    """Return the gradient of `nll` for its input; it does not depend on the input's values."""
    return _loss_grad("nll_grad", weight, classes, g, labels)


@kernel("cross_entropy_grad", "native", name="lines", supports=_grad_supports, requires=REQUIRES)
def cross_entropy_grad(g: Array, x: Array, labels: Array, weight: Array, *, classes: Classes) -> Array:
    """Return the gradient of `cross_entropy` for the logits x."""
    return _loss_grad("cross_entropy_grad", weight, classes, g, x, labels)
