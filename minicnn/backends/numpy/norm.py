"""Batch norm and its gradients, in blocks of channels that fit into the cache.

So x is read from memory once, and y is written once. x is (N, C, L) with L pixels. With c = x - μ, m = N L and
r = 1 / √(Σ c² / m + ε), and with all sums over N and L,

    y = c w r + b
    grad_x = w r (g - Σ g / m - c r² Σ g c / m)        grad_w = r Σ g c        grad_b = Σ g

Each sum of products is a dot product of BLAS.
"""

from collections.abc import Iterable
from math import prod

import numpy as np

from minicnn.backends.numpy.blocks import cut
from minicnn.backends.numpy.threads import run, scratch
from minicnn.geometry import ceil_div
from minicnn.runtime.devices import Array
from minicnn.runtime.dispatch import kernel

__all__ = ["batch_norm_blocks", "batch_norm_grads_blocks"]

BLOCK_BYTES = 1 << 20  # of x; a block needs two or three arrays of this size at the same time
MIN_PIXELS = 16  # below it, the call of a dot product costs more than its arithmetic
REQUIRES = f"contiguous floats, at least {MIN_PIXELS} pixels"


def _supports(x: Array, *others: Array, eps: float) -> bool:
    same = [a for a in (x, *others) if a.ndim > 1]
    floats = all(a.flags.c_contiguous and a.dtype.kind == "f" for a in same)
    return floats and x.size > 0 and prod(x.shape[2:]) >= MIN_PIXELS


def _channels(x: Array) -> Iterable[slice]:
    """Return blocks of channels; their number is even where possible, so that two threads have equal shares."""
    parts = ceil_div(x.nbytes, BLOCK_BYTES)
    return cut(x.shape[1], parts + parts % 2)


def _sum(a: Array) -> Array:
    """Return Σ a over images and pixels, (C, 1)."""
    return a.sum(2).sum(0)[:, None]


def _dot(a: Array, b: Array) -> Array:
    """Return Σ a b over images and pixels, (C, 1)."""
    return np.vecdot(a, b).sum(0)[:, None]


def _centred(x: Array) -> tuple[Array, Array]:
    """Return x minus its mean, and the mean (C, 1).

    The first value of each channel is subtracted before the sum, which would lose digits of values far from 0.
    """
    first = x[0, :, :1]
    centred = np.subtract(x, first, out=scratch("centred", x.shape, x.dtype))
    mean = _sum(centred) / (x.shape[0] * x.shape[2])
    centred -= mean
    return centred, first + mean


@kernel("batch_norm", "numpy", name="blocks", supports=_supports, requires=REQUIRES)
def batch_norm_blocks(x: Array, w: Array, b: Array, *, eps: float) -> tuple[Array, Array, Array]:
    """Normalize x (N, C, ...) with w and b (C,); return y, and the mean and biased variance of each channel."""
    xs, y = x.reshape(*x.shape[:2], -1), np.empty(x.shape, x.dtype)
    ys, w, b = y.reshape(xs.shape), w[:, None], b[:, None]
    mean, variance = np.empty(w.shape, x.dtype), np.empty(w.shape, x.dtype)
    m = xs.shape[0] * xs.shape[2]

    def block(channels: slice) -> None:
        centred, mean[channels] = _centred(xs[:, channels])
        variance[channels] = _dot(centred, centred) / m
        np.multiply(centred, w[channels] / np.sqrt(variance[channels] + x.dtype.type(eps)), out=ys[:, channels])
        ys[:, channels] += b[channels]

    run(block, _channels(x))
    return y, mean[:, 0], variance[:, 0]


@kernel("batch_norm_grads", "numpy", name="blocks", supports=_supports, requires=REQUIRES)
def batch_norm_grads_blocks(g: Array, x: Array, w: Array, *, eps: float) -> tuple[Array, Array, Array]:
    """Return the gradients of `batch_norm` for x, w and b."""
    gs, xs, out = g.reshape(*g.shape[:2], -1), x.reshape(*x.shape[:2], -1), np.empty(x.shape, x.dtype)
    outs, w = out.reshape(xs.shape), w[:, None]
    grad_w, grad_b = np.empty(w.shape, x.dtype), np.empty(w.shape, x.dtype)
    m = xs.shape[0] * xs.shape[2]

    def block(channels: slice) -> None:
        g_block, out_block = gs[:, channels], outs[:, channels]
        centred, _ = _centred(xs[:, channels])
        r = 1 / np.sqrt(_dot(centred, centred) / m + x.dtype.type(eps))
        grad_w[channels], grad_b[channels] = r * _dot(g_block, centred), _sum(g_block)
        centred *= grad_w[channels] * r / m
        centred += grad_b[channels] / m
        np.subtract(g_block, centred, out=out_block)
        out_block *= w[channels] * r

    run(block, _channels(x))
    return out, grad_w[:, 0], grad_b[:, 0]
