"""Layers that change the size of an image: interpolation, pixel shuffle.

Each layer keeps the arguments and calls a function of `functional`.
"""

from collections.abc import Sequence
from typing import Any

from minicnn.autograd.tensor import Tensor
from minicnn.errors import ArgumentError
from minicnn.nn import functional as F
from minicnn.nn.arguments import check_positive
from minicnn.nn.module import Module

__all__ = ["PixelShuffle", "PixelUnshuffle", "Upsample", "UpsamplingBilinear2d", "UpsamplingNearest2d"]


class Upsample(Module):
    """Resize by interpolation; see `functional.interpolate` for the arguments.

    Raises
    ------
    ArgumentError
        If both or neither of `size` and `scale_factor` are given.
    """

    def __init__(
        self,
        size: int | Sequence[int] | None = None,
        scale_factor: float | Sequence[float] | None = None,
        mode: str = "nearest",
        align_corners: bool | None = None,
        recompute_scale_factor: bool | None = None,
    ) -> None:
        super().__init__()
        if (size is None) == (scale_factor is None):
            raise ArgumentError(f"Upsample: give either size or scale_factor; got {size=}, {scale_factor=}")
        factor: Any = scale_factor
        if scale_factor is not None:
            per_axis = isinstance(scale_factor, Sequence)
            factor = tuple(map(float, scale_factor)) if per_axis else float(scale_factor)  # type: ignore[arg-type]
        self.size, self.scale_factor, self.mode = size, factor, mode
        self.align_corners, self.recompute_scale_factor = align_corners, recompute_scale_factor

    def forward(self, input: Tensor) -> Tensor:
        return F.interpolate(
            input, self.size, self.scale_factor, self.mode, self.align_corners, self.recompute_scale_factor
        )

    def extra_repr(self) -> str:
        size = f"size={self.size}" if self.scale_factor is None else f"scale_factor={self.scale_factor}"
        return f"{size}, mode={self.mode!r}"


class UpsamplingNearest2d(Upsample):
    """Resize images; each pixel is a copy of the nearest one. An older name of ``Upsample(mode="nearest")``."""

    def __init__(
        self, size: int | Sequence[int] | None = None, scale_factor: float | Sequence[float] | None = None
    ) -> None:
        super().__init__(size, scale_factor)


class UpsamplingBilinear2d(Upsample):
    """Resize images bilinearly. An older name of ``Upsample(mode="bilinear", align_corners=True)``."""

    def __init__(
        self, size: int | Sequence[int] | None = None, scale_factor: float | Sequence[float] | None = None
    ) -> None:
        super().__init__(size, scale_factor, mode="bilinear", align_corners=True)


class PixelShuffle(Module):
    """Move channels to pixels, (N, C r², H, W) -> (N, C, H r, W r) with r = upscale_factor.

    See `functional.pixel_shuffle`.

    Raises
    ------
    ShapeError
        If `upscale_factor` is not an integer >= 1.
    """

    def __init__(self, upscale_factor: int) -> None:
        super().__init__()
        check_positive("PixelShuffle", upscale_factor=upscale_factor)
        self.upscale_factor = upscale_factor

    def forward(self, input: Tensor) -> Tensor:
        return F.pixel_shuffle(input, self.upscale_factor)

    def extra_repr(self) -> str:
        return f"upscale_factor={self.upscale_factor}"


class PixelUnshuffle(Module):
    """Move pixels to channels, (N, C, H r, W r) -> (N, C r², H, W) with r = downscale_factor.

    See `functional.pixel_unshuffle`.

    Raises
    ------
    ShapeError
        If `downscale_factor` is not an integer >= 1.
    """

    def __init__(self, downscale_factor: int) -> None:
        super().__init__()
        check_positive("PixelUnshuffle", downscale_factor=downscale_factor)
        self.downscale_factor = downscale_factor

    def forward(self, input: Tensor) -> Tensor:
        return F.pixel_unshuffle(input, self.downscale_factor)

    def extra_repr(self) -> str:
        return f"downscale_factor={self.downscale_factor}"
