"""C++ kernels for the CPU, where there is a compiler: importing this package registers them."""

from importlib import import_module

from minicnn.backends.native.library import usable

# In this order the kernels of an operation are tried: special ones first.
MODULES = (
    "depthwise",
    "winograd",
    "conv",
    "weight_grad",
    "fused",
    "gemm",
    "pool",
    "norm",
    "reduce",
    "softmax",
    "elementwise",
    "chain",
    "optim",
)

if usable():
    for _name in MODULES:
        import_module(f"{__name__}.{_name}")

__all__: list[str] = []
