"""Matrix products: wrappers for kernels/cuda/gemm.cu, which `matmul` and `linear` share.

The kernels form a ladder from the plainest to the fastest. Most of them read a transposed operand without a copy; the
gradients of both operations have transposed operands.
"""

from collections.abc import Callable
from math import prod

from minicnn.backends.cuda.launch import LIMIT, Source, contiguous, empty, floats
from minicnn.geometry import ceil_div
from minicnn.runtime.devices import Array
from minicnn.runtime.dispatch import kernel

__all__ = ["split", "vec4", "warp_tiles"]

source = Source("gemm.cu")

THREADS = 256
LARGE, SMALL = 128, 64  # sides of the tiles of C that a block of the fast kernels computes
MIN_BLOCKS = 96  # keep the 40 to 132 multiprocessors of a GPU busy
DEPTH = 16  # a part of k is a multiple of this, and at least 8 times as large

Product = Callable[[Array, Array], Array]


def _readable(x: Array) -> Array:
    """Return matrices that are contiguous or whose transpose is contiguous; copy them only if necessary."""
    transposed = x.swapaxes(-1, -2)
    return contiguous(transposed).swapaxes(-1, -2) if transposed.flags.c_contiguous else contiguous(x)


def _stored(x: Array) -> Array:
    """Return the contiguous array of a result of `_readable`: the array or its transpose."""
    return x if x.flags.c_contiguous else x.swapaxes(-1, -2)


def _tiles(a: Array, b: Array, height: int, width: int) -> int:
    """Return the number of tiles of this size in the product."""
    batch: int = prod(a.shape[:-2])
    return batch * ceil_div(a.shape[-2], height) * ceil_div(b.shape[-1], width)


def _launch(entry: str, blocks: int, a: Array, b: Array, parts: int = 1, share: int | None = None) -> Array:
    """Multiply readable matrices with a kernel; the first axis of the result has one entry for each part of k."""
    *batch, n, k = a.shape
    m = b.shape[-1]
    c = empty(a, (parts, *batch, n, m))
    x, y = _stored(a), _stored(b)
    steps = (*((k, 1) if x is a else (1, n)), *((m, 1) if y is b else (1, k)))  # to the next row and column
    source.launch(entry, blocks, THREADS, x, y, c, (prod(batch), n, k, m, *steps, parts, k if share is None else share))
    return c


def _layout(a: Array, b: Array) -> tuple[str, Array, Array]:
    """Return the layout "nn", "nt" or "tn" (t: stored transposed, n: not transposed), and both matrices, readable."""
    a, b = _readable(a), _readable(b)
    if a.flags.c_contiguous:
        return ("nn" if b.flags.c_contiguous else "nt"), a, b
    return "tn", a, contiguous(b)  # "tt" is rare, so b is copied


def split(a: Array, b: Array) -> Array:
    """Return a (..., n, k) @ b (..., k, m), in small tiles; if there are few tiles, k is split into parts."""
    k, tiles = a.shape[-1], _tiles(a, b, SMALL, SMALL)
    share = max(ceil_div(k * tiles, 2 * MIN_BLOCKS * DEPTH), 8) * DEPTH
    parts = max(ceil_div(k, share), 1)
    layout, a, b = _layout(a, b)
    c = _launch(f"gemm_split_{layout}", tiles * parts, a, b, parts, share)
    if parts == 1:
        return c[0]
    out = empty(c, c.shape[1:])
    source.launch("gemm_sum", ceil_div(out.size, THREADS), THREADS, c, out, parts, out.size)
    return out


def warp_tiles(a: Array, b: Array) -> Array:
    """Return a (..., n, k) @ b (..., k, m), in large tiles with double buffering."""
    layout, a, b = _layout(a, b)
    aligned = all(size % 4 == 0 for size in (_stored(a).shape[-1], _stored(b).shape[-1], b.shape[-1]))
    return _launch(f"gemm_warp_{layout}{'' if aligned else '_odd'}", _tiles(a, b, LARGE, LARGE), a, b)[0]


def vec4(a: Array, b: Array) -> Array:
    """Return a (..., n, k) @ b (..., k, m); a load reads four numbers."""
    return _launch("gemm_vec4", _tiles(a, b, LARGE, LARGE), contiguous(a), contiguous(b))[0]


def _by_tile(entry: str, height: int, width: int) -> Product:
    return lambda a, b: _launch(entry, _tiles(a, b, height, width), _readable(a), _readable(b))[0]


def _by_element(entry: str) -> Product:
    return lambda a, b: _launch(entry, ceil_div(_tiles(a, b, 1, 1), THREADS), _readable(a), _readable(b))[0]


def _floats(a: Array, b: Array) -> bool:
    return floats(a, b) and _tiles(a, b, 1, 1) < LIMIT


def _offsets_fit(a: Array, b: Array) -> bool:
    """Return whether the offset of 16 rows fits into 32 bits; tiles start up to 15 rows before the first row."""
    return _floats(a, b) and max(*a.shape[-2:], b.shape[-1]) < 2**31 // DEPTH


def _few_tiles(a: Array, b: Array) -> bool:
    return _offsets_fit(a, b) and (min(a.shape[-2], b.shape[-1]) <= SMALL or _tiles(a, b, LARGE, LARGE) < MIN_BLOCKS)


def _multiples_of_4(a: Array, b: Array) -> bool:
    return _offsets_fit(a, b) and a.shape[-1] % 4 == b.shape[-1] % 4 == 0


def _register(name: str, product: Product, supports: Callable[..., bool], requires: str) -> None:
    """Register a kernel for both operations."""
    kernel("matmul", "cuda", name=name, supports=supports, requires=requires)(product)
    kernel("linear", "cuda", name=name, supports=lambda x, w: supports(x, w.T), requires=requires)(
        lambda x, w: product(x, w.T)
    )


FLOATS = "float32 or float64"
_register(
    "split", split, _few_tiles, f"{FLOATS}, and fewer than {MIN_BLOCKS} tiles of 128 × 128 or a side of at most {SMALL}"
)
_register("warp_tiles", warp_tiles, _offsets_fit, f"{FLOATS}, and sides below 2²⁷")
_register("vec4", vec4, _multiples_of_4, f"{FLOATS}, and multiples of 4 for k and m")
_register("registers_2d", _by_tile("gemm_registers_2d", 128, 128), _floats, FLOATS)
_register("registers_1d", _by_tile("gemm_registers_1d", 128, 16), _floats, FLOATS)
_register("shared", _by_tile("gemm_shared", 16, 16), _floats, FLOATS)
_register("coalesced", _by_element("gemm_coalesced"), _floats, FLOATS)
_register("naive", _by_element("gemm_naive"), _floats, FLOATS)
