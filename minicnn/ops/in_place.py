"""In-place methods: `in_place` gives a tensor new values and their place in the graph, as PyTorch does.

There are three cases:

- Nobody else sees the memory of the tensor. Then it takes over the array of the result, without a copy.
- The tensor is a view, and the call is recorded. Then the result is written back to its base with the inverse of the
  view (`Primitive.write_back`), and the base gets the new history. Older views of this base notice that their memory
  was written, and take their history from the base anew (`Tensor.refresh`).
- Otherwise the result is copied into the memory, which others share.
"""

import sys
from collections.abc import Callable
from typing import Any

from minicnn.autograd.tape import Leaf, Node, mode
from minicnn.autograd.tensor import Tensor
from minicnn.dtypes import bool_, category
from minicnn.errors import AutogradError, DTypeError, ShapeError
from minicnn.ops.comparison import where
from minicnn.ops.create import ones_like
from minicnn.ops.shape import cast, clone
from minicnn.runtime.devices import Array

__all__ = ["clear_gradient", "in_place", "write"]


def in_place(target: Tensor, function: Callable[[Tensor], Tensor]) -> Tensor:
    """Set `target` to function(target), and return it. Every in-place method does this.

    Parameters
    ----------
    target : Tensor
    function : callable
        Returns a new tensor of the same shape, which nobody else uses. It is converted to the type of the target.

    Raises
    ------
    ShapeError
        If the result has another shape.
    DTypeError
        If the result has a type that the target cannot hold.
    AutogradError
        If the call must be recorded and the target is a leaf that requires a gradient, or a view of one; or if the
        memory is read-only.
    """
    alone = _is_alone(target)
    # The tape may keep the operand: a copy of it, if its memory will be overwritten.
    result = function(target if alone or not mode.recording else clone(target))
    if result.shape != target.shape:
        raise ShapeError(
            f"in-place: the result has shape {result.shape} but the tensor has {target.shape}; use the method without _"
        )
    if result.dtype != target.dtype:
        if category(result.dtype) > category(target.dtype):
            raise DTypeError(f"in-place: a result of {result.dtype} cannot be written into {target.dtype}")
        result = cast(result, target.dtype)
    recorded = mode.recording and (target.requires_grad or result.requires_grad)
    if recorded and isinstance(target._node, Leaf):
        raise AutogradError(
            "in-place: a leaf that requires a gradient, or a view of it, cannot be modified while recording; "
            "use no_grad() or .data"
        )
    if recorded and not result.requires_grad:
        result = where(ones_like(target, dtype=bool_), result, target)  # stays in the graph, with gradient 0
    if recorded and target._origin is not None:
        base, view, params = target._origin
        if view.write_back is None:
            raise _read_only("assignment destination is read-only")
        in_place(base, lambda old: view.write_back(old, result, **params))
        return target
    if alone:
        result = result if result._origin is None else clone(result)
        result._writes.earlier = target._version + 1 - result._writes.count
        target.array, target._writes = result.array, result._writes
    else:
        write(target, ..., result.array)
    if mode.recording:
        old, target._node = target._node, result._node
        target._history = target._writes.count
        if result._node is not None:
            target._writes.recorded = target._writes.count
        if isinstance(old, Node) and isinstance(result._node, Node):  # retain_grad() is for the new values
            old.retained, result._node.retained = None, old.retained
    return target


def _is_alone(tensor: Tensor) -> bool:
    """Return whether nobody else sees the memory of a tensor: no view, no array of a user, no value on the tape.

    Each of them holds a reference to the array. A leaf keeps its memory, because an optimizer may know its address.
    """
    return tensor.array.base is None and not isinstance(tensor._node, Leaf) and _references(tensor) <= _OWN


def _references(tensor: Tensor) -> int:
    return sys.getrefcount(tensor.array)


_OWN = _references(Tensor._of(0.0))  # the tensor's own reference, and the ones of the call above


def clear_gradient(parameter: Tensor, set_to_none: bool) -> None:
    """Set the gradient of a parameter to None, or its elements to 0."""
    if set_to_none or parameter.grad is None:
        parameter.grad = None
        return
    if parameter.grad.requires_grad:
        parameter.grad = parameter.grad.detach()
    write(parameter.grad, ..., 0)


def write(target: Tensor, index: Any, values: Array | int) -> None:
    """Write values into the memory of `target` without recording the write.

    Raises
    ------
    AutogradError
        If the memory is read-only.
    """
    array = target.array
    try:
        if any(step == 0 and size > 1 for step, size in zip(array.strides, array.shape, strict=True)):
            raise ValueError("assignment destination is read-only")  # NumPy's message; CuPy would write
        array[index] = values
    except ValueError as error:
        raise _read_only(error) from error
    target.mark_modified()


def _read_only(error: object) -> AutogradError:
    return AutogradError(f"in-place: {error}: it belongs to a constant or was repeated by expand(); modify a .clone()")
