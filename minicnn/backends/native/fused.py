"""A convolution with what follows it: conv.cpp and winograd.cpp add the bias and apply ReLU to a tile that is finished.

Pooling is done by blocks of images: the activation of a block is pooled while it is in the cache, in memory that the
next block uses again, so the whole of it is never written.
"""

from math import prod
from typing import Any

import numpy as np

from minicnn.backends.native import conv, winograd
from minicnn.backends.native import pool as pooling
from minicnn.backends.native.library import contiguous, floats
from minicnn.devices import CPU, Array
from minicnn.dispatch import kernel, select
from minicnn.geometry import ConvSpec, PoolSpec

__all__ = ["conv_bias", "conv_bias_relu", "conv_bias_relu_pool", "conv_transpose_bias", "conv_transpose_bias_relu"]

BLOCK = 1 << 21  # bytes of activation: about what the second-level caches of two threads hold
NEEDS = "floats, where implicit_gemm or winograd is the convolution"

# The kernels that take a bias and an activation too, as functions of x, w, b, spec and whether ReLU is applied.
CONVOLUTIONS: dict[Any, Any] = {
    conv.conv_implicit_gemm: conv.forward,
    conv.conv_input_grad_implicit_gemm: conv.backward,
    winograd.conv_winograd: winograd.forward,
    winograd.conv_input_grad_winograd: winograd.backward,
}


def _chosen(operation: str, x: Array, w: Array, spec: ConvSpec) -> Any:
    return CONVOLUTIONS.get(select(operation, CPU, [x, w], {"spec": spec}))


def _forward(x: Array, w: Array, b: Array, spec: ConvSpec) -> bool:
    return floats(x, w, b) and _chosen("conv", x, w, spec) is not None


def _transposed(x: Array, w: Array, b: Array, spec: ConvSpec) -> bool:
    return floats(x, w, b) and _chosen("conv_input_grad", x, w, spec) is not None


def _run(operation: str, x: Array, w: Array, b: Array, spec: ConvSpec, rectify: bool) -> Array:
    return _chosen(operation, x, w, spec)(x, w, contiguous(b), spec, rectify)


@kernel("conv_bias", "native", name="one_pass", when=_forward, needs=NEEDS)
def conv_bias(x: Array, w: Array, b: Array, *, spec: ConvSpec) -> Array:
    """x (N, C, *I), w (F, C/G, *K), b (F,) -> y (N, F, *O)."""
    return _run("conv", x, w, b, spec, rectify=False)


@kernel("conv_bias_relu", "native", name="one_pass", when=_forward, needs=NEEDS)
def conv_bias_relu(x: Array, w: Array, b: Array, *, spec: ConvSpec) -> Array:
    """x (N, C, *I), w (F, C/G, *K), b (F,) -> y (N, F, *O)."""
    return _run("conv", x, w, b, spec, rectify=True)


@kernel("conv_transpose_bias", "native", name="one_pass", when=_transposed, needs=NEEDS)
def conv_transpose_bias(x: Array, w: Array, b: Array, *, spec: ConvSpec) -> Array:
    """x (N, F, *O), w (F, C/G, *K), b (C,) -> y (N, C, *I)."""
    return _run("conv_input_grad", x, w, b, spec, rectify=False)


@kernel("conv_transpose_bias_relu", "native", name="one_pass", when=_transposed, needs=NEEDS)
def conv_transpose_bias_relu(x: Array, w: Array, b: Array, *, spec: ConvSpec) -> Array:
    """x (N, F, *O), w (F, C/G, *K), b (C,) -> y (N, C, *I)."""
    return _run("conv_input_grad", x, w, b, spec, rectify=True)


@kernel(
    "conv_bias_relu_pool",
    "native",
    name="by_blocks",
    when=lambda x, w, b, spec, pool: len(pool.taps) < 256 and pooling.source.works(x.dtype) and _forward(x, w, b, spec),
    needs=f"{NEEDS}; windows of at most 255",
)
def conv_bias_relu_pool(x: Array, w: Array, b: Array, *, spec: ConvSpec, pool: PoolSpec) -> tuple[Array, Array]:
    """x (N, C, *I), w (F, C/G, *K), b (F,) -> values and winners, (N, F, *O of the pooling)."""
    y = np.empty((x.shape[0], w.shape[0], *pool.output_size), x.dtype)
    winner = np.empty(y.shape, np.uint8)
    images = max(1, BLOCK // max(w.shape[0] * prod(spec.output_size) * x.itemsize, 1))
    for first in range(0, len(x), images):
        block = slice(first, first + images)
        z = _run("conv", x[block], w, b, spec, rectify=True)
        pooling.source.call("max_pool", z, y[block], winner[block], pooling._geometry(prod(z.shape[:2]), pool))
    return y, winner
