"""Elements and slices at places that a tensor gives. Negative places count from the end."""

from math import prod
from typing import Literal

from minicnn.autograd.tensor import Tensor
from minicnn.onnx.registry import operator
from minicnn.onnx.values import integers, number
from minicnn.ops.axes import axis_of
from minicnn.ops.comparison import where
from minicnn.ops.create import zeros
from minicnn.ops.ranges import arange

__all__: list[str] = []

Mode = Literal["linear", "circular"]
Reduction = Literal["none", "add", "mul", "max", "min"]
REDUCTIONS = {"add": "sum", "mul": "prod", "max": "amax", "min": "amin"}


def _positive(index: Tensor, size: int) -> Tensor:
    index = index.long()
    return where(index < 0, index + size, index)


@operator("Gather")
def _gather(x: Tensor, index: Tensor, *, axis: int = 0) -> Tensor:
    """The axis becomes the axes of the index."""
    axis = axis_of("Gather", axis, x.ndim)
    rows = x.index_select(axis, _positive(index, x.shape[axis]).reshape(-1))
    return rows.reshape(*x.shape[:axis], *index.shape, *x.shape[axis + 1 :])


@operator("GatherElements")
def _gather_elements(x: Tensor, index: Tensor, *, axis: int = 0) -> Tensor:
    return x.gather(axis, _positive(index, x.shape[axis]))


def _flat_places(index: Tensor, sizes: tuple[int, ...]) -> Tensor:
    """Return the places in the flattened axes of these sizes; the last axis of the index holds a place's numbers."""
    flat = zeros(index.shape[:-1], dtype=index.dtype, device=index.device)
    for i, size in enumerate(sizes):
        flat = flat * size + _positive(index[..., i], size)
    return flat


@operator("GatherND")
def _gather_nd(x: Tensor, index: Tensor, *, batch_dims: int = 0) -> Tensor:
    """The last axis of the index holds places in the axes after the `batch_dims` first ones."""
    end = batch_dims + index.shape[-1]
    batch, rest = prod(x.shape[:batch_dims]), x.shape[end:]
    places = _flat_places(index, x.shape[batch_dims:end]).reshape(batch, -1)
    rows = x.reshape(batch, prod(x.shape[batch_dims:end]), *rest)
    return rows[arange(batch, device=x.device).unsqueeze(1), places].reshape(*index.shape[:-1], *rest)


@operator("ScatterElements")
def _scatter_elements(
    x: Tensor, index: Tensor, updates: Tensor, *, axis: int = 0, reduction: Reduction = "none"
) -> Tensor:
    places = _positive(index, x.shape[axis])
    if reduction == "none":
        return x.scatter(axis, places, updates)
    return x.scatter_reduce(axis, places, updates, REDUCTIONS[reduction])


operator("Scatter")(_scatter_elements)


@operator("ScatterND")
def _scatter_nd(x: Tensor, index: Tensor, updates: Tensor, *, reduction: Reduction = "none") -> Tensor:
    """The last axis of the index holds places in the first axes."""
    lead, rest = x.shape[: index.shape[-1]], x.shape[index.shape[-1] :]
    places, rows = _flat_places(index, lead).reshape(-1), x.reshape(prod(lead), -1)
    places = places.unsqueeze(1).broadcast_to((places.shape[0], rows.shape[1]))
    return _scatter_elements(rows, places, updates.reshape(places.shape), reduction=reduction).reshape(*lead, *rest)


@operator("TensorScatter")
def _tensor_scatter(
    past: Tensor,
    update: Tensor,
    write_indices: Tensor | None = None,
    *,
    axis: int = -2,
    mode: Mode = "linear",
) -> Tensor:
    """Write the update into the axis of a cache from a place on, which each sample of the batch has for itself."""
    axis = axis_of("TensorScatter", axis, past.ndim)
    batch, size = past.shape[0], past.shape[axis]
    first = zeros(batch, dtype=arange(1).dtype) if write_indices is None else write_indices
    places = first.unsqueeze(1) + arange(update.shape[axis], device=past.device).unsqueeze(0)
    places = places % size if mode == "circular" else places
    places = places.reshape([n if i in (0, axis) else 1 for i, n in enumerate(update.shape)])
    return past.scatter(axis, places.broadcast_to(update.shape), update)


@operator("OneHot")
def _one_hot(index: Tensor, depth: Tensor, values: Tensor, *, axis: int = -1) -> Tensor:
    """values[1] at the index along a new axis, and values[0] elsewhere; everywhere where the index is out of range."""
    count = int(number(depth))
    off, on = values.unbind(0)
    axis = axis_of("OneHot", axis, index.ndim + 1)
    numbers = arange(count, device=index.device).reshape(count, *(1,) * (index.ndim - axis))
    return where(_positive(index, count).unsqueeze(axis) == numbers, on, off)


@operator("Compress")
def _compress(x: Tensor, condition: Tensor, *, axis: int | None = None) -> Tensor:
    """The slices where the condition holds, of the flattened tensor if there is no axis."""
    x, axis = (x.reshape(-1), 0) if axis is None else (x, axis)
    return x.index_select(axis, condition.nonzero().reshape(-1))


@operator("NonZero")
def _non_zero(x: Tensor) -> Tensor:
    """A row for each axis."""
    places: Tensor = x.nonzero()
    return places.T


@operator("Col2Im")
def _col2im(
    x: Tensor,
    image_shape: Tensor,
    block_shape: Tensor,
    *,
    dilations: tuple[int, ...] | None = None,
    pads: tuple[int, ...] | None = None,
    strides: tuple[int, ...] | None = None,
) -> Tensor:
    """Add the columns to the places of the image that they come from: the adjoint of im2col, for any number of axes."""
    sizes, block = integers(image_shape), integers(block_shape)
    n = len(sizes)
    widths, steps, gaps = pads or (0,) * 2 * n, strides or (1,) * n, dilations or (1,) * n
    padded = [size + widths[i] + widths[n + i] for i, size in enumerate(sizes)]
    counts = [(padded[i] - gaps[i] * (block[i] - 1) - 1) // steps[i] + 1 for i in range(n)]
    flat = zeros(*block, *counts, dtype=arange(1).dtype)
    for i in range(n):  # the place along axis i is tap · dilation + window · stride
        tap = (arange(block[i]) * gaps[i]).reshape([-1 if j == i else 1 for j in range(2 * n)])
        window = (arange(counts[i]) * steps[i]).reshape([-1 if j == n + i else 1 for j in range(2 * n)])
        flat = flat * padded[i] + tap + window
    batch, channels = x.shape[0], x.shape[1] // prod(block)
    image = zeros(batch, channels, prod(padded), dtype=x.dtype, device=x.device)
    columns = x.reshape(batch, channels, prod(block) * prod(counts))
    image = image.index_add(2, flat.reshape(-1).to(x.device), columns).reshape(batch, channels, *padded)
    return image[(..., *(slice(widths[i], widths[i] + size) for i, size in enumerate(sizes)))]
