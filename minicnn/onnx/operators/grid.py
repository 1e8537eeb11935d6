"""Images at points of a grid."""

from typing import Literal

import minicnn.nn.functional as F
from minicnn.autograd.tensor import Tensor
from minicnn.onnx.registry import operator
from minicnn.onnx.values import integers

__all__: list[str] = []

Padding = Literal["zeros", "border", "reflection"]
Mode = Literal["linear", "nearest", "cubic", "bilinear", "bicubic"]
MODES = {"linear": "bilinear", "cubic": "bicubic"}  # the names before version 20 were PyTorch's


@operator("AffineGrid")
def _affine_grid(theta: Tensor, size: Tensor, *, align_corners: int = 0) -> Tensor:
    return F.affine_grid(theta, integers(size), bool(align_corners))


@operator("GridSample")
def _grid_sample(
    x: Tensor,
    grid: Tensor,
    *,
    align_corners: int = 0,
    mode: Mode = "linear",
    padding_mode: Padding = "zeros",
) -> Tensor:
    return F.grid_sample(x, grid, MODES.get(mode, mode), padding_mode, bool(align_corners))
