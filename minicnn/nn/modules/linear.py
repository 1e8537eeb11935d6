"""PyTorch's address ``torch.nn.modules.linear``."""

from minicnn.nn.linear import Bilinear, Identity, Linear

__all__ = ["Bilinear", "Identity", "Linear"]
