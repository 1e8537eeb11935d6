"""Chains of element-wise operations in one pass: kernels/cpu/fuse.cpp."""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from minicnn.backends.native.library import Source, contiguous, floats
from minicnn.backends.trace import OPERATIONS, Graph, Step
from minicnn.dtypes import DType
from minicnn.runtime.devices import Array
from minicnn.runtime.dispatch import kernel

__all__ = ["fused", "fused_sum"]

source = Source("fuse.cpp")

INPUTS, REGISTERS = 8, 32  # as many as fuse.cpp has
REQUIRES = f"floats of one shape or without axes, {INPUTS} at most, and {REGISTERS} registers at most"
FEW, LARGE = 3, 1 << 14  # a call costs 5 µs; a step of the reference 1 µs, and time for each number
BEST_FOR = f"more than {FEW} steps, or {LARGE} numbers times steps and more"
NUMBERS = {operation: i for i, operation in enumerate(OPERATIONS)}


class _Code(NamedTuple):
    """A graph as fuse.cpp takes it."""

    steps: Array  # (length, 5): operation, result, operands
    constants: Array
    registers: int


@lru_cache(maxsize=1024)
def _code(graph: Graph, dtype: DType) -> _Code:
    """Give each result a register; one is free for others after it was read for the last time."""
    first = graph.inputs + len(graph.constants)
    places, free, registers, table = list(range(first)), list[int](), first, []
    for (operation, operands), done in zip(graph.steps, graph.done, strict=True):
        read = [places[r] for r in operands]
        free += [places[r] for r in done]
        if not free:
            free.append(registers)
            registers += 1
        places.append(free.pop())
        table.append([NUMBERS[operation], places[-1], *read, *[0] * (3 - len(read))])
    return _Code(np.array(table, np.int64), np.array(graph.constants, dtype), registers)


def _supports(*inputs: Array, graph: Graph) -> bool:
    shapes = {x.shape for x in inputs if x.ndim}
    return (
        len(shapes) <= 1
        and len(inputs) == graph.inputs <= INPUTS
        and all(x.size for x in inputs)
        and floats(*inputs)
        and _code(graph, inputs[0].dtype).registers <= REGISTERS
        and source.works(inputs[0].dtype)
    )


def _profitable(*inputs: Array, graph: Graph) -> bool:
    return len(graph.steps) > FEW or max(x.size for x in inputs) * len(graph.steps) >= LARGE


def _run(inputs: tuple[Array, ...], graph: Graph, summed: bool) -> Array:
    """Run a graph on arrays; those of one element, or of one that is repeated, are one number for all."""
    largest = max(inputs, key=np.ndim)
    y = np.empty(() if summed else largest.shape, largest.dtype)
    code = _code(graph, y.dtype)
    arrays = [contiguous(x) if not x.ndim or any(x.strides) else x[(slice(1),) * x.ndim] for x in inputs]
    single = sum(1 << i for i, x in enumerate(arrays) if x.size == 1)
    padding = [None] * (INPUTS - len(arrays))
    numbers = (len(arrays), single, code.constants, len(code.constants), code.steps, len(code.steps))
    source.call("fuse", *arrays, *padding, *numbers, y, largest.size, int(summed))
    return y


@kernel(
    "fused", "native", name="blocks", supports=_supports, requires=REQUIRES, profitable=_profitable, best_for=BEST_FOR
)
def fused(*inputs: Array, graph: Graph) -> Array:
    """f(inputs), element by element."""
    return _run(inputs, graph, summed=False)


@kernel(
    "fused_sum",
    "native",
    name="blocks",
    supports=_supports,
    requires=REQUIRES,
    profitable=_profitable,
    best_for=BEST_FOR,
)
def fused_sum(*inputs: Array, graph: Graph) -> Array:
    """Σ f(inputs)."""
    return _run(inputs, graph, summed=True)


# --- graphs of one step -------------------------------------------------------------------------------------------

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
    graph = Graph(operation, count, (), (Step(operation, tuple(range(count))),))

    def supports(*inputs: Array) -> bool:
        return all(x.shape == inputs[0].shape for x in inputs) and _supports(*inputs, graph=graph)

    def profitable(*inputs: Array) -> bool:
        return bool(inputs[0].size >= least)

    def one_step(*inputs: Array) -> Array:
        y = np.empty(inputs[0].shape, inputs[0].dtype)
        source.call("step", *map(contiguous, inputs), *[None] * (2 - count), y, y.size, NUMBERS[operation])
        return y

    requires, best_for = "floats of one shape", f"{least} numbers and more"
    kernel(
        operation,
        "native",
        name="one_step",
        supports=supports,
        requires=requires,
        profitable=profitable,
        best_for=best_for,
    )(one_step)


for _operation, _least in LEAST.items():
    _one_step(_operation, _least)
