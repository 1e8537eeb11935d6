"""`checkpoint`: the backward pass computes values again instead of keeping them. It takes less memory and more time.

The tape is the same with and without it. But after the call, each node of the call forgets the arrays that its gradient
rules need. When the backward pass asks for the first of them, the function runs a second time, with the same random
numbers. The nodes of the second run are in the same order, so each old node takes the arrays of the new one.

A chain of n layers keeps n values. In √n pieces of √n layers it keeps the √n inputs of the pieces, and the √n values of
the piece that runs again (Chen et al. 2016, "Training Deep Nets with Sublinear Memory Cost", arXiv:1604.06174).
"""

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from minicnn.autograd.primitive import Primitive
from minicnn.autograd.tape import Leaf, ModeSetting, Node, clock, enable_grad, mode, no_grad
from minicnn.autograd.tensor import Tensor
from minicnn.errors import ArgumentError, AutogradError
from minicnn.runtime.random import generator

__all__ = ["checkpoint", "checkpoint_sequential", "noop_context_fn"]

Contexts = tuple[AbstractContextManager[Any], AbstractContextManager[Any]]
Saved = dict[str, Any]  # saved values of a node: name -> (array, node, version, count), or a list of these tuples


def noop_context_fn() -> Contexts:
    """Return two contexts without effect: the default of `checkpoint`."""
    return nullcontext(), nullcontext()


def checkpoint(
    function: Callable[..., Any],
    *args: Any,
    use_reentrant: bool | None = None,
    context_fn: Callable[[], Contexts] = noop_context_fn,
    determinism_check: str = "default",
    debug: bool = False,
    early_stop: bool = True,
    **kwargs: Any,
) -> Any:
    """Return function(*args, **kwargs), but keep none of its inner values: the backward pass calls it again for them.

    Gradients of every order equal the gradients of a plain call, if the second call computes the same values. The
    function runs twice: batch normalisation, for example, updates its running statistics twice. Values that an
    `autograd.Function` inside the function saves are kept.

    Parameters
    ----------
    function : callable
    *args, **kwargs
        The arguments of the function.
    use_reentrant : bool, optional
        True is PyTorch's older way: there are gradients only if a tensor in `args` requires one, and `kwargs` is empty.
        Default: True, with a warning, as in PyTorch. Pass False.
    preserve_rng_state : bool
        Draw the same random numbers again, for example in dropout. Default: True.
    context_fn : callable
        Returns two contexts: for the first and for the second call.
    determinism_check : str
        "default": compare the operations and the shapes of both calls. "none": do not.
    debug, early_stop : bool
        Have no effect.

    Raises
    ------
    ArgumentError
        If an option is not among the allowed values.
    AutogradError
        In the backward pass, if the second call makes other operations or shapes, or an argument was modified in place.

    Examples
    --------
    >>> import minicnn
    >>> x = minicnn.tensor(3.0, requires_grad=True)
    >>> checkpoint(lambda x: (x * x).exp().log(), x, use_reentrant=False).backward()
    >>> round(x.grad.item(), 4)
    6.0
    """
    preserve = kwargs.pop("preserve_rng_state", True)
    if determinism_check not in ("default", "none"):
        raise ArgumentError(f"checkpoint: determinism_check must be 'default' or 'none', got {determinism_check!r}")
    if use_reentrant is None:
        warnings.warn("checkpoint: pass use_reentrant=False; without it, use_reentrant is True", stacklevel=2)
        use_reentrant = True
    recording = mode.recording
    if use_reentrant:
        if kwargs or debug or context_fn is not noop_context_fn:
            raise ArgumentError("checkpoint: named arguments, context_fn and debug need use_reentrant=False")
        recording = recording and any(isinstance(a, Tensor) and a.requires_grad for a in args)
        if not recording:
            warnings.warn("checkpoint: no argument requires a gradient, so there will be none", stacklevel=2)
    first, second = context_fn()
    call = _Call(lambda: function(*args, **kwargs), second, args, preserve, determinism_check == "default")
    start = next(clock)
    with first, enable_grad() if recording else no_grad():
        result = function(*args, **kwargs)
    call.forget(_nodes(result, start))
    return result


def checkpoint_sequential(
    functions: Sequence[Callable[..., Any]],
    segments: int,
    input: Any,
    use_reentrant: bool | None = None,
    **kwargs: Any,
) -> Any:
    """Return the input after all functions, one after another, and keep only the values between segments.

    Each segment but the last is a call of `checkpoint`. The last one runs first in the backward pass, so its values are
    kept.

    Parameters
    ----------
    functions : Sequential, or sequence of callables
    segments : int
        The number of segments, from 1 to the number of functions.
    input : Tensor
        The argument of the first function.
    use_reentrant : bool, optional
        As in `checkpoint`.
    preserve_rng_state : bool
        As in `checkpoint`. Default: True.

    Raises
    ------
    ArgumentError
        If the number of segments is out of range, or there are other arguments.
    """
    steps = list(functions)
    preserve = kwargs.pop("preserve_rng_state", True)
    if kwargs:
        raise ArgumentError(f"checkpoint_sequential: unexpected arguments: {', '.join(kwargs)}")
    if not 1 <= segments <= len(steps):
        raise ArgumentError(f"checkpoint_sequential: segments must be from 1 to {len(steps)}, got {segments}")
    if use_reentrant is None:
        warnings.warn("checkpoint_sequential: pass use_reentrant=False; without it, it is True", stacklevel=2)
        use_reentrant = True

    def run(part: Sequence[Callable[..., Any]], value: Any) -> Any:
        for step in part:
            value = step(value)
        return value

    size = len(steps) // segments
    last = size * (segments - 1)
    for start in range(0, last, size):
        part = steps[start : start + size]
        input = checkpoint(run, part, input, use_reentrant=use_reentrant, preserve_rng_state=preserve)
    return run(steps[last:], input)


# --- the second call --------------------------------------------------------------------------------------------------


class _Call:
    """A call whose nodes forget their saved values. It can run again."""

    def __init__(
        self,
        function: Callable[[], Any],
        context: AbstractContextManager[Any],
        args: tuple[Any, ...],
        preserve: bool,
        check: bool,
    ) -> None:
        self.function, self.context, self.check = function, context, check
        self.state = generator().bit_generator.state if preserve else None
        # The arrays are kept, so that a write to an argument cannot give it another array (`ops/in_place.py`).
        self.inputs = [(t.array, t._writes, t._writes.count) for t in args if isinstance(t, Tensor)]
        self.steps: list[tuple[str, list[Any]]] = []
        self.saved: dict[int, Saved] = {}  # of the second call, by the number of the node, until the node takes it

    def forget(self, nodes: list[Node]) -> None:
        """Let nodes forget their arrays. Their other facts remain: where a value came from, and its version."""
        self.steps = [_step(node) for node in nodes]
        for index, node in enumerate(nodes):
            if node.saved and isinstance(node.primitive, Primitive):
                node.saved = _Forgotten(self, index, node.saved)

    def again(self, index: int) -> Saved:
        """Return the values that the node with this number saves in the second call."""
        if index not in self.saved:
            self.saved = dict(enumerate(self._run()))
        return self.saved.pop(index)

    def _run(self) -> list[Saved]:
        if any(version.count != count for _, version, count in self.inputs):
            raise AutogradError(
                "checkpoint: an argument of the function was modified in place since; modify a .clone() instead"
            )
        source = generator().bit_generator
        now, start = source.state, next(clock)
        if self.state is not None:
            source.state = self.state
        try:
            with self.context, ModeSetting(recording=True, gradient=None):
                nodes = _nodes(self.function(), start)
        finally:
            if self.state is not None:
                source.state = now
        steps = [_step(node) for node in nodes]
        if len(steps) != len(self.steps) or (self.check and steps != self.steps):
            differences = (f"{b} instead of {a}" for a, b in zip(self.steps, steps, strict=False) if a != b)
            found = next(differences, f"{len(steps)} operations instead of {len(self.steps)}")
            raise AutogradError(f"checkpoint: the second call of the function made {found}; it must do the same twice")
        return [node.saved or {} for node in nodes]


class _Forgotten(Saved):
    """The saved values of a node, without the arrays. `get` adds the arrays of the second call."""

    def __init__(self, call: _Call, index: int, saved: Saved) -> None:
        super().__init__({name: _facts(entry) for name, entry in saved.items()})
        self.call, self.index = call, index
        self.again: Saved | None = None

    def get(self, name: str, default: Any = None) -> Any:
        """Return a saved value."""
        if name not in self:
            return default
        if self.again is None:
            self.again = self.call.again(self.index)
        facts: Any = self[name]
        made: Any = self.again.get(name)
        if isinstance(facts, list):
            return [(new[0], *old[1:]) for new, old in zip(made, facts, strict=True)]
        return made[0], *facts[1:]


def _facts(entry: Any) -> Any:
    return [_facts(e) for e in entry] if isinstance(entry, list) else (None, *entry[1:])


def _step(node: Node) -> tuple[str, list[Any]]:
    return node.name(), list(node.shapes)


def _nodes(result: Any, start: int) -> list[Node]:
    """Return the nodes behind a result that are newer than `start`, the oldest first."""
    todo: list[Node | Leaf | None] = [t._node for t in _tensors(result)]
    found: set[Node] = set()
    while todo:
        node = todo.pop()
        if isinstance(node, Node) and node.order > start and node not in found:
            found.add(node)
            todo += node.edges
    return sorted(found, key=lambda node: node.order)


def _tensors(result: Any) -> Iterator[Tensor]:
    """Yield the tensors in nested tuples, lists and dicts."""
    if isinstance(result, Tensor):
        yield result
    elif isinstance(result, dict | list | tuple):
        for part in result.values() if isinstance(result, dict) else result:
            yield from _tensors(part)
