"""Convolution with bias, ReLU and maximum pooling in one kernel.

conv.cpp and winograd.cpp add the bias and apply ReLU to each tile of the output. The pooling runs block by block: the
activation of a few images is pooled while it is in the cache, and the next block uses the same memory. So the
activation of the whole batch is never stored.
"""

from collections.abc import Callable
from math import prod
from typing import NamedTuple

import numpy as np

from minicnn.backends.native import conv, depthwise, winograd
from minicnn.backends.native import pool as pooling
from minicnn.backends.native.library import contiguous, floats
from minicnn.geometry import ConvSpec, PoolSpec
from minicnn.runtime.devices import Array
from minicnn.runtime.dispatch import kernel

__all__ = ["Convolution"]

BLOCK_BYTES = 1 << 21  # of the activation: about the size of the second-level caches of two threads
Condition = Callable[[Array, Array, ConvSpec], bool]


class Convolution(NamedTuple):
    """A function that convolves, adds a bias and optionally applies ReLU, and the conditions of its plain kernel."""

    name: str
    run: Callable[[Array, Array, Array | None, ConvSpec, bool], Array]  # x, w, b, spec, relu
    supports: Condition
    requires: str
    profitable: Condition
    best_for: str


def _not(condition: Condition) -> Condition:
    return lambda x, w, spec: not condition(x, w, spec)


CHANNELS = "several channels in each group"  # the depthwise kernels are faster for one channel, but add no bias
FORWARD = (
    Convolution("implicit_gemm", conv.forward, conv.supports, conv.REQUIRES, _not(depthwise.supports), CHANNELS),
    Convolution(
        "winograd",
        winograd.forward,
        winograd.supports,
        winograd.REQUIRES,
        winograd.forward_profitable,
        winograd.BEST_FOR,
    ),
)
BACKWARD = (
    Convolution(
        "implicit_gemm", conv.backward, conv.supports, conv.REQUIRES, _not(depthwise.supports_backward), CHANNELS
    ),
    Convolution(
        "winograd",
        winograd.backward,
        winograd.supports,
        winograd.REQUIRES,
        winograd.backward_profitable,
        winograd.BEST_FOR,
    ),
)


def _register(operation: str, convolution: Convolution, relu: bool) -> None:
    """Register a convolution with bias, and ReLU if `relu`: x (N, C, *I), w (F, C/G, *K), b (F,) -> y (N, F, *O)."""

    def supports(x: Array, w: Array, b: Array, spec: ConvSpec) -> bool:
        return floats(x, b) and convolution.supports(x, w, spec)

    def profitable(x: Array, w: Array, b: Array, spec: ConvSpec) -> bool:
        return convolution.profitable(x, w, spec)

    @kernel(
        operation,
        "native",
        name=convolution.name,
        supports=supports,
        requires=convolution.requires,
        profitable=profitable,
        best_for=convolution.best_for,
    )
    def block(x: Array, w: Array, b: Array, *, spec: ConvSpec) -> Array:
        return convolution.run(x, w, contiguous(b), spec, relu)


def _register_pooled(convolution: Convolution) -> None:
    """Register a convolution with bias, ReLU and maximum pooling -> maxima and winners, (N, F, *pool.output_size)."""

    def supports(x: Array, w: Array, b: Array, spec: ConvSpec, pool: PoolSpec) -> bool:
        return (
            len(pool.taps) < 256 and floats(x, b) and convolution.supports(x, w, spec) and pooling.source.works(x.dtype)
        )

    def profitable(x: Array, w: Array, b: Array, spec: ConvSpec, pool: PoolSpec) -> bool:
        return convolution.profitable(x, w, spec)

    @kernel(
        "conv_bias_relu_pool",
        "native",
        name=convolution.name,
        supports=supports,
        requires=f"{convolution.requires}; pooling windows of at most 255 elements",
        profitable=profitable,
        best_for=convolution.best_for,
    )
    def block(x: Array, w: Array, b: Array, *, spec: ConvSpec, pool: PoolSpec) -> tuple[Array, Array]:
        y = np.empty((x.shape[0], w.shape[0], *pool.output_size), x.dtype)
        winner = np.empty(y.shape, np.uint8)
        block_size = max(1, BLOCK_BYTES // max(w.shape[0] * prod(spec.output_size) * x.itemsize, 1))
        for first in range(0, len(x), block_size):
            images = slice(first, first + block_size)
            z = convolution.run(x[images], w, contiguous(b), spec, True)
            pooling.source.call("max_pool", z, y[images], winner[images], pooling._geometry(prod(z.shape[:2]), pool))
        return y, winner


for _convolution in FORWARD:
    _register("conv_bias", _convolution, relu=False)
    _register("conv_bias_relu", _convolution, relu=True)
    _register_pooled(_convolution)
for _convolution in BACKWARD:
    _register("conv_transpose_bias", _convolution, relu=False)
    _register("conv_transpose_bias_relu", _convolution, relu=True)
