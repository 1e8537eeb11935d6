"""Softmax, its logarithm, the loss of class indices, and their gradients: kernels/cpu/softmax.cpp."""

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

SMALL = 1 << 9  # numbers from which a call of a gradient pays, measured on 1 core
COLUMN = 1 << 18  # numbers in a column of which copies, one a lane, are 16 MB
BEST_FOR = f"more than one number along the axis, and {COLUMN} at most in columns"
GRAD_BEST_FOR = f"{BEST_FOR}, {SMALL} and more in all"


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
    return n > 1 and (inner == 1 or n <= COLUMN)


def _grad_profitable(g: Array, p: Array, *, axis: int) -> bool:
    return g.size >= SMALL and _profitable(g, axis=axis)


def _call(name: str, axis: int, *arrays: Array) -> Array:
    y = np.empty(arrays[0].shape, arrays[0].dtype)
    source.call(name, *map(contiguous, arrays), y, *_sizes(y.shape, axis))
    return y


@kernel(
    "softmax", "native", name="lines", supports=_supports, requires="floats", profitable=_profitable, best_for=BEST_FOR
)
def softmax(x: Array, *, axis: int) -> Array:
    """eˣ / Σ eˣ along an axis."""
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
    """x - log Σ eˣ along an axis."""
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
    """p (g - Σ g p) along an axis."""
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
    """g - p Σ g along an axis."""
    return _call("log_softmax_grad", axis, g, log_p)


# --- the loss of class indices: `classes` is (axis, smoothing, ignored label) -----------------------------------------

Classes = tuple[int, float, int]
REQUIRES = "floats, 64-bit labels"


def _loss_supports(x: Array, labels: Array, weight: Array, *, classes: Classes) -> bool:
    return x.size > 0 and floats(x, weight) and labels.dtype == np.int64 and source.works(x.dtype)


def _grad_supports(g: Array, *others: Array, classes: Classes) -> bool:
    *x, labels, weight = others
    return g.size * weight.size > 0 and floats(g, weight, *x) and labels.dtype == np.int64 and source.works(g.dtype)


def _loss(name: str, x: Array, labels: Array, weight: Array, classes: Classes) -> tuple[Array, Array]:
    axis, smoothing, ignored = classes
    loss, each = np.empty(labels.shape, x.dtype), np.empty(labels.shape, x.dtype)
    inputs = map(contiguous, (x, labels, weight))
    source.call(name, *inputs, loss, each, *_sizes(x.shape, axis), smoothing, ignored)
    return loss, each


def _loss_grad(name: str, weight: Array, classes: Classes, g: Array, *others: Any) -> Array:
    axis, smoothing, ignored = classes
    out = np.empty((*g.shape[:axis], len(weight), *g.shape[axis:]), g.dtype)
    source.call(name, *map(contiguous, (g, *others, weight)), out, *_sizes(out.shape, axis), smoothing, ignored)
    return out


@kernel("nll", "native", name="lines", supports=_loss_supports, requires=REQUIRES)
def nll(x: Array, labels: Array, weight: Array, *, classes: Classes) -> tuple[Array, Array]:
    """Loss and weight of each example, from log probabilities."""
    return _loss("nll", x, labels, weight, classes)


@kernel("cross_entropy", "native", name="lines", supports=_loss_supports, requires=REQUIRES)
def cross_entropy(x: Array, labels: Array, weight: Array, *, classes: Classes) -> tuple[Array, Array]:
    """Loss and weight of each example, from scores."""
    return _loss("cross_entropy", x, labels, weight, classes)


@kernel("nll_grad", "native", name="lines", supports=_grad_supports, requires=REQUIRES)
def nll_grad(g: Array, labels: Array, weight: Array, *, classes: Classes) -> Array:
    """The gradient of nll at any input."""
    return _loss_grad("nll_grad", weight, classes, g, labels)


@kernel("cross_entropy_grad", "native", name="lines", supports=_grad_supports, requires=REQUIRES)
def cross_entropy_grad(g: Array, x: Array, labels: Array, weight: Array, *, classes: Classes) -> Array:
    """The gradient of cross_entropy at scores x."""
    return _loss_grad("cross_entropy_grad", weight, classes, g, x, labels)
