"""PyTorch's address ``torch.nn.modules.container``."""

from minicnn.nn.container import ModuleDict, ModuleList, Sequential

__all__ = ["ModuleDict", "ModuleList", "Sequential"]
