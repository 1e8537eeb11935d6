"""The class Tensor: an array and, if it requires a gradient, the node of the recorded call that produced it.

Most methods are operations, and the operations import this class. `ops/methods.py` attaches them.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

import numpy as np

from minicnn.autograd.methods import TensorMethods
from minicnn.autograd.tape import Leaf, Node, RemovableHandle, Version, mode
from minicnn.dtypes import category, default_dtype
from minicnn.errors import AutogradError, DTypeError, ShapeError
from minicnn.runtime.devices import CPU, Array, Device

__all__ = ["Tensor", "replace", "write"]


class Tensor(TensorMethods["Tensor"]):
    """An array and its gradient, with PyTorch's methods.

    Parameters
    ----------
    data : array_like
        Arrays and tensors are shared, not copied (`minicnn.tensor` copies). Python floats become float32, Python
        integers int64.
    requires_grad : bool
        Whether `backward` adds a gradient to `grad`.

    Attributes
    ----------
    array : ndarray
        The values. The tape does not see direct writes to it, but it sees in-place methods.
    grad : Tensor or None
        The gradient that `backward` accumulated.

    Raises
    ------
    DTypeError
        If `requires_grad` is True and the data is not floating-point.
    """

    __slots__ = ("__weakref__", "_history", "_node", "_version", "_view", "array", "device", "grad")
    __array_ufunc__ = None  # ndarray * Tensor asks Tensor.__rmul__

    def __init__(self, data: Any, requires_grad: bool = False, device: Device = CPU) -> None:
        self.array: Array = data.array if isinstance(data, Tensor) else device.array(data)
        if category(self.array.dtype) == 2 and not hasattr(data, "dtype"):
            self.array = self.array.astype(default_dtype)
        self.device: Device = data.device if isinstance(data, Tensor) else device
        self.grad: Tensor | None = None
        self._node: Node | Leaf | None = None  # the recorded call that made the values; None: no gradient
        # Counts the writes to the memory, for all tensors that share it.
        self._version: Version = data._version if isinstance(data, Tensor) else Version()
        # The number of writes that `_node` takes into account. After a later write, `_node` is outdated.
        self._history: int = NEVER if isinstance(data, Tensor) else 0
        self._view = isinstance(data, Tensor)  # whether another tensor was the first with this memory
        if requires_grad:
            self.requires_grad = True

    @staticmethod
    def _wrap(array: Array, device: Device, node: Node | Leaf | None = None, version: Version | None = None) -> Tensor:
        self = Tensor.__new__(Tensor)
        self.array = array
        self.device = device
        self.grad = None
        self._node = node
        self._version = version or Version()
        self._history = self._version.count
        self._view = version is not None
        return self

    # --- properties -----------------------------------------------------------------------------------------

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.array.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        dtype: np.dtype[Any] = self.array.dtype
        return dtype

    @property
    def ndim(self) -> int:
        return int(self.array.ndim)

    @property
    def requires_grad(self) -> bool:
        return self._node is not None

    @requires_grad.setter
    def requires_grad(self, wanted: bool) -> None:
        if isinstance(self._node, Node):
            if not wanted:
                raise AutogradError("requires_grad: only a leaf can be set to False; use .detach() on a result")
        elif not wanted:
            self._node = None
        elif self.array.dtype.kind != "f":
            raise DTypeError(f"requires_grad: only floating-point tensors have gradients, got {self.dtype}")
        elif self._node is None:
            self._node = Leaf(self)

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Set `requires_grad` and return the tensor.

        Raises
        ------
        AutogradError
            If the tensor is not a leaf and `requires_grad` is False.
        DTypeError
            If the tensor is not floating-point and `requires_grad` is True.
        """
        self.requires_grad = requires_grad
        return self

    @property
    def is_leaf(self) -> bool:
        return not isinstance(self._node, Node)

    @property
    def grad_fn(self) -> Node | None:
        """The recorded call that made this tensor."""
        return self._node if isinstance(self._node, Node) else None

    def detach(self) -> Tensor:
        """Return a tensor that shares the memory but not the graph."""
        out = Tensor._wrap(self.array, self.device, version=self._version)
        out._history = NEVER
        return out

    @property
    def data(self) -> Tensor:
        """A tensor that shares the memory but not the graph. Assign a tensor to replace the values."""
        return self.detach()

    @data.setter
    def data(self, value: Tensor) -> None:
        self.array, self.device, self._version = value.array, value.device, value._version
        self._history = self._version.count

    def mark_modified(self) -> None:
        """Tell the tape that the memory was written. A backward pass that needs the old values raises AutogradError."""
        self._version.count += 1
        self._history = max(self._history, self._version.count)

    def retain_grad(self) -> None:
        """Store the gradient of this tensor in `grad` during `backward`, although it is not a leaf.

        Raises
        ------
        AutogradError
            If the tensor does not require a gradient.
        """
        if self._node is None:
            raise AutogradError("retain_grad: this tensor does not require a gradient")
        if isinstance(self._node, Node):
            self._node.retained = weakref.ref(self)

    def register_hook(self, hook: Callable[[Tensor], Tensor | None]) -> RemovableHandle:
        """Call `hook(gradient)` when the gradient of this tensor is complete. A returned tensor replaces the gradient.

        Returns
        -------
        RemovableHandle
            Its `remove()` removes the hook.

        Raises
        ------
        AutogradError
            If the tensor does not require a gradient.
        """
        if self._node is None:
            raise AutogradError("register_hook: this tensor does not require a gradient")
        return RemovableHandle(self._node.hooks, hook)


NEVER = 1 << 62  # the `_history` of a detached tensor: no later write makes it part of a graph


def replace(target: Tensor, result: Tensor) -> Tensor:
    """Write `result` into the memory of `target`, and give `target` its node. Every in-place method does this.

    Raises
    ------
    ShapeError
        If the result has another shape.
    AutogradError
        If the call must be recorded and the target is a leaf that requires a gradient or a view, or if the memory is
        read-only.
    """
    if result.shape != target.shape:
        raise ShapeError(
            f"in-place: the result has shape {result.shape} but the tensor has {target.shape}; use the method without _"
        )
    if mode.recording and (target._node is not None or result._node is not None):
        if isinstance(target._node, Leaf):
            raise AutogradError(
                "in-place: a leaf that requires a gradient cannot be modified while recording; use no_grad() or .data"
            )
        if target._view:
            raise AutogradError(
                "in-place: a view cannot take part in the graph in place; write base[index] = value, "
                "or modify a .clone()"
            )
    write(target, ..., result.array)
    if mode.recording:
        old, target._node = target._node, result._node
        if result._node is not None:
            target._version.recorded = target._version.count
        if isinstance(old, Node) and isinstance(result._node, Node):  # retain_grad() is for the new values
            old.retained, result._node.retained = None, old.retained
    return target


def write(target: Tensor, index: Any, values: Array) -> None:
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
        raise AutogradError(
            f"in-place: {error}: it belongs to a constant or was repeated by expand(); modify a .clone()"
        ) from error
    target.mark_modified()
