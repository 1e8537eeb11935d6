"""Convolution and its input gradient: kernels/cpu/conv.cpp."""

import numpy as np

from minicnn.backends.native.conv_shape import conv_shape
from minicnn.backends.native.library import Source, contiguous, floats
from minicnn.geometry import ConvSpec
from minicnn.runtime.devices import Array
from minicnn.runtime.dispatch import kernel

__all__ = [
    "backward",
    "conv_direct",
    "conv_gemm_tiles",
    "conv_implicit_gemm",
    "conv_input_grad_direct",
    "conv_input_grad_gemm_tiles",
    "conv_input_grad_implicit_gemm",
    "forward",
    "supports",
]

source = Source("conv.cpp")


def supports(x: Array, w: Array, spec: ConvSpec) -> bool:
    """Return whether these kernels can convolve the arrays."""
    return floats(x, w) and source.works(x.dtype)


def forward(
    x: Array, w: Array, b: Array | None, spec: ConvSpec, relu: bool = False, kernel: str = "implicit_gemm"
) -> Array:
    """x (N, C, *I), w (F, C/G, *K), b (F,) -> y (N, F, *O), with ReLU if asked to."""
    y = np.empty((x.shape[0], w.shape[0], *spec.output_size), x.dtype)
    if y.size:
        shape = conv_shape(x.shape[0], *w.shape[:2], spec)
        source.call(f"conv_{kernel}", contiguous(x), contiguous(w), b, y, shape, relu)
    return y


def backward(
    g: Array, w: Array, b: Array | None, spec: ConvSpec, relu: bool = False, kernel: str = "implicit_gemm"
) -> Array:
    """g (N, F, *O), w (F, C/G, *K), b (C,) -> x (N, C, *I), with ReLU if asked to."""
    x = np.empty((g.shape[0], w.shape[1] * spec.groups, *spec.input_size), g.dtype)
    if x.size:
        shape = conv_shape(g.shape[0], *w.shape[:2], spec)
        source.call(f"conv_input_grad_{kernel}", contiguous(g), contiguous(w), b, x, shape, relu)
    return x


REQUIRES = "float32 or float64"


@kernel("conv", "native", name="implicit_gemm", supports=supports, requires=REQUIRES)
def conv_implicit_gemm(x: Array, w: Array, *, spec: ConvSpec) -> Array:
    """x (N, C, *I), w (F, C/G, *K) -> y (N, F, *O)."""
    return forward(x, w, None, spec)


@kernel("conv", "native", name="gemm_tiles", supports=supports, requires=REQUIRES)
def conv_gemm_tiles(x: Array, w: Array, *, spec: ConvSpec) -> Array:
    """x (N, C, *I), w (F, C/G, *K) -> y (N, F, *O)."""
    return forward(x, w, None, spec, kernel="gemm_tiles")


@kernel("conv", "native", name="direct", supports=supports, requires=REQUIRES)
def conv_direct(x: Array, w: Array, *, spec: ConvSpec) -> Array:
    """x (N, C, *I), w (F, C/G, *K) -> y (N, F, *O)."""
    return forward(x, w, None, spec, kernel="direct")


@kernel(
    "conv_input_grad",
    "native",
    name="implicit_gemm",
    supports=lambda g, w, spec: supports(g, w, spec),
    requires=REQUIRES,
)
def conv_input_grad_implicit_gemm(g: Array, w: Array, *, spec: ConvSpec) -> Array:
    """g (N, F, *O), w (F, C/G, *K) -> x (N, C, *I)."""
    return backward(g, w, None, spec)


@kernel(
    "conv_input_grad", "native", name="gemm_tiles", supports=lambda g, w, spec: supports(g, w, spec), requires=REQUIRES
)
def conv_input_grad_gemm_tiles(g: Array, w: Array, *, spec: ConvSpec) -> Array:
    """g (N, F, *O), w (F, C/G, *K) -> x (N, C, *I)."""
    return backward(g, w, None, spec, kernel="gemm_tiles")


@kernel("conv_input_grad", "native", name="direct", supports=lambda g, w, spec: supports(g, w, spec), requires=REQUIRES)
def conv_input_grad_direct(g: Array, w: Array, *, spec: ConvSpec) -> Array:
    """g (N, F, *O), w (F, C/G, *K) -> x (N, C, *I)."""
    return backward(g, w, None, spec, kernel="direct")
