"""Chains of element-wise operations in one pass over memory: wrappers for kernels/cpu/fuse.cpp.

`fused` and `fused_sum` run the graph of a function with `@fuse`. The second half registers graphs of one step: they are
the kernels of `exp`, `relu` and other single operations.
"""

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from minicnn.backends.native.library import Source, contiguous, floats
from minicnn.backends.trace import OPERATIONS, Graph, Step
from minicnn.runtime.devices import Array
from minicnn.runtime.dispatch import kernel

__all__ = ["fused", "fused_sum"]

source = Source("fuse.cpp")

INPUTS, REGISTERS = 8, 32  # the limits of fuse.cpp
REQUIRES = f"float32 or float64, one shape (or no axes), at most {INPUTS} inputs, at most {REGISTERS} registers"
FEW_STEPS, MIN_WORK = 3, 1 << 14  # a call costs 5 µs; a step of the reference costs 1 µs plus the time per element
BEST_FOR = f"more than {FEW_STEPS} steps, or at least {MIN_WORK} elements times steps"
OPCODES = {operation: i for i, operation in enumerate(OPERATIONS)}


class _Program(NamedTuple):
    """A graph in the form that fuse.cpp reads."""

    steps: Array  # (length, 5): operation, register of the result, registers of up to 3 operands
    constants: Array
    registers: int


@lru_cache(maxsize=1024)
def _compile(graph: Graph, dtype: np.dtype[Any]) -> _Program:
    """Assign a register to each result; a register is free again after its value was read for the last time."""
    first = graph.inputs + len(graph.constants)
    register_of, free, registers, table = list(range(first)), list[int](), first, []
    for (operation, operands), done in zip(graph.steps, graph.done, strict=True):
        read = [register_of[r] for r in operands]
        free += [register_of[r] for r in done]
        if not free:
            free.append(registers)
            registers += 1
        register_of.append(free.pop())
        table.append([OPCODES[operation], register_of[-1], *read, *[0] * (3 - len(read))])
    return _Program(np.array(table, np.int64), np.array(graph.constants, dtype), registers)


def _supports(*inputs: Array, graph: Graph) -> bool:
    shapes = {x.shape for x in inputs if x.ndim}
    return (
        len(shapes) <= 1
        and len(inputs) == graph.inputs <= INPUTS
        and all(x.size for x in inputs)
        and floats(*inputs)
        and _compile(graph, inputs[0].dtype).registers <= REGISTERS
        and source.works(inputs[0].dtype)
    )


def _profitable(*inputs: Array, graph: Graph) -> bool:
    return len(graph.steps) > FEW_STEPS or max(x.size for x in inputs) * len(graph.steps) >= MIN_WORK


def _run(inputs: tuple[Array, ...], graph: Graph, summed: bool) -> Array:
    """Run a graph on arrays. An array of one element, or with strides of 0, is one number for all elements."""
    largest = max(inputs, key=np.ndim)
    y = np.empty(() if summed else largest.shape, largest.dtype)
    program = _compile(graph, y.dtype)
    arrays = [contiguous(x) if not x.ndim or any(x.strides) else x[(slice(1),) * x.ndim] for x in inputs]
    scalars = sum(1 << i for i, x in enumerate(arrays) if x.size == 1)  # bit i: input i is one number
    padding = [None] * (INPUTS - len(arrays))
    constants, steps = program.constants, program.steps
    arguments = (len(arrays), scalars, constants, len(constants), steps, len(steps))
    source.call("fuse", *arrays, *padding, *arguments, y, largest.size, int(summed))
    return y


@kernel(
    "fused", "native", name="blocks", supports=_supports, requires=REQUIRES, profitable=_profitable, best_for=BEST_FOR
)
def fused(*inputs: Array, graph: Graph) -> Array:
    """Return f(inputs), element by element."""
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
    """Return the sum of f(inputs) over all elements."""
    return _run(inputs, graph, summed=True)


# --- graphs of one step -------------------------------------------------------------------------------------------

# Number of elements from which a kernel is faster than NumPy's own loop, measured in float32 on 2 cores.
MIN_ELEMENTS = {
    "erf": 1,
    **dict.fromkeys(("relu_grad", "softplus"), 1 << 9),
    **dict.fromkeys(("relu", "sigmoid", "sqrt", "rsqrt", "sign"), 1 << 13),
    "exp": 1 << 14,
    **dict.fromkeys(("expm1", "log", "log1p"), 1 << 16),
    **dict.fromkeys(("square", "abs", "maximum", "minimum", "tanh"), 1 << 18),
}


def _register_one_step(operation: str, min_elements: int) -> None:
    count = OPERATIONS[operation]
    graph = Graph(operation, count, (), (Step(operation, tuple(range(count))),))

    def supports(*inputs: Array) -> bool:
        return all(x.shape == inputs[0].shape for x in inputs) and _supports(*inputs, graph=graph)

    def profitable(*inputs: Array) -> bool:
        return bool(inputs[0].size >= min_elements)

    def one_step(*inputs: Array) -> Array:
        y = np.empty(inputs[0].shape, inputs[0].dtype)
        source.call("step", *map(contiguous, inputs), *[None] * (2 - count), y, y.size, OPCODES[operation])
        return y

    requires, best_for = "float32 or float64 arrays of one shape", f"at least {min_elements} elements"
    kernel(
        operation,
        "native",
        name="one_step",
        supports=supports,
        requires=requires,
        profitable=profitable,
        best_for=best_for,
    )(one_step)


for _operation, _min_elements in MIN_ELEMENTS.items():
    _register_one_step(_operation, _min_elements)
