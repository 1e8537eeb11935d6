"""Programs: functions of single elements, as steps that a kernel does one after the other without going to memory.

A function that is called on `Symbol`s in place of arrays returns one that knows how it was made, and a program is that
knowledge in order. Registers hold the inputs, then constants, then what each step makes; the last is the output. What
is made twice is one step.

    x * sigmoid(x)      Symbol("mul", (x, Symbol("sigmoid", (x,))))
                        Program("silu", 1, (), (Step("sigmoid", (0,)), Step("mul", (0, 1))))
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from typing import Any, NamedTuple, NoReturn

from minicnn.devices import CPU, Array, xp
from minicnn.dispatch import kernels
from minicnn.dtypes import DType, bool_, float64
from minicnn.errors import ArgumentError

__all__ = ["CONDITIONS", "OPERATIONS", "Program", "Step", "Symbol", "program_of"]

CONDITIONS = ("eq", "ne", "lt", "le", "gt", "ge", "logical_and", "logical_or", "logical_not")  # 1 or 0
# The primitives that can be a step, with the number of their operands; kernels know them by their place here.
OPERATIONS = {
    **dict.fromkeys(("clone", "neg", "abs", "sign", "square", "sqrt", "rsqrt", "relu", "logical_not"), 1),
    **dict.fromkeys(("exp", "expm1", "log", "log1p", "sigmoid", "tanh", "softplus", "erf"), 1),
    **dict.fromkeys(("add", "sub", "mul", "div", "maximum", "minimum", "relu_grad"), 2),
    **dict.fromkeys(("eq", "ne", "lt", "le", "gt", "ge", "logical_and", "logical_or"), 2),
    "where": 3,
}


class Symbol:
    """An element that nobody knows yet, and how it is made; it stands where an array would be.

    Parameters
    ----------
    operation : str
        Of `OPERATIONS`, or the name of an input.
    operands : tuple
        Symbols, and arrays without axes for constants.
    """

    __slots__ = ("dtype", "operands", "operation")
    shape: tuple[int, ...] = ()
    ndim = 0

    def __init__(self, operation: str, operands: tuple[Any, ...] = ()) -> None:
        self.operation, self.operands = operation, operands
        self.dtype: DType = bool_ if operation in CONDITIONS else float64

    def _refuse(self, what: str) -> NoReturn:
        raise ArgumentError(
            f"chain: {what} cannot be a step, for a chain works on each element by itself, whatever its value; "
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
        self._refuse("a decision in Python")

    def __float__(self) -> NoReturn:
        self._refuse("a value as a number")


class Step(NamedTuple):
    """One operation and the registers of its operands."""

    operation: str
    operands: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Program:
    """A function of single elements as steps. Programs are equal if they are one object.

    Parameters
    ----------
    name : str
    inputs : int
        How many it takes.
    constants : tuple of float
    steps : tuple of Step
        At least one.
    function : callable, optional
        The function on tensors that was called for it. Its gradient is that of the function.
    """

    name: str
    inputs: int
    constants: tuple[float, ...]
    steps: tuple[Step, ...]
    function: Callable[..., Any] | None = None

    def run(self, inputs: Sequence[Any], constants: Sequence[Any], step: Callable[[str], Callable[..., Any]]) -> Any:
        """Do the steps with what `step` gives for the name of an operation."""
        registers = [*inputs, *constants]
        for (operation, operands), done in zip(self.steps, self.done, strict=True):
            registers.append(step(operation)(*[registers[i] for i in operands]))
            for i in done:  # their memory serves the next step
                registers[i] = None
        return registers[-1]

    @cached_property
    def done(self) -> list[set[int]]:
        """For each step the results of earlier ones that are read there for the last time."""
        last = {register: i for i, step in enumerate(self.steps) for register in step.operands}
        first = self.inputs + len(self.constants)
        return [{r for r in step.operands if r >= first and last[r] == i} for i, step in enumerate(self.steps)]

    def on_arrays(self, *inputs: Array) -> Array:
        """Do the steps with the references of their primitives: arrays of one shape, some perhaps without axes."""
        return self.run(inputs, _constants(self, inputs[0].dtype, xp(inputs[0])), _reference)


@lru_cache(maxsize=1024)
def _constants(program: Program, dtype: DType, m: Any) -> list[Array]:
    return [m.asarray(value, dtype) for value in program.constants]


@cache
def _reference(operation: str) -> Callable[..., Any]:
    return kernels(operation, CPU, ())[-1].function


INPUT, CONSTANT, STEP = 0, 1, 2


def program_of(name: str, inputs: Sequence[Symbol], output: Any, function: Callable[..., Any] | None = None) -> Program:
    """Return the program that makes the output, a Symbol or a constant, of the inputs."""
    places: dict[Any, tuple[int, int]] = {id(symbol): (INPUT, i) for i, symbol in enumerate(inputs)}
    constants: list[float] = []
    steps: list[tuple[str, list[tuple[int, int]]]] = []

    def place(value: Any) -> None:
        """Find a register for a value, all operands of which have one."""
        if isinstance(value, Symbol):
            operands = [places[id(operand)] for operand in value.operands]
            key: Any = (value.operation, *operands)
            if key not in places:
                places[key] = STEP, len(steps)
                steps.append((value.operation, operands))
        else:
            key = float(value).hex()  # which tells -0.0 from 0.0
            if key not in places:
                places[key] = CONSTANT, len(constants)
                constants.append(float(value))
        places[id(value)] = places[key]

    if not isinstance(output, Symbol) or id(output) in places:
        output = Symbol("clone", (output,))
    todo = [output]
    while todo:  # no recursion: a chain may be longer than Python's stack
        value = todo[-1]
        missing = [o for o in getattr(value, "operands", ()) if id(o) not in places]
        if missing:
            todo += reversed(missing)
            continue
        if id(todo.pop()) not in places:
            place(value)
    first = (0, len(inputs), len(inputs) + len(constants))
    numbered = [Step(operation, tuple(first[kind] + i for kind, i in operands)) for operation, operands in steps]
    return Program(name, len(inputs), tuple(constants), tuple(numbered), function)
