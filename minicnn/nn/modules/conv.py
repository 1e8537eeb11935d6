"""PyTorch's address ``torch.nn.modules.conv``; `_ConvNd` is the base class of all convolutions."""

from minicnn.nn.conv import Conv1d, Conv2d, Conv3d, ConvTranspose1d, ConvTranspose2d, ConvTranspose3d
from minicnn.nn.conv import _ConvBase as _ConvNd

__all__ = ["Conv1d", "Conv2d", "Conv3d", "ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d", "_ConvNd"]
