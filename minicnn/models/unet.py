"""EditingUNet, a U-Net of residual blocks that edits photos of any size.

A U-Net works at several resolutions: it halves the resolution again and again, then doubles it again, and adds the
features that it had at the same resolution on the way down (Ronneberger et al., "U-Net", 2015). A pixel of the lowest
resolution is many pixels wide, so a 3×3 kernel sees far there and costs little. Residual blocks, and sums instead of
concatenations, are those of DRUNet (Zhang et al., "Plug-and-play image restoration with deep denoiser prior", 2021).
Each 2×2 pixels become channels first, so the highest resolution is half that of the image (Zhang et al., "FFDNet",
2018). Mean pooling and repeated pixels, with 3×3 convolutions at the low resolution, take half the time of strided and
transposed ones.
"""

from itertools import pairwise

import minicnn.nn as nn
import minicnn.nn.functional as F
from minicnn.autograd.tensor import Tensor
from minicnn.models.editing_network import EditingNetwork, ResidualBlock, scale_down

__all__ = ["EditingUNet"]


class EditingUNet(EditingNetwork):
    """A U-Net that edits images: output = input + learned difference.

    Parameters
    ----------
    in_channels, out_channels : int
        1 for grey, 3 for colour.
    width : int
        The number of channels at the highest resolution. Each lower level has `width` channels more.
    levels : int
        The number of resolutions: the image's / shuffle, / (2 shuffle), ... Three or more need a learning rate of 1e-3.
    blocks : int
        The number of residual blocks of each level, on the way down and again on the way up. The lowest level has them
        once.
    shuffle : int
        Each shuffle × shuffle pixels become channels. A larger number takes less time, but fine details are harder.

    Raises
    ------
    ArgumentError
        If an argument is not a positive integer (`blocks` may be 0).

    Examples
    --------
    >>> import minicnn
    >>> EditingUNet(width=8)(minicnn.zeros(1, 3, 7, 9)).shape
    (1, 3, 7, 9)
    """

    def __init__(
        self,
        in_channels: int = 3,
        out_channels: int = 3,
        width: int = 32,
        levels: int = 2,
        blocks: int = 1,
        shuffle: int = 2,
    ) -> None:
        super().__init__(
            in_channels=in_channels,
            out_channels=out_channels,
            width=width,
            levels=levels,
            blocks=blocks,
            shuffle=shuffle,
        )
        widths = [width * (level + 1) for level in range(levels)]
        self.shuffle = shuffle
        self.multiple = shuffle * 2 ** (levels - 1)
        self.radius = _radius(levels, blocks, shuffle)
        self.head = nn.Conv2d(in_channels * shuffle**2, width, 3, padding=1)
        self.down_blocks = nn.ModuleList(_blocks(w, blocks) for w in widths[:-1])
        self.down = nn.ModuleList(nn.Conv2d(a, b, 3, padding=1) for a, b in pairwise(widths))
        self.bottom = _blocks(widths[-1], blocks)
        up = [nn.Conv2d(b, a, 3, padding=1) for a, b in pairwise(widths)]
        for layer in up:
            scale_down(layer)
        self.up = nn.ModuleList(up)
        self.up_blocks = nn.ModuleList(_blocks(w, blocks) for w in widths[:-1])
        self.tail = nn.Conv2d(width, out_channels * shuffle**2, 3, padding=1)
        scale_down(self.tail)

    def difference(self, x: Tensor) -> Tensor:
        """Map (N, in_channels, H, W) to (N, out_channels, H, W)."""
        h = self.head(F.pixel_unshuffle(x, self.shuffle))
        skips = []
        for blocks, down in zip(self.down_blocks, self.down, strict=True):
            h = blocks(h)
            skips.append(h)
            h = down(F.avg_pool2d(h, 2))
        h = self.bottom(h)
        for blocks, up in reversed(list(zip(self.up_blocks, self.up, strict=True))):
            h = blocks(skips.pop() + F.interpolate(up(h), scale_factor=2))
        return F.pixel_shuffle(self.tail(h), self.shuffle)


def _blocks(width: int, count: int) -> nn.Sequential:
    return nn.Sequential(*(ResidualBlock(width) for _ in range(count)))


def _radius(levels: int, blocks: int, shuffle: int) -> int:
    """Return how far the end of a tile disturbs the result, in pixels of the image.

    The end of a tile disturbs a pixel more with each 3×3 kernel, and pooling disturbs whole pixels of the next level.
    """
    pixels = [shuffle << level for level in range(levels)]  # the width of a pixel of each level
    reach = pixels[0]  # the head
    for small, large in pairwise(pixels):
        reach += 2 * blocks * small
        reach = -(-reach // large) * large + large
    reach += 2 * blocks * pixels[-1]
    for small, large in pairwise(pixels):
        reach += large + 2 * blocks * small
    return reach + pixels[0]  # the tail
