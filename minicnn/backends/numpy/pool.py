"""Pooling as a few passes over memory for each tap: where windows lie apart on slices, otherwise on runs (see runs.py).

Planes (images times channels) are cut into blocks that stay in the cache. The winner is the largest tap number at which
a new maximum appeared: a maximum over bytes, without a branch.
"""

from collections.abc import Callable
from functools import lru_cache
from math import prod

import numpy as np

from minicnn.backends.numpy.blocks import BLOCK_BYTES, Block, blocks, cut, even
from minicnn.backends.numpy.elementwise import keep_where
from minicnn.backends.numpy.polyphase import Runs, Windows
from minicnn.backends.numpy.threads import run, scratch
from minicnn.dtypes import DType
from minicnn.geometry import PoolSpec
from minicnn.runtime.devices import Array
from minicnn.runtime.dispatch import kernel

__all__ = ["avg_pool_input_grad_runs", "avg_pool_runs", "max_pool_apart", "max_pool_runs", "max_unpool_apart"]
__all__ += ["max_unpool_runs"]


def _floats(x: Array, *others: Array, spec: PoolSpec) -> bool:
    return bool(x.size > 0 and x.dtype.kind == "f")


def _apart(x: Array, *others: Array, spec: PoolSpec) -> bool:
    windows = zip(spec.kernel_size, spec.dilation, spec.stride, spec.window_padding, strict=True)
    apart = all((k - 1) * d < s and before <= 0 and after <= 0 for k, d, s, (before, after) in windows)
    return apart and _floats(x, spec=spec)


def _blocks(planes: int, spec: PoolSpec, itemsize: int) -> list[Block]:
    """Of a quarter of what columns may take: several arrays of the size are worked on at once."""
    return blocks(planes, spec.output_size, 4 * prod(spec.stride) * itemsize)


def _loaded(x: Array, task: Block, spec: PoolSpec, fill: float) -> Runs:
    """A block of planes (n, *I) under its windows."""
    planes, rows = task
    size = (rows.stop - rows.start, *spec.output_size[1:])
    runs = Runs(Windows.of(spec), planes.stop - planes.start, 1, size, x.dtype, fill)
    return runs.load(x[planes, None], rows.start)


def _taps(runs: Runs) -> list[Array]:
    """What each tap reads, in order: (n, outputs with junk)."""
    found = np.empty(runs.windows.count, object)
    for taps, read in runs.taps():
        part = found[taps]
        for t in np.ndindex(part.shape):
            part[t] = read[0, *t]
    return list(found.flat)


@kernel(
    "max_pool", "numpy", name="nonoverlapping", supports=_apart, requires="floats, windows without overlap and padding"
)
def max_pool_apart(x: Array, *, spec: PoolSpec) -> tuple[Array, Array]:
    """x (N, C, *I) -> values and winners (N, C, *O)."""
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
def max_pool_runs(x: Array, *, spec: PoolSpec) -> tuple[Array, Array]:
    """x (N, C, *I) -> values and winners (N, C, *O)."""
    planes = x.reshape(-1, *spec.input_size)
    values = np.empty((len(planes), *spec.output_size), x.dtype)
    winners = np.empty(values.shape, np.min_scalar_type(len(spec.taps)))
    first = _first_taps(spec, winners.dtype)

    def block(task: Block) -> None:
        runs = _loaded(planes, task, spec, -np.inf)
        best = scratch("best", (len(planes[task[0]]), *runs.padded_size), x.dtype)
        winner = scratch("winner", best.shape, winners.dtype)
        winner.fill(0)
        runs.outputs(winner)[:, 0] = first[task[1]]
        _choose(_taps(runs), best, winner)
        values[task], winners[task] = runs.outputs(best)[:, 0], runs.outputs(winner)[:, 0]

    run(block, _blocks(len(planes), spec, x.itemsize))
    shape = (*x.shape[:2], *spec.output_size)
    return values.reshape(shape), winners.reshape(shape)


@lru_cache(maxsize=256)
def _first_taps(spec: PoolSpec, dtype: DType) -> Array:
    """For each output its first tap inside the input: the winner where all are -infinity, as the padding is."""
    first, inside = np.zeros((), np.int64), np.ones((), bool)
    axes = (spec.input_size, spec.output_size, spec.kernel_size, spec.stride, spec.padding, spec.dilation)
    for size, outputs, count, stride, (before, _), dilation in zip(*axes, strict=True):
        start = stride * np.arange(outputs) - before
        tap = -(np.minimum(start, 0) // dilation)
        first = first[..., None] * count + tap
        inside = inside[..., None] & (start + tap * dilation < size)  # a dilated window may step over the input
    return np.where(inside, first, 0).astype(dtype)


def _choose(taps: list[Array], best: Array, winner: Array, nan: bool = False) -> None:
    best[...] = taps[0]
    better, number = np.empty(best.shape, bool), np.empty_like(winner)
    for tap, value in enumerate(taps[1:], 1):
        np.greater(value, best, out=better)
        if nan:
            better |= value != value
        np.multiply(better, winner.dtype.type(tap), out=number)
        np.maximum(winner, number, out=winner)
        np.maximum(best, value, out=best)
    if not nan and np.isnan(best.sum()):  # the sum is one cheap pass; NaN has to win its window
        _choose(taps, best, winner, nan=True)


@kernel(
    "max_unpool",
    "numpy",
    name="nonoverlapping",
    supports=_apart,
    requires="floats, windows without overlap and padding",
)
def max_unpool_apart(g: Array, winner: Array, *, spec: PoolSpec) -> Array:
    """g and winners (N, C, *O) -> (N, C, *I): each element of x is written once, or by no window."""
    gs, winners = (a.reshape(-1, *spec.output_size) for a in (g, winner))
    covered = prod(spec.output_size) * len(spec.taps) == prod(spec.input_size)
    out = (np.empty if covered else np.zeros)((len(gs), *spec.input_size), g.dtype)

    def block(task: Block) -> None:
        for tap, (_, window) in enumerate(spec.taps):
            keep_where(gs[task], winners[task] == tap, out[(task[0], *window)][:, task[1]])

    run(block, blocks(len(gs), spec.output_size, len(spec.taps) * g.itemsize))
    return out.reshape(*g.shape[:2], *spec.input_size)


@kernel("max_unpool", "numpy", name="polyphase", supports=_floats, requires="floats")
def max_unpool_runs(g: Array, winner: Array, *, spec: PoolSpec) -> Array:
    """g and winners (N, C, *O) -> (N, C, *I)."""
    gs, winners = (a.reshape(-1, *spec.output_size) for a in (g, winner))

    def spread(planes: slice, runs: Runs) -> None:
        part = _with_junk(gs[planes], runs)
        choice = _with_junk(winners[planes], runs)
        kept = np.empty_like(part)
        for tap, target in enumerate(_taps(runs)):
            target += keep_where(part, choice == tap, kept)

    return _spread(g, spec, spread)


@kernel("avg_pool", "numpy", name="polyphase", supports=_floats, requires="floats")
def avg_pool_runs(x: Array, *, spec: PoolSpec) -> Array:
    """x (N, C, *I) -> (N, C, *O)."""
    planes = x.reshape(-1, *spec.input_size)
    y = np.empty((len(planes), *spec.output_size), x.dtype)
    divisor = _divisor(spec, x.dtype)

    def block(task: Block) -> None:
        runs = _loaded(planes, task, spec, 0)
        total = scratch("best", (len(planes[task[0]]), *runs.padded_size), x.dtype)
        first, *rest = _taps(runs)
        total[...] = first
        for value in rest:
            total += value
        np.divide(runs.outputs(total)[:, 0], divisor[task[1]], out=y[task])

    run(block, _blocks(len(planes), spec, x.itemsize))
    return y.reshape(*x.shape[:2], *spec.output_size)


@kernel("avg_pool_input_grad", "numpy", name="polyphase", supports=_floats, requires="floats")
def avg_pool_input_grad_runs(g: Array, *, spec: PoolSpec) -> Array:
    """g (N, C, *O) -> (N, C, *I)."""
    gs, divisor = g.reshape(-1, *spec.output_size), _divisor(spec, g.dtype)

    def spread(planes: slice, runs: Runs) -> None:
        share = _with_junk(gs[planes] / divisor, runs)
        for target in _taps(runs):
            target += share

    return _spread(g, spec, spread)


def _with_junk(a: Array, runs: Runs) -> Array:
    """(n, *O) -> (n, *padded O), zeros in the gaps."""
    out = np.zeros((len(a), *runs.padded_size), a.dtype)
    out[:, *(slice(o) for o in runs.size)] = a
    return out


def _spread(g: Array, spec: PoolSpec, add_to: Callable[[slice, Runs], None]) -> Array:
    """Let `add_to` add something for each tap of some planes of outputs, and return what inputs got, (N, C, *I)."""
    n = prod(g.shape[:2])
    out = np.zeros((n, *spec.input_size), g.dtype)

    def block(planes: slice) -> None:
        runs = Runs(Windows.of(spec), planes.stop - planes.start, 1, spec.output_size, g.dtype)
        add_to(planes, runs)
        runs.store(out[planes, None])

    run(block, cut(n, even(-(-4 * out.nbytes // BLOCK_BYTES), 4 * out.nbytes)))
    return out.reshape(*g.shape[:2], *spec.input_size)


@lru_cache(maxsize=256)
def _divisor(spec: PoolSpec, dtype: DType) -> Array:
    """How many elements each window is divided by, (*O)."""
    if spec.divisor_override is not None:
        return np.full(spec.output_size, spec.divisor_override, dtype)
    counts = np.ix_(*(np.array(c, dtype) for c in spec.counts))
    return np.asarray(prod(counts[1:], start=counts[0]))
