"""ChannelShuffle, which mixes the channels of groups."""

from minicnn.autograd.tensor import Tensor
from minicnn.nn import functional as F
from minicnn.nn.module import Module

__all__ = ["ChannelShuffle"]


class ChannelShuffle(Module):
    """Take the channels of groups in turn; see `functional.channel_shuffle`."""

    def __init__(self, groups: int) -> None:
        super().__init__()
        self.groups = groups

    def forward(self, input: Tensor) -> Tensor:
        return F.channel_shuffle(input, self.groups)

    def extra_repr(self) -> str:
        return f"groups={self.groups}"
