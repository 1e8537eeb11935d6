"""PyTorch's address ``torch.nn.modules.batchnorm``."""

from minicnn.nn.norm import BatchNorm1d, BatchNorm2d, BatchNorm3d, _BatchNorm

__all__ = ["BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "_BatchNorm"]
