"""Shapes, and arrangements of elements."""

from math import prod
from typing import Literal

import minicnn.nn.functional as F
from minicnn.autograd.tensor import Tensor
from minicnn.dtypes import int64
from minicnn.errors import ArgumentError
from minicnn.onnx.registry import operator
from minicnn.onnx.values import axes_of, integers, number
from minicnn.ops.assembly import broadcast_shapes, tensor_split
from minicnn.ops.create import tensor
from minicnn.ops.indexing import cat
from minicnn.ops.ranges import arange

__all__: list[str] = []

Integers = Tensor | tuple[int, ...]
Order = Literal["DCR", "CRD"]  # depth, column, row, or column, row, depth


@operator("Shape")
def _shape(x: Tensor, *, start: int = 0, end: int | None = None) -> Tensor:
    return tensor(list(x.shape[start:end]), int64, x.device)


@operator("Size")
def _size(x: Tensor) -> Tensor:
    return tensor(x.numel(), int64, x.device)


@operator("Reshape")
def _reshape(x: Tensor, shape: Integers, *, allowzero: int = 0) -> Tensor:
    """A 0 keeps the size of its axis, except with `allowzero`."""
    sizes = [x.shape[i] if n == 0 and not allowzero else n for i, n in enumerate(integers(shape))]
    return x.reshape(sizes)


@operator("Flatten")
def _flatten(x: Tensor, *, axis: int = 1) -> Tensor:
    """Two axes: all axes before `axis`, and the others."""
    if not -x.ndim <= axis <= x.ndim:
        raise ArgumentError(f"Flatten: axis={axis} is out of range for a tensor of {x.ndim} axes")
    rows = prod(x.shape[:axis])
    return x.reshape(rows, x.numel() // rows if rows else 0)


@operator("Transpose")
def _transpose(x: Tensor, *, perm: tuple[int, ...] | None = None) -> Tensor:
    return x.permute(*(perm or range(x.ndim)[::-1])) if x.ndim else x


@operator("Squeeze")
def _squeeze(x: Tensor, axes: Integers | None = None) -> Tensor:
    places = [i for i, size in enumerate(x.shape) if size == 1] if axes is None else axes_of(axes, x.ndim)
    if any(x.shape[axis] != 1 for axis in places):
        raise ArgumentError(f"Squeeze: the axes {places} of {x.shape} have more than one element")
    return x.squeeze(tuple(places))


@operator("Unsqueeze")
def _unsqueeze(x: Tensor, axes: Integers) -> Tensor:
    for axis in sorted(axes_of(axes, x.ndim + len(integers(axes)))):
        x = x.unsqueeze(axis)
    return x


@operator("Expand")
def _expand(x: Tensor, shape: Tensor) -> Tensor:
    """Broadcast both ways: the shape may have a 1 where x has more."""
    return x.broadcast_to(broadcast_shapes(x.shape, integers(shape)))


@operator("Tile")
def _tile(x: Tensor, repeats: Tensor) -> Tensor:
    return x.tile(integers(repeats))


@operator("Concat")
def _concat(*tensors: Tensor, axis: int = 1) -> Tensor:
    return cat(list(tensors), axis)


@operator("Split")
def _split(
    x: Tensor, split: Integers | None = None, *, axis: int = 0, num_outputs: int | None = None, outputs: int
) -> tuple[Tensor, ...]:
    """Parts of the given sizes, or equal parts; the last one is smaller if they are not whole."""
    count = num_outputs or outputs
    sizes = None if split is None else integers(split)
    whole = sizes is None or (len(sizes) == outputs and sum(sizes) == x.shape[axis] and min(sizes) >= 0)
    if count != outputs or not whole:
        given = f"num_outputs={num_outputs}" if sizes is None else f"the sizes {sizes}"
        raise ArgumentError(f"Split: {given} do not fit to {outputs} outputs of an axis of {x.shape[axis]} elements")
    if sizes is not None:
        return x.split(sizes, axis)
    size = -(-x.shape[axis] // count)
    return tensor_split(x, [size * i for i in range(1, count)], axis)


@operator("Slice")
def _slice(
    x: Tensor,
    starts: Integers,
    ends: Integers,
    axes: Integers | None = None,
    steps: Integers | None = None,
) -> Tensor:
    """As Python's slices, also with negative steps."""
    first, last = integers(starts), integers(ends)
    places = axes_of(axes, x.ndim)[: len(first)]
    strides = [1] * len(first) if steps is None else integers(steps)
    for start, end, axis, step in zip(first, last, places, strides, strict=True):
        if step < 0:
            x = x.index_select(axis, tensor(list(range(x.shape[axis]))[start:end:step], int64, x.device))
        else:
            x = x[(slice(None),) * axis + (slice(start, end, step),)]
    return x


@operator("Pad", settings=(2,))
def _pad(
    x: Tensor,
    pads: Integers,
    value: Tensor | float | None = None,
    axes: Tensor | None = None,
    *,
    mode: Literal["constant", "reflect", "edge", "wrap"] = "constant",
) -> Tensor:
    """First the widths before the axes, then those after them."""
    widths, places = integers(pads), axes_of(axes, x.ndim)
    pairs = dict(zip(places, zip(widths[: len(places)], widths[len(places) :], strict=True), strict=True))
    flat = [width for axis in reversed(range(x.ndim)) for width in pairs.get(axis, (0, 0))]
    if mode == "constant":
        return F.pad(x, flat, value=0 if value is None else number(value))
    return F.pad(x, flat, {"reflect": "reflect", "edge": "replicate", "wrap": "circular"}[mode])


@operator("DepthToSpace")
def _depth_to_space(x: Tensor, *, blocksize: int, mode: Order = "DCR") -> Tensor:
    """`mode` is the order of the channels: depth, column, row, or column, row, depth as in `pixel_shuffle`."""
    if mode == "DCR":
        n, c, h, w = x.shape
        groups = x.reshape(n, blocksize**2, c // blocksize**2, h, w)
        x = groups.transpose(1, 2).reshape(n, c, h, w)
    return F.pixel_shuffle(x, blocksize)


@operator("SpaceToDepth")
def _space_to_depth(x: Tensor, *, blocksize: int, mode: Order = "DCR") -> Tensor:
    y = F.pixel_unshuffle(x, blocksize)
    if mode == "CRD":
        return y
    n, c, h, w = y.shape
    return y.reshape(n, x.shape[1], blocksize**2, h, w).transpose(1, 2).reshape(n, c, h, w)


@operator("Trilu")
def _trilu(x: Tensor, k: Tensor | None = None, *, upper: int = 1) -> Tensor:
    diagonal = 0 if k is None else number(k)
    return x.triu(diagonal) if upper else x.tril(diagonal)


@operator("ReverseSequence")
def _reverse_sequence(x: Tensor, lengths: Tensor, *, batch_axis: int = 1, time_axis: int = 0) -> Tensor:
    """Turn around the first elements of each sequence, as many as its length."""
    if {batch_axis, time_axis} != {0, 1}:
        raise ArgumentError(f"ReverseSequence: the axes must be 0 and 1, got {batch_axis} and {time_axis}")
    rows = x if batch_axis == 0 else x.transpose(0, 1)
    time = arange(rows.shape[1], device=x.device).unsqueeze(0)
    ends = lengths.unsqueeze(1)
    index = (ends - 1 - time) * (time < ends) + time * (time >= ends)
    y = rows[arange(rows.shape[0], device=x.device).unsqueeze(1), index]
    return y if batch_axis == 0 else y.transpose(0, 1)


@operator("CenterCropPad")
def _center_crop_pad(x: Tensor, shape: Tensor, *, axes: tuple[int, ...] | None = None) -> Tensor:
    """Remove or add elements on both sides of each axis; one that is left over is at its end."""
    wanted = dict(zip(axes_of(axes, x.ndim), integers(shape), strict=True))
    flat: list[int] = []
    for axis in reversed(range(x.ndim)):
        more = wanted.get(axis, x.shape[axis]) - x.shape[axis]
        before = more // 2 if more >= 0 else -(-more // 2)
        flat += [before, more - before]
    return F.pad(x, flat)
