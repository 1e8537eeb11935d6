"""NumPy kernels for the CPU: importing this package registers them; of one operation's, the first is tried first."""

from minicnn.backends.numpy import patches, winograd, im2col, elementwise, chain, pool, fused, linalg, norm, optim  # noqa: I001 (in this order)

__all__ = ["chain", "elementwise", "fused", "im2col", "linalg", "norm", "optim", "patches", "pool", "winograd"]
