"""Indexing, concatenation, padding and splitting: the primitives, their gradients and the public functions.

| primitive | gradient |
|---|---|
| index | index_add into zeros |
| index_put | for the value: index; for the tensor: the gradient with zeros at the overwritten elements |
| cat | index, with a slice for each tensor |
| pad | index |

Indices are the same as in PyTorch: integers, slices (also with negative steps), None, ..., bool masks and integer
tensors. Unlike in NumPy, integers are applied first: x[0, :, tensor] is x[0][:, tensor]. If the index contains only
integers, slices, None and ..., the result is a view: it shares memory with its tensor.
"""

import builtins
from collections.abc import Sequence
from typing import Any

import numpy as np

from minicnn.autograd.primitive import primitive
from minicnn.autograd.tape import mode
from minicnn.autograd.tensor import Tensor
from minicnn.dtypes import int64, result_type
from minicnn.errors import DTypeError, OutOfRangeError, ShapeError
from minicnn.ops.axes import axis_of, numpy_names
from minicnn.ops.in_place import in_place, write
from minicnn.ops.shape import broadcast_to, cast, reshape
from minicnn.runtime.devices import Array, Device, to_host, xp

__all__ = [
    "cat",
    "chunk",
    "getitem",
    "roll",
    "setitem",
    "split",
    "stack",
    "unbind",
]

# --- the primitives -------------------------------------------------------------------------------------------


@primitive(view=True)
def _index(x: Array, *, index: tuple[Any, ...]) -> Array:
    return x[index]


@primitive
def _index_add(g: Array, *, index: tuple[Any, ...], shape: tuple[int, ...]) -> Array:
    """Return zeros of `shape` with g added at the index; repeated elements of the index are added repeatedly."""
    out = xp(g).zeros(shape, g.dtype)
    if g.dtype == int64:  # CuPy adds only unsigned integers; the bits are the same
        return _index_add.body(g.view(np.uint64), index=index, shape=shape).view(int64)
    if all(i is None or i is Ellipsis or isinstance(i, slice | int) for i in index):
        out[index] = g
        return out
    for to, part in ((out.real, g.real), (out.imag, g.imag)) if g.dtype.kind == "c" else ((out, g),):
        xp(g).add.at(to, index, part)  # CuPy adds only real numbers
    return out


@primitive
def _index_put(x: Array, v: Array, *, index: tuple[Any, ...]) -> Array:
    """Return a copy of x with v written at the index."""
    out = x.copy()
    out[index] = v
    return out


@primitive
def _cat(*xs: Array, axis: int) -> Array:
    return xp(xs[0]).concatenate(xs, axis)


@primitive
def _stack(*xs: Array, axis: int) -> Array:
    return xp(xs[0]).stack(xs, axis)


@primitive
def _pad(x: Array, *, widths: tuple[tuple[int, int], ...], value: float) -> Array:
    return xp(x).pad(x, widths, constant_values=value)


for _operation in (_index, _index_add, _index_put, _cat, _stack, _pad):
    _operation.takes_complex = True


def _slice_of(g: Tensor, position: int, shapes: tuple[tuple[int, ...], ...], axis: int) -> Tensor:
    """Return the part of the gradient of `cat` that belongs to the tensor at this position."""
    start = builtins.sum(s[axis] for s in shapes[:position])
    return _index(g, index=(slice(None),) * axis + (slice(start, start + shapes[position][axis]),))


_index.gradient(x=lambda grad, x_shape, index: _index_add(grad, index=index, shape=x_shape))
_index.write_back = _index_put
_index_add.gradient(g=lambda grad, index: _index(grad, index=index))
_index_put.gradient(
    x=lambda grad, v_shape, index: _index_put(grad, grad.new_zeros(v_shape), index=index),
    v=lambda grad, index: _taken_once(grad, index),
)
_cat.gradient(xs=lambda grad, position, xs_shape, axis: _slice_of(grad, position, xs_shape, axis))
_stack.gradient(xs=lambda grad, position, axis: _index(grad, index=(slice(None),) * axis + (position, ...)))
_pad.gradient(
    x=lambda grad, x_shape, widths: _index(
        grad, index=tuple(slice(b, b + s) for (b, _), s in zip(widths, x_shape, strict=True))
    )
)


def _taken_once(grad: Tensor, index: tuple[Any, ...]) -> Tensor:
    """Return grad[index], and 0 for the values that a later value at the same place has overwritten."""
    taken = _index(grad, index=index)
    if not any(getattr(i, "dtype", None) is not None and i.dtype.kind in "iu" for i in index):
        return taken  # slices, numbers and masks select no place twice
    m = xp(grad.array)
    order, places = m.arange(taken.array.size).reshape(taken.shape), m.empty(grad.shape, int64)
    places[index] = order
    last = places[index] == order
    if grad.device.on_host and last.all():
        return taken
    return taken * Tensor._of(last.astype(grad.dtype), device=grad.device)


# --- indexing -------------------------------------------------------------------------------------------------


def _without_tensor(index: Any, device: Device) -> Any:
    """Return an entry of an index without Tensor. Arrays are copied, because the gradient needs the current values."""
    if isinstance(index, Tensor):
        index = index.array
    elif isinstance(index, list):
        index = np.array(index) if index else np.zeros(0, np.int64)
    if not hasattr(index, "dtype"):
        return index
    if index.ndim == 0 and index.dtype.kind in "iu":
        return int(index)
    return index.copy() if device.array(index) is index else device.array(to_host(index))


def _key(index: Any, device: Device) -> tuple[Any, ...]:
    """Return the index as a tuple with a `...`: then NumPy returns a view even for a single element."""
    entries = tuple(_without_tensor(i, device) for i in (index if isinstance(index, tuple) else (index,)))
    return entries if any(e is Ellipsis for e in entries) else (*entries, ...)


def _is_array(entry: Any) -> bool:
    return hasattr(entry, "dtype")


def _split_index(index: Any, ndim: int, device: Device) -> list[tuple[Any, ...]]:
    """Return the keys to apply one after another: integers first, if the index also contains arrays."""
    key = _key(index, device)
    arrays = [i for i in key if _is_array(i)]
    if not arrays or not any(_is_int(i) for i in key):
        return [key]
    taken = [_axes_taken(i) for i in key]
    # `...` becomes slices, because NumPy treats arrays before and after `...` differently.
    rest = (slice(None),) * (ndim - builtins.sum(taken))
    first: list[Any] = []
    then: list[Any] = []
    for i, axes in zip(key, taken, strict=True):
        if i is Ellipsis:
            first += rest
            then += rest
        elif _is_int(i):
            first.append(i)
        else:
            first += (slice(None),) * axes
            then.append(i)
    return [(*first, ...), (*then, ...)]


def _is_int(entry: Any) -> bool:
    return isinstance(entry, int) and not isinstance(entry, bool)


def _axes_taken(entry: Any) -> int:
    """Return the number of axes that an entry of an index consumes."""
    if entry is None or entry is Ellipsis or isinstance(entry, bool):
        return 0
    return int(entry.ndim) if _is_array(entry) and entry.dtype.kind == "b" else 1


def getitem(x: Tensor, index: Any) -> Tensor:
    """Return x[index] for integers, slices, None, ..., bool masks and integer tensors, as in PyTorch.

    Raises
    ------
    ShapeError
        If the index does not fit the shape. On a GPU, the integers in a tensor are not checked.

    Examples
    --------
    >>> import minicnn
    >>> x = minicnn.tensor([[1, 2, 3], [4, 5, 6]])
    >>> x[:, -1].tolist(), x[x > 2].tolist()
    ([3, 6], [3, 4, 5, 6])
    """
    try:
        part = x
        for key in [(index, ...)] if type(index) is int else _split_index(index, x.ndim, x.device):
            part = _index(part, index=key)
        return part
    except (IndexError, TypeError, ValueError) as error:
        raise _misfit(error, x) from error


def _misfit(error: Exception, x: Tensor) -> ShapeError:
    """Return our error for an index that NumPy refuses; it is an IndexError too if NumPy's is one."""
    kind = OutOfRangeError if isinstance(error, IndexError) else ShapeError
    return kind(f"index: {error}; the tensor is {x.shape}")


def setitem(x: Tensor, index: Any, value: Any) -> None:
    """Write x[index] = value in place. The gradient goes to the value, and to the elements of x that are not replaced.

    Raises
    ------
    ShapeError
        If the index or the value does not fit the shape.
    AutogradError
        If the call must be recorded, and x is a leaf that requires a gradient, or a view of one.
    DTypeError
        If the value does not consist of numbers.
    """
    try:
        key, *then = _split_index(index, x.ndim, x.device)
        selected_shape = (x.array[key][then[0]] if then else x.array[key]).shape
    except (IndexError, TypeError, ValueError) as error:
        raise _misfit(error, x) from error
    if then:  # modify a copy of the part that the integers select, and write it back
        part = _index(x, index=key).clone()
        setitem(part, then[0], value)
        setitem(x, key, part)
        return
    try:
        v = value if isinstance(value, Tensor) else Tensor._of(x.device.array(value, x.dtype), device=x.device)
    except (TypeError, ValueError) as error:
        raise DTypeError(f"index: the value is not made of numbers ({error}); use a number or a tensor") from error
    v = v if v.dtype == x.dtype else cast(v, x.dtype)
    extra = v.ndim - len(selected_shape)
    if extra > 0 and v.shape[:extra] == (1,) * extra:
        v = reshape(v, v.shape[extra:])
    v = v if v.shape == selected_shape else broadcast_to(v, selected_shape)
    if mode.recording and (x.requires_grad or v.requires_grad):
        in_place(x, lambda old: _index_put(old, v, index=key))
    else:
        write(x, key, v.array)


# --- concatenation and splitting ------------------------------------------------------------------------------


def _require_tensors(call: str, tensors: Sequence[Tensor]) -> list[Tensor]:
    tensors = list(tensors)
    if wrong := [type(t).__name__ for t in tensors if not isinstance(t, Tensor)]:
        raise DTypeError(f"{call}: expected tensors, got {wrong[0]}; use minicnn.from_numpy")
    return tensors


@numpy_names
def cat(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """Concatenate tensors along an existing axis; their element types are promoted.

    Raises
    ------
    DTypeError
        If an argument is not a tensor.
    ShapeError
        If the list is empty, a tensor has no axes, or the other sizes differ.
    """
    tensors = _require_tensors("cat", tensors)
    if not tensors or not all(t.ndim for t in tensors):
        got = ", ".join(str(t.shape) for t in tensors) or "none"
        raise ShapeError(f"cat: expected tensors of at least one axis, got {got}; use stack() for 0-d tensors")
    axis = axis_of("cat", dim, tensors[0].ndim)
    rest = {(*t.shape[:axis], *t.shape[axis + 1 :]) for t in tensors}
    if len(rest) > 1 or len({t.ndim for t in tensors}) > 1:
        raise ShapeError(f"cat: sizes may differ along dim={dim} only, got {', '.join(str(t.shape) for t in tensors)}")
    dtype = result_type([t.dtype for t in tensors], [], [])
    return _cat(*(t if t.dtype == dtype else cast(t, dtype) for t in tensors), axis=axis)


@numpy_names
def stack(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """Concatenate tensors of one shape along a new axis.

    Raises
    ------
    DTypeError
        If an argument is not a tensor.
    ShapeError
        If the shapes differ, or the list is empty.
    """
    tensors = _require_tensors("stack", tensors)
    if len({t.shape for t in tensors}) != 1:
        got = ", ".join(str(t.shape) for t in tensors) or "none"
        raise ShapeError(f"stack: expected tensors of one shape, got {got}")
    axis = axis_of("stack", dim, tensors[0].ndim + 1)
    dtype = result_type([t.dtype for t in tensors], [], [])
    return _stack(*(t if t.dtype == dtype else cast(t, dtype) for t in tensors), axis=axis)


@numpy_names
def split(tensor: Tensor, split_size_or_sections: int | Sequence[int], dim: int = 0) -> tuple[Tensor, ...]:
    """Split along an axis into parts of a size (the last may be smaller), or of the sizes in a list.

    Raises
    ------
    ShapeError
        If the size is below 1, the sizes do not add up to the size of the axis, or the tensor has no axes.

    Examples
    --------
    >>> import minicnn
    >>> [part.tolist() for part in split(minicnn.tensor([1, 2, 3]), 2)]
    [[1, 2], [3]]
    """
    axis, n = _axis_and_size("split", tensor, dim)
    if isinstance(split_size_or_sections, int):
        if split_size_or_sections < 1:
            raise ShapeError(f"split: split_size must be at least 1, got {split_size_or_sections}")
        sizes = [min(split_size_or_sections, n - i) for i in range(0, n, split_size_or_sections)] or [0]
    else:
        sizes = list(split_size_or_sections)
        if builtins.sum(sizes) != n:
            raise ShapeError(f"split: sizes {sizes} add up to {builtins.sum(sizes)}, but dim={dim} has {n}")
    starts = [builtins.sum(sizes[:i]) for i in range(len(sizes))]
    return tuple(
        _index(tensor, index=(slice(None),) * axis + (slice(start, start + size),))
        for start, size in zip(starts, sizes, strict=True)
    )


@numpy_names
def chunk(input: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """Split along an axis into at most `chunks` parts of equal size; the last may be smaller.

    Raises
    ------
    ShapeError
        If `chunks` is below 1, or input has no axes.
    """
    if chunks < 1:
        raise ShapeError(f"chunk: chunks must be at least 1, got {chunks}")
    return split(input, max(1, -(-_axis_and_size("chunk", input, dim)[1] // chunks)), dim)


@numpy_names
def unbind(input: Tensor, dim: int = 0) -> tuple[Tensor, ...]:
    """Return a tuple of the slices along an axis; the axis is removed.

    Raises
    ------
    ShapeError
        If input has no axes.
    """
    axis, n = _axis_and_size("unbind", input, dim)
    return tuple(_index.views(input, ({"index": (*(slice(None),) * axis, i, ...)} for i in range(n))))


def roll(input: Tensor, shifts: int | Sequence[int], dims: int | Sequence[int] = ()) -> Tensor:
    """Shift the elements along axes; elements that leave at the end come back at the front.

    Without axes, the elements are shifted in row-major order.

    Raises
    ------
    ShapeError
        If the numbers of shifts and axes differ, or input has no axes.

    Examples
    --------
    >>> import minicnn
    >>> roll(minicnn.tensor([1, 2, 3]), 1, 0).tolist()
    [3, 1, 2]
    """
    steps = (shifts,) if isinstance(shifts, int) else tuple(shifts)
    axes = (dims,) if isinstance(dims, int) else tuple(dims)
    if not axes and len(steps) == 1:
        return reshape(roll(reshape(input, -1), steps, 0), input.shape)
    if len(steps) != len(axes):
        raise ShapeError(f"roll: each axis needs one shift, got shifts={steps} for dims={axes}")
    for shift, dim in zip(steps, axes, strict=True):
        n = _axis_and_size("roll", input, dim)[1]
        cut = -shift % max(n, 1)
        head, tail = split(input, [cut, n - cut], dim)
        input = cat([tail, head], dim)
    return input


def _axis_and_size(call: str, x: Tensor, dim: int) -> tuple[int, int]:
    """Return the axis `dim` as a number >= 0, and its size."""
    if not x.ndim:
        raise ShapeError(f"{call}: expected a tensor with at least one axis, got a 0-d tensor; use reshape(x, 1)")
    axis = axis_of(call, dim, x.ndim)
    return axis, x.shape[axis]
