"""The tape: the recorded calls and the order in which they were made.

A recorded call is a `Node`. A tensor that a user made is a `Leaf`. Each gets the next number when it is made. So in the
order from the highest number to the lowest, a call comes after every call that used its result: the order of the
backward pass (`engine.py`).
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from functools import partial, wraps
from inspect import isgeneratorfunction
from itertools import count
from typing import Any, ParamSpec, Protocol, TypeVar

__all__ = [
    "Hook",
    "Leaf",
    "Mode",
    "ModeSetting",
    "Node",
    "RemovableHandle",
    "Rules",
    "Version",
    "Watcher",
    "detect_anomaly",
    "enable_grad",
    "inference_mode",
    "is_grad_enabled",
    "mode",
    "no_grad",
    "set_detect_anomaly",
    "set_grad_enabled",
]

P = ParamSpec("P")
R = TypeVar("R")
Hook = Callable[[Any], Any]  # takes the gradient, a Tensor; returns another to replace it, or None


class Rules(Protocol):
    """The methods of a `Primitive` that the tape and the backward pass use."""

    def differentiable(self, position: int) -> bool: ...
    def label(self, params: dict[str, Any]) -> str: ...
    def vjp(self, node: Node, grad_output: Any, on_path: set[Node | Leaf] | None) -> Iterator[tuple[int, Any]]: ...


class Watcher(Protocol):
    """Sees every call of a primitive; `minicnn.watch` makes one."""

    def run(
        self, primitive: Any, kernel: Callable[..., Any], arrays: list[Any], params: dict[str, Any], device: Any
    ) -> Any:
        """Run the kernel and return its result."""


class Mode(threading.local):
    """Settings, separate for each thread.

    Attributes
    ----------
    recording : bool
        Whether calls are put on the tape.
    anomaly : bool
        Whether results are checked for NaN.
    watcher : Watcher or None
    module : Module or None
        The innermost module that is being called.
    gradient : (Node, int) or None
        During the backward pass, the call and the number of the input whose gradient is being computed.
    """

    recording = True
    anomaly = False
    watcher: Watcher | None = None
    module: Any = None
    gradient: tuple[Node, int] | None = None


mode = Mode()
clock = count()


class Version:
    """Counts the in-place writes to memory that a tensor shares with its views.

    `recorded` is the count after the last write that the tape recorded. The node of an older view does not know this
    write. A call that reads this view raises an error while it is recorded. `earlier` are writes to memory that this
    memory has replaced, unseen by other tensors.
    """

    __slots__ = ("count", "earlier", "recorded")

    def __init__(self) -> None:
        self.count = self.earlier = self.recorded = 0


class RemovableHandle:
    """The result of `register_hook`: its method `remove`, or the end of a `with` block, removes the hook."""

    __slots__ = ("_hooks", "id")

    def __init__(self, hooks: dict[int, Hook], hook: Hook, first: bool = False) -> None:
        self._hooks, self.id = hooks, next(clock)
        others = list(hooks) if first else []
        hooks[self.id] = hook
        for other in others:
            hooks[other] = hooks.pop(other)

    def remove(self) -> None:
        """Remove the hook; a second call does nothing."""
        self._hooks.pop(self.id, None)

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, *error: object) -> None:
        self.remove()


class Leaf:
    """The node of a tensor that a user made with requires_grad=True. The backward pass ends here."""

    __slots__ = ("after", "hooks", "order", "tensor")

    def __init__(self, tensor: Any) -> None:
        self.order = next(clock)
        self.tensor: weakref.ref[Any] = weakref.ref(tensor)
        self.hooks: dict[int, Hook] = {}
        self.after: dict[int, Hook] = {}  # called with the tensor when its `grad` is complete


class Node:
    """A recorded call. `edges` are the nodes of its inputs, None for an input that needs no gradient.

    `module` is a weak reference to the innermost module that was being called, or None.
    """

    __slots__ = (
        "__weakref__",
        "device",
        "edges",
        "hooks",
        "module",
        "order",
        "params",
        "primitive",
        "retained",
        "saved",
        "shapes",
    )

    def __init__(self, primitive: Rules, inputs: Sequence[Any], params: dict[str, Any]) -> None:
        self.primitive, self.params, self.order = primitive, params, next(clock)
        self.hooks: dict[int, Hook] = {}
        self.device = inputs[0].device
        self.module = None if mode.module is None else weakref.ref(mode.module)
        self.shapes = tuple([t.array.shape for t in inputs])
        self.edges = tuple([t._node if primitive.differentiable(i) else None for i, t in enumerate(inputs)])
        self.saved: dict[str, Any] | None = {}
        self.retained: weakref.ref[Any] | None = None  # the tensor, after retain_grad()

    def name(self) -> str:
        """Return the name of the operation, for error messages."""
        return self.primitive.label(self.params)

    def __repr__(self) -> str:
        return f"<{self.name()}>"


# --- modes --------------------------------------------------------------------------------------------------


class ModeSetting:
    """Sets attributes of `mode` inside a `with` block, or in every call of a decorated function."""

    def __init__(self, **wanted: Any) -> None:
        self._wanted = wanted
        self._before: list[dict[str, Any]] = []

    def __enter__(self) -> None:
        self._before.append({name: getattr(mode, name) for name in self._wanted})
        vars(mode).update(self._wanted)

    def __exit__(self, *error: object) -> None:
        vars(mode).update(self._before.pop())

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        @wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            with ModeSetting(**self._wanted):  # a new object, because two threads may call the function at once
                return function(*args, **kwargs)

        @wraps(function)
        def steps(*args: P.args, **kwargs: P.kwargs) -> Any:
            generator: Any = function(*args, **kwargs)
            send = partial(next, generator)
            while True:
                try:
                    with ModeSetting(**self._wanted):  # the caller of the generator keeps its own setting
                        value = send()
                except StopIteration as end:
                    return end.value
                try:
                    send = partial(generator.send, (yield value))
                except GeneratorExit:
                    generator.close()
                    raise
                except BaseException as error:
                    send = partial(generator.throw, error)

        return steps if isgeneratorfunction(function) else call


def no_grad(orig_func: Callable[..., Any] | None = None) -> Any:
    """Do not record calls inside the `with` block or the decorated function, `@no_grad()` or `@no_grad`."""
    setting = ModeSetting(recording=False)
    return setting if orig_func is None else setting(orig_func)


def enable_grad(orig_func: Callable[..., Any] | None = None) -> Any:
    """Record calls inside the `with` block or the decorated function, even within `no_grad`."""
    setting = ModeSetting(recording=True)
    return setting if orig_func is None else setting(orig_func)


def inference_mode(mode: Any = True) -> Any:
    """Do not record calls, as `no_grad`; with ``mode=False``, record them."""
    if callable(mode):
        return no_grad(mode)
    return ModeSetting(recording=not mode)


class _Switch(ModeSetting):
    """A setting that holds from now on, or inside a `with` block or a decorated function."""

    def __init__(self, **wanted: bool) -> None:
        super().__init__(**wanted)
        self.__enter__()

    def __enter__(self) -> None:
        if not self._before:  # the `with` block begins where the constructor has switched already
            super().__enter__()

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        self.__exit__()  # a decorator switches only inside the function
        return super().__call__(function)


class set_grad_enabled(_Switch):  # noqa: N801 (PyTorch's name)
    """Switch recording on or off: from now on, or inside a `with` block or a decorated function.

    Parameters
    ----------
    mode : bool
    """

    def __init__(self, mode: bool) -> None:
        super().__init__(recording=bool(mode))


def is_grad_enabled() -> bool:
    """Return whether calls are recorded at the moment."""
    return mode.recording


def detect_anomaly(check_nan: bool = True) -> ModeSetting:
    """Raise AnomalyError inside the block if an operation produces NaN or infinity from finite inputs."""
    return ModeSetting(anomaly=check_nan)


class set_detect_anomaly(_Switch):  # noqa: N801 (PyTorch's name)
    """Switch the search of `detect_anomaly` on or off: from now on, or inside a `with` block.

    Parameters
    ----------
    mode : bool
    check_nan : bool
        Without it there is no search.
    """

    def __init__(self, mode: bool, check_nan: bool = True) -> None:
        super().__init__(anomaly=bool(mode and check_nan))
