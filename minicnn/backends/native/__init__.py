"""The backend `native`: C++ kernels for the CPU.

Importing this package registers the kernels, if the machine has a C++ compiler or the wheel contains their libraries.
Start with `library.py`, which builds and calls C++ files. The others are thin wrappers for the files of kernels/cpu/.
"""

from importlib import import_module

from minicnn.backends.native.library import usable
from minicnn.runtime.dispatch import order

MODULES = (
    "conv",
    "conv_block",
    "conv_weight_grad",
    "depthwise",
    "elementwise",
    "fuse",
    "gemm",
    "norm",
    "optim",
    "pool",
    "reduce",
    "softmax",
    "winograd",
)

# Special kernels first, then the general kernels from the fastest to the plainest.
if usable():
    for _name in MODULES:
        import_module(f"{__name__}.{_name}")
    order(
        "native",
        conv=("depthwise", "winograd", "implicit_gemm", "gemm_tiles", "direct"),
        conv_input_grad=("depthwise", "winograd", "implicit_gemm", "gemm_tiles", "direct"),
        conv_weight_grad=("depthwise", "winograd", "outer_products"),
        conv_bias=("winograd", "implicit_gemm"),
        conv_bias_relu=("winograd", "implicit_gemm"),
        conv_bias_relu_pool=("winograd", "implicit_gemm"),
        conv_transpose_bias=("winograd", "implicit_gemm"),
        conv_transpose_bias_relu=("winograd", "implicit_gemm"),
    )

__all__: list[str] = []
