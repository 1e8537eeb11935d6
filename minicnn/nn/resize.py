"""Layers that change the size of an image: interpolation, shuffled channels, padding."""

from collections.abc import Sequence
from typing import Any, ClassVar

from minicnn.autograd.tensor import Tensor
from minicnn.errors import ArgumentError, ShapeError
from minicnn.nn import functional as F
from minicnn.nn.arguments import check_positive
from minicnn.nn.module import Module

__all__ = ["PixelShuffle", "PixelUnshuffle", "ReflectionPad2d", "ReplicationPad2d", "Upsample", "ZeroPad2d"]


class Upsample(Module):
    """Resize by interpolation; the arguments are those of `functional.interpolate`.

    Raises
    ------
    ShapeError
        If not exactly one of `size` and `scale_factor` is given.
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
            raise ArgumentError(f"Upsample: give size or scale_factor, one of them; got {size=}, {scale_factor=}")
        factor: Any = scale_factor
        if scale_factor is not None:
            many = isinstance(scale_factor, Sequence)
            factor = tuple(map(float, scale_factor)) if many else float(scale_factor)  # type: ignore[arg-type]
        self.size, self.scale_factor, self.mode = size, factor, mode
        self.align_corners, self.recompute_scale_factor = align_corners, recompute_scale_factor

    def forward(self, input: Tensor) -> Tensor:
        return F.interpolate(
            input, self.size, self.scale_factor, self.mode, self.align_corners, self.recompute_scale_factor
        )

    def extra_repr(self) -> str:
        size = f"size={self.size}" if self.scale_factor is None else f"scale_factor={self.scale_factor}"
        return f"{size}, mode={self.mode!r}"


class PixelShuffle(Module):
    """(N, C r², H, W) -> (N, C, H r, W r), r = upscale_factor; see `functional.pixel_shuffle`."""

    def __init__(self, upscale_factor: int) -> None:
        super().__init__()
        check_positive("PixelShuffle", upscale_factor=upscale_factor)
        self.upscale_factor = upscale_factor

    def forward(self, input: Tensor) -> Tensor:
        return F.pixel_shuffle(input, self.upscale_factor)

    def extra_repr(self) -> str:
        return f"upscale_factor={self.upscale_factor}"


class PixelUnshuffle(Module):
    """(N, C, H r, W r) -> (N, C r², H, W), r = downscale_factor; see `functional.pixel_unshuffle`."""

    def __init__(self, downscale_factor: int) -> None:
        super().__init__()
        check_positive("PixelUnshuffle", downscale_factor=downscale_factor)
        self.downscale_factor = downscale_factor

    def forward(self, input: Tensor) -> Tensor:
        return F.pixel_unshuffle(input, self.downscale_factor)

    def extra_repr(self) -> str:
        return f"downscale_factor={self.downscale_factor}"


class _Pad2d(Module):
    _mode: ClassVar[str]

    def __init__(self, padding: int | Sequence[int]) -> None:
        super().__init__()
        self.padding = (padding,) * 4 if isinstance(padding, int) else tuple(padding)
        if len(self.padding) != 4:
            raise ShapeError(
                f"{type(self).__name__}: padding must be one integer or (left, right, top, bottom), got {padding}"
            )

    def forward(self, input: Tensor) -> Tensor:
        return F.pad(input, self.padding, mode=self._mode)

    def extra_repr(self) -> str:
        return str(self.padding)


class ReflectionPad2d(_Pad2d):
    """Put mirror images around an image; `padding` is one number or (left, right, top, bottom)."""

    _mode = "reflect"


class ReplicationPad2d(_Pad2d):
    """Repeat the border of an image; `padding` is one number or (left, right, top, bottom)."""

    _mode = "replicate"


class ZeroPad2d(_Pad2d):
    """Put zeros around an image; `padding` is one number or (left, right, top, bottom)."""

    _mode = "constant"
