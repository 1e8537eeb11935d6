"""Layers with fixed choices: the shuffle of channels, and two ways to enlarge images."""

from collections.abc import Sequence

from minicnn.autograd.tensor import Tensor
from minicnn.nn import functional as F
from minicnn.nn.module import Module
from minicnn.nn.resize import Upsample

__all__ = ["ChannelShuffle", "UpsamplingBilinear2d", "UpsamplingNearest2d"]

Size = int | Sequence[int] | None
Factor = float | Sequence[float] | None


class ChannelShuffle(Module):
    """Take the channels of groups in turn; see `functional.channel_shuffle`."""

    def __init__(self, groups: int) -> None:
        super().__init__()
        self.groups = groups

    def forward(self, input: Tensor) -> Tensor:
        return F.channel_shuffle(input, self.groups)

    def extra_repr(self) -> str:
        return f"groups={self.groups}"


class UpsamplingNearest2d(Upsample):
    """Resize an image by its nearest pixels; an older form of `Upsample`."""

    def __init__(self, size: Size = None, scale_factor: Factor = None) -> None:
        super().__init__(size, scale_factor, mode="nearest")


class UpsamplingBilinear2d(Upsample):
    """Resize an image with ``mode="bilinear", align_corners=True``; an older form of `Upsample`."""

    def __init__(self, size: Size = None, scale_factor: Factor = None) -> None:
        super().__init__(size, scale_factor, mode="bilinear", align_corners=True)
