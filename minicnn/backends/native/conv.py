"""Convolution and its input gradient: wrappers for kernels/cpu/conv.cpp.

Three kernels, from the plainest to the fastest: `direct` computes one output element after another, `gemm_tiles` copies
tiles of windows and multiplies them by the weights, `implicit_gemm` reads the windows from a padded copy of the input.
"""

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
    """Return whether the arrays are float32 or float64 and the library can be built."""
    return floats(x, w) and source.works(x.dtype)


def forward(
    x: Array, w: Array, b: Array | None, spec: ConvSpec, relu: bool = False, kernel: str = "implicit_gemm"
) -> Array:
    """Return the convolution x (N, C, *I), w (F, C/G, *K) -> y (N, F, *O), plus b (F,), then ReLU if `relu`."""
    y = np.empty((x.shape[0], w.shape[0], *spec.output_size), x.dtype)
    if y.size:
        shape = conv_shape(x.shape[0], *w.shape[:2], spec)
        source.call(f"conv_{kernel}", contiguous(x), contiguous(w), b, y, shape, relu)
    return y


def backward(
    g: Array, w: Array, b: Array | None, spec: ConvSpec, relu: bool = False, kernel: str = "implicit_gemm"
) -> Array:
    """Return the input gradient g (N, F, *O), w (F, C/G, *K) -> x (N, C, *I), plus b (C,), then ReLU if `relu`."""
    x = np.empty((g.shape[0], w.shape[1] * spec.groups, *spec.input_size), g.dtype)
    if x.size:
        shape = conv_shape(g.shape[0], *w.shape[:2], spec)
        source.call(f"conv_input_grad_{kernel}", contiguous(g), contiguous(w), b, x, shape, relu)
    return x


REQUIRES = "float32 or float64"


@kernel("conv", "native", name="implicit_gemm", supports=supports, requires=REQUIRES)
def conv_implicit_gemm(x: Array, w: Array, *, spec: ConvSpec) -> Array:
    """Convolve by implicit GEMM: x (N, C, *I), w (F, C/G, *K) -> y (N, F, *O)."""
    return forward(x, w, None, spec)


@kernel("conv", "native", name="gemm_tiles", supports=supports, requires=REQUIRES)
def conv_gemm_tiles(x: Array, w: Array, *, spec: ConvSpec) -> Array:
    """Convolve by a GEMM on tiles of windows: x (N, C, *I), w (F, C/G, *K) -> y (N, F, *O)."""
    return forward(x, w, None, spec, kernel="gemm_tiles")


@kernel("conv", "native", name="direct", supports=supports, requires=REQUIRES)
def conv_direct(x: Array, w: Array, *, spec: ConvSpec) -> Array:
    """Convolve element by element: x (N, C, *I), w (F, C/G, *K) -> y (N, F, *O)."""
    return forward(x, w, None, spec, kernel="direct")


@kernel(
    "conv_input_grad",
    "native",
    name="implicit_gemm",
    supports=lambda g, w, spec: supports(g, w, spec),
    requires=REQUIRES,
)
def conv_input_grad_implicit_gemm(g: Array, w: Array, *, spec: ConvSpec) -> Array:
    """Compute the input gradient by implicit GEMM: g (N, F, *O), w (F, C/G, *K) -> x (N, C, *I)."""
    return backward(g, w, None, spec)


@kernel(
    "conv_input_grad", "native", name="gemm_tiles", supports=lambda g, w, spec: supports(g, w, spec), requires=REQUIRES
)
def conv_input_grad_gemm_tiles(g: Array, w: Array, *, spec: ConvSpec) -> Array:
    """Compute the input gradient by a GEMM on tiles of windows: g (N, F, *O), w (F, C/G, *K) -> x (N, C, *I)."""
    return backward(g, w, None, spec, kernel="gemm_tiles")


@kernel("conv_input_grad", "native", name="direct", supports=lambda g, w, spec: supports(g, w, spec), requires=REQUIRES)
def conv_input_grad_direct(g: Array, w: Array, *, spec: ConvSpec) -> Array:
    """Compute the input gradient element by element: g (N, F, *O), w (F, C/G, *K) -> x (N, C, *I)."""
    return backward(g, w, None, spec, kernel="direct")
