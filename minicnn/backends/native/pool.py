"""Pooling and its adjoints: wrappers for kernels/cpu/pool.cpp.

Each kernel computes an output row as a sum or maximum of shifted input rows, one for each tap of the window.
"""

from functools import lru_cache
from math import prod
from typing import Any

import numpy as np

from minicnn.backends.native.conv_shape import NO_AXIS, window_axes
from minicnn.backends.native.library import Source, contiguous, floats
from minicnn.geometry import PoolSpec
from minicnn.runtime.devices import Array
from minicnn.runtime.dispatch import kernel

__all__ = ["avg_pool", "avg_pool_input_grad", "max_pool", "max_unpool", "pick"]

source = Source("pool.cpp")

MAX_LANES = 64  # no processor's vector has more elements
REQUIRES = "float32 or float64, windows of at most 255 elements"


def _supports(x: Array, *, spec: PoolSpec) -> bool:
    return floats(x) and source.works(x.dtype)


def _max_pool_supports(x: Array, *winner: Array, spec: PoolSpec) -> bool:
    return len(spec.taps) < 256 and all(w.dtype == np.uint8 for w in winner) and _supports(x, spec=spec)


@lru_cache(maxsize=256)
def _geometry(planes: int, spec: PoolSpec) -> Array:
    """Return the struct PoolShape: planes, then six numbers for each axis; missing axes come first and have size 1."""
    axes = window_axes(spec)
    return np.array([planes, *np.ravel([NO_AXIS] * (3 - len(axes)) + axes)], np.int64)


@lru_cache(maxsize=256)
def _divisors(spec: PoolSpec, dtype: np.dtype[Any]) -> Array:
    """Return the divisors of the windows, as factors for depth, row and column; vectors may read past the columns."""
    counts = [(1,)] * (3 - len(spec.counts)) + list(spec.counts)
    if spec.divisor_override is not None:
        counts = [(1,) * len(c) for c in counts[:2]] + [(spec.divisor_override,) * len(counts[2])]
    return np.concatenate([*(np.array(c, dtype) for c in counts), np.ones(MAX_LANES, dtype)])


def _arguments(x: Array, spec: PoolSpec) -> Array:
    return _geometry(prod(x.shape[:2]), spec)


def _outputs(x: Array, spec: PoolSpec) -> Array:
    return np.empty((*x.shape[:2], *spec.output_size), x.dtype)


def _inputs(g: Array, spec: PoolSpec) -> Array:
    return np.empty((*g.shape[:2], *spec.input_size), g.dtype)


@kernel("max_pool", "native", name="rows", supports=_max_pool_supports, requires=REQUIRES)
def max_pool(x: Array, *, spec: PoolSpec) -> tuple[Array, Array]:
    """Return the maxima of the windows and their winners: x (N, C, *I) -> two arrays (N, C, *O)."""
    y = _outputs(x, spec)
    winner = np.empty(y.shape, np.uint8)
    source.call("max_pool", contiguous(x), y, winner, _arguments(x, spec))
    return y, winner


@kernel("max_unpool", "native", name="rows", supports=_max_pool_supports, requires=REQUIRES)
def max_unpool(g: Array, winner: Array, *, spec: PoolSpec) -> Array:
    """Add each g to the winner of its window: g and winners (N, C, *O) -> (N, C, *I)."""
    x = _inputs(g, spec)
    source.call("max_unpool", contiguous(g), contiguous(winner), x, _arguments(g, spec))
    return x


@kernel("pick", "native", name="rows", supports=_max_pool_supports, requires=REQUIRES)
def pick(x: Array, winner: Array, *, spec: PoolSpec) -> Array:
    """Return the element of x at each winner: x (N, C, *I), winners (N, C, *O) -> (N, C, *O)."""
    y = _outputs(x, spec)
    source.call("pick", contiguous(x), contiguous(winner), y, _arguments(x, spec))
    return y


@kernel("avg_pool", "native", name="rows", supports=_supports, requires="float32 or float64")
def avg_pool(x: Array, *, spec: PoolSpec) -> Array:
    """Return the average of each window: x (N, C, *I) -> (N, C, *O)."""
    y = _outputs(x, spec)
    source.call("avg_pool", contiguous(x), _divisors(spec, x.dtype), y, _arguments(x, spec))
    return y


@kernel("avg_pool_input_grad", "native", name="rows", supports=_supports, requires="float32 or float64")
def avg_pool_input_grad(g: Array, *, spec: PoolSpec) -> Array:
    """Return the gradient of `avg_pool` for x: g (N, C, *O) -> (N, C, *I)."""
    x = _inputs(g, spec)
    source.call("avg_pool_input_grad", contiguous(g), _divisors(spec, g.dtype), x, _arguments(g, spec))
    return x
