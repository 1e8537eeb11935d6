"""unfold copies the windows of an image to the columns of a matrix; fold adds columns to the windows of an image.

Both build a `ConvSpec` and call `im2col` and `col2im` of `ops/im2col.py`. Each is the other's gradient.
"""

from collections.abc import Sequence
from math import prod

from minicnn.autograd.tensor import Tensor
from minicnn.errors import ShapeError
from minicnn.geometry import ConvSpec, _per_axis
from minicnn.ops.im2col import col2im, im2col
from minicnn.ops.shape import squeeze, unsqueeze

__all__ = ["fold", "unfold"]

Ints = int | Sequence[int]


def _spec(
    call: str, size: tuple[int, ...], kernel_size: Ints, dilation: Ints, padding: Ints, stride: Ints, noun: str
) -> ConvSpec:
    kernel = _per_axis(call, "kernel_size", kernel_size, 2, 1)
    dilations = _per_axis(call, "dilation", dilation, 2, 1)
    pads = tuple((p, p) for p in _per_axis(call, "padding", padding, 2, 0))
    spec = ConvSpec(size, kernel, _per_axis(call, "stride", stride, 2, 1), pads, dilations)
    if min(size) < 1 or min(spec.output_size) < 1:
        raise ShapeError(
            f"{call}: a window of {kernel} (dilation={dilations}) does not fit {noun} {size} with "
            f"padding={tuple(p for p, _ in pads)}; pad more or use a smaller kernel_size"
        )
    return spec


def unfold(input: Tensor, kernel_size: Ints, dilation: Ints = 1, padding: Ints = 0, stride: Ints = 1) -> Tensor:
    """Copy every window of an image to a column.

    columns[n, (c, k, l), (i, j)] = x[n, c, i stride + k dilation - padding, j stride + l dilation - padding]

    Parameters
    ----------
    input : Tensor, (N, C, H, W) or (C, H, W)
    kernel_size, dilation, stride : int or pair of int
    padding : int or pair of int
        Zeros around the image.

    Returns
    -------
    Tensor, (N, C KH KW, L) or (C KH KW, L)
        L = OH OW windows in row-major order, OH = (H + 2 padding - dilation (KH - 1) - 1) // stride + 1.

    Raises
    ------
    ShapeError
        If a window does not fit or a parameter is out of range.

    Notes
    -----
    The result needs KH KW / stride² times the memory of the image. `weight.flatten(1) @ unfold(x, ...)` is a
    convolution.

    Examples
    --------
    >>> import minicnn
    >>> unfold(minicnn.arange(6.0).reshape(1, 1, 2, 3), 2).tolist()
    [[[0.0, 1.0], [1.0, 2.0], [3.0, 4.0], [4.0, 5.0]]]
    """
    if input.ndim == 3:
        return squeeze(unfold(unsqueeze(input, 0), kernel_size, dilation, padding, stride), 0)
    if input.ndim != 4:
        raise ShapeError(f"unfold: input must be (N, C, H, W) or (C, H, W), got {input.shape}")
    spec = _spec("unfold", input.shape[2:], kernel_size, dilation, padding, stride, "the image")
    return im2col(input, spec=spec)


def fold(
    input: Tensor, output_size: Ints, kernel_size: Ints, dilation: Ints = 1, padding: Ints = 0, stride: Ints = 1
) -> Tensor:
    """Add every column to its window of an image. This is the adjoint of `unfold`, not its inverse.

    Where windows overlap, values add up. Divide by `fold(unfold(ones))` to get their average.

    Parameters
    ----------
    input : Tensor, (N, C KH KW, L) or (C KH KW, L)
        L windows in row-major order.
    output_size : int or pair of int
        Height and width of the image.
    kernel_size, dilation, padding, stride : int or pair of int
        As for `unfold`.

    Returns
    -------
    Tensor, (N, C, H, W) or (C, H, W)

    Raises
    ------
    ShapeError
        If the input's shape does not belong to these windows, a window does not fit, or a parameter is out of range.

    Examples
    --------
    >>> import minicnn
    >>> fold(minicnn.ones(1, 4, 2), (2, 3), 2).tolist()
    [[[[1.0, 2.0, 1.0], [1.0, 2.0, 1.0]]]]
    """
    if input.ndim == 2:
        return squeeze(fold(unsqueeze(input, 0), output_size, kernel_size, dilation, padding, stride), 0)
    if input.ndim != 3:
        raise ShapeError(f"fold: input must be (N, C KH KW, L) or (C KH KW, L), got {input.shape}")
    size = _per_axis("fold", "output_size", output_size, 2, 1)
    spec = _spec("fold", size, kernel_size, dilation, padding, stride, "output_size")
    taps, windows = len(spec.taps), prod(spec.output_size)
    if input.shape[1] % taps or input.shape[2] != windows:
        raise ShapeError(
            f"fold: input must be (N, C {taps}, {windows}) for windows of {spec.kernel_size} on {size}, "
            f"{spec.output_size} of them; got {input.shape}"
        )
    return col2im(input, spec=spec)
