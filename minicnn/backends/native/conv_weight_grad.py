"""The weight gradient of a convolution: a wrapper for kernels/cpu/conv_weight_grad.cpp.

The kernel adds up outer products: each output pixel contributes its window of x times its gradients of all filters.
"""

from functools import lru_cache

import numpy as np

from minicnn.backends.native.conv_shape import NO_AXIS, shape_struct, window_axes
from minicnn.backends.native.library import Source, contiguous, floats
from minicnn.geometry import ConvSpec
from minicnn.runtime.devices import Array
from minicnn.runtime.dispatch import kernel

__all__ = ["conv_weight_grad_outer", "shape"]

source = Source("conv_weight_grad.cpp")


@lru_cache(maxsize=1024)
def shape(n: int, channels: int, filters: int, spec: ConvSpec) -> Array:
    """Return the struct ConvShape of the source, for all channels and filters.

    If the kernel has size 1 along the last axis and reads every element, this axis is merged into the axis before it.
    So the lines of a 1×1 convolution are long.
    """
    axes = [list(axis) for axis in window_axes(spec)]
    while len(axes) > 1 and axes[-1] == [axes[-1][0], axes[-1][0], 1, 1, 0, axes[-1][5]] and axes[-2][3] == 1:
        width = axes.pop()[0]
        size, out, k, stride, before, dilation = axes[-1]
        axes[-1] = [size * width, out * width, k, stride, before * width, dilation * width]
    axes = [list(NO_AXIS)] * (3 - len(axes)) + axes
    return shape_struct(n, spec.groups, channels // spec.groups, filters // spec.groups, axes)


@kernel(
    "conv_weight_grad",
    "native",
    name="outer_products",
    supports=lambda x, g, spec: floats(x, g) and source.works(x.dtype),
    requires="float32 or float64",
)
def conv_weight_grad_outer(x: Array, g: Array, *, spec: ConvSpec) -> Array:
    """Compute the weight gradient by outer products: x (N, C, *I), g (N, F, *O) -> w (F, C/G, *K)."""
    size = (g.shape[1], x.shape[1] // spec.groups, *spec.kernel_size)
    if not x.size or not g.size:
        return np.zeros(size, x.dtype)
    w = np.empty(size, x.dtype)
    source.call("conv_weight_grad", contiguous(x), contiguous(g), w, shape(len(x), x.shape[1], g.shape[1], spec))
    return w
