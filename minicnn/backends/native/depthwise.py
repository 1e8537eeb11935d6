"""Depthwise convolution and its gradients: wrappers for kernels/cpu/depthwise.cpp.

A depthwise convolution has one channel in each group. Its few products per pixel cost less than the memory accesses, so
the kernels are built around how a plane is read.
"""

from functools import lru_cache

import numpy as np

from minicnn.backends.native.conv_shape import NO_AXIS, shape_struct, window_axes
from minicnn.backends.native.library import Source, contiguous, floats
from minicnn.geometry import ConvSpec
from minicnn.runtime.devices import Array
from minicnn.runtime.dispatch import kernel

__all__ = [
    "conv_depthwise",
    "conv_input_grad_depthwise",
    "conv_weight_grad_depthwise",
    "supports",
    "supports_backward",
]

source = Source("depthwise.cpp")

REQUIRES = "float32 or float64, one channel in each group, several groups"


@lru_cache(maxsize=1024)
def _shape(n: int, filters: int, spec: ConvSpec) -> Array:
    """Return the struct ConvShape. With two axes the middle axis is missing, because planes are cut along the first."""
    *outer, inner = window_axes(spec)
    axes = [*outer, *[NO_AXIS] * (2 - len(outer)), inner]
    return shape_struct(n, spec.groups, 1, filters // spec.groups, axes)


def _supports(a: Array, b: Array, channels: int, spec: ConvSpec) -> bool:
    return channels == spec.groups > 1 and floats(a, b) and source.works(a.dtype)


def supports(x: Array, w: Array, spec: ConvSpec) -> bool:
    """Return whether the convolution is depthwise and the library can be built."""
    return _supports(x, w, x.shape[1], spec)


def supports_backward(g: Array, w: Array, spec: ConvSpec) -> bool:
    """Return whether the convolution is depthwise with one filter for each channel, and the library can be built."""
    return len(w) == spec.groups and _supports(g, w, w.shape[1] * spec.groups, spec)


@kernel("conv", "native", name="depthwise", supports=supports, requires=REQUIRES)
def conv_depthwise(x: Array, w: Array, *, spec: ConvSpec) -> Array:
    """Convolve each channel on its own: x (N, C, *I), w (F, 1, *K) -> y (N, F, *O)."""
    y = np.empty((len(x), len(w), *spec.output_size), x.dtype)
    if y.size:
        source.call("depthwise", contiguous(x), contiguous(w), y, _shape(len(x), len(w), spec))
    return y


@kernel(
    "conv_input_grad",
    "native",
    name="depthwise",
    supports=lambda g, w, spec: supports_backward(g, w, spec),
    requires=f"{REQUIRES}, one filter in each group",
)
def conv_input_grad_depthwise(g: Array, w: Array, *, spec: ConvSpec) -> Array:
    """Compute the input gradient: g (N, C, *O), w (C, 1, *K) -> x (N, C, *I)."""
    x = np.empty((len(g), spec.groups, *spec.input_size), g.dtype)
    if x.size:
        source.call("depthwise_input_grad", contiguous(g), contiguous(w), x, _shape(len(g), len(w), spec))
    return x


@kernel(
    "conv_weight_grad",
    "native",
    name="depthwise",
    supports=lambda x, g, spec: _supports(x, g, x.shape[1], spec),
    requires=REQUIRES,
)
def conv_weight_grad_depthwise(x: Array, g: Array, *, spec: ConvSpec) -> Array:
    """Compute the weight gradient: x (N, C, *I), g (N, F, *O) -> w (F, 1, *K)."""
    size = (g.shape[1], 1, *spec.kernel_size)
    if not len(x):
        return np.zeros(size, x.dtype)
    w = np.empty(size, x.dtype)
    source.call("depthwise_weight_grad", contiguous(x), contiguous(g), w, _shape(len(x), g.shape[1], spec))
    return w
