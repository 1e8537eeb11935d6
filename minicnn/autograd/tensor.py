"""The tensor: an array and, where gradients are wanted, the node of the recorded call that made it.

Most methods are operations, which are built on this class. `ops/methods.py` attaches them.
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


class Tensor(TensorMethods):
    """An array and its gradient, with PyTorch's methods.

    Parameters
    ----------
    data : array_like
        Arrays and tensors are shared, not copied (`minicnn.tensor` copies); Python's numbers become float32 or int64.
    requires_grad : bool
        Whether `backward` shall leave a gradient in `grad`.

    Attributes
    ----------
    array : ndarray
        The values. Writing to it directly is invisible to the tape; in-place methods are not.
    grad : Tensor or None
        What `backward` accumulated.
    """

    __slots__ = ("__weakref__", "_history", "_node", "_version", "_view", "array", "device", "grad")
    __array_ufunc__ = None  # ndarray * Tensor asks Tensor.__rmul__

    def __init__(self, data: Any, requires_grad: bool = False, device: Device = CPU) -> None:
        self.array: Array = data.array if isinstance(data, Tensor) else device.array(data)
        if category(self.array.dtype) == 2 and not hasattr(data, "dtype"):
            self.array = self.array.astype(default_dtype)
        self.device: Device = data.device if isinstance(data, Tensor) else device
        self.grad: Tensor | None = None
        self._node: Node | Leaf | None = None
        self._version: Version = data._version if isinstance(data, Tensor) else Version()
        self._history: int = NEVER if isinstance(data, Tensor) else 0
        self._view = isinstance(data, Tensor)
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

    # --- what a tensor is -----------------------------------------------------------------------------------

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
                raise AutogradError("requires_grad: only a leaf can be switched off; use .detach() on a result")
        elif not wanted:
            self._node = None
        elif self.array.dtype.kind != "f":
            raise DTypeError(f"requires_grad: only floating-point tensors have gradients, this one is {self.dtype}")
        elif self._node is None:
            self._node = Leaf(self)

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Set `requires_grad` and return the tensor."""
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
        """Return the same values without history; the memory is shared."""
        out = Tensor._wrap(self.array, self.device, version=self._version)
        out._history = NEVER
        return out

    @property
    def data(self) -> Tensor:
        """The same values without history, for reading; assign a tensor to exchange the values."""
        return self.detach()

    @data.setter
    def data(self, value: Tensor) -> None:
        self.array, self.device, self._version = value.array, value.device, value._version
        self._history = self._version.count

    def mark_modified(self) -> None:
        """Tell the tape that the memory was written: whoever saved the old values will raise, not err in silence."""
        self._version.count += 1
        self._history = max(self._history, self._version.count)

    def retain_grad(self) -> None:
        """Ask `backward` to keep the gradient of this tensor too, though it is not a leaf."""
        if self._node is None:
            raise AutogradError("retain_grad: this tensor does not require a gradient")
        if isinstance(self._node, Node):
            self._node.retained = weakref.ref(self)

    def register_hook(self, hook: Callable[[Tensor], Tensor | None]) -> RemovableHandle:
        """Call `hook(gradient)` when the gradient of this tensor is complete; what it returns replaces the gradient.

        Returns
        -------
        RemovableHandle
            Its `remove()` removes the hook.
        """
        if self._node is None:
            raise AutogradError("register_hook: this tensor does not require a gradient")
        return RemovableHandle(self._node.hooks, hook)


NEVER = 1 << 62  # the `_history` of what was detached: no write, however late, makes it part of a graph


def replace(target: Tensor, result: Tensor) -> Tensor:
    """Write `result` into the memory of `target`, which takes over its history: every in-place method is this.

    Raises
    ------
    ShapeError
        If the result has another shape.
    AutogradError
        If a leaf that requires a gradient, or a view of another tensor, would have to enter the graph, or if the memory
        cannot be written.
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
        if isinstance(old, Node) and isinstance(result._node, Node):  # retain_grad() means the tensor as it is now
            old.retained, result._node.retained = None, old.retained
    return target


def write(target: Tensor, index: Any, values: Array) -> None:
    """Write values into the memory of `target`, past the tape.

    Raises
    ------
    AutogradError
        If the memory cannot be written.
    """
    array = target.array
    try:
        if any(step == 0 and size > 1 for step, size in zip(array.strides, array.shape, strict=True)):
            raise ValueError("assignment destination is read-only")  # as NumPy says; CuPy would write
        array[index] = values
    except ValueError as error:
        raise AutogradError(
            f"in-place: {error}: it belongs to a constant or was repeated by expand(); modify a .clone()"
        ) from error
    target.mark_modified()
