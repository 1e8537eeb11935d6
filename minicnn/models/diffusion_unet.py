"""DiffusionUNet, the U-Net of diffusion and flow models: it looks at a noisy picture, a time and a label.

The U-Net of Ho et al. ("Denoising diffusion probabilistic models", 2020), made small: each 2×2 pixels become channels
first, so the highest resolution is half that of the picture. There are two resolutions, with self-attention at the
lower one. Time and label become a vector, which scales and shifts the normalised features of every block (Dhariwal and
Nichol, "Diffusion models beat GANs on image synthesis", 2021).
"""

import math

import minicnn.nn as nn
import minicnn.nn.functional as F
from minicnn.autograd.tape import no_grad
from minicnn.autograd.tensor import Tensor
from minicnn.dtypes import int64
from minicnn.errors import ArgumentError
from minicnn.models.generative_model import check_arguments
from minicnn.ops.comparison import where
from minicnn.ops.create import full, full_like
from minicnn.ops.exponentials import cos, exp, sin
from minicnn.ops.indexing import cat
from minicnn.ops.ranges import arange
from minicnn.ops.sampling import rand

__all__ = ["DiffusionUNet"]

GROUPS = 8
FREQUENCIES = 32  # of the time; the shortest period is 1/1000 of its range
HEAD_WIDTH = 32  # channels of an attention head
NO_LABEL_SHARE = 0.1  # of the labels of a batch


class DiffusionUNet(nn.Module):
    """Map noisy pictures (N, channels, H, W), times (N,) in [0, 1] and labels (N,) to (N, channels, H, W).

    Parameters
    ----------
    channels : int
        Of the pictures, or of latent maps.
    width : int
        The number of channels at the higher resolution, a multiple of 8. The lower one has 2 `width`.
    classes : int
        The number of labels. The label `classes` means "no label"; guidance needs it.
    blocks : int
        The number of blocks of the higher resolution, on the way down and again on the way up, and of the lower one.
    patch : int
        Each patch × patch pixels become channels first.

    Raises
    ------
    ArgumentError
        If an argument is not a positive integer (`classes` may be 0), or `width` is not a multiple of 8.

    Examples
    --------
    >>> import minicnn
    >>> DiffusionUNet(width=8)(minicnn.zeros(2, 1, 28, 28), minicnn.tensor([0.0, 0.5])).shape
    (2, 1, 28, 28)
    """

    def __init__(self, channels: int = 1, width: int = 48, classes: int = 0, blocks: int = 1, patch: int = 2) -> None:
        super().__init__()
        arguments = {"channels": channels, "width": width, "classes": classes, "blocks": blocks, "patch": patch}
        check_arguments("DiffusionUNet", arguments)
        if width % GROUPS:
            raise ArgumentError(f"DiffusionUNet: width must be a multiple of {GROUPS}, got {width}")
        self.patch, self.classes = patch, classes
        wide, vector = 2 * width, 4 * width
        self.time = nn.Sequential(nn.Linear(2 * FREQUENCIES, vector), nn.SiLU(), nn.Linear(vector, vector))
        self.label = nn.Embedding(classes + 1, vector) if classes else None
        self.head = nn.Conv2d(channels * patch**2, width, 3, padding=1)
        self.down_blocks = nn.ModuleList(_Block(width, vector) for _ in range(blocks))
        self.down = nn.Conv2d(width, wide, 3, padding=1)
        self.before = nn.ModuleList(_Block(wide, vector) for _ in range(blocks))
        self.attention = _Attention(wide)
        self.after = nn.ModuleList(_Block(wide, vector) for _ in range(blocks))
        self.up = nn.Conv2d(wide, width, 3, padding=1)
        self.up_blocks = nn.ModuleList(_Block(width, vector) for _ in range(blocks))
        self.norm = nn.GroupNorm(GROUPS, width)
        self.tail = _zero(nn.Conv2d(width, channels * patch**2, 3, padding=1))

    def forward(self, x: Tensor, time: Tensor, label: Tensor | None = None) -> Tensor:
        """Return the result; without labels that for "no label".

        Raises
        ------
        ArgumentError
            If there are labels, but the network has no classes.
        """
        vector = self.time(_waves(time))
        if self.label is not None:
            numbers = full((len(x),), self.classes, dtype=int64, device=x.device) if label is None else label
            vector = vector + self.label(numbers)
        elif label is not None:
            raise ArgumentError("DiffusionUNet: the network has no classes; leave the labels out")
        vector = F.silu(vector)
        height, columns = x.shape[2:]
        multiple = 2 * self.patch
        x = F.pad(x, (0, -columns % multiple, 0, -height % multiple), mode="replicate")
        h = self.head(F.pixel_unshuffle(x, self.patch))
        for block in self.down_blocks:
            h = block(h, vector)
        skip = h
        h = self.down(F.avg_pool2d(h, 2))
        for block in self.before:
            h = block(h, vector)
        h = self.attention(h)
        for block in self.after:
            h = block(h, vector)
        h = skip + F.interpolate(self.up(h), scale_factor=2)
        for block in self.up_blocks:
            h = block(h, vector)
        return F.pixel_shuffle(self.tail(F.silu(self.norm(h))), self.patch)[:, :, :height, :columns]

    def without_some(self, labels: Tensor | None) -> Tensor | None:
        """Replace a tenth of the labels by "no label", for a training."""
        if labels is None:
            return None
        return where(rand(len(labels), device=labels.device) < NO_LABEL_SHARE, full_like(labels, self.classes), labels)

    def guided(self, x: Tensor, time: Tensor, labels: Tensor | None, guidance: float) -> Tensor:
        """Return y₀ + g (y - y₀), where y is the result with the labels, y₀ without them, and g the guidance.

        Above 1, pictures become clearer examples of their label and differ less (Ho and Salimans, "Classifier-free
        diffusion guidance", 2022).
        """
        if labels is None or guidance == 1:
            y: Tensor = self(x, time, labels)
            return y
        both = cat([labels, full_like(labels, self.classes)])
        y, y0 = self(cat([x, x]), cat([time, time]), both).chunk(2)
        stronger: Tensor = y0 + guidance * (y - y0)
        return stronger


class _Block(nn.Module):
    """x + conv(silu(scale · norm(conv(silu(norm(x)))) + shift)); the vector of time and label gives scale and shift."""

    def __init__(self, width: int, vector: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.GroupNorm(GROUPS, width), nn.GroupNorm(GROUPS, width)
        self.conv1, self.conv2 = (nn.Conv2d(width, width, 3, padding=1) for _ in range(2))
        self.modulation = _zero(nn.Linear(vector, 2 * width))
        _zero(self.conv2)

    def forward(self, x: Tensor, vector: Tensor) -> Tensor:
        scale, shift = self.modulation(vector).unsqueeze(-1).unsqueeze(-1).chunk(2, dim=1)
        h = self.norm2(self.conv1(F.silu(self.norm1(x))))
        y: Tensor = x + self.conv2(F.silu(h * (1 + scale) + shift))
        return y


class _Attention(nn.Module):
    """x + self-attention between all pixels of the normalised features, in heads of 32 channels or more."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.heads = max(n for n in range(1, max(width // HEAD_WIDTH, 1) + 1) if width % n == 0)
        self.norm = nn.GroupNorm(GROUPS, width)
        self.qkv = nn.Linear(width, 3 * width)
        self.out = _zero(nn.Linear(width, width))

    def forward(self, x: Tensor) -> Tensor:
        batch, width, height, columns = x.shape
        pixels = self.norm(x).flatten(2).transpose(1, 2)  # (N, H W, C)
        parts = self.qkv(pixels).reshape(batch, height * columns, 3, self.heads, width // self.heads)
        q, k, v = parts.permute(2, 0, 3, 1, 4).unbind(0)  # (N, heads, H W, C / heads)
        seen = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)
        y: Tensor = x + self.out(seen).transpose(1, 2).reshape(x.shape)
        return y


def _waves(time: Tensor) -> Tensor:
    """Return sines and cosines of the times (N,) as (N, 64), from slow to fast."""
    frequencies = exp(arange(FREQUENCIES, device=time.device).to(time.dtype) * (math.log(1000) / (FREQUENCIES - 1)))
    angles = time.unsqueeze(1) * frequencies * (2 * math.pi)
    return cat([sin(angles), cos(angles)], dim=1)


def _zero(layer: nn.Conv2d | nn.Linear) -> nn.Conv2d | nn.Linear:
    """Set weight and bias to 0, so that the block begins as the identity."""
    with no_grad():
        for parameter in layer.parameters():
            parameter.zero_()
    return layer
