"""Convolution and transposed convolution, of any number of axes up to three.

ONNX writes the padding of n axes as 2n numbers: first those before the axes, then those after them. `auto_pad` asks for
as many outputs as the input has elements, divided by the stride: SAME_UPPER adds an odd zero at the end, SAME_LOWER at
the beginning.
"""

from collections.abc import Callable, Sequence
from itertools import product
from typing import Any, Literal

import minicnn.nn.functional as F
from minicnn.autograd.tensor import Tensor
from minicnn.errors import ArgumentError, ShapeError
from minicnn.onnx.registry import operator
from minicnn.ops.create import ones
from minicnn.ops.indexing import stack
from minicnn.ops.ranges import arange

__all__ = ["CONVOLUTIONS", "AutoPad", "check_lengths", "pads_of"]

Ints = tuple[int, ...]
AutoPad = Literal["NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID", ""]
CONVOLUTIONS: dict[int, Callable[..., Tensor]] = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
TRANSPOSED: dict[int, Callable[..., Tensor]] = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}


def pads_of(
    auto_pad: str, pads: Sequence[int] | None, sizes: Sequence[int], kernel: Ints, strides: Ints, dilations: Ints
) -> list[tuple[int, int]]:
    """Return the padding (before, after) of each axis."""
    n = len(sizes)
    if auto_pad in ("NOTSET", "") and pads is not None:
        return list(zip(pads[:n], pads[n:], strict=True))
    if not auto_pad.startswith("SAME"):
        return [(0, 0)] * n
    found = []
    for size, k, s, d in zip(sizes, kernel, strides, dilations, strict=True):
        total = max(((size - 1) // s) * s + d * (k - 1) + 1 - size, 0)
        less, more = total // 2, total - total // 2
        found.append((less, more) if auto_pad == "SAME_UPPER" else (more, less))
    return found


def check_lengths(call: str, n: int, **attributes: Ints | None) -> None:
    """Check that each attribute that is given has a number for each of n axes; `pads` has two.

    Raises
    ------
    ArgumentError
        If one has another length.
    """
    for name, value in attributes.items():
        count = 2 * n if name == "pads" else n
        if value is not None and len(value) != count:
            raise ArgumentError(f"{call}: {name} must have {count} numbers for {n} axes, got {value}")


def _check_kernel(call: str, kernel_shape: Ints | None, w: Tensor) -> None:
    if kernel_shape is not None and kernel_shape != w.shape[2:]:
        raise ArgumentError(f"{call}: kernel_shape is {kernel_shape}, but the weight has {tuple(w.shape[2:])}")


def _axes(call: str, x: Tensor, table: dict[int, Callable[..., Tensor]]) -> tuple[int, Any]:
    n = x.ndim - 2
    if n not in table:
        raise ShapeError(f"{call}: the input must have 1, 2 or 3 axes after batch and channels, got {x.shape}")
    return n, table[n]


@operator("Conv")
def _conv(
    x: Tensor,
    w: Tensor,
    b: Tensor | None = None,
    *,
    auto_pad: AutoPad = "NOTSET",
    dilations: Ints | None = None,
    group: int = 1,
    kernel_shape: Ints | None = None,
    pads: Ints | None = None,
    strides: Ints | None = None,
) -> Tensor:
    n, convolve = _axes("Conv", x, CONVOLUTIONS)
    _check_kernel("Conv", kernel_shape, w)
    check_lengths("Conv", n, strides=strides, dilations=dilations, pads=pads)
    strides, dilations = strides or (1,) * n, dilations or (1,) * n
    padding = pads_of(auto_pad, pads, x.shape[2:], w.shape[2:], strides, dilations)
    y: Tensor = convolve(x, w, b, strides, padding, dilations, group)
    return y


@operator("ConvTranspose")
def _conv_transpose(
    x: Tensor,
    w: Tensor,
    b: Tensor | None = None,
    *,
    auto_pad: AutoPad = "NOTSET",
    dilations: Ints | None = None,
    group: int = 1,
    kernel_shape: Ints | None = None,
    output_padding: Ints | None = None,
    output_shape: Ints | None = None,
    pads: Ints | None = None,
    strides: Ints | None = None,
) -> Tensor:
    n, convolve = _axes("ConvTranspose", x, TRANSPOSED)
    _check_kernel("ConvTranspose", kernel_shape, w)
    check_lengths("ConvTranspose", n, strides=strides, dilations=dilations, pads=pads, output_padding=output_padding)
    if output_shape is not None and len(output_shape) not in (n, n + 2):  # older files write batch and channels too
        check_lengths("ConvTranspose", n, output_shape=output_shape)
    strides, dilations, extra = strides or (1,) * n, dilations or (1,) * n, output_padding or (0,) * n
    padding = pads_of("NOTSET", pads, x.shape[2:], w.shape[2:], strides, dilations)
    if output_shape is None and auto_pad.startswith("SAME"):
        output_shape = tuple(size * stride for size, stride in zip(x.shape[2:], strides, strict=True))
    if output_shape is not None:
        axes = zip(x.shape[2:], w.shape[2:], strides, dilations, extra, output_shape[-n:], strict=True)
        totals = [s * (i - 1) + e + d * (k - 1) + 1 - size for i, k, s, d, e, size in axes]
        upper = [(total // 2, total - total // 2) for total in totals]
        padding = upper if auto_pad == "SAME_UPPER" else [(after, before) for before, after in upper]
    if all(before == after >= 0 for before, after in padding) and all(
        e < max(s, d) for e, s, d in zip(extra, strides, dilations, strict=True)
    ):
        y: Tensor = convolve(x, w, b, strides, tuple(before for before, _ in padding), extra, group, dilations)
        return y
    # Without padding first; then the padding is cut off, and the output padding is added.
    y = convolve(x, w, None, strides, 0, 0, group, dilations)
    flat = [width for (before, after), e in zip(padding, extra, strict=True) for width in (e - after, -before)][::-1]
    y = F.pad(y, flat)
    return y if b is None else y + b.reshape(-1, *(1,) * n)


@operator("DeformConv")
def _deform_conv(
    x: Tensor,
    w: Tensor,
    offset: Tensor,
    b: Tensor | None = None,
    mask: Tensor | None = None,
    *,
    dilations: Ints | None = None,
    group: int = 1,
    kernel_shape: Ints | None = None,
    offset_group: int = 1,
    pads: Ints | None = None,
    strides: Ints | None = None,
) -> Tensor:
    """Convolution of images whose taps are moved by offsets (N, 2 G KH KW, OH, OW), row first, and times a mask.

    Dai et al., "Deformable convolutional networks", 2017. Values between the pixels are bilinear (`F.grid_sample`).
    """
    (height, width), (kh, kw) = x.shape[2:], w.shape[2:]
    _check_kernel("DeformConv", kernel_shape, w)
    check_lengths("DeformConv", 2, strides=strides, dilations=dilations, pads=pads)
    (sy, sx), (dy, dx) = strides or (1, 1), dilations or (1, 1)
    top, left = (pads or (0, 0, 0, 0))[:2]
    n, oh, ow = offset.shape[0], *offset.shape[2:]
    images = x.reshape(n * offset_group, x.shape[1] // offset_group, height, width)
    offsets = offset.reshape(n * offset_group, kh * kw, 2, oh, ow)
    rows = (arange(oh, device=x.device) * sy - top).reshape(oh, 1).to(x.dtype)
    columns = (arange(ow, device=x.device) * sx - left).to(x.dtype)
    factors = ones(n * offset_group, kh * kw, oh, ow, dtype=x.dtype, device=x.device)
    factors = factors if mask is None else mask.reshape(factors.shape)
    taps = []
    for tap, (i, j) in enumerate(product(range(kh), range(kw))):
        y_place = rows + i * dy + offsets[:, tap, 0]
        x_place = columns + j * dx + offsets[:, tap, 1]
        grid = stack([(2 * x_place + 1) / width - 1, (2 * y_place + 1) / height - 1], -1)
        taps.append(F.grid_sample(images, grid, align_corners=False) * factors[:, tap : tap + 1])
    # Each tap is an input channel of a 1 × 1 convolution.
    columns_of = stack(taps, 2).reshape(n, x.shape[1] * kh * kw, oh, ow)
    return F.conv2d(columns_of, w.reshape(w.shape[0], w.shape[1] * kh * kw, 1, 1), b, groups=group)
