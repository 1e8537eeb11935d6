"""Chains of element-wise operations in one pass: kernels/cpu/fuse.cpp."""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from minicnn.backends.native.library import Source, contiguous, floats
from minicnn.devices import Array
from minicnn.dispatch import kernel
from minicnn.dtypes import DType
from minicnn.program import OPERATIONS, Program, Step

__all__ = ["chain", "chain_sum"]

source = Source("fuse.cpp")

INPUTS, REGISTERS = 8, 32  # as many as fuse.cpp has
NEEDS = f"floats of one shape or without axes, {INPUTS} at most, and {REGISTERS} registers at most"
FEW, LARGE = 3, 1 << 14  # a call costs 5 µs; a step of the reference 1 µs, and time for each number
WORTH = f"more than {FEW} steps, or {LARGE} numbers times steps and more"
NUMBERS = {operation: i for i, operation in enumerate(OPERATIONS)}


class _Code(NamedTuple):
    """A program as fuse.cpp takes it."""

    steps: Array  # (length, 5): operation, result, operands
    constants: Array
    registers: int


@lru_cache(maxsize=1024)
def _code(program: Program, dtype: DType) -> _Code:
    """Give each result a register; one is free for others after it was read for the last time."""
    first = program.inputs + len(program.constants)
    places, free, registers, table = list(range(first)), list[int](), first, []
    for (operation, operands), done in zip(program.steps, program.done, strict=True):
        read = [places[r] for r in operands]
        free += [places[r] for r in done]
        if not free:
            free.append(registers)
            registers += 1
        places.append(free.pop())
        table.append([NUMBERS[operation], places[-1], *read, *[0] * (3 - len(read))])
    return _Code(np.array(table, np.int64), np.array(program.constants, dtype), registers)


def _applies(*inputs: Array, program: Program) -> bool:
    shapes = {x.shape for x in inputs if x.ndim}
    return (
        len(shapes) <= 1
        and len(inputs) == program.inputs <= INPUTS
        and all(x.size for x in inputs)
        and floats(*inputs)
        and _code(program, inputs[0].dtype).registers <= REGISTERS
        and source.works(inputs[0].dtype)
    )


def _pays(*inputs: Array, program: Program) -> bool:
    return len(program.steps) > FEW or max(x.size for x in inputs) * len(program.steps) >= LARGE


def _run(inputs: tuple[Array, ...], program: Program, summed: bool) -> Array:
    """Run a program on arrays; those of one element, or of one that is repeated, are one number for all."""
    largest = max(inputs, key=np.ndim)
    y = np.empty(() if summed else largest.shape, largest.dtype)
    code = _code(program, y.dtype)
    arrays = [contiguous(x) if not x.ndim or any(x.strides) else x[(slice(1),) * x.ndim] for x in inputs]
    single = sum(1 << i for i, x in enumerate(arrays) if x.size == 1)
    padding = [None] * (INPUTS - len(arrays))
    numbers = (len(arrays), single, code.constants, len(code.constants), code.steps, len(code.steps))
    source.call("fuse", *arrays, *padding, *numbers, y, largest.size, int(summed))
    return y


@kernel("chain", "native", name="blocks", when=_applies, needs=NEEDS, pays=_pays, worth=WORTH)
def chain(*inputs: Array, program: Program) -> Array:
    """f(inputs), element by element."""
    return _run(inputs, program, summed=False)


@kernel("chain_sum", "native", name="blocks", when=_applies, needs=NEEDS, pays=_pays, worth=WORTH)
def chain_sum(*inputs: Array, program: Program) -> Array:
    """Σ f(inputs)."""
    return _run(inputs, program, summed=True)


# --- programs of one step -------------------------------------------------------------------------------------------

# Elements from which a call pays, measured in float32 on 2 cores against NumPy's own loops.
LEAST = {
    "erf": 1,
    **dict.fromkeys(("relu_grad", "softplus"), 1 << 9),
    **dict.fromkeys(("relu", "sigmoid", "sqrt", "rsqrt", "sign"), 1 << 13),
    "exp": 1 << 14,
    **dict.fromkeys(("expm1", "log", "log1p"), 1 << 16),
    **dict.fromkeys(("square", "abs", "maximum", "minimum", "tanh"), 1 << 18),
}


def _one_step(operation: str, least: int) -> None:
    count = OPERATIONS[operation]
    program = Program(operation, count, (), (Step(operation, tuple(range(count))),))

    def when(*inputs: Array) -> bool:
        return all(x.shape == inputs[0].shape for x in inputs) and _applies(*inputs, program=program)

    def pays(*inputs: Array) -> bool:
        return bool(inputs[0].size >= least)

    def one_step(*inputs: Array) -> Array:
        y = np.empty(inputs[0].shape, inputs[0].dtype)
        source.call("step", *map(contiguous, inputs), *[None] * (2 - count), y, y.size, NUMBERS[operation])
        return y

    needs, worth = "floats of one shape", f"{least} numbers and more"
    kernel(operation, "native", name="one_step", when=when, needs=needs, pays=pays, worth=worth)(one_step)


for _operation, _least in LEAST.items():
    _one_step(_operation, _least)
