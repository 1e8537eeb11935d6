"""`Function`: an operation with a gradient of its own, as PyTorch's programs write it.

A call leaves two kinds of nodes on the tape: one for the call, whose rule is the `backward` of the user, and before it
one for each output. The node of an output puts its gradient at its place in a list (`_Gradients`). So when the backward
pass reaches the node of the call, the gradients of all outputs are there.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator, Sequence
from functools import wraps
from typing import Any

from minicnn.autograd.tape import Leaf, Node, Version, mode, no_grad
from minicnn.autograd.tensor import Tensor
from minicnn.errors import AutogradError
from minicnn.runtime.devices import Array

__all__ = ["Function", "FunctionContext", "once_differentiable"]


class FunctionContext:
    """What `forward` leaves for `backward`: saved tensors, and any attributes that `forward` sets.

    Attributes
    ----------
    needs_input_grad : tuple of bool
        For each argument of `forward` whether its gradient is wanted.
    """

    needs_input_grad: tuple[bool, ...] = ()

    def __init__(self) -> None:
        self._saved: list[Any] = []
        self._outputs: list[Any] = []
        self._nodes: list[weakref.ref[Node] | None] = []  # weak, because the nodes know the context
        self._dirty: list[Tensor] = []
        self._constant: list[Tensor] = []
        self._materialize = True

    def save_for_backward(self, *tensors: Tensor | None) -> None:
        """Keep inputs or outputs for `backward`. A write to them in between is an error there."""
        self._saved = [(t, t.array, t._writes, t._writes.count) if isinstance(t, Tensor) else t for t in tensors]

    @property
    def saved_tensors(self) -> tuple[Tensor | None, ...]:
        """The tensors of `save_for_backward`.

        Raises
        ------
        AutogradError
            If one of them was modified in place since.
        """
        return tuple(self._restored(*entry) if isinstance(entry, tuple) else entry for entry in self._saved)

    def _restored(self, tensor: Tensor, array: Array, version: Version, count: int) -> Tensor:
        if version.count != count:
            raise AutogradError(
                f"saved_tensors: a saved tensor of shape {tensor.shape} was modified in place since; "
                "modify a .clone() instead"
            )
        node = tensor._node
        for output, made in zip(self._outputs, self._nodes, strict=True):
            if output is tensor and made is not None:
                node = made()
        return Tensor._wrap(array, tensor.device, node, version)

    def mark_dirty(self, *tensors: Tensor) -> None:
        """Tell that `forward` changed these inputs in place; it must return them."""
        self._dirty = list(tensors)

    def mark_non_differentiable(self, *tensors: Tensor) -> None:
        """Tell that these outputs have no gradient."""
        self._constant = list(tensors)

    def set_materialize_grads(self, value: bool) -> None:
        """Whether `backward` gets zeros for an output that nothing depends on, instead of None."""
        self._materialize = value


class Function:
    """An operation with its own gradient: a subclass defines `forward` and `backward`, and is called by `apply`.

    Gradients have gradients if `backward` consists of operations on tensors.

    Examples
    --------
    >>> import minicnn
    >>> class Square(Function):
    ...     @staticmethod
    ...     def forward(ctx, x):
    ...         ctx.save_for_backward(x)
    ...         return x * x
    ...
    ...     @staticmethod
    ...     def backward(ctx, grad_output):
    ...         (x,) = ctx.saved_tensors
    ...         return 2 * x * grad_output
    >>> x = minicnn.tensor(3.0, requires_grad=True)
    >>> Square.apply(x).backward()
    >>> x.grad.item()
    6.0
    """

    @staticmethod
    def forward(*args: Any, **kwargs: Any) -> Any:
        """Compute the outputs: ``forward(ctx, *args)``, or ``forward(*args)`` with a `setup_context`."""
        raise NotImplementedError("Function: define forward(ctx, *args)")

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        """Fill the context after a `forward` that does not take it."""
        raise NotImplementedError("Function: define setup_context(ctx, inputs, output)")

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Any) -> Any:
        """Return a gradient for each argument of `forward`, or None, from the gradients of the outputs."""
        raise NotImplementedError("Function: define backward(ctx, *grad_outputs)")

    @classmethod
    def apply(cls, *args: Any, **kwargs: Any) -> Any:
        """Call the operation. Outputs that are no tensors are returned as they are.

        Raises
        ------
        AutogradError
            If `forward` changed a leaf that requires a gradient, or a view, in place.
        """
        context = FunctionContext()
        tracked = [isinstance(a, Tensor) and a.requires_grad and mode.recording for a in args]
        context.needs_input_grad = tuple(tracked)
        with no_grad():
            if cls.setup_context is Function.setup_context:
                found = cls.forward(context, *args, **kwargs)
            else:
                found = cls.forward(*args, **kwargs)
                cls.setup_context(context, args, found)
        outputs = list(found) if isinstance(found, tuple | list) else [found]
        if any(tracked):
            places = [i for i, a in enumerate(args) if isinstance(a, Tensor)]
            outputs = _record(_Call(cls, context, places), [args[i] for i in places], outputs)
        return tuple(outputs) if isinstance(found, tuple | list) else outputs[0]


def once_differentiable(backward: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate a `backward` whose gradients have no gradients."""

    @wraps(backward)
    def call(*args: Any) -> Any:
        with no_grad():
            return backward(*args)

    return call


# --- the nodes --------------------------------------------------------------------------------------------------------


class _Gradients(list[Any]):
    """The gradients of all outputs of a call, None for missing ones. The backward pass adds them up."""

    def __add__(self, other: Any) -> _Gradients:
        return _Gradients(b if a is None else a if b is None else a + b for a, b in zip(self, other, strict=True))


class _Output:
    """The rule of an output: put its gradient at its place."""

    def __init__(self, name: str, index: int, count: int) -> None:
        self.name, self.index, self.count = name, index, count

    def differentiable(self, position: int) -> bool:
        return True

    def label(self, params: dict[str, Any]) -> str:
        return self.name

    def vjp(self, node: Node, grad_output: Any, on_path: set[Node | Leaf] | None) -> Iterator[tuple[int, Any]]:
        gradients = _Gradients([None] * self.count)
        gradients[self.index] = grad_output
        yield 0, gradients


class _Call:
    """The rule of a call: the user's `backward`."""

    def __init__(self, function: type[Function], context: FunctionContext, places: list[int]) -> None:
        self.function, self.context, self.places = function, context, places
        self.dtypes: list[Any] = []

    def differentiable(self, position: int) -> bool:
        return True

    def label(self, params: dict[str, Any]) -> str:
        return self.function.__name__

    def vjp(self, node: Node, grad_output: Any, on_path: set[Node | Leaf] | None) -> Iterator[tuple[int, Any]]:
        name, context = self.function.__name__, self.context
        if node.saved is None:
            raise AutogradError(
                f"backward: the saved values of {name} were freed by an earlier backward pass; "
                "pass retain_graph=True to it"
            )
        grads = [
            Tensor._wrap(y.device.xp.zeros(y.shape, y.dtype), y.device)
            if g is None and context._materialize and isinstance(y, Tensor)
            else g
            for g, y in zip(grad_output, context._outputs, strict=True)
        ]
        found = self.function.backward(context, *grads)
        found = tuple(found) if isinstance(found, tuple | list) else (found,)
        wanted = len(context.needs_input_grad)
        if len(found) < wanted or any(g is not None for g in found[wanted:]):
            raise AutogradError(f"{name}: backward returned {len(found)} gradients for {wanted} arguments of forward")
        for position, place in enumerate(self.places):
            gradient, edge = found[place], node.edges[position]
            if gradient is None or edge is None or (on_path is not None and edge not in on_path):
                continue
            if not isinstance(gradient, Tensor) or gradient.shape != node.shapes[position]:
                got = gradient.shape if isinstance(gradient, Tensor) else type(gradient).__name__
                raise AutogradError(
                    f"{name}: backward returned {got} for argument {place}, whose shape is {node.shapes[position]}"
                )
            yield position, gradient.to(self.dtypes[position])


def _record(call: _Call, inputs: Sequence[Tensor], outputs: Sequence[Any]) -> list[Any]:
    """Give the outputs their nodes."""
    context, name = call.context, call.function.__name__
    node = Node(call, inputs, {})
    call.dtypes = [t.dtype for t in inputs]
    node.saved = {"context": context} if context._saved else {}
    results: list[Any] = []
    for index, output in enumerate(outputs):
        dirty = any(output is t for t in context._dirty)
        if dirty and (output._origin is not None or isinstance(output._node, Leaf)):
            kind = "a view" if output._origin is not None else "a leaf that requires a gradient"
            raise AutogradError(f"{name}: forward changed {kind} in place; pass a .clone()")
        constant = not isinstance(output, Tensor) or output.dtype.kind not in "fc"
        if constant or any(output is t for t in context._constant):
            results.append(output)
            context._nodes.append(None)
            continue
        own = _Output(name, index, len(outputs))
        made = Node(own, [Tensor._wrap(output.array, output.device, node)], {})
        result = output if dirty else Tensor._wrap(output.array, output.device, version=output._writes)
        result._node, result._history = made, result._writes.count
        results.append(result)
        context._nodes.append(weakref.ref(made))
    context._outputs = list(outputs)
    return results
