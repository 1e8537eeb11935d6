"""PyTorch's address ``torch.nn.modules.linear``."""

from minicnn.nn.lazy import LazyLinear
from minicnn.nn.linear import Bilinear, Identity, Linear

__all__ = ["Bilinear", "Identity", "LazyLinear", "Linear"]
