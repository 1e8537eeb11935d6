"""PyTorch's address of versions."""

__all__ = ["cuda"]

cuda: str | None = None  # the version that a build is made for; minicnn compiles its CUDA kernels when they run
