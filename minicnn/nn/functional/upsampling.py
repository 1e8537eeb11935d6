"""Older names of `interpolate`; they warn."""

from collections.abc import Sequence

from minicnn.autograd.tensor import Tensor
from minicnn.nn.functional.interpolation import interpolate
from minicnn.nn.legacy import warn_of_older_name

__all__ = ["upsample", "upsample_bilinear", "upsample_nearest"]

Size = int | Sequence[int] | None
Factor = float | Sequence[float] | None


def upsample(
    input: Tensor,
    size: Size = None,
    scale_factor: Factor = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
) -> Tensor:
    """Resize an image; an older name of `interpolate`."""
    warn_of_older_name("upsample", "interpolate")
    return interpolate(input, size, scale_factor, mode, align_corners)


def upsample_nearest(input: Tensor, size: Size = None, scale_factor: Factor = None) -> Tensor:
    """Resize an image by its nearest pixels; an older name of `interpolate`."""
    warn_of_older_name("upsample_nearest", "interpolate")
    return interpolate(input, size, scale_factor, "nearest")


def upsample_bilinear(input: Tensor, size: Size = None, scale_factor: Factor = None) -> Tensor:
    """Resize an image with mode="bilinear" and align_corners=True; an older name of `interpolate`."""
    warn_of_older_name("upsample_bilinear", "interpolate")
    return interpolate(input, size, scale_factor, "bilinear", True)
