"""PyTorch's address ``torch.nn.modules.lazy``."""

from minicnn.nn.lazy_module import LazyModuleMixin

__all__ = ["LazyModuleMixin"]
