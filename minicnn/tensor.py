"""The tensor: an array and, where gradients are wanted, the node of the tape that made it."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from minicnn.devices import CPU, Array, Device
from minicnn.errors import AutogradError, DTypeError
from minicnn.tape import Leaf, Node, Version, clock, mode, walk

if TYPE_CHECKING:  # the methods are attached to Tensor by ops/methods.py, which imports this module
    from minicnn.ops.methods import TensorMethods
else:
    TensorMethods = object

__all__ = ["Tensor", "replace"]


class Tensor(TensorMethods):
    """An array with an optional history; the surface is PyTorch's.

    Parameters
    ----------
    data : array_like
        NumPy arrays are shared, not copied; `minicnn.tensor` copies and takes Python's lists at float32.
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
        self.device = device
        self.grad: Tensor | None = None
        self._node: Node | Leaf | None = None
        self._version = data._version if isinstance(data, Tensor) else Version()
        self._history = self._version.count
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
        return self.array.dtype  # type: ignore[no-any-return]

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
        return Tensor._wrap(self.array, self.device, version=self._version)

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

    # --- gradients ------------------------------------------------------------------------------------------

    def backward(
        self, gradient: Tensor | None = None, retain_graph: bool | None = None, create_graph: bool = False
    ) -> None:
        """Add the gradient of this tensor to `grad` of every leaf that it was made from.

        Parameters
        ----------
        gradient : Tensor, optional
            The gradient with respect to this tensor, of its shape; may be left out for one element.
        retain_graph : bool, optional
            Keep the saved values, so that the graph can be walked again; `create_graph`, if left out.
        create_graph : bool
            Record the walk, so that the gradients can be differentiated.

        Raises
        ------
        AutogradError
            If there is no graph, the graph was freed, or a saved value was modified in place.

        Examples
        --------
        >>> x = Tensor(3.0, requires_grad=True)
        >>> (x * x).backward()
        >>> x.grad.item()
        6.0
        """
        grads = walk([self], [gradient], None, create_graph if retain_graph is None else retain_graph, create_graph)
        taken: list[Array] = [] if gradient is None else [gradient.array]
        for node, h in grads.items():
            tensor = node.tensor() if isinstance(node, Leaf) else node.retained and node.retained()
            if tensor is not None:
                _accumulate(tensor, h, create_graph, taken)

    def retain_grad(self) -> None:
        """Ask `backward` to keep the gradient of this tensor too, though it is not a leaf."""
        if self._node is None:
            raise AutogradError("retain_grad: this tensor does not require a gradient")
        if isinstance(self._node, Node):
            self._node.retained = weakref.ref(self)

    def register_hook(self, hook: Callable[[Tensor], Tensor | None]) -> Callable[[], None]:
        """Call `hook(gradient)` when the gradient of this tensor is complete; what it returns replaces the gradient.

        Returns
        -------
        callable
            Call it to remove the hook.
        """
        if self._node is None:
            raise AutogradError("register_hook: this tensor does not require a gradient")
        hooks, key = self._node.hooks, next(clock)
        hooks[key] = hook
        return lambda: hooks.pop(key, None) and None


def _accumulate(tensor: Tensor, h: Tensor, create_graph: bool, taken: list[Array]) -> None:
    """Add h to tensor.grad; `taken` holds arrays that belong to somebody else already."""
    if tensor.grad is not None:
        tensor.grad = tensor.grad + h if create_graph else (tensor.grad.detach() + h.detach())
    elif create_graph:
        tensor.grad = h
    else:
        fresh = h.array.base is None and not any(h.array is a for a in taken)
        tensor.grad = Tensor._wrap(h.array if fresh else h.array.copy(), h.device)
        taken.append(h.array)


def replace(target: Tensor, result: Tensor) -> Tensor:
    """Write `result` into the memory of `target`, which takes over its history: every in-place method is this.

    Raises
    ------
    AutogradError
        If a leaf that requires a gradient, or a view of another tensor, would have to enter the graph.
    """
    if result.shape != target.shape:
        raise AutogradError(
            f"in-place: the result has shape {result.shape} but the tensor has {target.shape}; use the method without _"
        )
    if mode.recording and (target._node is not None or result._node is not None):
        if isinstance(target._node, Leaf):
            raise AutogradError(
                "in-place: a leaf that requires a gradient cannot be modified while recording; use no_grad() or .data"
            )
        if target._view:
            raise AutogradError(
                "in-place: a view cannot take part in the graph in place; write base[index] = value, or modify a .clone()"
            )
        target._node = result._node
    target.array[...] = result.array
    target.mark_modified()
    target._history = target._version.count
    return target
