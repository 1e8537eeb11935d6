"""PyTorch's address ``torch.nn.modules.pixelshuffle``."""

from minicnn.nn.resize import PixelShuffle, PixelUnshuffle

__all__ = ["PixelShuffle", "PixelUnshuffle"]
