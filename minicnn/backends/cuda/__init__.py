"""The backend `cuda`: CUDA kernels for a GPU and for the simulator. Importing this package registers them."""

from types import SimpleNamespace

from minicnn.backends.cuda import (
    conv,
    conv_weight_grad,
    depthwise,
    elementwise,
    gemm,
    im2col,
    norm,
    optim,
    pool,
    winograd,
)
from minicnn.runtime.dispatch import order

__all__ = [
    "conv",
    "conv_weight_grad",
    "depthwise",
    "elementwise",
    "gemm",
    "im2col",
    "matmul",
    "norm",
    "optim",
    "pool",
    "winograd",
]

matmul = SimpleNamespace(allow_tf32=False)  # a switch of PyTorch that programs set; no effect

GEMM = ("split", "warp_tiles", "vec4", "registers_2d", "registers_1d", "shared", "coalesced", "naive")
NORM = ("columns", "warp", "split", "block", "two_pass")

# From the fastest kernel to the plainest. Winograd is last, because no GPU measurement shows yet that it is faster.
order(
    "cuda",
    adam_step=("multi_tensor", "per_tensor"),
    avg_pool=("warp", "slab", "direct"),
    avg_pool_input_grad=("slab", "direct"),
    bias_act=("vec4", "direct"),
    bias_add=("vec4", "direct"),
    col2im=("slab", "direct"),
    conv=("depthwise", "implicit_gemm", "gemm_tiles", "tiled", "direct", "winograd", "winograd_4x4"),
    conv_input_grad=("depthwise", "implicit_gemm", "gemm_tiles", "direct", "winograd", "winograd_4x4"),
    conv_weight_grad=("depthwise", "split_gemm", "gemm_tiles", "direct"),
    im2col=("slab", "direct"),
    linear=GEMM,
    matmul=GEMM,
    max_pool=("warp", "slab", "direct"),
    max_unpool=("slab", "direct"),
    normalize=NORM,
    pick=("slab", "direct"),
    relu=("vec4", "direct"),
    relu_grad=("vec4", "direct"),
    rstd=NORM,
    sgd_step=("multi_tensor", "per_tensor"),
)
