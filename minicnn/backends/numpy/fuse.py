"""Fused element-wise functions, block by block: the result of a step is still in the cache when the next step reads it.

The blocks are large, because each step is a call from Python. kernels/cpu/fuse.cpp does the same with blocks of 1 kB.
"""

import numpy as np

from minicnn.backends.numpy.blocks import cut
from minicnn.backends.numpy.threads import run
from minicnn.backends.trace import Graph
from minicnn.geometry import ceil_div
from minicnn.runtime.devices import Array
from minicnn.runtime.dispatch import kernel

__all__ = ["fused_blocks", "fused_sum_blocks"]

BLOCK = 1 << 15  # elements: five registers of float32 take 640 kB, and a step takes 10 µs


def _in_blocks(*inputs: Array, graph: Graph) -> bool:
    size = max(x.size for x in inputs)
    return size > BLOCK and all(x.flags.c_contiguous or not any(x.strides) for x in inputs)


def _flat(inputs: tuple[Array, ...]) -> list[Array]:
    """Flatten the inputs; an input that is one number, broadcast, becomes a 0-d array."""
    return [x.reshape(-1) if any(x.strides) else x[(0,) * x.ndim] for x in inputs]


def _parts(size: int) -> list[slice]:
    parts = ceil_div(size, BLOCK)
    return cut(size, parts + parts % 2)


def _select(part: slice, flat: list[Array]) -> list[Array]:
    return [x[part] if x.ndim else x for x in flat]


@kernel("fused", "numpy", name="blocks", supports=_in_blocks, requires=f"more than {BLOCK} contiguous numbers")
def fused_blocks(*inputs: Array, graph: Graph) -> Array:
    """Return f(inputs), element by element."""
    largest = max(inputs, key=np.size)
    y = np.empty(largest.shape, largest.dtype)
    out, flat = y.reshape(-1), _flat(inputs)

    def task(part: slice) -> None:
        out[part] = graph.on_arrays(*_select(part, flat))

    run(task, _parts(y.size))
    return y


@kernel("fused_sum", "numpy", name="blocks", supports=_in_blocks, requires=f"more than {BLOCK} contiguous numbers")
def fused_sum_blocks(*inputs: Array, graph: Graph) -> Array:
    """Return the sum of f(inputs) over all elements."""
    flat = _flat(inputs)

    def task(part: slice) -> Array:
        y = graph.on_arrays(*_select(part, flat))
        return y.sum() if y.ndim else y * y.dtype.type(part.stop - part.start)

    return np.array(run(task, _parts(max(x.size for x in inputs)))).sum()
