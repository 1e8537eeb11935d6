"""Graphs of element-wise functions: a function is called once on tracers, which record its steps.

A `Tracer` replaces an array. It has no value: it records its operation and its operands. A `Graph` is the list of these
steps in order. Its registers hold the inputs, then the constants, then the result of each step; the last register is
the output. A value that is computed twice becomes one step.

    x * sigmoid(x)      Tracer("mul", (x, Tracer("sigmoid", (x,))))
                        Graph("silu", 1, (), (Step("sigmoid", (0,)), Step("mul", (0, 1))))

The second half is the backend "trace": its kernels take tracers, and return tracers instead of computing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from typing import Any, NamedTuple, NoReturn

import numpy as np

from minicnn.dtypes import DType, bool_, float64
from minicnn.errors import ArgumentError
from minicnn.runtime.devices import CPU, Array, Device, xp
from minicnn.runtime.dispatch import kernel, kernels

__all__ = [
    "CONDITIONS",
    "OPERATIONS",
    "TRACING",
    "Graph",
    "Step",
    "Tracer",
    "cast",
    "clamp",
    "fused",
    "graph_of",
    "power",
]

CONDITIONS = ("eq", "ne", "lt", "le", "gt", "ge", "logical_and", "logical_or", "logical_not")  # 1 or 0
# The primitives that can be a step, with the number of operands. Their position here is their opcode in fuse.cpp.
OPERATIONS = {
    **dict.fromkeys(("clone", "neg", "abs", "sign", "square", "sqrt", "rsqrt", "relu", "logical_not"), 1),
    **dict.fromkeys(("exp", "expm1", "log", "log1p", "sigmoid", "tanh", "softplus", "erf"), 1),
    **dict.fromkeys(("add", "sub", "mul", "div", "maximum", "minimum", "relu_grad"), 2),
    **dict.fromkeys(("eq", "ne", "lt", "le", "gt", "ge", "logical_and", "logical_or"), 2),
    "where": 3,
}


class Tracer:
    """An object that replaces an array and records the operation that produces it.

    Parameters
    ----------
    operation : str
        A key of `OPERATIONS`, or the name of an input.
    operands : tuple
        Tracers, and 0-d arrays for constants.
    """

    __slots__ = ("dtype", "operands", "operation")
    shape: tuple[int, ...] = ()
    ndim = 0

    def __init__(self, operation: str, operands: tuple[Any, ...] = ()) -> None:
        self.operation, self.operands = operation, operands
        self.dtype: DType = bool_ if operation in CONDITIONS else float64

    def _refuse(self, name: str) -> NoReturn:
        raise ArgumentError(
            f"fuse: {name} cannot be a step: a fused function must do the same with each element, whatever its value; "
            f"steps are {', '.join(OPERATIONS)}, clamp and powers that are multiples of 1/2, at most 8"
        )

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("__"):
            raise AttributeError(name)
        self._refuse(name)

    def __array_ufunc__(self, ufunc: Any, *_: Any, **__: Any) -> NoReturn:
        self._refuse(ufunc.__name__)

    def __array_function__(self, function: Any, *_: Any) -> NoReturn:
        self._refuse(function.__name__)

    def __bool__(self) -> NoReturn:
        self._refuse("a branch on a value")

    def __float__(self) -> NoReturn:
        self._refuse("a conversion to a Python number")


class Step(NamedTuple):
    """One operation and the registers of its operands."""

    operation: str
    operands: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Graph:
    """An element-wise function as a list of steps. Two graphs are equal only if they are the same object.

    Parameters
    ----------
    name : str
    inputs : int
        The number of inputs.
    constants : tuple of float
    steps : tuple of Step
        At least one.
    function : callable, optional
        The function on tensors that was traced. The gradient of the graph is traced from it.
    """

    name: str
    inputs: int
    constants: tuple[float, ...]
    steps: tuple[Step, ...]
    function: Callable[..., Any] | None = None

    def run(self, inputs: Sequence[Any], constants: Sequence[Any], step: Callable[[str], Callable[..., Any]]) -> Any:
        """Run the steps: `step(operation)` returns the function that computes an operation."""
        registers = [*inputs, *constants]
        for (operation, operands), done in zip(self.steps, self.done, strict=True):
            registers.append(step(operation)(*[registers[i] for i in operands]))
            for i in done:  # frees the memory for the next step
                registers[i] = None
        return registers[-1]

    @cached_property
    def done(self) -> list[set[int]]:
        """For each step, the registers that it reads for the last time; only registers of results."""
        last = {register: i for i, step in enumerate(self.steps) for register in step.operands}
        first = self.inputs + len(self.constants)
        return [{r for r in step.operands if r >= first and last[r] == i} for i, step in enumerate(self.steps)]

    def on_arrays(self, *inputs: Array) -> Array:
        """Run the steps with the reference kernels, on arrays of one shape or without axes."""
        return self.run(inputs, _constants(self, inputs[0].dtype, xp(inputs[0])), _reference)


@lru_cache(maxsize=1024)
def _constants(graph: Graph, dtype: DType, m: Any) -> list[Array]:
    return [m.asarray(value, dtype) for value in graph.constants]


@cache
def _reference(operation: str) -> Callable[..., Any]:
    return kernels(operation, CPU, ())[-1].function


INPUT, CONSTANT, STEP = 0, 1, 2  # kinds of registers, in their order


def graph_of(name: str, inputs: Sequence[Tracer], output: Any, function: Callable[..., Any] | None = None) -> Graph:
    """Return the graph that computes the output, a Tracer or a constant, from the inputs."""
    places: dict[Any, tuple[int, int]] = {id(tracer): (INPUT, i) for i, tracer in enumerate(inputs)}
    constants: list[float] = []
    steps: list[tuple[str, list[tuple[int, int]]]] = []

    def place(value: Any) -> None:
        """Assign a register to a value whose operands have registers."""
        if isinstance(value, Tracer):
            operands = [places[id(operand)] for operand in value.operands]
            key: Any = (value.operation, *operands)
            if key not in places:
                places[key] = STEP, len(steps)
                steps.append((value.operation, operands))
        else:
            key = float(value).hex()  # distinguishes -0.0 from 0.0
            if key not in places:
                places[key] = CONSTANT, len(constants)
                constants.append(float(value))
        places[id(value)] = places[key]

    if not isinstance(output, Tracer) or id(output) in places:
        output = Tracer("clone", (output,))
    todo = [output]
    while todo:  # no recursion, because a graph may be deeper than Python's stack
        value = todo[-1]
        missing = [o for o in getattr(value, "operands", ()) if id(o) not in places]
        if missing:
            todo += reversed(missing)
            continue
        if id(todo.pop()) not in places:
            place(value)
    first = (0, len(inputs), len(inputs) + len(constants))
    numbered = [Step(operation, tuple(first[kind] + i for kind, i in operands)) for operation, operands in steps]
    return Graph(name, len(inputs), tuple(constants), tuple(numbered), function)


# --- the backend "trace" ------------------------------------------------------------------------------------------

TRACING = Device("tracing", backends=("trace",))


def _has_tracer(*operands: Any, **_: Any) -> bool:
    return any(isinstance(o, Tracer) for o in operands)  # without a tracer, the reference computes a constant


def _step(operation: str) -> Callable[..., Tracer]:
    def step(*operands: Any) -> Tracer:
        numbers = operands[1:] if operation == "where" else operands
        if operation not in CONDITIONS and any(o.dtype == bool_ for o in numbers):
            raise ArgumentError(
                f"fuse: {operation} takes numbers, and got a condition; combine conditions with &, | and ~, or convert "
                "a condition to numbers with where(condition, 1.0, 0.0)"
            )
        return Tracer(operation, operands)

    return step


for _operation in OPERATIONS:
    kernel(_operation, "trace", name="step", supports=_has_tracer, requires="a tracer")(_step(_operation))


# On conditions, a bitwise operation is a logical operation.
for _bits, _logic in (("and", "logical_and"), ("or", "logical_or"), ("xor", "ne"), ("not", "logical_not")):
    kernel(f"bitwise_{_bits}", "trace", name="step", supports=_has_tracer, requires="a tracer")(_step(_logic))


@kernel("fused", "trace", name="steps", supports=_has_tracer, requires="a tracer")
def fused(*inputs: Any, graph: Graph) -> Any:
    """Record the steps of a fused function inside another fused function."""
    return graph.run(inputs, [np.asarray(value) for value in graph.constants], _step)


@kernel("clamp", "trace", name="steps", supports=_has_tracer, requires="a tracer")
def clamp(x: Tracer, *, low: float | None, high: float | None) -> Tracer:
    """Record the steps that limit x to [low, high]."""
    above = x if low is None else Tracer("maximum", (x, np.asarray(low)))
    return above if high is None else Tracer("minimum", (above, np.asarray(high)))


@kernel("power", "trace", name="steps", supports=_has_tracer, requires="a tracer")
def power(x: Tracer, *, exponent: float) -> Any:
    """Record the steps of x to a power, by repeated squaring.

    The exponent must be a multiple of 1/2 with |exponent| <= 8; a negative power is the reciprocal.

    Raises
    ------
    ArgumentError
        If the exponent is another number.
    """
    if exponent < 0:
        return Tracer("div", (np.asarray(1.0), power(x, exponent=-exponent)))
    if exponent * 2 % 2 == 1:
        root = Tracer("sqrt", (x,))
        return Tracer("mul", (power(x, exponent=exponent - 0.5), root)) if exponent > 1 else root
    if exponent not in range(9):
        raise ArgumentError(f"fuse: a power must be a multiple of 1/2, at most 8, got {exponent}; use exp and log")
    if exponent < 2:
        return x if exponent else np.asarray(1.0)
    squared = Tracer("square", (power(x, exponent=exponent // 2),))
    return Tracer("mul", (squared, x)) if exponent % 2 else squared


@kernel("cast", "trace", name="steps", supports=_has_tracer, requires="a tracer")
def cast(x: Tracer, *, dtype: DType, source: DType) -> Tracer:
    """Record the conversion of a condition to 1.0 or 0.0.

    Raises
    ------
    ArgumentError
        For any other conversion.
    """
    if source.kind != "b" or dtype.kind != "f":
        raise ArgumentError(
            f"fuse: cannot convert to {dtype}; all numbers of a fused function have the element type of its inputs"
        )
    return Tracer("where", (x, np.asarray(1.0), np.asarray(0.0)))
