"""Reading and writing the slices along an axis, or the elements, that a vector of integers names.

Reading is `index`, writing is `index_put`, adding is `index_add`, all from `indexing.py`; so gradients are there too.
"""

from collections.abc import Sequence
from math import prod
from typing import Any

from minicnn.autograd.tensor import Tensor
from minicnn.dtypes import int64
from minicnn.errors import DTypeError, ShapeError
from minicnn.ops.axes import axis_of, numpy_names
from minicnn.ops.elementwise import add, mul
from minicnn.ops.indexing import _index_add, _index_put, _split_index, _without_tensor, getitem
from minicnn.ops.operands import fitting
from minicnn.ops.scatter import Key, _check_integers, _without_axes
from minicnn.ops.shape import broadcast_to, reshape
from minicnn.runtime.devices import xp

__all__ = ["index_add", "index_copy", "index_fill", "index_put", "index_select", "put"]


def _slices(call: str, input: Tensor, dim: int, index: Tensor, source: Tensor | None, negative: bool = False) -> Key:
    """Return the key of the slices along `dim` that a vector of integers names, after checks."""
    axis = axis_of(call, dim, input.ndim)
    _check_integers(call, index, input.shape[axis], negative)
    if index.ndim > 1:
        raise ShapeError(f"{call}: the index must be a vector, got {index.shape}")
    if source is not None:
        n = index.array.size
        wanted = (*input.shape[:axis], n, *input.shape[axis + 1 :])
        if source.shape != wanted:
            raise ShapeError(
                f"{call}: {n} slices of {input.shape} along dim={dim} have shape {wanted}, got {source.shape}"
            )
        if source.dtype != input.dtype:
            raise DTypeError(f"{call}: the tensor holds {input.dtype}, source holds {source.dtype}; convert with .to()")
    return (slice(None),) * axis + (_without_tensor(reshape(index, index.array.size), input.device), ...)


@numpy_names
def index_select(input: Tensor, dim: int, index: Tensor) -> Tensor:
    """Return the slices along `dim` whose numbers are in `index`, a vector of integers.

    Raises
    ------
    ShapeError
        If the index is no vector, or out of range.
    DTypeError
        If the index does not hold integers.

    Examples
    --------
    >>> import minicnn
    >>> index_select(minicnn.tensor([[1, 2], [3, 4]]), 0, minicnn.tensor([1, 1])).tolist()
    [[3, 4], [3, 4]]
    """
    if not input.ndim and isinstance(index, Tensor) and index.array.size != 1:
        raise ShapeError(f"index_select: a tensor without axes has one slice, got the index {index.shape}")
    key = _slices("index_select", input if input.ndim else reshape(input, 1), dim, index, None)
    return getitem(input, key) if input.ndim else input.clone()


@numpy_names
def index_add(input: Tensor, dim: int, index: Tensor, source: Tensor, *, alpha: float = 1) -> Tensor:
    """Return a copy of input with alpha times each slice of `source` added to the slice that `index` names.

    Raises
    ------
    ShapeError
        If the sizes do not fit, or an index is out of range.
    DTypeError
        If the element types differ, or the index does not hold integers.

    Examples
    --------
    >>> import minicnn
    >>> index_add(minicnn.zeros(2), 0, minicnn.tensor([1, 1]), minicnn.tensor([2.0, 3.0])).tolist()
    [0.0, 5.0]
    """
    if not input.ndim and not source.ndim:
        return _without_axes(index_add, input, index, source, alpha=alpha)
    key = _slices("index_add", input, dim, index, source)
    source = source if alpha == 1 else mul(source, fitting("index_add", alpha, input.dtype, input.device))
    return add(input, _index_add(source, index=key, shape=input.shape))


@numpy_names
def index_copy(input: Tensor, dim: int, index: Tensor, source: Tensor) -> Tensor:
    """Return a copy of input in which the slices that `index` names are replaced by those of `source`.

    Raises
    ------
    ShapeError
        If the sizes do not fit, or an index is out of range.
    DTypeError
        If the element types differ, or the index does not hold integers.
    """
    if not input.ndim and source.array.size == 1:
        return _without_axes(index_copy, input, index, source)
    return _index_put(input, source, index=_slices("index_copy", input, dim, index, source))


@numpy_names
def index_fill(input: Tensor, dim: int, index: Tensor, value: Any) -> Tensor:
    """Return a copy of input in which the slices that `index` names are filled with a number, or with a 0-d tensor.

    Raises
    ------
    ShapeError
        If the index is no vector or out of range, or the value has axes.
    DTypeError
        If the index does not hold int64.
    """
    if not isinstance(index, Tensor) or index.dtype != int64:
        raise DTypeError(f"index_fill: the index must be a tensor of int64, got {getattr(index, 'dtype', index)}")
    filled = fitting("index_fill", value, input.dtype, input.device)
    if not input.ndim:
        return _without_axes(index_fill, input, index, value)
    _slices("index_fill", input, dim, index, None, negative=True)  # checks
    m = xp(index.array)
    once = m.unique(index.array % max(input.shape[dim], 1)).astype(int64)  # twice would count the gradient twice
    index = Tensor._of(once, device=index.device)
    key = _slices("index_fill", input, dim, index, None, negative=True)
    part = (*input.shape[: len(key) - 2], index.array.size, *input.shape[len(key) - 1 :])
    return _index_put(input, broadcast_to(filled, part), index=key)


def index_put(input: Tensor, indices: Sequence[Tensor], values: Tensor, accumulate: bool = False) -> Tensor:
    """Return a copy of input with input[indices] = values, or with the values added.

    Raises
    ------
    DTypeError
        If the element types differ, or an index is no tensor.
    ShapeError
        If the sizes do not fit, or an index is out of range.
    """
    if values.dtype != input.dtype or not all(isinstance(i, Tensor) for i in indices):
        raise DTypeError(f"index_put: expected tensors as indices and values of {input.dtype}, got {values.dtype}")
    try:
        (key,) = _split_index(tuple(reshape(i, 1) if not i.ndim else i for i in indices), input.ndim, input.device)
        shape = input.array[key].shape
    except (IndexError, TypeError, ValueError) as error:
        raise ShapeError(f"index_put: {error}; the tensor is {input.shape}") from error
    v = values if values.shape == shape else broadcast_to(values, shape)
    return add(input, _index_add(v, index=key, shape=input.shape)) if accumulate else _index_put(input, v, index=key)


def put(input: Tensor, index: Tensor, source: Tensor, accumulate: bool = False) -> Tensor:
    """Return a copy of input in which the elements with the numbers in `index`, counted row by row, are replaced.

    With `accumulate`, the values of `source` are added.

    Raises
    ------
    ShapeError
        If the numbers of elements differ, or a number is out of range.
    DTypeError
        If the element types differ, or the index is no tensor of int64.
    """
    _check_integers("put", index, input.array.size, negative=True, kinds=(int64,))
    if index.array.size != source.array.size:
        raise ShapeError(f"put: index and source need the same number of elements, got {index.shape}, {source.shape}")
    n, flat = index.array.size, reshape(input, prod(input.shape))
    return reshape(index_put(flat, (reshape(index, n),), reshape(source, n), accumulate), input.shape)
