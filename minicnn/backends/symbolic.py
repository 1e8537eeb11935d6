"""A backend that computes nothing: on symbols its kernels write down what is to be done, for program.py."""

from collections.abc import Callable
from typing import Any

import numpy as np

from minicnn.devices import Device
from minicnn.dispatch import kernel
from minicnn.dtypes import DType, bool_
from minicnn.errors import ArgumentError
from minicnn.program import CONDITIONS, OPERATIONS, Program, Symbol

__all__ = ["SYMBOLS", "cast", "chain", "clamp", "power"]

SYMBOLS = Device("symbols", ("symbolic",))


def _some(*operands: Any, **_: Any) -> bool:
    return any(isinstance(o, Symbol) for o in operands)  # constants alone are worked out by references


def _step(operation: str) -> Callable[..., Symbol]:
    def step(*operands: Any) -> Symbol:
        numbers = operands[1:] if operation == "where" else operands
        if operation not in CONDITIONS and any(o.dtype == bool_ for o in numbers):
            raise ArgumentError(
                f"chain: {operation} takes numbers, and got a condition; combine conditions with &, | and ~, or make a "
                "number of one with where(condition, 1.0, 0.0)"
            )
        return Symbol(operation, operands)

    return step


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
    """Limit x to [low, high]."""
    above = x if low is None else Symbol("maximum", (x, np.asarray(low)))
    return above if high is None else Symbol("minimum", (above, np.asarray(high)))


@kernel("power", "symbolic", name="steps", when=_some, needs="a symbol")
def power(x: Symbol, *, exponent: float) -> Any:
    """x times x times x ..., by squares; half an x is its root, and negative ones are below 1."""
    if exponent < 0:
        return Symbol("div", (np.asarray(1.0), power(x, exponent=-exponent)))
    if exponent * 2 % 2 == 1:
        root = Symbol("sqrt", (x,))
        return Symbol("mul", (power(x, exponent=exponent - 0.5), root)) if exponent > 1 else root
    if exponent not in range(9):
        raise ArgumentError(f"chain: a power must be a multiple of 1/2, at most 8, got {exponent}; use exp and log")
    if exponent < 2:
        return x if exponent else np.asarray(1.0)
    squared = Symbol("square", (power(x, exponent=exponent // 2),))
    return Symbol("mul", (squared, x)) if exponent % 2 else squared


@kernel("cast", "symbolic", name="steps", when=_some, needs="a symbol")
def cast(x: Symbol, *, dtype: DType, source: DType) -> Symbol:
    """A condition as a number."""
    if source.kind != "b" or dtype.kind != "f":
        raise ArgumentError(f"chain: cannot convert to {dtype}; all numbers of a chain are of one type, its inputs'")
    return Symbol("where", (x, np.asarray(1.0), np.asarray(0.0)))
