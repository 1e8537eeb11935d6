"""The backward pass: `backward` adds gradients to leaves, `grad` returns them.

Both start at the outputs and visit the recorded calls from the newest to the oldest. At each call the gradient of the
output is complete, because all later calls were visited before. The call's rules (`primitive.py`) turn it into the
gradients of the inputs (a vector-Jacobian product). If several calls used a tensor, its gradient is the sum of their
contributions.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from typing import Any

from minicnn.autograd.tape import Hook, Leaf, Node, mode
from minicnn.autograd.tensor import Tensor
from minicnn.errors import ArgumentError, AutogradError, DTypeError
from minicnn.runtime.devices import Array

__all__ = ["backward", "depends_on_older", "grad"]


def backward(
    self: Tensor,
    gradient: Tensor | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Tensor | Sequence[Tensor] | None = None,
) -> None:
    """Compute the gradient of this tensor with respect to every leaf that it depends on, and add it to `leaf.grad`.

    Parameters
    ----------
    gradient : Tensor, optional
        The gradient of this tensor, with its shape. Default for a tensor of one element: 1.
    retain_graph : bool, optional
        Keep the saved values, so that another backward pass is possible. Default: the value of `create_graph`.
    create_graph : bool
        Record the backward pass, so that the gradients can be differentiated.
    inputs : Tensor or sequence of Tensor, optional
        Add to the `grad` of these tensors only.

    Raises
    ------
    AutogradError
        If there is no graph, the graph was freed, a saved value was modified in place, `gradient` has another shape, an
        input does not require a gradient, or a hook returns a gradient of another shape.
    DTypeError
        If `gradient` is not a tensor.

    Examples
    --------
    >>> import minicnn
    >>> x = minicnn.tensor(3.0, requires_grad=True)
    >>> (x * x).backward()
    >>> x.grad.item()
    6.0
    """
    keep = create_graph if retain_graph is None else retain_graph
    tensors = [] if inputs is None else [inputs] if isinstance(inputs, Tensor) else list(inputs)
    chosen = dict(zip(_nodes("backward", tensors), tensors, strict=True))
    grads = _backward([self], [gradient], None if inputs is None else set(chosen), keep, create_graph)
    shared: list[Array] = [] if gradient is None else [gradient.array]
    for node, g in grads.items():
        owner = node.tensor if isinstance(node, Leaf) else node.retained
        tensor = chosen[node] if node in chosen else None if owner is None else owner()
        if tensor is not None:
            _accumulate(tensor, g, create_graph, shared)
            for hook in list(node.after.values()) if isinstance(node, Leaf) else ():
                hook(tensor)


def depends_on_older(tensors: Iterable[Tensor], order: int) -> bool:
    """Return whether the tensors were computed from one that required a gradient before this number of the clock."""
    found: set[Any] = {t._node for t in tensors if t._node is not None}
    waiting = list(found)
    while waiting:
        node = waiting.pop()
        if node.order < order:
            return True
        new = {n for n in getattr(node, "edges", ()) if n is not None} - found
        found |= new
        waiting += new
    return False


def grad(
    outputs: Tensor | Sequence[Tensor],
    inputs: Tensor | Sequence[Tensor],
    grad_outputs: Tensor | Sequence[Tensor | None] | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    only_inputs: bool = True,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> tuple[Tensor, ...]:
    """Return the gradients of `outputs` with respect to `inputs`. No `grad` attribute changes.

    For y = outputs and v = grad_outputs the result is vᵀ ∂y/∂x for each input x.

    Parameters
    ----------
    outputs, inputs : Tensor or sequence of Tensor
    grad_outputs : Tensor or sequence of Tensor, optional
        A gradient for each output, with its shape. Default for an output of one element: 1.
    retain_graph : bool, optional
        Keep the saved values, so that another backward pass is possible. Default: the value of `create_graph`.
    create_graph : bool
        Record the backward pass, so that the gradients can be differentiated.
    only_inputs : bool
        Has no effect, as in PyTorch.
    allow_unused : bool, optional
        Return None for an input that no output depends on, instead of raising. Default: `materialize_grads`.
    is_grads_batched : bool
        Must be False.
    materialize_grads : bool
        Return zeros instead of None.

    Returns
    -------
    tuple of Tensor

    Raises
    ------
    AutogradError
        If an input does not require a gradient, no output depends on it, the graph was freed, or a shape does not fit.
    DTypeError
        If an element of `grad_outputs` is not a tensor.
    ArgumentError
        If `is_grads_batched` is True, or `materialize_grads` is, but not `allow_unused`.

    Examples
    --------
    >>> import minicnn
    >>> x = minicnn.tensor(3.0, requires_grad=True)
    >>> (first,) = grad(x * x * x, x, create_graph=True)
    >>> (second,) = grad(first, x)
    >>> first.item(), second.item()
    (27.0, 18.0)
    """
    if is_grads_batched:
        raise ArgumentError("grad: batches of grad_outputs are not supported; call grad for each of them")
    if materialize_grads and allow_unused is False:
        raise ArgumentError("grad: materialize_grads=True needs allow_unused=True or None")
    outputs = [outputs] if isinstance(outputs, Tensor) else list(outputs)
    inputs = [inputs] if isinstance(inputs, Tensor) else list(inputs)
    given = [grad_outputs] if isinstance(grad_outputs, Tensor) else list(grad_outputs or [None] * len(outputs))
    if len(given) != len(outputs):
        raise AutogradError(f"grad: {len(outputs)} outputs need as many grad_outputs, got {len(given)}")
    nodes = _nodes("grad", inputs)
    keep = create_graph if retain_graph is None else retain_graph
    grads = _backward(outputs, given, set(nodes), keep, create_graph)
    found: list[Any] = [grads.get(n) for n in nodes]
    for i, (g, t) in enumerate(zip(found, inputs, strict=True)):
        if g is None and materialize_grads:
            found[i] = Tensor._wrap(t.device.xp.zeros(t.shape, t.dtype), t.device)
        elif g is None and not allow_unused:
            raise AutogradError(
                f"grad: no output depends on input {i} of shape {t.shape}; pass allow_unused=True to get None"
            )
    return tuple(found)


def _nodes(call: str, inputs: Sequence[Tensor]) -> list[Node | Leaf]:
    """Return the nodes of tensors that require a gradient."""
    nodes = []
    for i, t in enumerate(inputs):
        if not t.requires_grad or t._node is None:
            raise AutogradError(f"{call}: input {i} of shape {t.shape} does not require a gradient")
        nodes.append(t._node)
    return nodes


# --- the backward pass of both functions ------------------------------------------------------------------------------


def _backward(
    outputs: Sequence[Tensor],
    grad_outputs: Sequence[Tensor | None],
    wanted: set[Node | Leaf] | None,
    retain_graph: bool,
    create_graph: bool,
) -> dict[Node | Leaf, Tensor]:
    """Return the gradients of the wanted nodes; None means all leaves."""
    before, mode.recording = mode.recording, create_graph
    try:
        return _visit([_root(o, g) for o, g in zip(outputs, grad_outputs, strict=True)], wanted, retain_graph)
    finally:
        mode.recording = before


def _visit(
    roots: list[tuple[Node | Leaf, Tensor]], wanted: set[Node | Leaf] | None, retain_graph: bool
) -> dict[Node | Leaf, Tensor]:
    """Visit nodes from the newest to the oldest."""
    sums: dict[Node | Leaf, Tensor] = {}
    queue: list[tuple[int, Node | Leaf]] = []
    found: dict[Node | Leaf, Tensor] = {}

    def add(node: Node | Leaf, g: Tensor) -> None:
        if node in sums:
            sums[node] = sums[node] + g
        else:
            sums[node] = g
            heapq.heappush(queue, (-node.order, node))

    for node, g in roots:
        add(node, g)
    on_path = None if wanted is None else _on_path(sums, wanted)
    while queue:
        node = heapq.heappop(queue)[1]
        g = sums.pop(node)
        if node.hooks:
            g = _call_hooks(node.hooks, g)
        if isinstance(node, Leaf):
            if wanted is None or node in wanted:
                found[node] = g
            continue
        if node in wanted if wanted is not None else node.retained is not None:
            found[node] = g
        if on_path is not None and not any(edge in on_path for edge in node.edges):
            continue  # no path to a wanted node from here: keep the saved values
        for position, g_input in node.primitive.vjp(node, g, on_path):
            edge = node.edges[position]
            assert edge is not None
            add(edge, g_input)
        if not retain_graph and node.saved:
            node.saved = None
    return found


def _call_hooks(hooks: dict[int, Hook], g: Tensor) -> Tensor:
    """Return the gradient after all hooks, as a view, because a hook may have stored the gradient."""
    for hook in list(hooks.values()):
        replaced = hook(g)
        if replaced is not None:
            if replaced.shape != g.shape:
                raise AutogradError(f"hook: must return a gradient of shape {g.shape}, got {replaced.shape}")
            g = replaced
    return Tensor._wrap(g.array[...], g.device, g._node, g._writes)


def _root(output: Tensor, grad_output: Tensor | None) -> tuple[Node | Leaf, Tensor]:
    """Return the node of an output and its gradient. The default gradient is 1."""
    if not output.requires_grad or output._node is None:
        raise AutogradError(
            "backward: the output does not require a gradient; build it from tensors with requires_grad=True, "
            "outside no_grad()"
        )
    if grad_output is None:
        if output.array.size != 1:
            raise AutogradError(
                f"backward: the output has shape {output.shape}, but only an output of one element needs no gradient; "
                "reduce it to a scalar or pass gradient="
            )
        if output.array.dtype.kind == "c":
            raise AutogradError("backward: the output is complex; pass gradient=, or make it real, for example .abs()")
        ones = output.device.xp.ones(output.shape, output.dtype)
        return output._node, Tensor._wrap(ones, output.device)
    if not isinstance(grad_output, Tensor):
        raise DTypeError(
            f"backward: expected a tensor as gradient, got {type(grad_output).__name__}; use minicnn.from_numpy"
        )
    if grad_output.shape != output.shape:
        raise AutogradError(f"backward: the gradient is {grad_output.shape} but the output is {output.shape}")
    if (grad_output.array.dtype.kind == "c") != (output.array.dtype.kind == "c"):
        raise AutogradError(f"backward: the gradient is {grad_output.dtype} but the output is {output.dtype}")
    return output._node, grad_output.to(output.dtype)


def _on_path(roots: Iterable[Node | Leaf], wanted: set[Node | Leaf]) -> set[Node | Leaf]:
    """Return the nodes on the paths from the roots to the wanted nodes."""
    seen, todo = set(), list(roots)
    while todo:
        node = todo.pop()
        if node not in seen:
            seen.add(node)
            todo += [e for e in getattr(node, "edges", ()) if e is not None]
    useful = set(wanted)
    for node in sorted(seen, key=lambda n: n.order):
        if any(e in useful for e in getattr(node, "edges", ())):
            useful.add(node)
    return useful


def _accumulate(tensor: Tensor, g: Tensor, create_graph: bool, shared: list[Array]) -> None:
    """Add g to tensor.grad, in place if that is not recorded. An array in `shared` has another owner: it is copied."""
    old = tensor.grad
    if old is not None:
        if create_graph or old._node is not None or old.dtype != g.dtype or not _writeable(old.array):
            tensor.grad = old + g if create_graph else (old.detach() + g.detach())
        else:  # other tensors may share the memory of the gradient, for example a flat buffer
            g.device.xp.add(old.array, g.array, out=old.array)
            old.mark_modified()
        return
    fresh = g.array.base is None and not any(g.array is a for a in shared)
    shared.append(g.array)
    if create_graph:
        tensor.grad = g if fresh else g.clone()
    else:
        tensor.grad = Tensor._wrap(g.array if fresh else g.array.copy(), g.device)


def _writeable(array: Array) -> bool:
    return bool(getattr(array.flags, "writeable", True))  # arrays of a GPU have no such flag, and are never read-only
