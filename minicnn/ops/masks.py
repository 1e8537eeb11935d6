"""Reading and writing where a mask is true."""

from math import prod
from typing import Any

from minicnn.autograd.tensor import Tensor
from minicnn.errors import DTypeError, ShapeError
from minicnn.ops.comparison import where
from minicnn.ops.indexing import _index, _index_put
from minicnn.ops.operands import common_shape, fitting
from minicnn.ops.shape import broadcast_to, reshape

__all__ = ["argwhere", "masked_fill", "masked_scatter", "masked_select", "nonzero"]


def _both(call: str, input: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Return a tensor and a mask in their common shape."""
    if not isinstance(mask, Tensor) or mask.dtype.kind != "b":
        got = mask.dtype if isinstance(mask, Tensor) else type(mask).__name__
        raise DTypeError(f"{call}: the mask must be a bool tensor, got {got}; convert it with .bool()")
    shape = common_shape(call, (input, mask))
    return tuple(t if t.shape == shape else broadcast_to(t, shape) for t in (input, mask))  # type: ignore[return-value]


def masked_fill(input: Tensor, mask: Tensor, value: Any) -> Tensor:
    """Return a copy of input with `value`, a number or a 0-d tensor, where the mask is true. The type stays.

    Raises
    ------
    DTypeError
        If the mask does not hold bools.
    ShapeError
        If the shapes do not broadcast, or the value has axes.

    Examples
    --------
    >>> import minicnn
    >>> x = minicnn.tensor([1.0, -2.0])
    >>> masked_fill(x, x < 0, 0.0).tolist()
    [1.0, 0.0]
    """
    input, mask = _both("masked_fill", input, mask)
    return where(mask, fitting("masked_fill", value, input.dtype, input.device), input)


def masked_select(input: Tensor, mask: Tensor) -> Tensor:
    """Return the elements where the mask is true, as a vector; the shapes broadcast.

    Raises
    ------
    DTypeError
        If the mask does not hold bools.
    """
    input, mask = _both("masked_select", input, mask)
    if not input.ndim:
        input, mask = reshape(input, 1), reshape(mask, 1)
    return _index(input, index=(mask.array.copy(),))


def masked_scatter(input: Tensor, mask: Tensor, source: Tensor) -> Tensor:
    """Return a copy of input whose elements where the mask is true are the first elements of `source`, in order.

    Raises
    ------
    DTypeError
        If the mask does not hold bools, or the element types differ.
    ShapeError
        If `source` has too few elements.
    """
    if not isinstance(source, Tensor) or source.dtype != input.dtype:
        raise DTypeError(
            f"masked_scatter: source must be a tensor of {input.dtype}, got {getattr(source, 'dtype', source)}"
        )
    input, mask = _both("masked_scatter", input, mask)
    n, have = int(mask.array.sum()), prod(source.shape)
    if n > have:
        raise ShapeError(f"masked_scatter: the mask is true {n} times, but source has {have} elements")
    shape = input.shape
    if not input.ndim:
        input, mask = reshape(input, 1), reshape(mask, 1)
    values = _index(reshape(source, have), index=(slice(n),))
    return reshape(_index_put(input, values, index=(mask.array.copy(),)), shape)


def nonzero(input: Tensor, *, as_tuple: bool = False) -> Any:
    """Return the indices of the elements that are not 0: a row for each element, or a tensor for each axis.

    Examples
    --------
    >>> import minicnn
    >>> nonzero(minicnn.tensor([[0, 5], [7, 0]])).tolist()
    [[0, 1], [1, 0]]
    """
    if as_tuple:
        return where(input)
    m = input.device.xp
    rows = m.stack([i.array for i in where(input)], 1)
    return Tensor._wrap(rows if input.ndim else rows[:, :0], input.device)


def argwhere(input: Tensor) -> Tensor:
    """Return the indices of the elements that are not 0, a row for each element."""
    rows: Tensor = nonzero(input)
    return rows
