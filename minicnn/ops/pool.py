"""Pooling, and the adjoint of each, gather-style: no atomics, the same bits every time.

Maximum pooling is a choice followed by a gather: `max_pool` returns the values and, for each window, the flat index of
the winner in the (unpadded) spatial plane. Given the indices everything is linear: `max_unpool` scatters gradients to
the winners, `pick` gathers from them, and these two are each other's gradient. Average pooling is linear as it stands.

Corner cases are PyTorch's: padding never wins, NaN does; among equals the first in row-major order wins; a window cut
off by the border (ceil_mode) is averaged over what it covers, with or without the padding (count_include_pad).
"""

from math import prod

from minicnn.devices import Array, xp
from minicnn.geometry import PoolSpec
from minicnn.primitive import primitive

__all__ = ["avg_pool", "avg_pool_input_grad", "max_pool", "max_unpool", "pick"]


@primitive(residuals=("indices",))
def max_pool(x: Array, *, spec: PoolSpec) -> tuple[Array, Array]:
    """x (N, C, *I) -> values (N, C, *O) and int64 indices (N, C, *O) into the flattened plane."""
    m = xp(x)
    lowest = -m.inf if x.dtype.kind == "f" else m.iinfo(x.dtype).min
    xs = _padded(x, spec, lowest)
    plane = m.arange(prod(spec.input_size)).reshape(spec.input_size)
    where = _padded(plane, spec, -1)
    best = m.full((*x.shape[:2], *spec.output_size), lowest, x.dtype)
    winner = m.full(best.shape, -1, plane.dtype)
    for _, window in spec.taps:
        value, index = xs[(..., *window)], where[window]
        better = (index >= 0) & ((value > best) | (value != value) | (winner < 0))
        best = m.where(better, value, best)
        winner = m.where(better, index, winner)
    return best, winner


@primitive
def max_unpool(g: Array, indices: Array, *, spec: PoolSpec) -> Array:
    """g (N, C, *O) -> (N, C, *I): each gradient added to the element that won its window."""
    out = xp(g).zeros((*g.shape[:2], *spec.input_size), g.dtype)
    plane = prod(spec.input_size)
    rows = xp(g).arange(g.shape[0] * g.shape[1]).reshape(*g.shape[:2], *(1,) * len(spec.input_size))
    xp(g).add.at(out.reshape(-1), (rows * plane + indices).reshape(-1), g.reshape(-1))
    return out


@primitive
def pick(x: Array, indices: Array, *, spec: PoolSpec) -> Array:
    """x (N, C, *I) -> (N, C, *O): the elements that won their windows."""
    flat = x.reshape(*x.shape[:2], prod(x.shape[2:]))  # (N, C, I)
    rows = indices.reshape(*indices.shape[:2], prod(indices.shape[2:]))  # (N, C, O)
    return xp(x).take_along_axis(flat, rows, 2).reshape(indices.shape)


@primitive
def avg_pool(x: Array, *, spec: PoolSpec) -> Array:
    """x (N, C, *I) -> (N, C, *O): the mean of each window."""
    xs = _padded(x, spec, 0)
    total = sum(xs[(..., *window)] for _, window in spec.taps)
    return total / _divisor(x, spec)


@primitive
def avg_pool_input_grad(g: Array, *, spec: PoolSpec) -> Array:
    """g (N, C, *O) -> (N, C, *I): the adjoint of avg_pool."""
    share = g / _divisor(g, spec)
    size = tuple(i + max(b, 0) + max(a, 0) for i, (b, a) in zip(spec.input_size, spec.window_padding, strict=True))
    out = xp(g).zeros((*g.shape[:2], *size), g.dtype)
    for _, window in spec.taps:
        out[(..., *window)] += share
    inner = tuple(slice(b, b + i) for i, (b, _) in zip(spec.input_size, spec.window_padding, strict=True))
    return out[(..., *inner)]


def _divisor(x: Array, spec: PoolSpec) -> Array:
    """How many elements each window is divided by, (*O) or one number."""
    if spec.divisor_override is not None:
        return x.dtype.type(spec.divisor_override)
    n = len(spec.counts)
    axes = [xp(x).asarray(c, x.dtype).reshape((-1,) + (1,) * (n - 1 - i)) for i, c in enumerate(spec.counts)]
    return prod(axes[1:], start=axes[0])


def _padded(x: Array, spec: PoolSpec, value: float) -> Array:
    """Return x with `value` where windows reach beyond it; leading axes are left alone."""
    lead = x.ndim - len(spec.input_size)
    widths = [(0, 0)] * lead + [(max(b, 0), max(a, 0)) for b, a in spec.window_padding]
    return xp(x).pad(x, widths, constant_values=value) if any(b or a for b, a in widths) else x


max_pool.gradient(x=lambda h, indices, spec: max_unpool(h, indices, spec=spec))
max_unpool.gradient(g=lambda h, indices, spec: pick(h, indices, spec=spec))
pick.gradient(x=lambda h, indices, spec: max_unpool(h, indices, spec=spec))
avg_pool.gradient(x=lambda h, spec: avg_pool_input_grad(h, spec=spec))
avg_pool_input_grad.gradient(g=lambda h, spec: avg_pool(h, spec=spec))
