"""Chains block by block: what one step of a program writes is still in the cache when the next reads it.

The blocks are large, for each step is a call from Python; kernels/cpu/chain.cpp has the same idea with blocks of 1 kB.
"""

import numpy as np

from minicnn.backends.numpy.blocks import cut
from minicnn.backends.numpy.threads import run
from minicnn.devices import Array
from minicnn.dispatch import kernel
from minicnn.program import Program

__all__ = ["chain_blocks", "chain_sum_blocks"]

BLOCK = 1 << 15  # elements: five registers of float32 are 640 kB, and 10 µs a step


def _in_blocks(*inputs: Array, program: Program) -> bool:
    size = max(x.size for x in inputs)
    return size > BLOCK and all(x.flags.c_contiguous or not any(x.strides) for x in inputs)


def _flat(inputs: tuple[Array, ...]) -> list[Array]:
    """All elements in a row, or the one that is repeated."""
    return [x.reshape(-1) if any(x.strides) else x[(0,) * x.ndim] for x in inputs]


def _parts(size: int) -> list[slice]:
    parts = -(-size // BLOCK)
    return cut(size, parts + parts % 2)


def _at(part: slice, flat: list[Array]) -> list[Array]:
    return [x[part] if x.ndim else x for x in flat]


@kernel("chain", "numpy", name="blocks", when=_in_blocks, needs=f"more than {BLOCK} contiguous numbers")
def chain_blocks(*inputs: Array, program: Program) -> Array:
    """f(inputs), element by element."""
    largest = max(inputs, key=np.size)
    y = np.empty(largest.shape, largest.dtype)
    out, flat = y.reshape(-1), _flat(inputs)

    def task(part: slice) -> None:
        out[part] = program.on_arrays(*_at(part, flat))

    run(task, _parts(y.size))
    return y


@kernel("chain_sum", "numpy", name="blocks", when=_in_blocks, needs=f"more than {BLOCK} contiguous numbers")
def chain_sum_blocks(*inputs: Array, program: Program) -> Array:
    """Σ f(inputs)."""
    flat = _flat(inputs)

    def task(part: slice) -> Array:
        y = program.on_arrays(*_at(part, flat))
        return y.sum() if y.ndim else y * y.dtype.type(part.stop - part.start)

    return np.array(run(task, _parts(max(x.size for x in inputs)))).sum()
