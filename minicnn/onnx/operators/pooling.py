"""Pooling of signals, images and volumes; see `convolution.py` for the padding."""

from dataclasses import replace
from math import prod

import minicnn.nn.functional as F
from minicnn.autograd.tensor import Tensor
from minicnn.geometry import PoolSpec
from minicnn.onnx.operators.convolution import CONVOLUTIONS, AutoPad, check_lengths, pads_of
from minicnn.onnx.registry import operator
from minicnn.onnx.values import integers
from minicnn.ops.create import ones, zeros
from minicnn.ops.pool import avg_pool, max_pool, winner_index
from minicnn.ops.ranges import arange

__all__: list[str] = []

Ints = tuple[int, ...]


def _spec(
    x: Tensor,
    kernel: Ints,
    auto_pad: str,
    pads: Ints | None,
    strides: Ints | None,
    dilations: Ints | None,
    ceil_mode: int,
    count_include_pad: bool = False,
) -> PoolSpec:
    n = len(kernel)
    check_lengths("pooling", x.ndim - 2, kernel_shape=kernel, strides=strides, dilations=dilations, pads=pads)
    strides, dilations = strides or (1,) * n, dilations or (1,) * n
    padding = tuple(pads_of(auto_pad, pads, x.shape[2:], kernel, strides, dilations))
    ceil = bool(ceil_mode) and not auto_pad.startswith("SAME")
    return PoolSpec(x.shape[2:], kernel, strides, padding, dilations, ceil, count_include_pad)


@operator("MaxPool")
def _max_pool(
    x: Tensor,
    *,
    kernel_shape: Ints,
    auto_pad: AutoPad = "NOTSET",
    ceil_mode: int = 0,
    dilations: Ints | None = None,
    pads: Ints | None = None,
    storage_order: int = 0,
    strides: Ints | None = None,
    outputs: int,
) -> Tensor | tuple[Tensor, Tensor]:
    """The maxima, and their places in the flattened tensor: row by row, with `storage_order` column by column."""
    spec = _spec(x, kernel_shape, auto_pad, pads, strides, dilations, ceil_mode)
    values, winner = max_pool(x, spec=spec)
    if outputs == 1:
        return values
    index: Tensor = winner_index(winner, spec=spec)
    if storage_order:
        place, index = index, zeros(*index.shape, dtype=index.dtype, device=x.device)
        for size, step in zip(spec.input_size[::-1], _steps(spec.input_size)[::-1], strict=True):
            index = index + place % size * step
            place = place.floor_divide(size)
    planes = arange(x.shape[0] * x.shape[1], device=x.device).reshape(*x.shape[:2], *(1,) * len(kernel_shape))
    return values, index + planes * prod(spec.input_size)


def _steps(sizes: Ints) -> list[int]:
    """Return the distances of neighbours along each axis, if the first axis is the fastest one."""
    return [prod(sizes[:i]) for i in range(len(sizes))]


@operator("MaxUnpool")
def _max_unpool(
    x: Tensor,
    index: Tensor,
    output_shape: Tensor | None = None,
    *,
    kernel_shape: Ints,
    pads: Ints | None = None,
    strides: Ints | None = None,
) -> Tensor:
    """Each element at its place in the flattened output, and 0 elsewhere; `output_shape` adds zeros at the ends."""
    n = len(kernel_shape)
    check_lengths("MaxUnpool", x.ndim - 2, kernel_shape=kernel_shape, strides=strides, pads=pads)
    widths, steps = pads or (0,) * 2 * n, strides or (1,) * n
    axes = zip(x.shape[2:], kernel_shape, steps, widths[:n], widths[n:], strict=True)
    sizes = [*x.shape[:2], *((i - 1) * s + k - before - after for i, k, s, before, after in axes)]
    flat = zeros(prod(sizes), dtype=x.dtype, device=x.device)
    y = flat.scatter(0, index.reshape(-1), x.reshape(-1)).reshape(sizes)
    if output_shape is None:
        return y
    more = [wanted - size for wanted, size in zip(integers(output_shape), sizes, strict=True)]
    return F.pad(y, [width for extra in reversed(more) for width in (0, extra)])


@operator("AveragePool")
def _average_pool(
    x: Tensor,
    *,
    kernel_shape: Ints,
    auto_pad: AutoPad = "NOTSET",
    ceil_mode: int = 0,
    count_include_pad: int = 0,
    dilations: Ints | None = None,
    pads: Ints | None = None,
    strides: Ints | None = None,
) -> Tensor:
    spec = _spec(x, kernel_shape, auto_pad, pads, strides, dilations, ceil_mode, bool(count_include_pad))
    if max(spec.dilation) == 1:
        return avg_pool(x, spec=spec)
    counted = ones(1, 1, *x.shape[2:], dtype=x.dtype, device=x.device)
    if count_include_pad:
        counted = F.pad(counted, [width for pair in reversed(spec.padding) for width in pair], value=1.0)
        unpadded = replace(spec, input_size=counted.shape[2:], padding=((0, 0),) * len(kernel_shape))
        return _window_sums(x, spec) / _window_sums(counted, unpadded)
    return _window_sums(x, spec) / _window_sums(counted, spec)


def _window_sums(x: Tensor, spec: PoolSpec) -> Tensor:
    """Return the sum of each window, also of windows with gaps: a convolution of each channel with ones."""
    n = len(spec.kernel_size)
    axes = zip(
        spec.output_size, spec.stride, spec.kernel_size, spec.dilation, spec.input_size, spec.padding, strict=True
    )
    padding = [(before, max((o - 1) * s + d * (k - 1) + 1 - i - before, 0)) for o, s, k, d, i, (before, _) in axes]
    kernel = ones(1, 1, *spec.kernel_size, dtype=x.dtype, device=x.device)
    planes = x.reshape(x.shape[0] * x.shape[1], 1, *x.shape[2:])
    y = CONVOLUTIONS[n](planes, kernel, None, spec.stride, padding, spec.dilation)
    return y.reshape(*x.shape[:2], *y.shape[2:])


@operator("LpPool")
def _lp_pool(
    x: Tensor,
    *,
    kernel_shape: Ints,
    auto_pad: AutoPad = "NOTSET",
    ceil_mode: int = 0,
    dilations: Ints | None = None,
    p: int = 2,
    pads: Ints | None = None,
    strides: Ints | None = None,
) -> Tensor:
    """(Σ |x|^p)^(1/p) of each window."""
    spec = _spec(x, kernel_shape, auto_pad, pads, strides, dilations, ceil_mode)
    return _window_sums(x.abs() ** p, spec) ** (1 / p)


# --- the whole image ------------------------------------------------------------------------------------------


def _spatial(x: Tensor) -> list[int]:
    return list(range(2, x.ndim))


@operator("GlobalAveragePool")
def _global_average_pool(x: Tensor) -> Tensor:
    return x.mean(_spatial(x), keepdim=True)


@operator("GlobalMaxPool")
def _global_max_pool(x: Tensor) -> Tensor:
    return x.amax(_spatial(x), keepdim=True)


@operator("GlobalLpPool")
def _global_lp_pool(x: Tensor, *, p: int = 2) -> Tensor:
    return (x.abs() ** p).sum(_spatial(x), keepdim=True) ** (1 / p)
