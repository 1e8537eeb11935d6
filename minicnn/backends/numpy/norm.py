"""Batch norm in blocks of channels that stay in the cache: x is read from memory once, y written once.

x is (N, C, L), L pixels. With c = x - μ, m = N L and r = 1 / √(Σ c² / m + ε), all sums over N and L,

    y = c w r + b                    to x = w r (g - Σ g / m - c r² Σ g c / m)       to w = r Σ g c       to b = Σ g

Sums of products are BLAS's dot products, in one pass.
"""

from collections.abc import Iterable
from math import prod

import numpy as np

from minicnn.backends.numpy.blocks import cut
from minicnn.backends.numpy.threads import run, scratch
from minicnn.runtime.devices import Array
from minicnn.runtime.dispatch import kernel

__all__ = ["batch_norm_blocks", "batch_norm_grads_blocks"]

BLOCK_BYTES = 1 << 20  # of x: two or three arrays of that size are worked on at once
LEAST_PIXELS = 16  # below, dot products cost more to call than to make
REQUIRES = f"contiguous floats, {LEAST_PIXELS} pixels and more"


def _supports(x: Array, *others: Array, eps: float) -> bool:
    same = [a for a in (x, *others) if a.ndim > 1]
    floats = all(a.flags.c_contiguous and a.dtype.kind == "f" for a in same)
    return floats and x.size > 0 and prod(x.shape[2:]) >= LEAST_PIXELS


def _channels(x: Array) -> Iterable[slice]:
    """Blocks of channels, an even number where that can be, so that two threads have equal shares."""
    parts = -(-x.nbytes // BLOCK_BYTES)
    return cut(x.shape[1], parts + parts % 2)


def _sum(a: Array) -> Array:
    """Σ a over images and pixels: (C, 1)."""
    return a.sum(2).sum(0)[:, None]


def _dot(a: Array, b: Array) -> Array:
    """Σ a b over images and pixels: (C, 1)."""
    return np.vecdot(a, b).sum(0)[:, None]


def _centred(x: Array, mean: Array) -> Array:
    return np.subtract(x, mean, out=scratch("centred", x.shape, x.dtype))


@kernel("batch_norm", "numpy", name="blocks", supports=_supports, requires=REQUIRES)
def batch_norm_blocks(x: Array, w: Array, b: Array, *, eps: float) -> tuple[Array, Array, Array]:
    """x (N, C, ...), w and b (C,) -> y, and mean and biased variance of each channel."""
    xs, y = x.reshape(*x.shape[:2], -1), np.empty(x.shape, x.dtype)
    ys, w, b = y.reshape(xs.shape), w[:, None], b[:, None]
    mean, variance = np.empty(w.shape, x.dtype), np.empty(w.shape, x.dtype)
    m = xs.shape[0] * xs.shape[2]

    def block(some: slice) -> None:
        mean[some] = _sum(xs[:, some]) / m
        centred = _centred(xs[:, some], mean[some])
        variance[some] = _dot(centred, centred) / m
        np.multiply(centred, w[some] / np.sqrt(variance[some] + x.dtype.type(eps)), out=ys[:, some])
        ys[:, some] += b[some]

    run(block, _channels(x))
    return y, mean[:, 0], variance[:, 0]


@kernel("batch_norm_grads", "numpy", name="blocks", supports=_supports, requires=REQUIRES)
def batch_norm_grads_blocks(g: Array, x: Array, w: Array, *, eps: float) -> tuple[Array, Array, Array]:
    """The gradients of batch_norm for x, w and b."""
    gs, xs, out = g.reshape(*g.shape[:2], -1), x.reshape(*x.shape[:2], -1), np.empty(x.shape, x.dtype)
    outs, w = out.reshape(xs.shape), w[:, None]
    to_w, to_b = np.empty(w.shape, x.dtype), np.empty(w.shape, x.dtype)
    m = xs.shape[0] * xs.shape[2]

    def block(some: slice) -> None:
        mine, part = gs[:, some], outs[:, some]
        centred = _centred(xs[:, some], _sum(xs[:, some]) / m)
        r = 1 / np.sqrt(_dot(centred, centred) / m + x.dtype.type(eps))
        to_w[some], to_b[some] = r * _dot(mine, centred), _sum(mine)
        centred *= to_w[some] * r / m
        centred += to_b[some] / m
        np.subtract(mine, centred, out=part)
        part *= w[some] * r

    run(block, _channels(x))
    return out, to_w[:, 0], to_b[:, 0]
