"""Convolution with bias and ReLU: the best convolution kernel, then bias and ReLU in place, in two threads.

In place, bias and ReLU need no new memory, and a part of the convolution's output is still in the cache. As separate
operations, each of them would fill a new array.
"""

from typing import Any

import numpy as np

from minicnn.backends.numpy.blocks import cut
from minicnn.backends.numpy.threads import run
from minicnn.geometry import ConvSpec, ceil_div
from minicnn.runtime.devices import CPU, Array
from minicnn.runtime.dispatch import kernel, select

__all__: list[str] = []

PART = 1 << 18  # elements of a task: a smaller part does not repay a second thread


def _floats(*arrays: Array, spec: ConvSpec) -> bool:
    return all(a.size > 0 and a.dtype.kind == "f" for a in arrays)


def _finish(y: Array, b: Array, relu: bool) -> Array:
    """Add the bias to y (N, C, ...) and apply ReLU, in place."""
    column = b.reshape(-1, *(1,) * (y.ndim - 2))

    def part(images: slice) -> None:
        np.add(y[images], column, out=y[images])
        if relu:
            np.maximum(y[images], 0, out=y[images])

    parts = ceil_div(y.size, PART)
    run(part, cut(len(y), parts + parts % 2 if parts > 1 else 1))
    return y


def _register(operation: str, convolution: str, relu: bool) -> None:
    @kernel(operation, "numpy", name="in_place", supports=_floats, requires="nonempty arrays of floats")
    def fused(x: Array, w: Array, b: Array, **params: Any) -> Array:
        return _finish(select(convolution, CPU, [x, w], params)(x, w, **params), b, relu)


_register("conv_bias", "conv", False)
_register("conv_bias_relu", "conv", True)
_register("conv_transpose_bias", "conv_input_grad", False)
_register("conv_transpose_bias_relu", "conv_input_grad", True)
