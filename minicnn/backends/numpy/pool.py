"""Maximum and average pooling and their adjoints, with a few NumPy calls for each tap.

Windows without overlap are slices of the input; other windows use the buffer of polyphase.py. Planes (images times
channels) are cut into blocks that fit into the cache. The winner of a window is the largest tap number at which a new
maximum appeared: this is a maximum over bytes, without a branch.
"""

from collections.abc import Callable
from functools import lru_cache
from math import prod
from typing import Any

import numpy as np

from minicnn.backends.numpy.blocks import BLOCK_BYTES, Block, blocks, cut, even
from minicnn.backends.numpy.elementwise import keep_where
from minicnn.backends.numpy.polyphase import PhaseBuffer, Windows
from minicnn.backends.numpy.threads import run, scratch
from minicnn.geometry import PoolSpec, ceil_div
from minicnn.runtime.devices import Array
from minicnn.runtime.dispatch import kernel

__all__ = [
    "avg_pool_input_grad_polyphase",
    "avg_pool_polyphase",
    "max_pool_nonoverlapping",
    "max_pool_polyphase",
    "max_unpool_nonoverlapping",
]
__all__ += ["max_unpool_polyphase"]


def _floats(x: Array, *others: Array, spec: PoolSpec) -> bool:
    return bool(x.size > 0 and x.dtype.kind == "f")


def _nonoverlapping(x: Array, *others: Array, spec: PoolSpec) -> bool:
    windows = zip(spec.kernel_size, spec.dilation, spec.stride, spec.window_padding, strict=True)
    nonoverlapping = all((k - 1) * d < s and before <= 0 and after <= 0 for k, d, s, (before, after) in windows)
    return nonoverlapping and _floats(x, spec=spec)


def _blocks(planes: int, spec: PoolSpec, itemsize: int) -> list[Block]:
    """Cut the planes into blocks of a quarter of the usual size, because a block needs several arrays at once."""
    return blocks(planes, spec.output_size, 4 * prod(spec.stride) * itemsize)


def _load(x: Array, task: Block, spec: PoolSpec, fill: float) -> PhaseBuffer:
    """Return a buffer with a block of the planes x (n, *I)."""
    planes, rows = task
    size = (rows.stop - rows.start, *spec.output_size[1:])
    buffer = PhaseBuffer(Windows.of(spec), planes.stop - planes.start, 1, size, x.dtype, fill)
    return buffer.load(x[planes, None], rows.start)


def _taps(buffer: PhaseBuffer) -> list[Array]:
    """Return a list of views (n, *padded_size): the elements that each tap reads."""
    found = np.empty(buffer.windows.count, object)
    for taps, read in buffer.taps():
        part = found[taps]
        for t in np.ndindex(part.shape):
            part[t] = read[0, *t]
    return list(found.flat)


@kernel(
    "max_pool",
    "numpy",
    name="nonoverlapping",
    supports=_nonoverlapping,
    requires="floats, windows without overlap and padding",
)
def max_pool_nonoverlapping(x: Array, *, spec: PoolSpec) -> tuple[Array, Array]:
    """Return the maxima of windows without overlap and their winners: x (N, C, *I) -> two arrays (N, C, *O)."""
    planes = x.reshape(-1, *spec.input_size)
    values = np.empty((len(planes), *spec.output_size), x.dtype)
    winners = np.zeros(values.shape, np.min_scalar_type(len(spec.taps)))

    def block(task: Block) -> None:
        taps = scratch("taps", (len(spec.taps), *values[task].shape), x.dtype)
        for (_, window), tap in zip(spec.taps, taps, strict=True):
            tap[...] = planes[(task[0], *window)][:, task[1]]
        _choose(list(taps), values[task], winners[task])

    run(block, blocks(len(planes), spec.output_size, len(spec.taps) * x.itemsize))
    shape = (*x.shape[:2], *spec.output_size)
    return values.reshape(shape), winners.reshape(shape)


@kernel("max_pool", "numpy", name="polyphase", supports=_floats, requires="floats")
def max_pool_polyphase(x: Array, *, spec: PoolSpec) -> tuple[Array, Array]:
    """Return the maxima of the windows and their winners: x (N, C, *I) -> two arrays (N, C, *O)."""
    planes = x.reshape(-1, *spec.input_size)
    values = np.empty((len(planes), *spec.output_size), x.dtype)
    winners = np.empty(values.shape, np.min_scalar_type(len(spec.taps)))
    first = _first_taps(spec, winners.dtype)

    def block(task: Block) -> None:
        buffer = _load(planes, task, spec, -np.inf)
        best = scratch("best", (len(planes[task[0]]), *buffer.padded_size), x.dtype)
        winner = scratch("winner", best.shape, winners.dtype)
        winner.fill(0)
        buffer.outputs(winner)[:, 0] = first[task[1]]
        _choose(_taps(buffer), best, winner)
        values[task], winners[task] = buffer.outputs(best)[:, 0], buffer.outputs(winner)[:, 0]

    run(block, _blocks(len(planes), spec, x.itemsize))
    shape = (*x.shape[:2], *spec.output_size)
    return values.reshape(shape), winners.reshape(shape)


@lru_cache(maxsize=256)
def _first_taps(spec: PoolSpec, dtype: np.dtype[Any]) -> Array:
    """Return for each window its first tap inside the input: the winner if all its elements are -infinity."""
    first, inside = np.zeros((), np.int64), np.ones((), bool)
    axes = (spec.input_size, spec.output_size, spec.kernel_size, spec.stride, spec.padding, spec.dilation)
    for size, outputs, count, stride, (before, _), dilation in zip(*axes, strict=True):
        start = stride * np.arange(outputs) - before
        tap = -(np.minimum(start, 0) // dilation)
        first = first[..., None] * count + tap
        inside = inside[..., None] & (start + tap * dilation < size)  # a dilated window may step over the input
    return np.where(inside, first, 0).astype(dtype)


def _choose(taps: list[Array], best: Array, winner: Array, nan: bool = False) -> None:
    """Write the maximum over the taps to `best`, and raise `winner` to the number of the tap that holds it."""
    best[...] = taps[0]
    better, number = np.empty(best.shape, bool), np.empty_like(winner)
    for tap, value in enumerate(taps[1:], 1):
        np.greater(value, best, out=better)
        if nan:
            better |= value != value
        np.multiply(better, winner.dtype.type(tap), out=number)
        np.maximum(winner, number, out=winner)
        np.maximum(best, value, out=best)
    if not nan and np.isnan(best.sum()):  # a cheap check; a NaN must be the winner of its window
        _choose(taps, best, winner, nan=True)


@kernel(
    "max_unpool",
    "numpy",
    name="nonoverlapping",
    supports=_nonoverlapping,
    requires="floats, windows without overlap and padding",
)
def max_unpool_nonoverlapping(g: Array, winner: Array, *, spec: PoolSpec) -> Array:
    """Write each g to the winner of its window, for windows without overlap: g and winners (N, C, *O) -> (N, C, *I)."""
    gs, winners = (a.reshape(-1, *spec.output_size) for a in (g, winner))
    covered = prod(spec.output_size) * len(spec.taps) == prod(spec.input_size)
    out = (np.empty if covered else np.zeros)((len(gs), *spec.input_size), g.dtype)

    def block(task: Block) -> None:
        for tap, (_, window) in enumerate(spec.taps):
            keep_where(gs[task], winners[task] == tap, out[(task[0], *window)][:, task[1]])

    run(block, blocks(len(gs), spec.output_size, len(spec.taps) * g.itemsize))
    return out.reshape(*g.shape[:2], *spec.input_size)


@kernel("max_unpool", "numpy", name="polyphase", supports=_floats, requires="floats")
def max_unpool_polyphase(g: Array, winner: Array, *, spec: PoolSpec) -> Array:
    """Add each g to the winner of its window: g and winners (N, C, *O) -> (N, C, *I)."""
    gs, winners = (a.reshape(-1, *spec.output_size) for a in (g, winner))

    def add_to_taps(planes: slice, buffer: PhaseBuffer) -> None:
        g_part = _pad_outputs(gs[planes], buffer)
        winner_part = _pad_outputs(winners[planes], buffer)
        kept = np.empty_like(g_part)
        for tap, target in enumerate(_taps(buffer)):
            target += keep_where(g_part, winner_part == tap, kept)

    return _scatter(g, spec, add_to_taps)


@kernel("avg_pool", "numpy", name="polyphase", supports=_floats, requires="floats")
def avg_pool_polyphase(x: Array, *, spec: PoolSpec) -> Array:
    """Return the average of each window: x (N, C, *I) -> (N, C, *O)."""
    planes = x.reshape(-1, *spec.input_size)
    y = np.empty((len(planes), *spec.output_size), x.dtype)
    divisor = _divisor(spec, x.dtype)

    def block(task: Block) -> None:
        buffer = _load(planes, task, spec, 0)
        total = scratch("best", (len(planes[task[0]]), *buffer.padded_size), x.dtype)
        first, *rest = _taps(buffer)
        total[...] = first
        for value in rest:
            total += value
        np.divide(buffer.outputs(total)[:, 0], divisor[task[1]], out=y[task])

    run(block, _blocks(len(planes), spec, x.itemsize))
    return y.reshape(*x.shape[:2], *spec.output_size)


@kernel("avg_pool_input_grad", "numpy", name="polyphase", supports=_floats, requires="floats")
def avg_pool_input_grad_polyphase(g: Array, *, spec: PoolSpec) -> Array:
    """Return the gradient of `avg_pool` for x: g (N, C, *O) -> (N, C, *I)."""
    gs, divisor = g.reshape(-1, *spec.output_size), _divisor(spec, g.dtype)

    def add_to_taps(planes: slice, buffer: PhaseBuffer) -> None:
        g_part = _pad_outputs(gs[planes] / divisor, buffer)
        for target in _taps(buffer):
            target += g_part

    return _scatter(g, spec, add_to_taps)


def _pad_outputs(a: Array, buffer: PhaseBuffer) -> Array:
    """Copy (n, *O) to (n, *padded_size), with zeros for the unused outputs."""
    out = np.zeros((len(a), *buffer.padded_size), a.dtype)
    out[:, *(slice(o) for o in buffer.size)] = a
    return out


def _scatter(g: Array, spec: PoolSpec, add_to_taps: Callable[[slice, PhaseBuffer], None]) -> Array:
    """Call `add_to_taps` for blocks of planes, and return the sums at the inputs, (N, C, *I)."""
    n = prod(g.shape[:2])
    out = np.zeros((n, *spec.input_size), g.dtype)

    def block(planes: slice) -> None:
        buffer = PhaseBuffer(Windows.of(spec), planes.stop - planes.start, 1, spec.output_size, g.dtype)
        add_to_taps(planes, buffer)
        buffer.store(out[planes, None])

    run(block, cut(n, even(ceil_div(4 * out.nbytes, BLOCK_BYTES), 4 * out.nbytes)))
    return out.reshape(*g.shape[:2], *spec.input_size)


@lru_cache(maxsize=256)
def _divisor(spec: PoolSpec, dtype: np.dtype[Any]) -> Array:
    """Return the divisor of each window, (*O)."""
    if spec.divisor_override is not None:
        return np.full(spec.output_size, spec.divisor_override, dtype)
    counts = np.ix_(*(np.array(c, dtype) for c in spec.counts))
    return np.asarray(prod(counts[1:], start=counts[0]))
