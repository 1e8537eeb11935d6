"""Methods of Tensor about its memory: addresses, bytes, versions, memory of several processes, another element type.

`ops/methods.py` attaches them.
"""

from __future__ import annotations

from mmap import mmap
from typing import Any

import numpy as np

from minicnn.autograd.tensor import Tensor
from minicnn.dtypes import DType
from minicnn.errors import DTypeError, ShapeError
from minicnn.ops import shape
from minicnn.ops.axes import sizes_by_name

__all__ = ["MemoryMethods"]


class MemoryMethods:
    """Where the elements are, and what else reads them."""

    @sizes_by_name("size")
    def view(self: Any, *size: Any, dtype: Any = None) -> Tensor:
        """Return the same memory in another shape, `x.view(2, 3)`, or its bytes as another type, `x.view(int32)`.

        If the new type has another size, the last axis grows or shrinks. Bytes have no gradient: the result of
        `x.view(int32)` is a leaf, and a write to it changes x.

        Parameters
        ----------
        *size : integers, a sequence of them, or one dtype
        dtype : dtype, optional

        Raises
        ------
        ShapeError
            If the elements do not fit into the shape, or only a copy would have it; or, for a type of another size, if
            there is no last axis, its elements are not neighbours, or the bytes do not fill whole elements.
        DTypeError
            If there is no such type.

        Examples
        --------
        >>> import minicnn
        >>> x = minicnn.tensor([1, 2, 3, 4])
        >>> x.view(2, 2)[0, 0] = 9
        >>> x.tolist()
        [9, 2, 3, 4]
        >>> minicnn.tensor([1.0, 2.0]).view(minicnn.uint8).tolist()
        [0, 0, 128, 63, 0, 0, 0, 64]
        """
        given = size[0] if len(size) == 1 and isinstance(size[0], type | np.dtype | DType) else dtype
        return shape._view(self, *size) if given is None else _as_type(self, given)

    @property
    def _base(self: Any) -> Any:
        """The tensor of which this one is a view, or None."""
        base = self._origin and self._origin[0]
        while base is not None and base._origin is not None:
            base = base._origin[0]
        return base

    def _is_view(self: Any) -> Any:
        """Return whether this tensor is a view of another one."""
        return self._origin is not None

    def storage_offset(self: Any) -> Any:
        """Return how many elements lie in the memory before the first one of this view."""
        return (_address(self.array) - _address(_root(self.array))) // self.dtype.itemsize if self.array.size else 0

    def is_set_to(self: Any, tensor: Any) -> Any:
        """Return whether a tensor has the same elements of the same memory."""
        mine, other = ((t.data_ptr(), t.shape, t.stride(), t.dtype) for t in (self, tensor))
        return mine == other

    def get_device(self: Any) -> Any:
        """Return the number of the GPU, 0, or -1 for a tensor on the CPU."""
        return -1 if self.device.on_host else 0

    def element_size(self: Any) -> Any:
        """Return the number of bytes of an element."""
        return int(self.dtype.itemsize)

    @property
    def itemsize(self: Any) -> Any:
        """The number of bytes of an element."""
        return int(self.dtype.itemsize)

    @property
    def nbytes(self: Any) -> Any:
        """The number of bytes of all elements."""
        return int(self.array.nbytes)

    def stride(self: Any, dim: Any = None) -> Any:
        """Return for each axis, or for the axis `dim`, how many elements a step along it moves in memory."""
        steps = tuple(s // self.dtype.itemsize for s in self.array.strides)
        return steps if dim is None else steps[dim]

    def data_ptr(self: Any) -> Any:
        """Return the address of the first element."""
        return _address(self.array)

    def pin_memory(self: Any, device: Any = None) -> Any:
        """Return the tensor. Pinned memory is not used."""
        return self

    def is_pinned(self: Any, device: Any = None) -> Any:
        """Return False: pinned memory is not used."""
        return False

    def share_memory_(self: Any) -> Any:
        """Put the values where processes that are forked later read and write the same memory; return the tensor.

        A tensor that goes to another process by a queue is still copied, and a process that is spawned is refused. The
        tensors of which this one is a view move with it; other views that were taken before keep the old memory. On a
        GPU nothing changes.
        """
        if self.is_shared():
            return self
        root = _root(self.array)
        low, high = np.lib.array_utils.byte_bounds(root)
        memory = mmap(-1, max(high - low, 1))
        _at(memory, low, root)[...] = root
        part: Any = self
        while part is not None:
            part.array = _at(memory, low, part.array)
            part = part._origin and part._origin[0]
        return self

    def is_shared(self: Any) -> Any:
        """Return whether forked processes share the memory: after `share_memory_`, and always on a GPU."""
        owner = self.data.array
        while isinstance(owner, np.ndarray):
            owner = owner.base
        return not self.device.on_host or isinstance(getattr(owner, "obj", owner), mmap)


def _as_type(x: Tensor, dtype: Any) -> Tensor:
    """Return the bytes of a tensor as another type: no copy, no gradient."""
    try:
        kind = DType(dtype)
    except TypeError as error:
        raise DTypeError(f"view: {dtype!r} is no element type ({error})") from error
    if kind.kind not in "biufc":
        raise DTypeError(f"view: {dtype!r} is no type of numbers")
    old, new = x.dtype.itemsize, kind.itemsize
    call = f"view: {x.dtype} cannot be read as {kind}, which has another size"
    if old != new:
        steps = x.array.strides
        if not x.ndim:
            raise ShapeError(f"{call}: the tensor has no axis; use .reshape(1)")
        if x.array.size and steps[-1] != old:
            raise ShapeError(f"{call}: the elements of the last axis are not neighbours; use .contiguous()")
        parts = (x.shape[-1] * old, *steps[:-1], _address(x.array)) if x.array.size else (x.shape[-1] * old,)
        if any(part % new for part in parts):
            raise ShapeError(
                f"{call}: an element of {kind} has {new} bytes; the last axis has {parts[0]}, steps along the others "
                f"have {parts[1:-1]}, or the memory begins between two elements; use .clone() or another shape"
            )
    return Tensor._wrap(x.array.view(kind), x.device, version=x._writes)


def _root(array: Any) -> Any:
    """Return the array that owns the memory."""
    while isinstance(array.base, type(array)):
        array = array.base
    return array


def _address(array: Any) -> Any:
    return int(array.__array_interface__["data"][0] if isinstance(array, np.ndarray) else array.data.ptr)


def _at(memory: Any, low: Any, array: Any) -> Any:
    """Return the array at the same place of other memory, whose first byte stands for the address `low`."""
    return np.ndarray(array.shape, array.dtype, memory, _address(array) - low, array.strides)
