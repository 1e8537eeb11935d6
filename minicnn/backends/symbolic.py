"""A backend that computes nothing: on symbols its kernels write down what is to be done, for program.py."""

from collections.abc import Callable
from typing import Any

import numpy as np

from minicnn.devices import Device
from minicnn.dispatch import kernel
from minicnn.dtypes import DType
from minicnn.errors import ArgumentError
from minicnn.program import OPERATIONS, Program, Symbol

__all__ = ["SYMBOLS", "cast", "chain", "clamp", "power"]

SYMBOLS = Device("symbols", ("symbolic",))


def _some(*operands: Any, **_: Any) -> bool:
    return any(isinstance(o, Symbol) for o in operands)  # constants alone are worked out by references


def _step(operation: str) -> Callable[..., Symbol]:
    return lambda *operands: Symbol(operation, operands)


for _operation in OPERATIONS:
    kernel(_operation, "symbolic", name="step", when=_some, needs="a symbol")(_step(_operation))


for _bits, _logic in (("and", "logical_and"), ("or", "logical_or"), ("xor", "ne"), ("not", "logical_not")):
    kernel(f"bitwise_{_bits}", "symbolic", name="step", when=_some, needs="a symbol")(_step(_logic))  # of conditions


@kernel("chain", "symbolic", name="steps", when=_some, needs="a symbol")
def chain(*inputs: Any, program: Program) -> Any:
    """The steps of a chain within a chain."""
    return program.run(inputs, [np.asarray(value) for value in program.constants], _step)


@kernel("clamp", "symbolic", name="steps", when=_some, needs="a symbol")
def clamp(x: Symbol, *, low: float | None, high: float | None) -> Symbol:
    """Limit x to [low, high]; by conditions, so that at a limit the gradient passes."""
    if low is not None:
        x = Symbol("where", (Symbol("lt", (x, np.asarray(low))), np.asarray(low), x))
    return x if high is None else Symbol("where", (Symbol("gt", (x, np.asarray(high))), np.asarray(high), x))


@kernel("power", "symbolic", name="steps", when=_some, needs="a symbol")
def power(x: Symbol, *, exponent: float) -> Any:
    """x times x times x ..., by squares."""
    if exponent not in range(9):
        raise ArgumentError(f"chain: a power must be an integer from 0 to 8, got {exponent}; use exp and log")
    if exponent < 2:
        return x if exponent else np.asarray(1.0)
    squared = Symbol("square", (power(x, exponent=exponent // 2),))
    return Symbol("mul", (squared, x)) if exponent % 2 else squared


@kernel("cast", "symbolic", name="steps", when=_some, needs="a symbol")
def cast(x: Symbol, *, dtype: DType, source: DType) -> Symbol:
    """A condition as a number; all numbers of a chain are of one type."""
    if dtype.kind != "f":
        raise ArgumentError(f"chain: cannot convert to {dtype}, for a chain works with floating-point numbers alone")
    return Symbol("where", (x, np.asarray(1.0), np.asarray(0.0))) if source.kind == "b" else x
