"""The class Tensor: an array and, if it requires a gradient, the node of the recorded call that produced it.

Most methods are operations, and the operations import this class. `ops/methods.py` attaches them.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from minicnn.autograd.methods import TensorMethods
from minicnn.autograd.tape import Leaf, Node, RemovableHandle, Version, mode
from minicnn.dtypes import DType, category, complex64, default_dtype
from minicnn.errors import AutogradError, DTypeError, ShapeError
from minicnn.runtime.devices import CPU, Array, Device

__all__ = ["NEVER", "Size", "Tensor"]


class Size(tuple[int, ...]):
    """The shape of a tensor: a tuple of integers."""

    __slots__ = ()

    def numel(self) -> int:
        """Return the number of elements."""
        return prod(self)


class Tensor(TensorMethods["Tensor"]):
    """An array and its gradient, with PyTorch's methods.

    The constructor is PyTorch's old one, for float32: ``Tensor([1, 2])`` converts the numbers. ``Tensor(2, 3)`` and
    ``Tensor(x.shape)`` have this size, and any values. New programs call `minicnn.tensor` and `minicnn.empty`.

    Parameters
    ----------
    *data : integers, a Size, or array_like
        A tensor is shared, not copied, and keeps its element type.
    device : str or Device

    Attributes
    ----------
    array : ndarray
        The values. The tape does not see direct writes to it, but it sees in-place methods.
    grad : Tensor or None
        The gradient that `backward` accumulated.

    Raises
    ------
    DTypeError
        If the data is neither sizes nor a rectangular array of numbers.
    """

    __slots__ = ("__weakref__", "_history", "_node", "_origin", "_writes", "array", "device", "grad")
    __array_ufunc__ = None  # ndarray * Tensor asks Tensor.__rmul__

    def __init__(self, *data: Any, device: str | Device = CPU) -> None:
        self._construct("Tensor", data, default_dtype, Device.named(device))

    def _construct(self, call: str, data: tuple[Any, ...], dtype: DType, device: Device) -> None:
        """Set up a tensor from sizes, from another tensor, or from numbers."""
        source = data[0] if len(data) == 1 else data
        if isinstance(source, Tensor):
            if call != "Tensor" and source.dtype != dtype:
                raise DTypeError(f"{call}: the tensor holds {source.dtype}; convert it with .to(...)")
            self._set(source.array, source.device, source._writes)
            return
        sizes = (source,) if _is_size(source) else source
        if isinstance(source, Size) or ((len(data) != 1 or _is_size(source)) and all(map(_is_size, sizes))):
            try:
                self._set(device.xp.empty(tuple(sizes) if data else (0,), dtype), device)
            except (MemoryError, TypeError, ValueError) as error:
                raise ShapeError(f"{call}: sizes must be integers >= 0 that fit into memory, got {data!r}") from error
            return
        if len(data) != 1 or not hasattr(source, "__len__"):
            raise DTypeError(f"{call}: expected sizes, or one sequence of numbers, got {data!r}; use minicnn.tensor")
        try:
            self._set(device.array(np.array(source, dtype)), device)
        except (OverflowError, TypeError, ValueError) as error:
            raise DTypeError(f"{call}: the data is not a rectangular array of {dtype} ({error})") from error

    def _set(self, array: Array, device: Device, version: Version | None = None) -> None:
        self.array = array
        self.device = device
        self.grad: Tensor | None = None
        self._node: Node | Leaf | None = None  # the recorded call that made the values; None: no gradient
        self._writes = version or Version()  # counts the writes to the memory, for all tensors that share it
        # The number of writes that `_node` takes into account. After a later recorded write, it is outdated.
        self._history = self._writes.count
        self._origin: Origin | None = None

    @staticmethod
    def _wrap(array: Array, device: Device, node: Node | Leaf | None = None, version: Version | None = None) -> Tensor:
        self = Tensor.__new__(Tensor)
        self._set(array, device, version)
        self._node = node
        return self

    @staticmethod
    def _of(data: Any, requires_grad: bool = False, device: Device = CPU) -> Tensor:
        """Return data as a tensor. Arrays are shared; Python floats become float32, complex numbers complex64."""
        array = device.array(data)
        if category(array.dtype) >= 2 and not hasattr(data, "dtype"):
            array = array.astype(default_dtype if array.dtype.kind == "f" else complex64)
        self = Tensor._wrap(array, device)
        self.requires_grad = requires_grad
        return self

    # --- properties -----------------------------------------------------------------------------------------

    @property
    def shape(self) -> Size:
        return Size(self.array.shape)

    @property
    def dtype(self) -> DType:
        return DType(self.array.dtype)

    @property
    def ndim(self) -> int:
        return int(self.array.ndim)

    @property
    def requires_grad(self) -> bool:
        self.refresh()
        return self._node is not None

    @requires_grad.setter
    def requires_grad(self, wanted: bool) -> None:
        if isinstance(self._node, Node):
            if not wanted:
                raise AutogradError("requires_grad: only a leaf can be set to False; use .detach() on a result")
        elif not wanted:
            self._node = None
        elif self.dtype.kind not in "fc":
            raise DTypeError(f"requires_grad: only floating-point and complex tensors have gradients, got {self.dtype}")
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
        self.refresh()
        return not isinstance(self._node, Node)

    @property
    def grad_fn(self) -> Node | None:
        """The recorded call that made this tensor."""
        self.refresh()
        return self._node if isinstance(self._node, Node) else None

    def detach(self) -> Tensor:
        """Return a tensor that shares the memory but not the graph."""
        return Tensor._wrap(self.array, self.device, version=self._writes)

    @property
    def data(self) -> Tensor:
        """A tensor that shares the memory but not the graph. Assign a tensor to replace the values."""
        return self.detach()

    @data.setter
    def data(self, value: Tensor) -> None:
        if not isinstance(value, Tensor):
            raise DTypeError(f"data: expected a tensor, got {type(value).__name__}; use minicnn.tensor")
        self.array, self.device, self._writes = value.array, value.device, value._writes
        self._history = self._writes.count

    @property
    def _version(self) -> int:
        """The number of in-place writes to the memory, also by views of it."""
        return self._writes.earlier + self._writes.count

    def mark_modified(self) -> None:
        """Tell the tape that the memory was written. A backward pass that needs the old values raises AutogradError."""
        self._writes.count += 1

    def refresh(self) -> None:
        """Take the history of a view from its base anew, if a later write was recorded, or the base became a leaf."""
        if self._origin is None or self._history == NEVER:
            return
        base, view, params = self._origin
        older = self._history < self._writes.recorded and base._writes is self._writes
        if older or (self._node is None and base.requires_grad):
            before, mode.recording = mode.recording, True
            try:
                self._node = view(base, **params)._node
            finally:
                mode.recording = before
            self._history = self._writes.count

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

    def register_post_accumulate_grad_hook(self, hook: Callable[[Tensor], None]) -> RemovableHandle:
        """Call `hook(tensor)` after `backward` has added to its `grad`, at the end of the backward pass.

        Returns
        -------
        RemovableHandle
            Its `remove()` removes the hook.

        Raises
        ------
        AutogradError
            If the tensor is not a leaf that requires a gradient.
        """
        if not isinstance(self._node, Leaf):
            raise AutogradError(
                "register_post_accumulate_grad_hook: the tensor is no leaf that requires a gradient; use register_hook"
            )
        return RemovableHandle(self._node.after, hook)


Origin = tuple[Tensor, Any, dict[str, Any]]  # the tensor that a view was taken of, the primitive and its parameters


def _is_size(value: Any) -> bool:
    return hasattr(value, "__index__") and not np.ndim(value)


NEVER = 1 << 62  # the `_history` of a view that was taken under no_grad: it never has one
