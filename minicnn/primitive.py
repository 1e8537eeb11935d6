"""Primitives: what the tape records, and where every gradient rule is written.

A `Primitive` is a function on arrays
with a gradient rule for each input. Calling it on tensors runs the kernel that `dispatch` selects and, when recording,
leaves a node: the primitive, the values that its rules ask for, and the nodes of its inputs. `backward` and `grad`
walk the nodes from the newest to the oldest and call the rules.

Rules are written with primitives, so with `create_graph=True` the walk itself is recorded, and gradients of gradients
need nothing more.

    @primitive
    def mul(a, b):
        return a * b

    mul.gradient(a=lambda h, b: h * b, b=lambda h, a: h * a)

The argument names of a rule say what it needs, and only that is kept: `h` is the gradient that arrives, `y` the
output, an input's name its value, the name with `_shape` just its shape, any other name a parameter.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from minicnn.devices import Array
from minicnn.dispatch import kernel, select
from minicnn.errors import AnomalyError, AutogradError, DeviceError
from minicnn.tape import Leaf, Node, Version, mode
from minicnn.tensor import Tensor

__all__ = ["Primitive", "primitive"]


class _Rule:
    """A gradient rule with the names of what it takes."""

    __slots__ = ("function", "names")

    def __init__(self, function: Callable[..., Tensor | None]) -> None:
        self.function = function
        self.names = tuple(inspect.signature(function).parameters)


class Primitive:
    """A function on arrays with a gradient rule for each input.

    Positional parameters of the body are the inputs, keyword-only ones the parameters. A body that returns a tuple
    gives the output and then `residuals`: values for the rules that are constant where the output is smooth (the
    indices of a maximum); they are returned as well, without a gradient.
    """

    def __init__(self, body: Callable[..., Any], residuals: tuple[str, ...] = (), view: bool = False) -> None:
        self.name = body.__name__.strip("_")
        self.__doc__ = body.__doc__
        self.body, self.residuals, self.view = body, residuals, view
        parameters = inspect.signature(body).parameters.values()
        self.inputs = tuple(p.name for p in parameters if p.kind is not p.KEYWORD_ONLY)
        self.variadic = any(p.kind is p.VAR_POSITIONAL for p in parameters)
        self.rules: dict[str, _Rule] = {}
        self._kept: tuple[str, ...] = ()
        kernel(self.name, "reference", name="reference")(body)

    def gradient(self, **rules: Callable[..., Tensor | None]) -> None:
        """Give the gradient rule of each input by the input's name; an input without a rule is a constant."""
        self.rules = {name: _Rule(rule) for name, rule in rules.items()}
        names = {n for rule in self.rules.values() for n in rule.names}
        self._kept = tuple(n for n in (*self.inputs, "y", *self.residuals) if n in names)

    def differentiable(self, position: int) -> bool:
        """Return whether the input at this position has a gradient rule."""
        return self._input(position) in self.rules

    def _input(self, position: int) -> str:
        return self.inputs[0] if self.variadic else self.inputs[position]

    def __repr__(self) -> str:
        return f"<primitive {self.name}>"

    def __call__(self, *inputs: Tensor, **params: Any) -> Any:
        device = inputs[0].device
        for t in inputs:
            if t.device is not device:
                raise DeviceError(
                    f"{self.name}: inputs are on {', '.join(str(t.device) for t in inputs)}; move them with .to()"
                )
        arrays = [t.array for t in inputs]
        with np.errstate(all="ignore"):  # as in PyTorch, NaN and infinity are values, not events
            out = select(self.name, device, arrays, params)(*arrays, **params)
        residuals: list[Tensor] = []
        if type(out) is tuple:
            out, *others = out
            residuals = [Tensor._wrap(r, device) for r in others]
        if not isinstance(out, np.ndarray):
            out = device.array(out)
        if mode.anomaly:
            self._check_finite(out, arrays)
        result = Tensor._wrap(out, device)
        if self.view and np.may_share_memory(out, arrays[0]):
            result._version, result._view = inputs[0]._version, True
            result._history = result._version.count
        if self.rules and mode.recording and any(t._node is not None for t in inputs):
            self._record(result, inputs, params, residuals)
        return (result, *residuals) if self.residuals else result

    def _record(
        self, result: Tensor, inputs: tuple[Tensor, ...], params: dict[str, Any], residuals: list[Tensor]
    ) -> None:
        for t in inputs:
            if isinstance(t._node, Node) and t._history != t._version.count:
                raise AutogradError(
                    f"{self.name}: an input of shape {t.shape}, made by {t._node.name()}, was modified in place through "
                    "another view, so its history no longer describes it; modify a .clone() instead"
                )
        node = Node(self, inputs, params)
        if not any(node.edges):
            return
        saved = node.saved = {}
        for name in self._kept:
            if name == "y":
                saved[name] = (result.array, None, result._version, result._version.count)
            elif name in self.residuals:
                saved[name] = residuals[self.residuals.index(name)]
            else:
                t = inputs[self.inputs.index(name)]
                saved[name] = (t.array, t._node, t._version, t._version.count)
        result._node = node

    def pull(self, node: Node, h: Tensor, on_path: set[Node | Leaf] | None) -> Iterator[tuple[int, Tensor]]:
        """Yield the gradient of each input that wants one, given the gradient h of the output."""
        if node.saved is None:
            raise AutogradError(
                f"backward: the saved values of {self.name} were freed by an earlier walk; pass retain_graph=True to it"
            )
        known: dict[str, Any] = {"h": h, **node.params}
        for name, entry in node.saved.items():
            known[name] = entry if isinstance(entry, Tensor) else self._restore(name, entry, node)
        for i, shape in enumerate(node.shapes[:1] if self.variadic else node.shapes):
            known[f"{self._input(i)}_shape"] = node.shapes if self.variadic else shape
        for position, edge in enumerate(node.edges):
            if edge is None or (on_path is not None and edge not in on_path):
                continue
            rule = self.rules[self._input(position)]
            known["position"] = position
            try:
                gradient = rule.function(*[known[name] for name in rule.names])
            except AnomalyError as error:
                raise AnomalyError(f"in the gradient of {self.name}: {error}") from error
            if gradient is not None:
                yield position, gradient

    def _restore(self, name: str, entry: tuple[Array, Node | Leaf | None, Version, int], node: Node) -> Tensor:
        array, history, version, expected = entry
        if version.count != expected:
            what = "output" if name == "y" else f"input {name!r}"
            raise AutogradError(
                f"backward: the gradient of {self.name} needs its {what} of shape {array.shape}, which was modified in "
                f"place since (version {version.count}, expected {expected}); modify a .clone() instead"
            )
        return Tensor._wrap(array, node.device, node if name == "y" else history, version)

    def _check_finite(self, out: Array, arrays: list[Array]) -> None:
        def finite(a: Array) -> bool:
            return a.dtype.kind != "f" or bool(np.isfinite(a).all())

        if not finite(out) and all(finite(a) for a in arrays):
            shapes = ", ".join(str(a.shape) for a in arrays)
            raise AnomalyError(f"{self.name}: made NaN or infinity from finite inputs of shape {shapes}")


def primitive(
    body: Callable[..., Any] | None = None, *, residuals: tuple[str, ...] = (), view: bool = False
) -> Any:
    """Turn a function on arrays into a Primitive; `view` says that its output may share memory with its input."""
    if body is None:
        return lambda function: Primitive(function, residuals, view)
    return Primitive(body)
