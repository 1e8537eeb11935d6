"""Optimizer steps, block by block, in two threads.

The equations of a step need about ten passes over the arrays. A block of each array fits into the cache, so ten passes
over it cost little more than one. Intermediate results go to two scratch arrays of the block's size.
"""

from collections.abc import Callable, Iterator
from types import EllipsisType

import numpy as np

from minicnn.backends.numpy.threads import run
from minicnn.backends.step_options import AdamOptions, SGDOptions
from minicnn.runtime.devices import Array
from minicnn.runtime.dispatch import kernel

__all__ = ["adam_step", "sgd_step"]

LARGE = 1 << 17  # elements: from there on, two threads are faster
PIECE = 1 << 16  # elements of a thread's task
BLOCK = 1 << 15  # elements of a block: seven float32 arrays, under 1 MB, stay in the second-level cache

Arrays = list[Array]
Piece = tuple[int, slice | EllipsisType]  # the index of a parameter, and a slice of its rows


@kernel("adam_step", "numpy", name="blocks")
def adam_step(
    parameters: Arrays,
    gradients: Arrays,
    averages: Arrays,
    squares: Arrays,
    maxima: Arrays,
    *,
    steps: list[int],
    options: AdamOptions,
) -> None:
    """Update all parameters and their averages in place; optim/adam.py has the equations."""
    decay, shrink = options.decay_and_shrink()

    def update(i: int, p: Array, g: Array, m: Array, v: Array, *rest: Array) -> None:
        *largest, s, t = rest
        rate, floor = options.rate_and_floor(steps[i])
        if shrink != 1:
            p *= shrink
        if decay:
            np.multiply(p, decay, out=t)
            g = np.add(t, g, out=t)
        np.subtract(g, m, out=s)  # m ← β₁ m + (1 - β₁) g
        s *= 1 - options.beta1
        m += s
        np.multiply(g, g, out=s)  # v ← β₂ v + (1 - β₂) g²
        s *= 1 - options.beta2
        v *= options.beta2
        v += s
        if largest:
            v = np.maximum(largest[0], v, out=largest[0])
        np.sqrt(v, out=s)
        s += floor
        np.divide(m, s, out=s)
        s *= rate
        p -= s

    _for_pieces(update, parameters, gradients, averages, squares, maxima)


@kernel("sgd_step", "numpy", name="blocks")
def sgd_step(
    parameters: Arrays, gradients: Arrays, buffers: Arrays, *, shares: list[float], options: SGDOptions
) -> None:
    """Update all parameters and their momentum buffers in place; optim/sgd.py has the equations."""

    def update(i: int, p: Array, g: Array, *rest: Array) -> None:
        *buffer, s, t = rest
        if options.weight_decay:
            np.multiply(p, options.weight_decay, out=t)
            g = np.add(t, g, out=t)
        if buffer:
            (b,) = buffer
            b *= options.momentum
            b += np.multiply(g, shares[i], out=s)
            if options.nesterov:
                np.multiply(b, options.momentum, out=s)
                g = np.add(s, g, out=s)
            else:
                g = b
        p -= np.multiply(g, options.lr, out=s)

    _for_pieces(update, parameters, gradients, buffers)


def _for_pieces(update: Callable[..., None], *lists: Arrays) -> None:
    """Call update(i, *blocks, *scratch) for each block of each parameter, in two threads if there are many elements."""

    def update_pieces(pieces: list[Piece]) -> None:
        for i, rows in pieces:
            for blocks in _blocks(*(arrays[i][rows] for arrays in lists if arrays)):
                update(i, *blocks)

    pieces = _pieces(lists[0])
    if sum(p.size for p in lists[0]) < LARGE:
        update_pieces(pieces)
    else:
        run(update_pieces, [pieces[::2], pieces[1::2]])


def _pieces(parameters: Arrays) -> list[Piece]:
    """Cut each parameter into pieces of about PIECE elements."""
    pieces: list[Piece] = []
    for i, p in enumerate(parameters):
        if p.size <= PIECE:
            pieces.append((i, ...))
        else:
            rows = max(1, PIECE * len(p) // p.size)
            pieces += [(i, slice(row, row + rows)) for row in range(0, len(p), rows)]
    return pieces


def _blocks(*arrays: Array) -> Iterator[list[Array]]:
    """Yield blocks of arrays of one shape, cut along the first axis, and two scratch arrays of their shape."""
    arrays = tuple(a if a.ndim else a.reshape(1) for a in arrays)  # a 0-d array has no first axis
    first = arrays[0]
    rows = max(1, BLOCK * len(first) // max(first.size, 1))
    scratch = [np.empty((min(rows, len(first)), *first.shape[1:]), first.dtype) for _ in range(2)]
    for start in range(0, len(first), rows):
        blocks = [a[start : start + rows] for a in arrays]
        yield [*blocks, *(s[: len(blocks[0])] for s in scratch)]
