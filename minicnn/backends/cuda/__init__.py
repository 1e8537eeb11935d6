"""CUDA kernels for a GPU and for the simulator: importing this package registers them."""

# The kernel of an operation that is registered first is tried first: depthwise convolution before the general one,
# Winograd after it.
# isort: off
from minicnn.backends.cuda import depthwise
from minicnn.backends.cuda import columns, conv, conv_weight_grad, gemm, norm, optim, pointwise, pool
from minicnn.backends.cuda import winograd
# isort: on

__all__ = [
    "columns",
    "conv",
    "conv_weight_grad",
    "depthwise",
    "gemm",
    "norm",
    "optim",
    "pointwise",
    "pool",
    "winograd",
]
