"""Maximum and average pooling and their adjoints. The results are deterministic on every device (no atomics).

`max_pool` returns the maximum of each window and its winner: the number of the tap that holds the maximum (the offset
inside the window, in row-major order). For given winners everything is linear: `max_unpool` adds gradients to the
winners, `pick` reads the elements at the winners, and each is the gradient of the other. Average pooling is linear.

Special cases are the same as in PyTorch. Padding is never the winner, and NaN always is. Of equal elements, the first
in row-major order is the winner. A window that extends past the border (ceil_mode) is averaged over the elements that
it covers, with or without the padding (count_include_pad).
"""

from math import prod

from minicnn.autograd.primitive import primitive
from minicnn.geometry import PoolSpec
from minicnn.runtime.devices import Array, xp

__all__ = ["avg_pool", "avg_pool_input_grad", "max_pool", "max_unpool", "pick", "winner_index"]


@primitive(residuals=("winner",))
def max_pool(x: Array, *, spec: PoolSpec) -> tuple[Array, Array]:
    """Return the maxima and the winners of the windows: x (N, C, *I) -> two arrays (N, C, *O)."""
    m = xp(x)
    lowest = -m.inf if x.dtype.kind == "f" else m.iinfo(x.dtype).min if x.dtype.kind in "iu" else False
    xs = _padded(x, spec, lowest)
    inside = _padded(m.ones(spec.input_size, bool), spec, False)
    best = m.full((*x.shape[:2], *spec.output_size), lowest, x.dtype)
    winner = m.zeros(best.shape, m.min_scalar_type(len(spec.taps)))
    chosen = m.zeros(best.shape, bool)
    for tap, (_, window) in enumerate(spec.taps):
        value = xs[(..., *window)]
        better = inside[window] & ((value > best) | (value != value) | ~chosen)
        best = m.where(better, value, best)
        winner = m.where(better, winner.dtype.type(tap), winner)
        chosen |= better
    return best, winner


@primitive
def max_unpool(g: Array, winner: Array, *, spec: PoolSpec) -> Array:
    """Add each gradient g to the winner of its window: g (N, C, *O) -> (N, C, *I)."""
    out = _padded_zeros(g, spec)
    for tap, (_, window) in enumerate(spec.taps):
        out[(..., *window)] += xp(g).where(winner == tap, g, g.dtype.type(0))
    return _without_padding(out, spec)


@primitive
def pick(x: Array, winner: Array, *, spec: PoolSpec) -> Array:
    """Return the element of x at the winner of each window: x (N, C, *I) -> (N, C, *O)."""
    xs = _padded(x, spec, 0)
    out = xp(x).zeros(winner.shape, x.dtype)
    for tap, (_, window) in enumerate(spec.taps):
        out = xp(x).where(winner == tap, xs[(..., *window)], out)
    return out


@primitive
def winner_index(winner: Array, *, spec: PoolSpec) -> Array:
    """Convert winners to PyTorch's indices: int64 positions in the flattened plane without padding."""
    plane = _padded(xp(winner).arange(prod(spec.input_size)).reshape(spec.input_size), spec, -1)
    out = xp(winner).zeros(winner.shape, plane.dtype)
    for tap, (_, window) in enumerate(spec.taps):
        out = xp(winner).where(winner == tap, plane[window], out)
    return out


@primitive
def avg_pool(x: Array, *, spec: PoolSpec) -> Array:
    """Return the average of each window: x (N, C, *I) -> (N, C, *O)."""
    xs = _padded(x, spec, 0)
    total = sum(xs[(..., *window)] for _, window in spec.taps)
    return total / _divisor(x, spec)


@primitive
def avg_pool_input_grad(g: Array, *, spec: PoolSpec) -> Array:
    """Return the gradient of `avg_pool` for x: g (N, C, *O) -> (N, C, *I)."""
    per_tap = g / _divisor(g, spec)
    out = _padded_zeros(g, spec)
    for _, window in spec.taps:
        out[(..., *window)] += per_tap
    return _without_padding(out, spec)


def _divisor(x: Array, spec: PoolSpec) -> Array:
    """Return the divisor of each window, (*O), or one number for all."""
    if spec.divisor_override is not None:
        return x.dtype.type(spec.divisor_override)
    n = len(spec.counts)
    axes = [xp(x).asarray(c, x.dtype).reshape((-1,) + (1,) * (n - 1 - i)) for i, c in enumerate(spec.counts)]
    return prod(axes[1:], start=axes[0])


def _padded(x: Array, spec: PoolSpec, value: float) -> Array:
    """Return x with its spatial axes padded with `value` where windows reach beyond it."""
    leading = x.ndim - len(spec.input_size)
    widths = [(0, 0)] * leading + [(max(b, 0), max(a, 0)) for b, a in spec.window_padding]
    return xp(x).pad(x, widths, constant_values=value) if any(b or a for b, a in widths) else x


def _padded_zeros(g: Array, spec: PoolSpec) -> Array:
    """Return zeros with the shape of the padded input."""
    axes = zip(spec.input_size, spec.window_padding, strict=True)
    return xp(g).zeros((*g.shape[:2], *(i + max(b, 0) + max(a, 0) for i, (b, a) in axes)), g.dtype)


def _without_padding(padded: Array, spec: PoolSpec) -> Array:
    """Remove the padding; the result does not share memory with a larger array."""
    axes = zip(spec.input_size, spec.window_padding, strict=True)
    inner = padded[(..., *(slice(b, b + i) for i, (b, _) in axes))]
    return inner if inner.shape == padded.shape else inner.copy()


max_pool.gradient(x=lambda grad, winner, spec: max_unpool(grad, winner, spec=spec))
max_unpool.gradient(g=lambda grad, winner, spec: pick(grad, winner, spec=spec))
pick.gradient(x=lambda grad, winner, spec: max_unpool(grad, winner, spec=spec))
avg_pool.gradient(x=lambda grad, spec: avg_pool_input_grad(grad, spec=spec))
avg_pool_input_grad.gradient(g=lambda grad, spec: avg_pool(grad, spec=spec))
