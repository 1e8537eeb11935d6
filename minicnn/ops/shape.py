"""Shapes, order of axes, repetition, element types and devices: the primitives, their gradients, the public functions.

| primitive | gradient |
|---|---|
| reshape, permute, flip, cast, clone, move | the same primitive in the other direction |
| expand | sum |

reshape (if possible), permute and expand return a view: it shares memory with its tensor.
"""

import builtins
from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from minicnn.autograd.primitive import Primitive, primitive
from minicnn.autograd.tensor import Tensor
from minicnn.dtypes import DType, category, complex64, complex128, default_dtype, float32, float64
from minicnn.errors import DTypeError, ShapeError
from minicnn.ops.axes import axis_of, named_axes, numpy_names, sizes_by_name, sizes_of
from minicnn.ops.places import conversion
from minicnn.runtime.devices import Array, Device, to_host, xp

__all__ = [
    "as_float",
    "broadcast_to",
    "cast",
    "clone",
    "contiguous",
    "expand",
    "flatten",
    "flip",
    "permute",
    "repeat",
    "reshape",
    "squeeze",
    "to",
    "transpose",
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


@primitive
def _flip(x: Array, *, axes: tuple[int, ...]) -> Array:
    return xp(x).flip(x, axes).copy()  # a copy, as in PyTorch: a write to it does not change x


@primitive
def _cast(x: Array, *, dtype: DType, source: DType) -> Array:
    return (x.real if x.dtype.kind == "c" and dtype.kind not in "cb" else x).astype(dtype)


@primitive
def _clone(x: Array) -> Array:
    return xp(x).array(x, order="C")


class _Move(Primitive[Tensor]):
    """The only primitive whose output is on another device than its input."""

    def __call__(self, x: Tensor, *, target: Device, source: Device) -> Tensor:  # type: ignore[override]
        y: Tensor = super().__call__(x, target=target, source=source)
        y.device = target
        return y


@_Move
def _move(x: Array, *, target: Device, source: Device) -> Array:
    out = target.array(to_host(x))
    return out.copy() if out is x else out  # cpu and cudasim could share memory; other devices never do


@primitive(view=True)
def expand(x: Array, *, shape: tuple[int, ...]) -> Array:
    """Broadcast x to a shape without a copy: axes of size 1 and new leading axes are repeated."""
    return xp(x).broadcast_to(x, shape)


@primitive
def _sum(x: Array, *, axes: tuple[int, ...], keepdim: bool) -> Array:
    """Return the sum; float32 is added in float64, because NumPy adds rows one after another, and loses digits."""
    wide = {float32: float64, complex64: complex128}.get(x.dtype)
    if wide is not None:
        return x.sum(axis=axes, dtype=wide, keepdims=keepdim).astype(x.dtype)
    return x.sum(axis=axes, keepdims=keepdim)


for _operation in (_reshape, _permute, _flip, _cast, _clone, _move, expand, _sum):
    _operation.takes_complex = True


def _sum_to(g: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Return the gradient of `expand`: the sum over the repeated axes."""
    extra = g.ndim - len(shape)
    axes = tuple(range(extra)) + tuple(extra + i for i, s in enumerate(shape) if s == 1 and g.shape[extra + i] != 1)
    return _reshape(_sum(g, axes=axes, keepdim=False), shape=shape)


def _expand_reduced(g: Tensor, shape: tuple[int, ...], axes: tuple[int, ...]) -> Tensor:
    """Expand the result of a reduction back to `shape`: repeat it along the reduced axes."""
    kept = tuple(1 if i in axes else s for i, s in enumerate(shape))
    return expand(_reshape(g, shape=kept), shape=shape)


_reshape.gradient(x=lambda grad, x_shape: _reshape(grad, shape=x_shape))
_permute.gradient(x=lambda grad, axes: _permute(grad, axes=tuple(int(a) for a in np.argsort(axes))))
_reshape.write_back = lambda x, v, shape: _reshape(v, shape=x.shape)
_permute.write_back = lambda x, v, axes: _permute(v, axes=tuple(int(a) for a in np.argsort(axes)))
_flip.gradient(x=lambda grad, axes: _flip(grad, axes=axes))
_cast.gradient(x=lambda grad, source: cast(grad, source))
_clone.gradient(x=lambda grad: grad)
_move.gradient(x=lambda grad, target, source: _move(grad, target=source, source=target))
expand.gradient(x=lambda grad, x_shape: _sum_to(grad, x_shape))
_sum.gradient(x=lambda grad, x_shape, axes: _expand_reduced(grad, x_shape, axes))


# --- shape ----------------------------------------------------------------------------------------------------


@sizes_by_name("shape")
def reshape(input: Tensor, *shape: Any) -> Tensor:
    """Return the elements of input, in row-major order, in another shape; a size of -1 is computed from the others.

    Raises
    ------
    ShapeError
        If the number of elements changes, or more than one size is -1.

    Examples
    --------
    >>> import minicnn
    >>> reshape(minicnn.tensor([[1, 2, 3], [4, 5, 6]]), 3, -1).tolist()
    [[1, 2], [3, 4], [5, 6]]
    """
    sizes = sizes_of("reshape", shape)
    known = prod(s for s in sizes if s != -1)
    unknown = builtins.sum(s == -1 for s in sizes)
    total = prod(input.shape)
    fits = total == known if not unknown else unknown == 1 and known and total % known == 0
    if not fits or any(s < -1 for s in sizes):
        raise ShapeError(f"reshape: {input.shape} holds {total} elements and does not fit into {sizes}")
    return _reshape(input, shape=tuple(total // known if s == -1 else s for s in sizes))


@sizes_by_name("size")
def _view(input: Tensor, *shape: Any) -> Tensor:
    """Return the elements of input in another shape, as `reshape`, but always share its memory.

    Raises
    ------
    ShapeError
        If the elements do not fit into the shape, or only a copy would have it.

    Examples
    --------
    >>> import minicnn
    >>> x = minicnn.tensor([1, 2, 3, 4])
    >>> x.view(2, 2)[0, 0] = 9
    >>> x.tolist()
    [9, 2, 3, 4]
    """
    y = reshape(input, *shape)
    if y._origin is None and y.array.size:
        raise ShapeError(
            f"view: elements of shape {input.shape} with the strides {input.array.strides} need a copy to become "
            f"{y.shape}; use reshape"
        )
    return y


def flatten(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """Merge the axes from start_dim to end_dim into one axis.

    Raises
    ------
    ShapeError
        If start_dim comes after end_dim.
    """
    if not input.ndim:
        return reshape(input, 1)
    start, end = axis_of("flatten", start_dim, input.ndim), axis_of("flatten", end_dim, input.ndim)
    if start > end:
        raise ShapeError(f"flatten: start_dim={start_dim} comes after end_dim={end_dim}")
    return reshape(input, (*input.shape[:start], prod(input.shape[start : end + 1]), *input.shape[end + 1 :]))


def unflatten(input: Tensor, dim: int, sizes: Sequence[int]) -> Tensor:
    """Split one axis into several axes with these sizes."""
    axis = axis_of("unflatten", dim, input.ndim)
    return reshape(input, input.shape[:axis] + tuple(sizes) + input.shape[axis + 1 :])


@sizes_by_name("dims")
def permute(input: Tensor, *dims: Any) -> Tensor:
    """Return input with its axes in another order: axis i of the result is axis dims[i] of input.

    Raises
    ------
    ShapeError
        If `dims` does not contain each axis once.
    """
    axes = tuple(axis_of("permute", d, input.ndim) for d in sizes_of("permute", dims))
    if sorted(axes) != list(range(input.ndim)):
        raise ShapeError(f"permute: {sizes_of('permute', dims)} does not name each of the {input.ndim} axes once")
    return _permute(input, axes=axes)


def transpose(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """Return input with two axes swapped."""
    axes = list(range(input.ndim))
    a, b = axis_of("transpose", dim0, input.ndim), axis_of("transpose", dim1, input.ndim)
    if axes:
        axes[a], axes[b] = axes[b], axes[a]
    return _permute(input, axes=tuple(axes))


@numpy_names
def squeeze(input: Tensor, dim: int | Sequence[int] | None = None) -> Tensor:
    """Remove axes of size 1: all of them, or the axes in `dim` that have size 1."""
    axes = named_axes("squeeze", dim, input.ndim)
    return reshape(input, tuple(s for i, s in enumerate(input.shape) if s != 1 or i not in axes))


@numpy_names
def unsqueeze(input: Tensor, dim: int) -> Tensor:
    """Insert an axis of size 1 at position `dim`."""
    axis = axis_of("unsqueeze", dim, input.ndim + 1)
    return reshape(input, (*input.shape[:axis], 1, *input.shape[axis:]))


def flip(input: Tensor, dims: int | Sequence[int]) -> Tensor:
    """Return a copy of input with the elements along axes in reverse order."""
    return _flip(input, axes=named_axes("flip", dims, input.ndim))


# --- repetition -----------------------------------------------------------------------------------------------


def broadcast_to(input: Tensor, size: Sequence[int]) -> Tensor:
    """Broadcast input to a size without a copy: axes of size 1 are repeated; a size of -1 stays the same.

    Raises
    ------
    ShapeError
        If the size of an axis is neither 1 nor the new size.
    """
    extra = len(size) - input.ndim
    sizes = tuple(input.shape[i - extra] if s == -1 and i >= extra else s for i, s in enumerate(size))
    if (
        extra < 0
        or any(s < 0 for s in sizes)
        or any(a not in (1, b) for a, b in zip(input.shape, sizes[extra:], strict=True))
    ):
        raise ShapeError(f"expand: {input.shape} cannot be repeated to {tuple(size)}; only axes of size 1 can")
    return expand(input, shape=sizes)


@sizes_by_name("repeats")
def repeat(input: Tensor, *sizes: Any) -> Tensor:
    """Return a tensor with copies of input side by side: `sizes` gives the number of copies along each axis.

    Raises
    ------
    ShapeError
        If there are fewer numbers than axes, or a number is negative.

    Examples
    --------
    >>> import minicnn
    >>> repeat(minicnn.tensor([1, 2]), 2).tolist()
    [1, 2, 1, 2]
    """
    times = sizes_of("repeat", sizes)
    if len(times) < input.ndim or any(t < 0 for t in times):
        raise ShapeError(f"repeat: give a count >= 0 for each of the {input.ndim} axes of {input.shape}, got {times}")
    old = (1,) * (len(times) - input.ndim) + input.shape
    paired = reshape(input, tuple(v for s in old for v in (1, s)))
    expanded = expand(paired, shape=tuple(v for t, s in zip(times, old, strict=True) for v in (t, s)))
    return reshape(clone(expanded), tuple(t * s for t, s in zip(times, old, strict=True)))


# --- memory and type ------------------------------------------------------------------------------------------


def clone(input: Tensor, *, memory_format: Any = None) -> Tensor:
    """Return a copy of input in row-major order; `memory_format` has no effect."""
    return _clone(input)


def contiguous(input: Tensor, memory_format: Any = None) -> Tensor:
    """Return input if its memory is in row-major order, and a copy in row-major order otherwise.

    `memory_format` has no effect.
    """
    return input if input.array.flags.c_contiguous else clone(input)


def to(
    x: Tensor,
    *args: Any,
    dtype: Any = None,
    device: str | Device | None = None,
    copy: bool = False,
    non_blocking: bool = False,
    memory_format: Any = None,
) -> Tensor:
    """Convert the element type or move to a device: `x.to("cuda")`, `x.to(minicnn.float64)`, `x.to(other)`.

    Return x if nothing changes, unless `copy` is True. `non_blocking` and `memory_format` have no effect.

    Raises
    ------
    DeviceError, MissingPackageError
        If the device does not exist, or does not work on this machine.
    DTypeError
        If an argument is neither a device nor an element type.
    """
    dtype, device, copy = conversion(args, dtype, device, copy)
    target = x.device if device is None else Device.named(device)
    try:
        wanted = x.dtype if dtype is None else DType(dtype)
    except TypeError:
        raise DTypeError(f"to: expected a device, an element type or a tensor, got {dtype!r}") from None
    category(wanted)
    moved = x if target is x.device else _move(x, target=target, source=x.device)
    if wanted == x.dtype and not (copy and moved is x):
        return moved
    return cast(moved, wanted)


def cast(x: Tensor, dtype: DType) -> Tensor:
    """Convert x to an element type; the gradient is converted back."""
    return _cast(x, dtype=dtype, source=x.dtype)


def as_float(x: Tensor) -> Tensor:
    """Convert bools and integers to the default float type; return floats and complex numbers unchanged."""
    return x if x.array.dtype.kind in "fc" else cast(x, default_dtype)
