"""Depthwise convolution, one channel a group: kernels/cpu/depthwise.cpp.

The package imports this module before `conv` and `weight_grad`: for such shapes its kernels are tried first.
"""

from functools import lru_cache

import numpy as np

from minicnn.backends.native.conv_shape import NO_AXIS, conv_axes, shape_struct
from minicnn.backends.native.library import Source, contiguous, floats
from minicnn.devices import Array
from minicnn.dispatch import kernel
from minicnn.geometry import ConvSpec

__all__ = ["conv_depthwise", "conv_input_grad_depthwise", "conv_weight_grad_depthwise"]

source = Source("depthwise.cpp")

NEEDS = "floats, one channel a group, and several groups"


@lru_cache(maxsize=1024)
def _shape(n: int, filters: int, spec: ConvSpec) -> Array:
    """Return the struct ConvShape of the source: the first axis comes first, since large planes are cut along it."""
    *outer, inner = conv_axes(spec)
    axes = [*outer, *[NO_AXIS] * (2 - len(outer)), inner]
    return shape_struct(n, spec.groups, 1, filters // spec.groups, axes)


def _applies(a: Array, b: Array, channels: int, spec: ConvSpec) -> bool:
    return channels == spec.groups > 1 and floats(a, b) and source.works(a.dtype)


@kernel("conv", "native", name="depthwise", when=lambda x, w, spec: _applies(x, w, x.shape[1], spec), needs=NEEDS)
def conv_depthwise(x: Array, w: Array, *, spec: ConvSpec) -> Array:
    """x (N, C, *I), w (F, 1, *K) -> y (N, F, *O)."""
    y = np.empty((len(x), len(w), *spec.output_size), x.dtype)
    if y.size:
        source.call("depthwise", contiguous(x), contiguous(w), y, _shape(len(x), len(w), spec))
    return y


@kernel(
    "conv_input_grad",
    "native",
    name="depthwise",
    when=lambda g, w, spec: len(w) == spec.groups and _applies(g, w, w.shape[1] * spec.groups, spec),
    needs=f"{NEEDS}, with one filter each",
)
def conv_input_grad_depthwise(g: Array, w: Array, *, spec: ConvSpec) -> Array:
    """g (N, C, *O), w (C, 1, *K) -> x (N, C, *I)."""
    x = np.empty((len(g), spec.groups, *spec.input_size), g.dtype)
    if x.size:
        source.call("depthwise_input_grad", contiguous(g), contiguous(w), x, _shape(len(g), len(w), spec))
    return x


@kernel(
    "conv_weight_grad",
    "native",
    name="depthwise",
    when=lambda x, g, spec: _applies(x, g, x.shape[1], spec),
    needs=NEEDS,
)
def conv_weight_grad_depthwise(x: Array, g: Array, *, spec: ConvSpec) -> Array:
    """x (N, C, *I), g (N, F, *O) -> w (F, 1, *K)."""
    size = (g.shape[1], 1, *spec.kernel_size)
    if not len(x):
        return np.zeros(size, x.dtype)
    w = np.empty(size, x.dtype)
    source.call("depthwise_weight_grad", contiguous(x), contiguous(g), w, _shape(len(x), g.shape[1], spec))
    return w
