"""Reading and writing at places that a tensor of integers names: `gather`, `scatter` and their relatives.

Reading is `index`, writing is `index_put`, adding is `index_add`, all from `indexing.py`; so gradients are there too.
For dim=0, an element i, j, k of an index names the element index[i, j, k], j, k of the tensor, and so for other axes.
On a GPU, the integers are not checked.
"""

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from minicnn.autograd.primitive import primitive
from minicnn.autograd.tensor import Tensor
from minicnn.dtypes import DType, int32, int64
from minicnn.errors import ArgumentError, DTypeError, ShapeError
from minicnn.ops.axes import axis_of, numpy_names
from minicnn.ops.comparison import eq, where
from minicnn.ops.create import ones_like
from minicnn.ops.elementwise import add, div, floor_divide, mul
from minicnn.ops.indexing import _index, _index_add, _index_put, _without_tensor, getitem
from minicnn.ops.operands import fitting
from minicnn.ops.shape import broadcast_to, cast, reshape
from minicnn.runtime.devices import Array, to_host, xp

__all__ = [
    "gather",
    "scatter",
    "scatter_add",
    "scatter_reduce",
    "take",
    "take_along_dim",
]

Key = tuple[Any, ...]
MANY = 4096  # elements: from there on, computing their numbers pays

# --- places -------------------------------------------------------------------------------------------------------


def _check_integers(call: str, index: Tensor, size: int, negative: bool = False, kinds: Sequence[DType] = ()) -> None:
    """Raise an error if an index is no tensor of integers below `size`."""
    if not isinstance(index, Tensor) or index.dtype not in (kinds or (int32, int64)):
        got = index.dtype if isinstance(index, Tensor) else type(index).__name__
        raise DTypeError(f"{call}: the index must be a tensor of int64, got {got}; convert it with .long()")
    if index.device.on_host and index.array.size:
        low, high = int(index.array.min()), int(index.array.max())
        if low < (-size if negative else 0) or high >= size:
            wrong = high if high >= size else low
            raise ShapeError(f"{call}: the index {wrong} is out of range for an axis of size {size}")


def _places(call: str, input: Tensor, dim: int, index: Tensor, source: Tensor | None = None) -> Key:
    """Return the places that an index with the axes of `input` names along `dim`, as arrays that index it."""
    axis = axis_of(call, dim, input.ndim)
    size = input.shape[axis]
    _check_integers(call, index, size)
    if index.ndim != input.ndim or (source is not None and source.ndim != input.ndim):
        got = f"index {index.shape}" + ("" if source is None else f", src {source.shape}")
        raise ShapeError(f"{call}: index and src need the {input.ndim} axes of the input, got {got}")
    too_large = any(n > s for i, (n, s) in enumerate(zip(index.shape, input.shape, strict=True)) if i != axis)
    if too_large or (source is not None and any(n > s for n, s in zip(index.shape, source.shape, strict=True))):
        got = f"index {index.shape}, input {input.shape}" + ("" if source is None else f", src {source.shape}")
        raise ShapeError(f"{call}: apart from dim={dim}, the index may not be larger than the tensors, got {got}")
    m = input.device.xp
    grid = [m.arange(n).reshape((-1,) + (1,) * (index.ndim - 1 - i)) for i, n in enumerate(index.shape)]
    return (*grid[:axis], _without_tensor(index, input.device), *grid[axis + 1 :])


def _without_axes(function: Any, input: Tensor, index: Tensor, source: Any, **options: Any) -> Tensor:
    """Call a function for a tensor without axes: it counts as a tensor with one element."""
    source = reshape(source, 1) if isinstance(source, Tensor) and not source.ndim else source
    index = reshape(index, 1) if isinstance(index, Tensor) and not index.ndim else index
    return reshape(function(reshape(input, 1), 0, index, source, **options), ())


@numpy_names
def gather(input: Tensor, dim: int, index: Tensor) -> Tensor:
    """Return out[i][j][k] = input[index[i][j][k]][j][k] for dim=0, and the same along another axis for another `dim`.

    Raises
    ------
    ShapeError
        If the index has other axes than the input, is larger than it, or is out of range.
    DTypeError
        If the index does not hold integers.

    Examples
    --------
    >>> import minicnn
    >>> gather(minicnn.tensor([[1, 2], [3, 4]]), 1, minicnn.tensor([[1], [0]])).tolist()
    [[2], [3]]
    """
    axis = axis_of("gather", dim, input.ndim)
    if not input.ndim:
        _check_integers("gather", index, 1)
        return getitem(reshape(input, 1), index)
    if isinstance(index, Tensor) and not index.array.size:
        _check_integers("gather", index, 1)
        return input.new_zeros(index.shape)
    if isinstance(index, Tensor) and not index.ndim and input.ndim == 1:
        return reshape(gather(input, dim, reshape(index, 1)), ())
    key = _places("gather", input, axis, index)
    if index.array.size < MANY:
        return _index(input, index=key)
    return _index(reshape(input, -1), index=(_numbers(key, input.shape),))


def _numbers(key: Key, shape: tuple[int, ...]) -> Array:
    """Return the numbers, in row-major order, of the elements that arrays select. NumPy takes them two times faster."""
    steps = [prod(shape[i + 1 :]) for i in range(len(shape))]
    parts = [entry.astype(int64, copy=False) * step for entry, step in zip(key, steps, strict=True)]
    parts.sort(key=lambda part: int(part.size))  # the large one comes last, so few large arrays are made
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total


def take(input: Tensor, index: Tensor) -> Tensor:
    """Return the elements of the flattened tensor whose numbers are in `index`, in the shape of the index.

    Raises
    ------
    ShapeError
        If a number is out of range.
    DTypeError
        If the index is no tensor of int64.
    """
    _check_integers("take", index, input.array.size, negative=True, kinds=(int64,))
    return getitem(reshape(input, -1) if input.array.size else reshape(input, 0), index)


@numpy_names
def take_along_dim(input: Tensor, indices: Tensor, dim: int | None = None) -> Tensor:
    """Return the elements that `argsort`, `argmax` and the like name: as `gather`, but the other axes broadcast.

    Without `dim`, the tensors are flattened.

    Raises
    ------
    ShapeError
        If the numbers of axes differ, the other axes do not broadcast, or an index is out of range.
    DTypeError
        If the index is no tensor of int64.
    """
    if dim is None:
        input, indices, dim = reshape(input, input.array.size), reshape(indices, indices.array.size), 0
    axis = axis_of("take_along_dim", dim, input.ndim)
    if indices.ndim != input.ndim:
        raise ShapeError(f"take_along_dim: indices need the {input.ndim} axes of the input, got {indices.shape}")
    size = input.shape[axis] if input.ndim else 1
    _check_integers("take_along_dim", indices, size, negative=True, kinds=(int64,))
    if not input.ndim:
        return getitem(reshape(input, 1), indices)
    try:
        others = np.broadcast_shapes(*((*t.shape[:axis], 1, *t.shape[axis + 1 :]) for t in (input, indices)))
    except ValueError:
        raise ShapeError(f"take_along_dim: {input.shape} and {indices.shape} do not broadcast beside dim") from None
    n = indices.shape[axis]
    indices = broadcast_to(where(indices < 0, indices + size, indices), (*others[:axis], n, *others[axis + 1 :]))
    return gather(broadcast_to(input, (*others[:axis], size, *others[axis + 1 :])), axis, indices)


# --- writing along an axis ------------------------------------------------------------------------------------------


@primitive
def _scatter_extremum(x: Array, v: Array, *, index: Key, largest: bool) -> Array:
    """Return a copy of x whose element at each place is the largest (or smallest) of it and the values there."""
    out = x.copy()
    (xp(x).maximum if largest else xp(x).minimum).at(out, index, v)
    return out


def _share(grad: Tensor, x: Tensor, v: Tensor, y: Tensor, index: Key) -> Tensor:
    """Return the gradient of an extremum, divided by the number of values that are equal to it."""
    winners = cast(eq(v, _index(y, index=index)), x.dtype)
    return div(grad, add(cast(eq(x, y), x.dtype), _index_add(winners, index=index, shape=x.shape)))


_scatter_extremum.gradient(
    share=_share,
    x=lambda share, x, y: mul(share, cast(eq(x, y), x.dtype)),
    v=lambda share, v, y, index: mul(_index(share, index=index), cast(eq(v, _index(y, index=index)), v.dtype)),
)


def _product_at(x: Tensor, v: Tensor, key: Key) -> Tensor:
    """Return x with the element at each place multiplied by the values there.

    Values of one place are multiplied in pairs, until one is left.
    """
    place = np.arange(x.array.size).reshape(x.shape)[tuple(to_host(i) if hasattr(i, "dtype") else i for i in key)]
    place = place.ravel()
    order = np.argsort(place, kind="stable")
    v, place = _index(reshape(v, v.array.size), index=(x.device.array(order),)), place[order]
    rank = np.arange(place.size) - np.searchsorted(place, place)
    while rank.size and rank.max() > 0:
        even = np.flatnonzero(rank % 2 == 0)
        partner = np.minimum(even + 1, place.size - 1)
        paired = Tensor._of(x.device.array((place[partner] == place[even]) & (partner > even)), device=x.device)
        other = _index(v, index=(x.device.array(partner),))
        v = mul(_index(v, index=(x.device.array(even),)), where(paired, other, ones_like(other)))
        place, rank = place[even], rank[even] // 2
    at = (x.device.array(place),)
    flat = reshape(x, x.array.size)
    return reshape(_index_put(flat, mul(_index(flat, index=at), v), index=at), x.shape)


REDUCTIONS = {
    "sum": "sum",
    "prod": "prod",
    "mean": "mean",
    "amax": "amax",
    "amin": "amin",
    "max": "amax",
    "min": "amin",
}


def _identity(reduce: str, dtype: DType) -> Any:
    """Return the number that does not change a result."""
    if reduce in ("sum", "mean", "prod"):
        return int(reduce == "prod")
    if dtype.kind == "f":
        return -np.inf if reduce == "amax" else np.inf
    if dtype.kind == "b":
        return reduce == "amin"
    limits = np.iinfo(dtype)
    return int(limits.min if reduce == "amax" else limits.max)


def _combine(x: Tensor, v: Tensor, key: Key, reduce: str, include_self: bool) -> Tensor:
    """Return x with the values combined into the places, which may repeat."""
    if not include_self:
        x = _index_put(x, fitting("scatter_reduce", _identity(reduce, x.dtype), x.dtype, x.device), index=key)
    if reduce == "prod":
        return _product_at(x, v, key)
    if reduce in ("amax", "amin"):
        return _scatter_extremum(x, v, index=key, largest=reduce == "amax")
    total = add(x, _index_add(v, index=key, shape=x.shape))
    if reduce == "sum":
        return total
    ones = Tensor._wrap(x.device.xp.ones(v.shape, int64), x.device)
    count = _index_add(ones, index=key, shape=x.shape)
    count = add(count, 1) if include_self else where(eq(count, 0), 1, count)
    return div(total, cast(count, x.dtype)) if x.dtype.kind == "f" else floor_divide(total, cast(count, x.dtype))


def _written(call: str, input: Tensor, source: Tensor, index: Tensor) -> Tensor:
    """Return the part of `source` that belongs to an index, after a check of the type."""
    if source.dtype != input.dtype:
        raise DTypeError(f"{call}: the tensor holds {input.dtype}, src holds {source.dtype}; convert with .to()")
    return source if source.shape == index.shape else getitem(source, tuple(slice(n) for n in index.shape))


@numpy_names
def scatter(
    input: Tensor, dim: int, index: Tensor, src: Any = None, *, value: Any = None, reduce: str | None = None
) -> Tensor:
    """Return a copy of input with out[index[i][j][k]][j][k] = src[i][j][k] for dim=0, and so for another `dim`.

    If a place is named several times, the last value stays.

    Parameters
    ----------
    input : Tensor
    dim : int
    index : Tensor of int64
        With the axes of input; not larger than src.
    src : Tensor or number
        With the element type of input.
    value : number
        Instead of src.
    reduce : "add" or "multiply", optional
        Add the values to the elements, or multiply them, instead of replacing them.

    Raises
    ------
    ShapeError
        If the sizes do not fit, or an index is out of range.
    DTypeError
        If the element types differ, or the index does not hold integers.
    ArgumentError
        If `reduce` is something else, or a number does not fit into the element type.

    Examples
    --------
    >>> import minicnn
    >>> scatter(minicnn.zeros(2, 3), 1, minicnn.tensor([[2], [0]]), 1.0).tolist()
    [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]
    """
    source = value if src is None else src
    if reduce not in (None, "add", "multiply"):
        raise ArgumentError(f"scatter: reduce must be 'add' or 'multiply', got {reduce!r}; see scatter_reduce")
    if not input.ndim:
        return _without_axes(scatter, input, index, source, reduce=reduce)
    if isinstance(index, Tensor) and not index.array.size:
        return input.clone()
    if isinstance(source, Tensor):
        key = _places("scatter", input, dim, index, source)
        v = _written("scatter", input, source, index)
    else:
        key = _places("scatter", input, dim, index)
        v = broadcast_to(fitting("scatter", source, input.dtype, input.device), index.shape)
    if reduce is None:
        return _index_put(input, v, index=key)
    return _combine(input, v, key, "sum" if reduce == "add" else "prod", include_self=True)


@numpy_names
def scatter_add(input: Tensor, dim: int, index: Tensor, src: Tensor) -> Tensor:
    """Return a copy of input with src[i][j][k] added to out[index[i][j][k]][j][k] for dim=0.

    Raises
    ------
    ShapeError
        If the sizes do not fit, or an index is out of range.
    DTypeError
        If src is no tensor of the same type, or the index does not hold integers.
    """
    return _scatter_reduce("scatter_add", input, dim, index, src, "sum", True)


@numpy_names
def scatter_reduce(
    input: Tensor, dim: int, index: Tensor, src: Tensor, reduce: str, *, include_self: bool = True
) -> Tensor:
    """Return a copy of input whose elements at the places of `scatter` are combined with the values there.

    Parameters
    ----------
    input, dim, index, src
        As in `scatter`, and so are the errors.
    reduce : {"sum", "prod", "mean", "amax", "amin"}
        Equal extrema share the gradient.
    include_self : bool
        Whether the old element counts.

    Raises
    ------
    ArgumentError
        If `reduce` is something else.
    ShapeError
        If the sizes do not fit, or an index is out of range.
    DTypeError
        If src is no tensor of the same type, or for the mean of bools.

    Examples
    --------
    >>> import minicnn
    >>> x, index = minicnn.tensor([1.0, 2.0, 3.0]), minicnn.tensor([0, 1, 0])
    >>> scatter_reduce(minicnn.zeros(2), 0, index, x, "mean", include_self=False).tolist()
    [2.0, 2.0]
    """
    if reduce not in REDUCTIONS:
        raise ArgumentError(f"scatter_reduce: reduce must be one of {', '.join(REDUCTIONS)}, got {reduce!r}")
    if reduce == "mean" and input.dtype.kind == "b":
        raise DTypeError("scatter_reduce: bools have no mean; convert with .float()")
    return _scatter_reduce("scatter_reduce", input, dim, index, src, REDUCTIONS[reduce], include_self)


def _scatter_reduce(
    call: str, input: Tensor, dim: int, index: Tensor, src: Tensor, reduce: str, include_self: bool
) -> Tensor:
    if not isinstance(src, Tensor):
        raise DTypeError(f"{call}: src must be a tensor, got {type(src).__name__}")
    if not input.ndim:
        src, index = (reshape(t, 1) if not t.ndim else t for t in (src, index))
        return reshape(_scatter_reduce(call, reshape(input, 1), 0, index, src, reduce, include_self), ())
    if isinstance(index, Tensor) and not index.array.size:
        return input.clone()
    key = _places(call, input, dim, index, src)
    return _combine(input, _written(call, input, src, index), key, reduce, include_self)
