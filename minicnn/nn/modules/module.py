"""PyTorch's address ``torch.nn.modules.module``."""

from minicnn.nn.module import Module

__all__ = ["Module"]
