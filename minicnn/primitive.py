"""Primitives: what the tape records, and where every gradient rule is written.

A `Primitive` is a function on arrays with a gradient rule for each input. Calling it on tensors runs the kernel that
`dispatch` selects and, when recording, leaves a node: the primitive, the values that the rules in question ask for, and
the nodes of its inputs. `backward` and `grad` walk the nodes from the newest to the oldest and call the rules.

Rules are written with primitives, so with `create_graph=True` the walk itself is recorded, and gradients of gradients
need nothing more.

    @primitive
    def mul(a, b):
        return a * b

    mul.gradient(a=lambda h, b: h * b, b=lambda h, a: h * a)

The argument names of a rule say what it needs, and only that is kept: `h` is the gradient that arrives, `y` the
output, an input's name its value, the name with `_shape` just its shape, any other name a parameter. A rule under a
name that is no input's gives a value that several rules share: it is worked out once.

    bias_relu.gradient(before=lambda h, y: relu_grad(h, y), x=lambda before: before, b=lambda before: before.sum(0))
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any, overload

import numpy as np

from minicnn.devices import Array, xp
from minicnn.dispatch import kernel, select
from minicnn.errors import AnomalyError, AutogradError, DeviceError, DTypeError
from minicnn.tape import Leaf, Node, mode
from minicnn.tensor import Tensor

__all__ = ["Primitive", "primitive", "primitives"]

_table: dict[str, Primitive] = {}


class _Rule:
    """A gradient rule with the names of what it takes."""

    __slots__ = ("function", "names")

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self.names = tuple(inspect.signature(function).parameters)


class Primitive:
    """A function on arrays with a gradient rule for each input.

    Positional parameters of the body are the inputs, keyword-only ones the parameters. A body that returns a tuple
    gives the output and then `residuals`, which are returned as well, without a gradient: values for the rules that are
    constant where the output is smooth (the indices of a maximum), or what else the work has found (a batch's mean).
    """

    def __init__(self, body: Callable[..., Any], residuals: tuple[str, ...] = (), view: bool = False) -> None:
        self.name = body.__name__.strip("_")
        self.__doc__ = body.__doc__
        self.body, self.residuals, self.view = body, residuals, view
        parameters = inspect.signature(body).parameters.values()
        self.inputs = tuple(p.name for p in parameters if p.kind is not p.KEYWORD_ONLY)
        self.variadic = any(p.kind is p.VAR_POSITIONAL for p in parameters)
        self.rules: dict[str, _Rule] = {}
        self._needed: dict[tuple[int, ...], tuple[str, ...]] = {}
        kernel(self.name, "reference", name="reference")(body)
        _table[self.name] = self

    def gradient(self, **rules: Callable[..., Any]) -> None:
        """Give the rule of each input by the input's name, and of shared values; an input without one is a constant."""
        self.rules = {name: _Rule(rule) for name, rule in rules.items()}

    def differentiable(self, position: int) -> bool:
        """Return whether the input at this position has a gradient rule."""
        return self._input(position) in self.rules

    def _input(self, position: int) -> str:
        return self.inputs[0] if self.variadic else self.inputs[position]

    def _needs(self, wanted: tuple[int, ...]) -> tuple[str, ...]:
        """Return the values that the rules of the wanted inputs, and the values that these share, ask for."""
        if wanted not in self._needed:
            names: set[str] = set()
            todo = [self._input(i) for i in wanted]
            while todo:
                new = set(self.rules[todo.pop()].names) - names
                names |= new
                todo += [n for n in new if n in self.rules and n not in self.inputs]
            self._needed[wanted] = tuple(n for n in (*self.inputs, "y", *self.residuals) if n in names)
        return self._needed[wanted]

    def label(self, params: dict[str, Any]) -> str:
        """Return what a call with these parameters is called in messages."""
        return self.name

    def __repr__(self) -> str:
        return f"<primitive {self.name}>"

    def __call__(self, *inputs: Tensor, **params: Any) -> Any:
        device: Any = getattr(inputs[0], "device", None)
        arrays = []
        for t in inputs:
            if not isinstance(t, Tensor):
                raise DTypeError(f"{self.name}: expected tensors, got {type(t).__name__}; use minicnn.from_numpy")
            if t.device is not device:
                raise DeviceError(
                    f"{self.name}: inputs are on {', '.join(str(t.device) for t in inputs)}; move them with .to()"
                )
            arrays.append(t.array)
        out = _quietly(select(self.name, device, arrays, params), arrays, params)
        residuals: list[Tensor] = []
        if type(out) is tuple:
            out, *others = out
            residuals = [Tensor._wrap(r, device) for r in others]
        if isinstance(out, np.generic):  # what NumPy makes of an array without axes
            out = device.array(out)
        if mode.anomaly:
            self._check_finite(out, arrays, params)
        result = Tensor._wrap(out, device)
        if self.view and xp(out).may_share_memory(out, arrays[0]):
            result._version, result._history, result._view = inputs[0]._version, inputs[0]._history, True
        if self.rules and mode.recording and out.dtype.kind == "f":
            self._record(result, inputs, params, residuals)
        return (result, *residuals) if self.residuals else result

    def _record(
        self, result: Tensor, inputs: tuple[Tensor, ...], params: dict[str, Any], residuals: list[Tensor]
    ) -> None:
        tracked = False
        for t in inputs:
            node, version = t._node, t._version
            if t._history < (version.count if isinstance(node, Node) else version.recorded):
                raise AutogradError(
                    f"{self.name}: an input of shape {t.shape} was modified in place through another view, so its "
                    "history no longer describes it; take the view anew, or modify a .clone() instead"
                )
            tracked = tracked or node is not None
        if not tracked:
            return
        node = Node(self, inputs, params)
        wanted = tuple([i for i, edge in enumerate(node.edges) if edge is not None])
        if not wanted:
            return
        saved: dict[str, Any] = {}
        for name in self._needed.get(wanted) or self._needs(wanted):
            if name == "y":
                saved[name] = (result.array, None, result._version, result._version.count)
            elif name in self.residuals:
                saved[name] = residuals[self.residuals.index(name)]
            elif self.variadic:
                saved[name] = [(t.array, t._node, t._version, t._version.count) for t in inputs]
            else:
                t = inputs[self.inputs.index(name)]
                saved[name] = (t.array, t._node, t._version, t._version.count)
        node.saved = saved
        result._node, result._history = node, result._version.count

    def pull(self, node: Node, h: Tensor, on_path: set[Node | Leaf] | None) -> Iterator[tuple[int, Tensor]]:
        """Yield the gradient of each input that wants one, given the gradient h of the output."""
        if node.saved is None:
            raise AutogradError(
                f"backward: the saved values of {node.name()} were freed by an earlier walk; "
                "pass retain_graph=True to it"
            )
        known = {"h": h, **node.params}
        for position, edge in enumerate(node.edges):
            if edge is None or (on_path is not None and edge not in on_path):
                continue
            known["position"] = position
            try:
                gradient = self._apply(self._input(position), node, known)
            except AnomalyError as error:
                raise AnomalyError(f"in the gradient of {node.name()}: {error}") from error
            if gradient is not None:
                yield position, gradient

    def _apply(self, rule_name: str, node: Node, known: dict[str, Any]) -> Any:
        """Return what a rule gives; values that it asks for become known."""
        rule = self.rules[rule_name]
        for name in rule.names:
            if name not in known:
                shared = name in self.rules and name not in self.inputs
                known[name] = self._apply(name, node, known) if shared else self._recall(name, node)
        return rule.function(*[known[name] for name in rule.names])

    def _recall(self, name: str, node: Node) -> Any:
        """Return what a rule asks for by name: a saved value, or the shape of an input."""
        entry = (node.saved or {}).get(name)
        if entry is None:
            return node.shapes if self.variadic else node.shapes[self.inputs.index(name.removesuffix("_shape"))]
        if isinstance(entry, Tensor):
            return entry
        if isinstance(entry, list):
            return [self._restored(name, node, one) for one in entry]
        return self._restored(name, node, entry)

    def _restored(self, name: str, node: Node, entry: tuple[Any, ...]) -> Tensor:
        """Return a saved value as a tensor, unless it was modified since."""
        array, history, version, expected = entry
        if version.count != expected:
            what = "output" if name == "y" else f"input {name!r}"
            raise AutogradError(
                f"backward: the gradient of {node.name()} needs its {what} of shape {array.shape}, which was modified "
                f"in place since (version {version.count}, expected {expected}); modify a .clone() instead"
            )
        return Tensor._wrap(array, node.device, node if name == "y" else history, version)

    def _check_finite(self, out: Array, arrays: list[Array], params: dict[str, Any]) -> None:
        def finite(a: Array) -> bool:
            return a.dtype.kind != "f" or bool(xp(a).isfinite(a).all())

        if not finite(out) and all(finite(a) for a in arrays):
            shapes = ", ".join(str(a.shape) for a in arrays)
            raise AnomalyError(f"{self.label(params)}: made NaN or infinity from finite inputs of shape {shapes}")


@np.errstate(all="ignore")  # as in PyTorch, NaN and infinity are values, not events; a decorator costs half of `with`
def _quietly(function: Callable[..., Any], arrays: list[Array], params: dict[str, Any]) -> Any:
    return function(*arrays, **params)


@overload
def primitive(body: Callable[..., Any], /) -> Primitive: ...
@overload
def primitive(*, residuals: tuple[str, ...] = ..., view: bool = ...) -> Callable[[Callable[..., Any]], Primitive]: ...
def primitive(body: Callable[..., Any] | None = None, /, *, residuals: tuple[str, ...] = (), view: bool = False) -> Any:
    """Turn a function on arrays into a Primitive; `view` says that its output may share memory with its input."""
    if body is None:
        return lambda function: Primitive(function, residuals, view)
    return Primitive(body)


def primitives() -> dict[str, Primitive]:
    """Return all primitives by name."""
    return dict(_table)
