"""NumPy kernels for the CPU: importing this package registers them."""

from minicnn.backends.numpy import elementwise, im2col, pool

__all__ = ["elementwise", "im2col", "pool"]
