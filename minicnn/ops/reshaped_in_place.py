"""In-place methods that give a tensor another shape: `x.unsqueeze_(0)` makes x a view of its own memory."""

from collections.abc import Callable, Sequence
from typing import Any

from minicnn.autograd.tape import Leaf, mode
from minicnn.autograd.tensor import Tensor
from minicnn.errors import AutogradError
from minicnn.ops import arrangement, shape, strided
from minicnn.ops.in_place import _is_alone

__all__ = ["ReshapingMethods"]


def _reshaped(target: Tensor, function: Callable[[Tensor], Tensor]) -> Tensor:
    """Turn a tensor into the view of it that a function returns.

    Raises
    ------
    AutogradError
        If the call must be recorded, and the tensor is a leaf, or others share its memory: their views would change.
    """
    if mode.recording and target.requires_grad:
        if isinstance(target._node, Leaf) or not _is_alone(target):
            raise AutogradError(
                "in-place: a leaf that requires a gradient, or a tensor with views, cannot get another shape while "
                "recording; use the method without _"
            )
        reshaped = shape.clone(function(target))  # nobody sees the memory, so it may be new
        target.array, target._node, target._writes = reshaped.array, reshaped._node, reshaped._writes
        target._history = target._writes.count
        return target
    before = Tensor._wrap(target.array, target.device, target._node, target._writes)
    before._origin, before._history = target._origin, target._history
    view = function(before)
    target.array, target._node, target._writes = view.array, view._node, view._writes
    target._origin, target._history = view._origin, view._history
    return target


class ReshapingMethods:
    """Another shape, in place; errors as in the methods without _."""

    def squeeze_(self: Any, *dims: Any, dim: Any = None) -> Tensor:
        """Remove axes of size 1, in place; arguments as in `squeeze`.

        Raises
        ------
        AutogradError
            If the call must be recorded, and the tensor is a leaf or has views.
        """
        return _reshaped(self, lambda x: x.squeeze(*dims, dim=dim))

    def unsqueeze_(self: Any, dim: Any) -> Tensor:
        """Insert an axis of size 1, in place.

        Raises
        ------
        AutogradError
            If the call must be recorded, and the tensor is a leaf or has views.
        """
        return _reshaped(self, lambda x: shape.unsqueeze(x, dim))

    def t_(self: Any) -> Tensor:
        """Swap the axes of a matrix, in place.

        Raises
        ------
        AutogradError
            If the call must be recorded, and the tensor is a leaf or has views.
        """
        return _reshaped(self, arrangement.t)

    def transpose_(self: Any, dim0: Any, dim1: Any) -> Tensor:
        """Swap two axes, in place.

        Raises
        ------
        AutogradError
            If the call must be recorded, and the tensor is a leaf or has views.
        """
        return _reshaped(self, lambda x: shape.transpose(x, dim0, dim1))

    def swapaxes_(self: Any, axis0: Any, axis1: Any) -> Tensor:
        """Swap two axes, in place.

        Raises
        ------
        AutogradError
            If the call must be recorded, and the tensor is a leaf or has views.
        """
        return _reshaped(self, lambda x: shape.transpose(x, axis0, axis1))

    def swapdims_(self: Any, dim0: Any, dim1: Any) -> Tensor:
        """Swap two axes, in place.

        Raises
        ------
        AutogradError
            If the call must be recorded, and the tensor is a leaf or has views.
        """
        return _reshaped(self, lambda x: shape.transpose(x, dim0, dim1))

    def as_strided_(self: Any, size: Sequence[int], stride: Sequence[int], storage_offset: Any = None) -> Tensor:
        """Become a view of the same memory with this size, in place; arguments as in `as_strided`.

        Raises
        ------
        AutogradError
            If the call must be recorded, and the tensor is a leaf or has views.
        """
        return _reshaped(self, lambda x: strided.as_strided(x, size, stride, storage_offset))
