"""Primitives that move elements without changing them. Each one's gradient is its adjoint, which is found here too.

| moves | adjoint |
|---|---|
| reshape, permute, flip, cast, clone | themselves, the other way |
| expand | sum |
| index | index_put into zeros |
| cat | index, a slice for each part |
| pad | index |
"""

import builtins
from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from minicnn.devices import Array, Device, xp
from minicnn.dtypes import DType, default_dtype
from minicnn.errors import DTypeError, ShapeError
from minicnn.primitive import primitive
from minicnn.tape import mode
from minicnn.tensor import Tensor, replace

__all__ = [
    "as_float",
    "axes_of",
    "axis_of",
    "broadcast_to",
    "cast",
    "cat",
    "chunk",
    "clone",
    "contiguous",
    "expand",
    "flatten",
    "flip",
    "gather",
    "getitem",
    "index_select",
    "permute",
    "repeat",
    "reshape",
    "roll",
    "setitem",
    "split",
    "squeeze",
    "stack",
    "to",
    "transpose",
    "unbind",
    "unflatten",
    "unsqueeze",
]

# --- the primitives -------------------------------------------------------------------------------------------


@primitive(view=True)
def _reshape(x: Array, *, shape: tuple[int, ...]) -> Array:
    return x.reshape(shape)


@primitive(view=True)
def _permute(x: Array, *, axes: tuple[int, ...]) -> Array:
    return x.transpose(axes)


@primitive(view=True)
def _flip(x: Array, *, axes: tuple[int, ...]) -> Array:
    return xp(x).flip(x, axes)


@primitive
def _cast(x: Array, *, dtype: DType, source: DType) -> Array:
    return x.astype(dtype)


@primitive
def clone(x: Array) -> Array:
    """Copy into memory of its own, in row-major order."""
    return xp(x).array(x, order="C")


@primitive(view=True)
def expand(x: Array, *, shape: tuple[int, ...]) -> Array:
    """Repeat axes of size 1, and new leading axes, without a copy."""
    return xp(x).broadcast_to(x, shape)


@primitive
def _sum(x: Array, *, axes: tuple[int, ...], keepdim: bool) -> Array:
    return x.sum(axis=axes, keepdims=keepdim)


@primitive(view=True)
def _index(x: Array, *, index: Any) -> Array:
    return x[index]


@primitive
def _index_add(g: Array, *, index: Any, shape: tuple[int, ...]) -> Array:
    """Zeros of `shape` with g added at the index, as often as the index names an element."""
    out = xp(g).zeros(shape, g.dtype)
    if _is_basic(index):
        out[index] = g
    else:
        xp(g).add.at(out, index, g)
    return out


@primitive
def _index_put(x: Array, v: Array, *, index: Any) -> Array:
    """A copy of x with v written at the index."""
    out = x.copy()
    out[index] = v
    return out


@primitive
def _cat(*xs: Array, axis: int) -> Array:
    return xp(xs[0]).concatenate(xs, axis)


@primitive
def _pad(x: Array, *, widths: tuple[tuple[int, int], ...], value: float) -> Array:
    return xp(x).pad(x, widths, constant_values=value)


def _sum_to(g: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Add up what `expand` repeated."""
    extra = g.ndim - len(shape)
    axes = tuple(range(extra)) + tuple(extra + i for i, s in enumerate(shape) if s == 1 and g.shape[extra + i] != 1)
    return _reshape(_sum(g, axes=axes, keepdim=False), shape=shape)  # type: ignore[no-any-return]


def _spread(g: Tensor, shape: tuple[int, ...], axes: tuple[int, ...]) -> Tensor:
    """Repeat g along the axes that a reduction of `shape` removed or kept as 1."""
    kept = tuple(1 if i in axes else s for i, s in enumerate(shape))
    return expand(_reshape(g, shape=kept), shape=shape)  # type: ignore[no-any-return]


def _part(g: Tensor, position: int, shapes: tuple[tuple[int, ...], ...], axis: int) -> Tensor:
    start = builtins.sum(s[axis] for s in shapes[:position])
    return _index(g, index=(slice(None),) * axis + (slice(start, start + shapes[position][axis]),))  # type: ignore[no-any-return]


_reshape.gradient(x=lambda h, x_shape: _reshape(h, shape=x_shape))
_permute.gradient(x=lambda h, axes: _permute(h, axes=tuple(int(a) for a in np.argsort(axes))))
_flip.gradient(x=lambda h, axes: _flip(h, axes=axes))
_cast.gradient(x=lambda h, source: cast(h, source))
clone.gradient(x=lambda h: h)
expand.gradient(x=lambda h, x_shape: _sum_to(h, x_shape))
_sum.gradient(x=lambda h, x_shape, axes: _spread(h, x_shape, axes))
_index.gradient(x=lambda h, x_shape, index: _index_add(h, index=index, shape=x_shape))
_index_add.gradient(g=lambda h, index: _index(h, index=index))
_index_put.gradient(
    x=lambda h, v_shape, index: _index_put(h, h.new_zeros(v_shape), index=index), v=lambda h, index: _index(h, index=index)
)
_cat.gradient(xs=lambda h, position, xs_shape, axis: _part(h, position, xs_shape, axis))
_pad.gradient(
    x=lambda h, x_shape, widths: _index(
        h, index=tuple(slice(b, b + s) for (b, _), s in zip(widths, x_shape, strict=True))
    )
)


# --- the public functions -------------------------------------------------------------------------------------


def axis_of(call: str, dim: int, ndim: int) -> int:
    """Return `dim` counted from the front."""
    if not -max(ndim, 1) <= dim < max(ndim, 1):
        raise ShapeError(f"{call}: dim={dim} is out of range for a tensor of {ndim} axes")
    return dim % ndim if ndim else 0


def axes_of(call: str, dim: int | Sequence[int] | None, ndim: int) -> tuple[int, ...]:
    """Return the axes that `dim` names, all of them for None or an empty sequence, counted from the front."""
    if dim is None:
        return tuple(range(ndim))
    dims = (dim,) if isinstance(dim, int) else tuple(dim)
    axes = tuple(sorted(axis_of(call, d, ndim) for d in dims)) if ndim else ()
    if len(set(axes)) != len(axes):
        raise ShapeError(f"{call}: dim={dim} names an axis twice")
    return axes or tuple(range(ndim))


def _sizes(args: tuple[Any, ...]) -> tuple[int, ...]:
    return tuple(args[0]) if len(args) == 1 and not isinstance(args[0], int | np.integer) else args


def reshape(x: Tensor, *shape: Any) -> Tensor:
    """Return the elements in row-major order in another shape; one size may be -1 to be worked out.

    Raises
    ------
    ShapeError
        If the number of elements does not fit.
    """
    sizes = _sizes(shape)
    known = prod(s for s in sizes if s != -1)
    unknown = builtins.sum(s == -1 for s in sizes)
    total = prod(x.shape)
    fits = total == known if not unknown else unknown == 1 and known and total % known == 0
    if not fits or any(s < -1 for s in sizes):
        raise ShapeError(f"reshape: {x.shape} holds {total} elements and does not fit into {sizes}")
    return _reshape(x, shape=tuple(total // known if s == -1 else int(s) for s in sizes))  # type: ignore[no-any-return]


def flatten(x: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """Join the axes from start_dim to end_dim."""
    if not x.ndim:
        return reshape(x, 1)
    start, end = axis_of("flatten", start_dim, x.ndim), axis_of("flatten", end_dim, x.ndim)
    if start > end:
        raise ShapeError(f"flatten: start_dim={start_dim} comes after end_dim={end_dim}")
    return reshape(x, x.shape[:start] + (prod(x.shape[start : end + 1]),) + x.shape[end + 1 :])


def unflatten(x: Tensor, dim: int, sizes: Sequence[int]) -> Tensor:
    """Split one axis into several."""
    axis = axis_of("unflatten", dim, x.ndim)
    return reshape(x, x.shape[:axis] + tuple(sizes) + x.shape[axis + 1 :])


def permute(x: Tensor, *dims: Any) -> Tensor:
    """Reorder the axes."""
    axes = tuple(axis_of("permute", d, x.ndim) for d in _sizes(dims))
    if sorted(axes) != list(range(x.ndim)):
        raise ShapeError(f"permute: {_sizes(dims)} does not name each of the {x.ndim} axes once")
    return _permute(x, axes=axes)  # type: ignore[no-any-return]


def transpose(x: Tensor, dim0: int, dim1: int) -> Tensor:
    """Exchange two axes."""
    axes = list(range(x.ndim))
    a, b = axis_of("transpose", dim0, x.ndim), axis_of("transpose", dim1, x.ndim)
    axes[a], axes[b] = axes[b], axes[a]
    return _permute(x, axes=tuple(axes))  # type: ignore[no-any-return]


def squeeze(x: Tensor, dim: int | Sequence[int] | None = None) -> Tensor:
    """Remove axes of size 1: all, or those named where they are 1."""
    axes = axes_of("squeeze", dim, x.ndim)
    return reshape(x, tuple(s for i, s in enumerate(x.shape) if s != 1 or i not in axes))


def unsqueeze(x: Tensor, dim: int) -> Tensor:
    """Insert an axis of size 1."""
    axis = axis_of("unsqueeze", dim, x.ndim + 1)
    return reshape(x, x.shape[:axis] + (1,) + x.shape[axis:])


def flip(x: Tensor, dims: int | Sequence[int]) -> Tensor:
    """Reverse the order along axes."""
    return _flip(x, axes=axes_of("flip", dims, x.ndim))  # type: ignore[no-any-return]


def broadcast_to(x: Tensor, shape: Sequence[int]) -> Tensor:
    """Repeat axes of size 1 without a copy; -1 keeps a size.

    Raises
    ------
    ShapeError
        If an axis is neither 1 nor the wanted size.
    """
    extra = len(shape) - x.ndim
    sizes = tuple(x.shape[i - extra] if s == -1 and i >= extra else s for i, s in enumerate(shape))
    if extra < 0 or any(a not in (1, b) for a, b in zip(x.shape, sizes[extra:], strict=True)):
        raise ShapeError(f"expand: {x.shape} cannot be repeated to {tuple(shape)}; only axes of size 1 can")
    return expand(x, shape=sizes)  # type: ignore[no-any-return]


def cat(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """Join tensors along an axis that they have.

    Raises
    ------
    ShapeError
        If there is no tensor, or their other sizes differ.
    """
    tensors = list(tensors)
    if not tensors:
        raise ShapeError("cat: expected at least one tensor, got none")
    axis = axis_of("cat", dim, tensors[0].ndim)
    rest = {(*t.shape[:axis], *t.shape[axis + 1 :]) for t in tensors}
    if len(rest) > 1 or len({t.ndim for t in tensors}) > 1:
        raise ShapeError(f"cat: sizes may differ along dim={dim} only, got {', '.join(str(t.shape) for t in tensors)}")
    dtype = np.result_type(*(t.dtype for t in tensors))
    return _cat(*(t if t.dtype == dtype else cast(t, dtype) for t in tensors), axis=axis)  # type: ignore[no-any-return]


def stack(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """Join tensors of one shape along a new axis."""
    if len({t.shape for t in tensors}) > 1:
        raise ShapeError(f"stack: all tensors need one shape, got {', '.join(str(t.shape) for t in tensors)}")
    return cat([unsqueeze(t, dim) for t in tensors], dim)


def split(x: Tensor, split_size: int | Sequence[int], dim: int = 0) -> tuple[Tensor, ...]:
    """Cut along an axis into parts of one size (the last may be smaller) or of the given sizes."""
    axis = axis_of("split", dim, x.ndim)
    n = x.shape[axis]
    if isinstance(split_size, int):
        if split_size < 1:
            raise ShapeError(f"split: split_size must be at least 1, got {split_size}")
        sizes = [min(split_size, n - i) for i in range(0, n, split_size)] or [0]
    else:
        sizes = list(split_size)
        if builtins.sum(sizes) != n:
            raise ShapeError(f"split: sizes {sizes} add up to {builtins.sum(sizes)}, but dim={dim} has {n}")
    starts = np.cumsum([0, *sizes])
    index = (slice(None),) * axis
    return tuple(_index(x, index=(*index, slice(int(s), int(s) + n))) for s, n in zip(starts, sizes, strict=False))


def chunk(x: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """Cut along an axis into at most `chunks` parts of equal size."""
    return split(x, max(1, -(-x.shape[axis_of("chunk", dim, x.ndim)] // chunks)), dim)


def unbind(x: Tensor, dim: int = 0) -> tuple[Tensor, ...]:
    """Return the slices along an axis, without that axis."""
    axis = axis_of("unbind", dim, x.ndim)
    return tuple(_index(x, index=(slice(None),) * axis + (i,)) for i in range(x.shape[axis]))


def repeat(x: Tensor, *sizes: Any) -> Tensor:
    """Copy the tensor side by side, so often along each axis."""
    times = tuple(_sizes(sizes))
    if len(times) < x.ndim:
        raise ShapeError(f"repeat: give a count for each of the {x.ndim} axes of {x.shape}, got {times}")
    old = (1,) * (len(times) - x.ndim) + x.shape
    paired = reshape(x, tuple(v for s in old for v in (1, s)))
    spread = expand(paired, shape=tuple(v for t, s in zip(times, old, strict=True) for v in (t, s)))
    return reshape(spread, tuple(t * s for t, s in zip(times, old, strict=True)))


def roll(x: Tensor, shifts: int | Sequence[int], dims: int | Sequence[int]) -> Tensor:
    """Shift along axes; what leaves at the end enters at the front."""
    steps = (shifts,) if isinstance(shifts, int) else shifts
    axes = (dims,) if isinstance(dims, int) else dims
    for shift, dim in zip(steps, axes, strict=True):
        axis = axis_of("roll", dim, x.ndim)
        cut = -shift % max(x.shape[axis], 1)
        head, tail = split(x, [cut, x.shape[axis] - cut], axis)
        x = cat([tail, head], axis)
    return x


# --- indexing -------------------------------------------------------------------------------------------------


def _is_basic(index: Any) -> bool:
    items = index if isinstance(index, tuple) else (index,)
    return all(i is None or i is Ellipsis or isinstance(i, slice | int | np.integer) for i in items)


def _raw(index: Any) -> Any:
    """Tensors in an index become arrays."""
    if isinstance(index, tuple):
        return tuple(_raw(i) for i in index)
    if isinstance(index, Tensor):
        return index.array
    return np.asarray(index) if isinstance(index, list) else index


def getitem(x: Tensor, index: Any) -> Tensor:
    """x[index] with integers, slices, None, ..., bool masks and integer tensors, as in NumPy.

    Raises
    ------
    ShapeError
        If the index does not fit.
    """
    try:
        return _index(x, index=_raw(index))  # type: ignore[no-any-return]
    except IndexError as error:
        raise ShapeError(f"index: {error}; the tensor is {x.shape}") from error


def setitem(x: Tensor, index: Any, value: Any) -> None:
    """x[index] = value, in place; gradients flow to what remains of x and to the value."""
    raw = _raw(index)
    v = value if isinstance(value, Tensor) else Tensor(x.device.array(value, x.dtype), device=x.device)
    v = v if v.dtype == x.dtype else cast(v, x.dtype)
    if mode.recording and (x._node is not None or v._node is not None):
        spot = x.array[raw].shape
        replace(x, _index_put(x, v if v.shape == spot else broadcast_to(v, spot), index=raw))
    else:
        try:
            x.array[raw] = v.array
        except (IndexError, ValueError) as error:
            raise ShapeError(f"index: {error}; the tensor is {x.shape}, the value {v.shape}") from error
        x.mark_modified()


def index_select(x: Tensor, dim: int, index: Tensor) -> Tensor:
    """Return the slices of an axis that a 1-D integer tensor names."""
    return getitem(x, (slice(None),) * axis_of("index_select", dim, x.ndim) + (index,))


def gather(x: Tensor, dim: int, index: Tensor) -> Tensor:
    """Return out[i][j][k] = x[index[i][j][k]][j][k] for dim=0, and likewise along another axis."""
    axis = axis_of("gather", dim, x.ndim)
    if index.ndim != x.ndim or index.dtype.kind not in "iu":
        raise ShapeError(f"gather: index must hold integers in {x.ndim} axes, got {index.dtype} of {index.shape}")
    grid = np.ogrid[tuple(slice(s) for s in index.shape)]
    return getitem(x, (*grid[:axis], index, *grid[axis + 1 :]))


# --- memory and type ------------------------------------------------------------------------------------------


def contiguous(x: Tensor) -> Tensor:
    """Return x itself if its memory is in row-major order, a copy otherwise."""
    return x if x.array.flags.c_contiguous else clone(x)  # type: ignore[no-any-return]


def to(x: Tensor, *args: Any, dtype: Any = None, device: str | Device | None = None, copy: bool = False) -> Tensor:
    """Convert the element type or move to a device: `x.to("cpu")`, `x.to(minicnn.float64)`, `x.to(other)`.

    Raises
    ------
    DeviceError
        If there is no such device.
    DTypeError
        If an argument is neither a device nor an element type.
    """
    for arg in args:
        if isinstance(arg, Tensor):
            dtype, device = arg.dtype, arg.device
        elif isinstance(arg, str | Device):
            device = arg
        else:
            dtype = arg
    if device is not None:
        Device.named(device)
    try:
        wanted = x.dtype if dtype is None else np.dtype(dtype)
    except TypeError:
        raise DTypeError(f"to: expected a device, an element type or a tensor, got {dtype!r}") from None
    if wanted == x.dtype and not copy:
        return x
    return cast(x, wanted)


def cast(x: Tensor, dtype: DType) -> Tensor:
    """Convert the element type; the gradient is converted back."""
    return _cast(x, dtype=dtype, source=x.dtype)  # type: ignore[no-any-return]


def as_float(x: Tensor) -> Tensor:
    """Return integers and bools as the default float type, floats as they are."""
    return x if x.array.dtype.kind == "f" else cast(x, default_dtype)
