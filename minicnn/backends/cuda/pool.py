"""Pooling and its adjoints: wrappers for kernels/cuda/pool.cu.

In the `direct` kernels a thread computes one element. In the `slab` kernels a block computes some thousand consecutive
elements (a slab). In the `warp` kernels a warp computes one large window.
"""

from math import prod

from minicnn.backends.cuda.launch import Source, contiguous, empty, floats, int3
from minicnn.backends.cuda.windows import THREADS, cover, cut_into_slabs, fits, shared_elements, shared_outputs
from minicnn.geometry import PoolSpec, ceil_div
from minicnn.runtime.devices import Array
from minicnn.runtime.dispatch import kernel

__all__ = [
    "avg_pool_direct",
    "avg_pool_input_grad_direct",
    "avg_pool_input_grad_slab",
    "avg_pool_slab",
    "avg_pool_warp",
    "max_pool_direct",
    "max_pool_slab",
    "max_pool_warp",
    "max_unpool_direct",
    "max_unpool_slab",
    "pick_direct",
    "pick_slab",
]

source = Source("pool.cu")

REQUIRES = "float32 or float64, fewer than 2³¹ elements"
MAX_POOL_REQUIRES = f"{REQUIRES}, windows of at most 255 elements"
WARP_REQUIRES = "windows of at least 32 elements that do not overlap along a row"


def _supports(x: Array, *, spec: PoolSpec) -> bool:
    return floats(x) and fits(spec) and max(abs(spec.divisor_override or 0), prod(spec.kernel_size)) < 2**31


def _max_pool_supports(x: Array, *winner: Array, spec: PoolSpec) -> bool:
    return floats(x) and fits(spec) and prod(spec.kernel_size) < 256 and all(w.dtype == "uint8" for w in winner)


def _large_windows(spec: PoolSpec) -> bool:
    nonoverlapping = spec.dilation[-1] * (spec.kernel_size[-1] - 1) < spec.stride[-1] or spec.output_size[-1] == 1
    return nonoverlapping and prod(spec.kernel_size) >= 32


def _geometry(x: Array, spec: PoolSpec) -> tuple[int, ...]:
    """Return the struct Pool of the CUDA source."""
    return (
        prod(x.shape[:2]),
        *int3(spec.input_size, 1),
        *int3(spec.output_size, 1),
        *int3(spec.kernel_size, 1),
        *int3(spec.stride, 1),
        *int3([before for before, _ in spec.padding], 0),
        *int3(spec.dilation, 1),
        *int3([after for _, after in spec.padding], 0),
        int(spec.count_include_pad),
        spec.divisor_override or 0,
    )


def _empty_outputs(x: Array, spec: PoolSpec) -> Array:
    return empty(x, (*x.shape[:2], *spec.output_size))


def _empty_inputs(g: Array, spec: PoolSpec) -> Array:
    return empty(g, (*g.shape[:2], *spec.input_size))


def _over_outputs(x: Array, spec: PoolSpec) -> tuple[int, tuple[int, ...]]:
    return cut_into_slabs(prod(x.shape[:2]), spec.output_size, shared_elements(spec), 8)


def _over_inputs(g: Array, spec: PoolSpec) -> tuple[int, tuple[int, ...]]:
    return cut_into_slabs(prod(g.shape[:2]), spec.input_size, shared_outputs(spec), 16)


# --- maxima ---------------------------------------------------------------------------------------------------


@kernel(
    "max_pool",
    "cuda",
    name="warp",
    supports=lambda x, spec: _max_pool_supports(x, spec=spec) and _large_windows(spec),
    requires=f"{MAX_POOL_REQUIRES}; {WARP_REQUIRES}",
)
def max_pool_warp(x: Array, *, spec: PoolSpec) -> tuple[Array, Array]:
    """Return the maxima and winners of the windows, x (N, C, *I) -> two arrays (N, C, *O), one warp per window."""
    x, y = contiguous(x), _empty_outputs(x, spec)
    winner = empty(x, y.shape, "uint8")
    source.launch("max_pool_warp", ceil_div(y.size, 32), THREADS, x, y, winner, y.size, _geometry(x, spec))
    return y, winner


@kernel("max_pool", "cuda", name="slab", supports=_max_pool_supports, requires=MAX_POOL_REQUIRES)
def max_pool_slab(x: Array, *, spec: PoolSpec) -> tuple[Array, Array]:
    """Return the maxima and winners of the windows, x (N, C, *I) -> two arrays (N, C, *O), one slab per block."""
    x, y = contiguous(x), _empty_outputs(x, spec)
    winner = empty(x, y.shape, "uint8")
    grid, slabs = _over_outputs(x, spec)
    source.launch("max_pool_slab", grid, THREADS, x, y, winner, slabs, _geometry(x, spec))
    return y, winner


@kernel("max_pool", "cuda", name="direct", supports=_max_pool_supports, requires=MAX_POOL_REQUIRES)
def max_pool_direct(x: Array, *, spec: PoolSpec) -> tuple[Array, Array]:
    """Return the maxima and winners of the windows, x (N, C, *I) -> two arrays (N, C, *O), one thread per window."""
    x, y = contiguous(x), _empty_outputs(x, spec)
    winner = empty(x, y.shape, "uint8")
    source.launch("max_pool_direct", ceil_div(y.size, THREADS), THREADS, x, y, winner, y.size, _geometry(x, spec))
    return y, winner


@kernel("max_unpool", "cuda", name="slab", supports=_max_pool_supports, requires=MAX_POOL_REQUIRES)
def max_unpool_slab(g: Array, winner: Array, *, spec: PoolSpec) -> Array:
    """Add each g to the winner of its window: g and winners (N, C, *O) -> (N, C, *I), one slab per block."""
    g, winner, x = contiguous(g), contiguous(winner), _empty_inputs(g, spec)
    grid, slabs = _over_inputs(g, spec)
    source.launch("max_unpool_slab", grid, THREADS, g, winner, x, slabs, cover(spec), _geometry(g, spec))
    return x


@kernel("max_unpool", "cuda", name="direct", supports=_max_pool_supports, requires=MAX_POOL_REQUIRES)
def max_unpool_direct(g: Array, winner: Array, *, spec: PoolSpec) -> Array:
    """Add each g to the winner of its window: g and winners (N, C, *O) -> (N, C, *I), one thread per element."""
    g, winner, x = contiguous(g), contiguous(winner), _empty_inputs(g, spec)
    source.launch("max_unpool_direct", ceil_div(x.size, THREADS), THREADS, g, winner, x, x.size, _geometry(g, spec))
    return x


@kernel("pick", "cuda", name="slab", supports=_max_pool_supports, requires=MAX_POOL_REQUIRES)
def pick_slab(x: Array, winner: Array, *, spec: PoolSpec) -> Array:
    """Return the element of x at each winner: x (N, C, *I), winners (N, C, *O) -> (N, C, *O), one slab per block."""
    x, winner, y = contiguous(x), contiguous(winner), _empty_outputs(x, spec)
    grid, slabs = _over_outputs(x, spec)
    source.launch("pick_slab", grid, THREADS, x, winner, y, slabs, _geometry(x, spec))
    return y


@kernel("pick", "cuda", name="direct", supports=_max_pool_supports, requires=MAX_POOL_REQUIRES)
def pick_direct(x: Array, winner: Array, *, spec: PoolSpec) -> Array:
    """Return the element of x at each winner: x (N, C, *I), winners (N, C, *O) -> (N, C, *O), one thread per window."""
    x, winner, y = contiguous(x), contiguous(winner), _empty_outputs(x, spec)
    source.launch("pick_direct", ceil_div(y.size, THREADS), THREADS, x, winner, y, y.size, _geometry(x, spec))
    return y


# --- averages -------------------------------------------------------------------------------------------------


@kernel(
    "avg_pool",
    "cuda",
    name="warp",
    supports=lambda x, spec: _supports(x, spec=spec) and _large_windows(spec),
    requires=f"{REQUIRES}; {WARP_REQUIRES}",
)
def avg_pool_warp(x: Array, *, spec: PoolSpec) -> Array:
    """Return the average of each window: x (N, C, *I) -> (N, C, *O), one warp per window."""
    x, y = contiguous(x), _empty_outputs(x, spec)
    source.launch("avg_pool_warp", ceil_div(y.size, 32), THREADS, x, y, y.size, _geometry(x, spec))
    return y


@kernel("avg_pool", "cuda", name="slab", supports=_supports, requires=REQUIRES)
def avg_pool_slab(x: Array, *, spec: PoolSpec) -> Array:
    """Return the average of each window: x (N, C, *I) -> (N, C, *O), one slab per block."""
    x, y = contiguous(x), _empty_outputs(x, spec)
    grid, slabs = _over_outputs(x, spec)
    source.launch("avg_pool_slab", grid, THREADS, x, y, slabs, _geometry(x, spec))
    return y


@kernel("avg_pool", "cuda", name="direct", supports=_supports, requires=REQUIRES)
def avg_pool_direct(x: Array, *, spec: PoolSpec) -> Array:
    """Return the average of each window: x (N, C, *I) -> (N, C, *O), one thread per window."""
    x, y = contiguous(x), _empty_outputs(x, spec)
    source.launch("avg_pool_direct", ceil_div(y.size, THREADS), THREADS, x, y, y.size, _geometry(x, spec))
    return y


@kernel("avg_pool_input_grad", "cuda", name="slab", supports=_supports, requires=REQUIRES)
def avg_pool_input_grad_slab(g: Array, *, spec: PoolSpec) -> Array:
    """Return the gradient of `avg_pool` for x: g (N, C, *O) -> (N, C, *I), one slab per block."""
    g, x = contiguous(g), _empty_inputs(g, spec)
    grid, slabs = _over_inputs(g, spec)
    source.launch("avg_pool_input_grad_slab", grid, THREADS, g, x, slabs, cover(spec), _geometry(g, spec))
    return x


@kernel("avg_pool_input_grad", "cuda", name="direct", supports=_supports, requires=REQUIRES)
def avg_pool_input_grad_direct(g: Array, *, spec: PoolSpec) -> Array:
    """Return the gradient of `avg_pool` for x: g (N, C, *O) -> (N, C, *I), one thread per element."""
    g, x = contiguous(g), _empty_inputs(g, spec)
    source.launch("avg_pool_input_grad_direct", ceil_div(x.size, THREADS), THREADS, g, x, x.size, _geometry(g, spec))
    return x
