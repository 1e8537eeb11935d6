"""The tape: what was called, in which order, and the walk back that carries gradients.

Every recorded call is a `Node`; a tensor that a user made is a `Leaf`. Nodes are numbered as they are made, so going
from the highest number to the lowest meets each call after everything that was made from it.
"""

from __future__ import annotations

import heapq
import threading
import weakref
from collections.abc import Callable, Iterable, Sequence
from functools import wraps
from itertools import count
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from minicnn.errors import AutogradError, DTypeError

if TYPE_CHECKING:
    from minicnn.primitive import Primitive
    from minicnn.tensor import Tensor

__all__ = [
    "Leaf",
    "Mode",
    "ModeSetting",
    "Node",
    "RemovableHandle",
    "Version",
    "detect_anomaly",
    "enable_grad",
    "is_grad_enabled",
    "mode",
    "no_grad",
    "walk",
]

P = ParamSpec("P")
R = TypeVar("R")
Hooks = dict[int, Callable[["Tensor"], "Tensor | None"]]


class Mode(threading.local):
    """What the calls of this thread do beside computing: a new thread records."""

    recording = True
    anomaly = False


mode = Mode()
clock = count()


class Version:
    """How often the memory behind a tensor and all its views was written in place.

    `recorded` is the count after the last write that entered the graph: older views know nothing of its history.
    """

    __slots__ = ("count", "recorded")

    def __init__(self) -> None:
        self.count = self.recorded = 0


class RemovableHandle:
    """What `register_hook` returns."""

    __slots__ = ("_hooks", "_key")

    def __init__(self, hooks: Hooks, hook: Callable[[Tensor], Tensor | None]) -> None:
        self._hooks, self._key = hooks, next(clock)
        hooks[self._key] = hook

    def remove(self) -> None:
        """Remove the hook; a second time does nothing."""
        self._hooks.pop(self._key, None)


class Leaf:
    """Where the tape ends: the node of a tensor that a user made and wants the gradient of."""

    __slots__ = ("hooks", "order", "tensor")

    def __init__(self, tensor: Tensor) -> None:
        self.order = next(clock)
        self.tensor = weakref.ref(tensor)
        self.hooks: Hooks = {}


class Node:
    """One recorded call: `edges` are the nodes of its inputs (None where no gradient is wanted)."""

    __slots__ = ("device", "edges", "hooks", "order", "params", "primitive", "retained", "saved", "shapes")

    def __init__(self, primitive: Primitive, inputs: Sequence[Tensor], params: dict[str, Any]) -> None:
        self.primitive, self.params, self.order = primitive, params, next(clock)
        self.hooks: Hooks = {}
        self.device = inputs[0].device
        self.shapes = tuple([t.array.shape for t in inputs])
        self.edges = tuple([t._node if primitive.differentiable(i) else None for i, t in enumerate(inputs)])
        self.saved: dict[str, Any] | None = {}
        self.retained: weakref.ref[Tensor] | None = None

    def name(self) -> str:
        """Return what was called: the primitive's name, or that of the chain it runs."""
        return self.primitive.label(self.params)

    def __repr__(self) -> str:
        return f"<{self.name()}>"


# --- modes --------------------------------------------------------------------------------------------------


class ModeSetting:
    """Fields of `mode` set inside a `with` block, or in every call of a function that this decorates."""

    def __init__(self, **wanted: bool) -> None:
        self._wanted = wanted
        self._before: list[dict[str, bool]] = []

    def __enter__(self) -> None:
        self._before.append({name: getattr(mode, name) for name in self._wanted})
        vars(mode).update(self._wanted)

    def __exit__(self, *error: object) -> None:
        vars(mode).update(self._before.pop())

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        @wraps(function)
        def inside(*args: P.args, **kwargs: P.kwargs) -> R:
            with ModeSetting(**self._wanted):  # its own, for calls in other threads
                return function(*args, **kwargs)

        return inside


def no_grad() -> ModeSetting:
    """Record nothing inside the `with` block, or in the function that this decorates."""
    return ModeSetting(recording=False)


def enable_grad() -> ModeSetting:
    """Record inside the `with` block, even within `no_grad`."""
    return ModeSetting(recording=True)


def is_grad_enabled() -> bool:
    """Return whether calls are recorded now."""
    return mode.recording


def detect_anomaly() -> ModeSetting:
    """Raise AnomalyError, naming the operation, when one makes NaN or infinity from finite inputs."""
    return ModeSetting(anomaly=True)


# --- the walk -----------------------------------------------------------------------------------------------


def walk(
    outputs: Sequence[Tensor],
    gradients: Sequence[Tensor | None],
    wanted: set[Node | Leaf] | None,
    retain: bool,
    create_graph: bool,
) -> dict[Node | Leaf, Tensor]:
    """Carry gradients from `outputs` towards the leaves; return those of the wanted nodes (all leaves, if None)."""
    before, mode.recording = mode.recording, create_graph
    try:
        return _walk([_root(o, g) for o, g in zip(outputs, gradients, strict=True)], wanted, retain)
    finally:
        mode.recording = before


def _walk(
    roots: list[tuple[Node | Leaf, Tensor]], wanted: set[Node | Leaf] | None, retain: bool
) -> dict[Node | Leaf, Tensor]:
    pending: dict[Node | Leaf, Tensor] = {}
    queue: list[tuple[int, Node | Leaf]] = []
    found: dict[Node | Leaf, Tensor] = {}

    def arrive(node: Node | Leaf, h: Tensor) -> None:
        if node in pending:
            pending[node] = pending[node] + h
        else:
            pending[node] = h
            heapq.heappush(queue, (-node.order, node))

    for node, h in roots:
        arrive(node, h)
    on_path = None if wanted is None else _ancestors(pending, wanted)
    while queue:
        node = heapq.heappop(queue)[1]
        h = pending.pop(node)
        if node.hooks:
            h = _call(node.hooks, h)
        if isinstance(node, Leaf):
            if wanted is None or node in wanted:
                found[node] = h
            continue
        if node in wanted if wanted is not None else node.retained is not None:
            found[node] = h
        if on_path is not None and not any(edge in on_path for edge in node.edges):
            continue  # a wanted result: what lies below is not walked, and not freed
        for position, h_in in node.primitive.pull(node, h, on_path):
            edge = node.edges[position]
            assert edge is not None
            arrive(edge, h_in)
        if not retain and node.saved:
            node.saved = None
    return found


def _call(hooks: Hooks, h: Tensor) -> Tensor:
    """Return the gradient as the hooks leave it; as a view, which nobody takes for its own: a hook may have kept it."""
    for hook in list(hooks.values()):
        replaced = hook(h)
        if replaced is not None:
            if replaced.shape != h.shape:
                raise AutogradError(f"hook: it returned a gradient of shape {replaced.shape} for one of {h.shape}")
            h = replaced
    return h._wrap(h.array[...], h.device, h._node, h._version)


def _root(output: Tensor, gradient: Tensor | None) -> tuple[Node | Leaf, Tensor]:
    if output._node is None:
        raise AutogradError(
            "backward: the output does not require a gradient; build it from tensors with requires_grad=True, "
            "outside no_grad()"
        )
    if gradient is None:
        if output.array.size != 1:
            raise AutogradError(
                f"backward: only an output of one element has a gradient by itself, this one is {output.shape}; "
                "reduce it to a scalar or pass gradient="
            )
        ones = output.device.xp.ones(output.shape, output.dtype)
        return output._node, output._wrap(ones, output.device)
    if not hasattr(gradient, "_node"):
        raise DTypeError(
            f"backward: expected a tensor as gradient, got {type(gradient).__name__}; use minicnn.from_numpy"
        )
    if gradient.shape != output.shape:
        raise AutogradError(f"backward: the gradient is {gradient.shape} but the output is {output.shape}")
    return output._node, gradient.to(output.dtype)


def _ancestors(roots: Iterable[Node | Leaf], wanted: set[Node | Leaf]) -> set[Node | Leaf]:
    """Return the nodes below the roots through which a wanted node is reached."""
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
