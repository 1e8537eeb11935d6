"""PyTorch's address ``torch.nn.modules.lazy``."""

from minicnn.nn.lazy import LazyModuleMixin

__all__ = ["LazyModuleMixin"]
