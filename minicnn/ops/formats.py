"""Memory formats, which programs of PyTorch choose. Here they have no effect: tensors are in row-major order."""

from enum import Enum

__all__ = [
    "channels_last",
    "channels_last_3d",
    "contiguous_format",
    "layout",
    "memory_format",
    "preserve_format",
    "strided",
]


class memory_format(Enum):  # noqa: N801 (PyTorch's name)
    """The order of a tensor's elements in memory."""

    contiguous_format = "contiguous_format"
    preserve_format = "preserve_format"
    channels_last = "channels_last"
    channels_last_3d = "channels_last_3d"


class layout(Enum):  # noqa: N801 (PyTorch's name)
    """How a tensor is stored: always dense."""

    strided = "strided"


strided = layout.strided
contiguous_format = memory_format.contiguous_format
preserve_format = memory_format.preserve_format
channels_last = memory_format.channels_last
channels_last_3d = memory_format.channels_last_3d
