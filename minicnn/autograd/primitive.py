"""Primitives: functions on arrays with a gradient rule for each input.

A call on tensors runs the kernel that `dispatch` selects. While recording, it also leaves a `Node` on the tape: the
primitive, the values that its rules need, and the nodes of its inputs. `backward` and `grad` visit the nodes from the
newest to the oldest and apply the rules.

    @primitive
    def mul(a, b):
        return a * b

    mul.gradient(a=lambda grad, b: grad * b, b=lambda grad, a: grad * a)

Rules are written with primitives. With `create_graph=True` they are recorded too, so gradients have gradients.

The argument names of a rule say which values it needs, and only these are kept:

    grad        the gradient of the output (grad_output)      y            the output
    an input    its value                                     x_shape      the shape of input x
    a parameter its value                                     a rule       the result of another rule

Complex numbers: the gradient of a real number L by z = a + ib is ∂L/∂a + i ∂L/∂b, as in PyTorch. For y = f(z) it is
grad · conj(f'(z)), but a rule is written as for real numbers, grad · f'(z). So `vjp` gives it the conjugate of a
complex gradient, and takes the conjugate of its result. A primitive takes complex numbers only if `takes_complex` is
set.

A rule whose name is not an input computes a value that several rules share. It runs once:

    bias_relu.gradient(grad_z=lambda grad, y: relu_grad(grad, y), x=lambda grad_z: grad_z, b=lambda grad_z: sum(grad_z))
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Generic, TypeVar, overload

import numpy as np

from minicnn.autograd.tape import Leaf, Node, mode
from minicnn.autograd.tensor import NEVER, Tensor
from minicnn.errors import AnomalyError, AutogradError, DeviceError, DTypeError
from minicnn.runtime.devices import Array, xp
from minicnn.runtime.dispatch import kernel, select, select_fused

__all__ = ["Primitive", "primitive", "primitives"]

Y_co = TypeVar("Y_co", covariant=True)  # the result of a call: a Tensor, or a tuple of the output and the residuals
_table: dict[str, Primitive[Any]] = {}


class _Rule:
    """A gradient rule and the names of its arguments."""

    __slots__ = ("function", "names")

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self.names = tuple(inspect.signature(function).parameters)


class Primitive(Generic[Y_co]):
    """A function on arrays with a gradient rule for each input.

    Positional parameters of the body are the inputs, keyword-only parameters are constants. A body may return a tuple:
    the output, then the `residuals`. Residuals have no gradient. They are values that the rules need (the position of
    each maximum), or more results of the same computation (the mean of a batch).

    The output of a `view` may share memory with the input. ``write_back(x, v, **params)`` returns x after v was written
    to the view; None for a view that repeats elements.
    """

    __name__: str
    takes_complex = False  # set where the body and the rules hold for complex numbers

    def __init__(self, body: Callable[..., Any], residuals: tuple[str, ...] = (), view: bool = False) -> None:
        self.name = self.__name__ = self.__qualname__ = body.__name__.strip("_")
        self.__doc__, self.__module__ = body.__doc__, body.__module__
        self.body, self.residuals, self.view = body, residuals, view
        parameters = list(inspect.signature(body).parameters.values())
        self.__signature__ = _signature(parameters, residuals)
        self.inputs = tuple(p.name for p in parameters if p.kind is not p.KEYWORD_ONLY)
        self.params = tuple(p.name for p in parameters if p.kind is p.KEYWORD_ONLY)
        self.variadic = any(p.kind is p.VAR_POSITIONAL for p in parameters)
        self.write_back: Callable[..., Tensor] | None = None
        self.rules: dict[str, _Rule] = {}
        self._needed: dict[tuple[int, ...], tuple[str, ...]] = {}
        kernel(self.name, "reference", name="reference")(body)
        _table[self.name] = self

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        """Return the primitive: as an attribute of a class it is no method. With `__get__`, `help` shows a function."""
        return self

    def __reduce__(self) -> str:
        return self.body.__name__  # pickled and copied by its name in its module, as functions are

    def gradient(self, **rules: Callable[..., Any]) -> None:
        """Set the rules of the inputs, by name, and of shared values. An input without a rule is a constant.

        Raises
        ------
        AutogradError
            If a rule has an unknown argument, or if an input or parameter is named "grad".
        """
        known = {"grad", "y", "position", *self.inputs, *self.residuals, *self.params, *rules}
        known |= {f"{name}_shape" for name in self.inputs}
        made = {name: _Rule(rule) for name, rule in rules.items()}
        for name, rule in made.items():
            if unknown := set(rule.names) - known:
                raise AutogradError(
                    f"{self.name}: the rule of {name} has an unknown argument {min(unknown)!r}; known are "
                    f"{', '.join(sorted(known))}"
                )
        if "grad" in {*self.inputs, *self.params}:
            raise AutogradError(f"{self.name}: an input or parameter named 'grad' hides the gradient; rename it")
        self.rules = made

    def differentiable(self, position: int) -> bool:
        """Return whether the input at this position has a gradient rule."""
        return self._input(position) in self.rules

    def _input(self, position: int) -> str:
        return self.inputs[0] if self.variadic else self.inputs[position]

    def _needs(self, wanted: tuple[int, ...]) -> tuple[str, ...]:
        """Return the names of the values that the rules of the wanted inputs need."""
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
        """Return the name of a call with these parameters, for error messages."""
        return self.name

    def __repr__(self) -> str:
        return f"<primitive {self.name}>"

    def __call__(self, *inputs: Tensor, **params: Any) -> Y_co:
        y: Y_co = (self._compute if self.view else self._run)(inputs, params, ())  # a view computes nothing
        return y

    def views(self, base: Tensor, params: Iterable[dict[str, Any]]) -> list[Tensor]:
        """Return several views of a tensor: what calls with these parameters would return, in less time."""
        return [self._result(self.body(base.array, **p), (base,), p, True) for p in params]

    def in_one_pass(self, parts: tuple[str, ...], *inputs: Tensor, **params: Any) -> Y_co | None:
        """Call a kernel that computes several primitives, `parts`, in one pass. Return None if no kernel does.

        Raises
        ------
        DTypeError, DeviceError, AnomalyError, AutogradError
            For the same reasons as a call of the primitive.
        """
        y: Y_co | None = self._run(inputs, params, parts)
        return y

    def _compute(self, inputs: tuple[Tensor, ...], params: dict[str, Any], parts: tuple[str, ...]) -> Any:
        """Check the inputs, pick a kernel of this primitive (with `parts`: one that fuses them), run and record it."""
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
            if t.array.dtype.kind == "c" and not self.takes_complex:
                raise DTypeError(f"{self.name}: complex numbers are not supported; use their .real, .imag or .abs()")
        if not parts:
            function = select(self.name, device, arrays, params)
        elif (fused := select_fused(self.name, parts, device, arrays, params)) is None:
            return None
        else:
            function = fused
        watcher = mode.watcher
        out = function(*arrays, **params) if watcher is None else watcher.run(self, function, arrays, params, device)
        residuals: list[Tensor] = []
        if type(out) is tuple:
            out, *others = out
            residuals = [Tensor._wrap(r, device) for r in others]
        if isinstance(out, np.generic):  # NumPy returns a scalar for an array without axes
            out = device.array(out)
        if mode.anomaly:
            self._check_finite(out, arrays, params)
        shares = self.view and xp(out).may_share_memory(out, arrays[0])
        result = self._result(out, inputs, params, shares, residuals)
        return (result, *residuals) if self.residuals else result

    # As in PyTorch, NaN and infinity give no warning; `with` takes twice as long.
    _run = np.errstate(all="ignore")(_compute)

    def _result(
        self, out: Array, inputs: tuple[Tensor, ...], params: dict[str, Any], shares: bool, residuals: Any = ()
    ) -> Tensor:
        """Return the output as a tensor: a view if it shares memory, and on the tape while recording."""
        base = inputs[0]
        if shares:
            result = Tensor._wrap(out, base.device, None, base._writes)
            result._origin = (base, self, params)
            result._history = base._history if mode.recording or base._node is None else NEVER
        else:
            result = Tensor._wrap(out, base.device)
        if self.rules and mode.recording and out.dtype.kind in "fc":
            self._record(result, inputs, params, residuals)
        return result

    def _record(
        self, result: Tensor, inputs: tuple[Tensor, ...], params: dict[str, Any], residuals: Sequence[Tensor]
    ) -> None:
        """Give the result a node with the values that the gradient rules need, if an input requires a gradient.

        A saved value is (array, node, version, number of writes so far).
        """
        tracked = False
        for t in inputs:
            t.refresh()
            tracked = tracked or t._node is not None
        if not tracked:
            return
        node = Node(self, inputs, params)
        wanted = tuple([i for i, edge in enumerate(node.edges) if edge is not None])
        if not wanted:
            return
        saved: dict[str, Any] = {}
        for name in self._needed.get(wanted) or self._needs(wanted):
            if name == "y":
                saved[name] = (result.array, None, result._writes, result._writes.count)
            elif name in self.residuals:
                r = residuals[self.residuals.index(name)]
                saved[name] = (r.array, None, r._writes, r._writes.count)
            elif self.variadic:
                saved[name] = [(t.array, t._node, t._writes, t._writes.count) for t in inputs]
            else:
                t = inputs[self.inputs.index(name)]
                saved[name] = (t.array, t._node, t._writes, t._writes.count)
        node.saved = saved
        result._node, result._history = node, result._writes.count

    def vjp(self, node: Node, grad_output: Tensor, on_path: set[Node | Leaf] | None) -> Iterator[tuple[int, Tensor]]:
        """Yield (position, gradient) for each input that requires a gradient: the vector-Jacobian products.

        Raises
        ------
        AutogradError
            If the saved values were freed, or a saved value was modified in place.
        AnomalyError
            Under `detect_anomaly`, if a rule produces NaN or infinity.
        """
        if node.saved is None:
            raise AutogradError(
                f"backward: the saved values of {node.name()} were freed by an earlier backward pass; "
                "pass retain_graph=True to it"
            )
        is_complex = grad_output.array.dtype.kind == "c"
        known = {"grad": grad_output.conj_physical() if is_complex else grad_output, **node.params}
        for position, edge in enumerate(node.edges):
            if edge is None or (on_path is not None and edge not in on_path):
                continue
            known["position"] = position  # for rules that serve several inputs, for example of `cat`
            before, mode.gradient = mode.gradient, (node, position)
            try:
                gradient = self._apply(self._input(position), node, known)
            except AnomalyError as error:
                raise AnomalyError(f"in the gradient of {node.name()}: {error}") from error
            finally:
                mode.gradient = before
            if gradient is not None:
                yield position, gradient.conj_physical() if is_complex else gradient

    def _apply(self, rule_name: str, node: Node, known: dict[str, Any]) -> Any:
        """Return the result of a rule. The values that it needs are added to `known`."""
        rule = self.rules[rule_name]
        for name in rule.names:
            if name not in known:
                shared = name in self.rules and name not in self.inputs
                known[name] = self._apply(name, node, known) if shared else self._recall(name, node)
        return rule.function(*[known[name] for name in rule.names])

    def _recall(self, name: str, node: Node) -> Any:
        """Return a saved value, or the shape of an input, by name."""
        entry = (node.saved or {}).get(name)
        if entry is None:
            return node.shapes if self.variadic else node.shapes[self.inputs.index(name.removesuffix("_shape"))]
        if isinstance(entry, list):
            return [self._restored(name, node, saved) for saved in entry]
        return self._restored(name, node, entry)

    def _restored(self, name: str, node: Node, entry: tuple[Any, ...]) -> Tensor:
        """Return a saved value as a tensor. Raise if it was modified in place since the call."""
        array, value_node, version, expected = entry
        if version.count != expected:
            value = "output" if name == "y" else f"{'result' if name in self.residuals else 'input'} {name!r}"
            raise AutogradError(
                f"backward: the gradient of {node.name()} needs its {value} of shape {array.shape}, which was modified "
                f"in place since (version {version.count}, expected {expected}); modify a .clone() instead"
            )
        return Tensor._wrap(array, node.device, node if name == "y" else value_node, version)

    def _check_finite(self, out: Array, arrays: list[Array], params: dict[str, Any]) -> None:
        """Raise AnomalyError if the inputs are finite and the output is not."""

        def finite(a: Array) -> bool:
            return a.dtype.kind not in "fc" or bool(xp(a).isfinite(a).all())

        if not finite(out) and all(finite(a) for a in arrays):
            shapes = ", ".join(str(a.shape) for a in arrays)
            raise AnomalyError(f"{self.label(params)}: made NaN or infinity from finite inputs of shape {shapes}")


def _signature(parameters: list[inspect.Parameter], residuals: tuple[str, ...]) -> inspect.Signature:
    """Return the signature of the body, with Tensor as the type of its inputs."""
    typed = [p if p.kind is p.KEYWORD_ONLY else p.replace(annotation=Tensor) for p in parameters]
    return inspect.Signature(typed, return_annotation=tuple[Tensor, ...] if residuals else Tensor)


@overload
def primitive(body: Callable[..., Any], /) -> Primitive[Tensor]: ...
@overload
def primitive(*, residuals: tuple[str, ...]) -> Callable[[Callable[..., Any]], Primitive[tuple[Tensor, ...]]]: ...
@overload
def primitive(*, view: bool) -> Callable[[Callable[..., Any]], Primitive[Tensor]]: ...
def primitive(body: Callable[..., Any] | None = None, /, *, residuals: tuple[str, ...] = (), view: bool = False) -> Any:
    """Turn a function on arrays into a Primitive. With `view`, its output may share memory with its input."""
    if body is None:
        return lambda function: Primitive(function, residuals, view)
    return Primitive(body)


def primitives() -> dict[str, Primitive[Any]]:
    """Return all primitives by name."""
    return dict(_table)
