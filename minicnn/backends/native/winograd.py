"""3×3 convolution with stride 1 by Winograd's F(4×4, 3×3), and its gradients.

The wrappers call kernels/cpu/winograd.cpp and conv_weight_grad_winograd.cpp. A tile of 4×4 outputs needs 36
multiplications for each pair of channel and filter instead of 144. The transforms of the tiles are additional work.

A NaN or an infinity would spread over a tile. If a result is not finite, other kernels compute all results again.
"""

from math import prod

import numpy as np

from minicnn.backends.native import conv, conv_weight_grad
from minicnn.backends.native.conv_shape import conv_shape
from minicnn.backends.native.library import Source, contiguous, floats
from minicnn.geometry import ConvSpec, ceil_div
from minicnn.runtime.devices import Array
from minicnn.runtime.dispatch import kernel

__all__ = [
    "backward",
    "backward_profitable",
    "conv_input_grad_winograd",
    "conv_weight_grad_winograd",
    "conv_winograd",
    "forward",
    "forward_profitable",
    "supports",
]

source = Source("winograd.cpp")
weight_grad = Source("conv_weight_grad_winograd.cpp")

REQUIRES = "float32 or float64, a 3×3 kernel with stride 1 and dilation 1, one group"
BEST_FOR = "enough channels, filters and pixels to repay the transforms"


def supports(x: Array, w: Array, spec: ConvSpec) -> bool:
    """Return whether the arrays are float32 or float64 and the convolution is 3×3 with stride 1 and one group."""
    fits = spec.kernel_size == (3, 3) and max(*spec.stride, *spec.dilation, spec.groups) == 1
    return fits and x.shape[1] > 0 and floats(x, w) and source.works(x.dtype)


def _fills_tiles(images: int, size: tuple[int, ...]) -> bool:
    """Return whether enough pixels of the 4×4 tiles are inside the images, so that Winograd repays its transforms.

    The limits were measured for 1 to 256 images with sides of 1 to 96 pixels. On average, more than 5 of the 16 pixels
    of a tile must be inside the image. 10 more pixels in all repay the transform of the weights.
    """
    return images * prod(size) > 5 * images * prod(ceil_div(s, 4) for s in size) + 10


def _profitable(x: Array, w: Array, size: tuple[int, ...]) -> bool:
    """Return whether Winograd pays off for outputs of this size; channels and filters must fill the vectors."""
    filters, channels = w.shape[:2]
    return min(filters, channels) >= 8 and filters * channels >= 128 and _fills_tiles(len(x), size)


def forward_profitable(x: Array, w: Array, spec: ConvSpec) -> bool:
    """Return whether Winograd is faster than implicit GEMM for the convolution."""
    return _profitable(x, w, spec.output_size)


def backward_profitable(g: Array, w: Array, spec: ConvSpec) -> bool:
    """Return whether Winograd is faster than implicit GEMM for the input gradient."""
    return _profitable(g, w, spec.input_size)


def _weight_grad_profitable(x: Array, g: Array, spec: ConvSpec) -> bool:
    """Return whether Winograd pays off: its vectors run over channels, the outer products' vectors over filters."""
    channels, filters = x.shape[1], g.shape[1]
    return channels >= max(8, filters // 8) and _fills_tiles(len(x), spec.output_size)


def forward(x: Array, w: Array, b: Array | None, spec: ConvSpec, relu: bool = False) -> Array:
    """Return the convolution x (N, C, H, W), w (F, C, 3, 3) -> y (N, F, OH, OW), plus b (F,), then ReLU if `relu`."""
    y = np.empty((len(x), len(w), *spec.output_size), x.dtype)
    if y.size:
        shape = conv_shape(len(x), *w.shape[:2], spec)
        finite = np.empty(1, np.int64)
        source.call("winograd", contiguous(x), contiguous(w), b, y, shape, finite, relu)
        if not finite[0]:
            return conv.forward(x, w, b, spec, relu)
    return y


def backward(g: Array, w: Array, b: Array | None, spec: ConvSpec, relu: bool = False) -> Array:
    """Return the input gradient g (N, F, OH, OW), w (F, C, 3, 3) -> x (N, C, H, W), plus b (C,); ReLU if `relu`."""
    x = np.empty((len(g), w.shape[1], *spec.input_size), g.dtype)
    if x.size:
        shape = conv_shape(len(g), *w.shape[:2], spec)
        finite = np.empty(1, np.int64)
        source.call("winograd_input_grad", contiguous(g), contiguous(w), b, x, shape, finite, relu)
        if not finite[0]:
            return conv.backward(g, w, b, spec, relu)
    return x


@kernel(
    "conv",
    "native",
    name="winograd",
    supports=supports,
    requires=REQUIRES,
    profitable=forward_profitable,
    best_for=BEST_FOR,
)
def conv_winograd(x: Array, w: Array, *, spec: ConvSpec) -> Array:
    """Convolve by Winograd's algorithm: x (N, C, H, W), w (F, C, 3, 3) -> y (N, F, OH, OW)."""
    return forward(x, w, None, spec)


@kernel(
    "conv_input_grad",
    "native",
    name="winograd",
    supports=lambda g, w, spec: supports(g, w, spec),
    requires=REQUIRES,
    profitable=lambda g, w, spec: backward_profitable(g, w, spec),
    best_for=BEST_FOR,
)
def conv_input_grad_winograd(g: Array, w: Array, *, spec: ConvSpec) -> Array:
    """Compute the input gradient by Winograd's algorithm: g (N, F, OH, OW), w (F, C, 3, 3) -> x (N, C, H, W)."""
    return backward(g, w, None, spec)


@kernel(
    "conv_weight_grad",
    "native",
    name="winograd",
    supports=lambda x, g, spec: supports(x, g, spec) and weight_grad.works(x.dtype),
    requires=REQUIRES,
    profitable=_weight_grad_profitable,
    best_for=BEST_FOR,
)
def conv_weight_grad_winograd(x: Array, g: Array, *, spec: ConvSpec) -> Array:
    """Compute the weight gradient by Winograd's algorithm: x (N, C, H, W), g (N, F, OH, OW) -> w (F, C, 3, 3)."""
    w = np.zeros((g.shape[1], x.shape[1], 3, 3), x.dtype)
    if x.size and g.size:
        shape = conv_shape(len(x), g.shape[1], x.shape[1], spec)
        weight_grad.call("winograd_weight_grad", contiguous(x), contiguous(g), w, shape)
        if not np.isfinite(w.sum()):
            return conv_weight_grad.conv_weight_grad_outer(x, g, spec=spec)
    return w
