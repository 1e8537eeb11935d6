"""Maximum pooling over windows that neither overlap nor need padding, the common case: few passes, in threads.

Every element lies in one window at most, so the gradient is written once instead of added up. The winner is the
largest tap number at which a new maximum appeared: a maximum over bytes, without a branch.
"""

import numpy as np

from minicnn.backends.numpy.elementwise import keep_where
from minicnn.backends.numpy.threads import run, slices
from minicnn.devices import Array
from minicnn.dispatch import kernel
from minicnn.geometry import PoolSpec

__all__ = ["max_pool_disjoint", "max_unpool_disjoint"]


def _disjoint(x: Array, *others: Array, spec: PoolSpec) -> bool:
    apart = all(k <= s for k, s in zip(spec.kernel_size, spec.stride, strict=True))
    inside = all(b <= 0 and a <= 0 for b, a in spec.window_padding)
    return x.size > 0 and x.dtype.kind == "f" and apart and inside and max(spec.dilation) == 1


@kernel("max_pool", "numpy", name="disjoint", when=_disjoint, needs="floats in windows without overlap or padding")
def max_pool_disjoint(x: Array, *, spec: PoolSpec) -> tuple[Array, Array]:
    """x (N, C, *I) -> values and winners (N, C, *O)."""
    best = np.empty((*x.shape[:2], *spec.output_size), x.dtype)
    winner = np.empty(best.shape, np.min_scalar_type(len(spec.taps)))

    def part(s: slice) -> None:
        _pool_part(x[s], best[s], winner[s], spec)

    run(part, slices(x.shape[0]))
    return best, winner


def _pool_part(x: Array, best: Array, winner: Array, spec: PoolSpec, nan: bool = False) -> None:
    winner.fill(0)
    for tap, (_, window) in enumerate(spec.taps):
        value = x[(..., *window)]
        if tap == 0:
            best[...] = value
            continue
        better = value > best
        if nan:
            better |= value != value
        np.maximum(winner, np.multiply(better, tap, dtype=winner.dtype), out=winner)
        np.maximum(best, value, out=best)
    if not nan and np.isnan(best.sum()):  # the sum is one cheap pass; NaN has to win its window
        _pool_part(x, best, winner, spec, nan=True)


@kernel("max_unpool", "numpy", name="disjoint", when=_disjoint, needs="floats in windows without overlap or padding")
def max_unpool_disjoint(g: Array, winner: Array, *, spec: PoolSpec) -> Array:
    """g and winners (N, C, *O) -> (N, C, *I)."""
    covered = spec.kernel_size == spec.stride and all(a == 0 for _, a in spec.window_padding)
    out: Array = (np.empty if covered else np.zeros)((*g.shape[:2], *spec.input_size), g.dtype)
    g = np.ascontiguousarray(g)

    def part(s: slice) -> None:
        kept = np.empty_like(g[s])
        for tap, (_, window) in enumerate(spec.taps):
            out[s][(..., *window)] = keep_where(g[s], winner[s] == tap, kept)

    run(part, slices(g.shape[0]))
    return out
