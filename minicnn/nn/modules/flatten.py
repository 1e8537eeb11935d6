"""PyTorch's address ``torch.nn.modules.flatten``."""

from minicnn.nn.linear import Flatten, Unflatten

__all__ = ["Flatten", "Unflatten"]
