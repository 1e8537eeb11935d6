"""Products of matrices: the rungs of kernels/cuda/gemm.cu for `matmul` and `linear`.

A transposed operand, as the gradients of both make them, is read where it lies.
"""

from collections.abc import Callable
from math import prod

from minicnn.backends.cuda.launch import LIMIT, Source, contiguous, empty, floats
from minicnn.runtime.devices import Array
from minicnn.runtime.dispatch import kernel

__all__ = ["split", "vec4", "warp_tiles"]

source = Source("gemm.cu")

THREADS = 256
LARGE, SMALL = 128, 64  # sides of the tiles of C that a block computes in the upper rungs
ENOUGH = 96  # blocks to keep the 40 to 132 multiprocessors of a GPU busy
DEPTH = 16  # parts of k are multiples of this, and at least 8 of it

Product = Callable[[Array, Array], Array]


def _ceil_div(a: int, b: int) -> int:
    return -(-a // b)


def _readable(x: Array) -> Array:
    """Return matrices that kernels can read: their memory holds them, or them transposed, without gaps."""
    turned = x.swapaxes(-1, -2)
    return contiguous(turned).swapaxes(-1, -2) if turned.flags.c_contiguous else contiguous(x)


def _stored(x: Array) -> Array:
    """Return the contiguous array behind what `_readable` returned."""
    return x if x.flags.c_contiguous else x.swapaxes(-1, -2)


def _tiles(a: Array, b: Array, height: int, width: int) -> int:
    """Count the tiles of this size in the product."""
    batch: int = prod(a.shape[:-2])
    return batch * _ceil_div(a.shape[-2], height) * _ceil_div(b.shape[-1], width)


def _launch(entry: str, blocks: int, a: Array, b: Array, parts: int = 1, share: int | None = None) -> Array:
    """Multiply readable matrices with a kernel; the first axis of the result is that of `parts` of k."""
    *lead, n, k = a.shape
    m = b.shape[-1]
    c = empty(a, (parts, *lead, n, m))
    x, y = _stored(a), _stored(b)
    steps = (*((k, 1) if x is a else (1, n)), *((m, 1) if y is b else (1, k)))  # to the next row and column
    source.launch(entry, blocks, THREADS, x, y, c, (prod(lead), n, k, m, *steps, parts, k if share is None else share))
    return c


def _layout(a: Array, b: Array) -> tuple[str, Array, Array]:
    """Return "nn", "nt" or "tn", n for a matrix stored as it is and t for a transposed one, and both readable."""
    a, b = _readable(a), _readable(b)
    if a.flags.c_contiguous:
        return ("nn" if b.flags.c_contiguous else "nt"), a, b
    return "tn", a, contiguous(b)  # both transposed is so rare that a copy serves it


def split(a: Array, b: Array) -> Array:
    """a (..., n, k) @ b (..., k, m) in small tiles, and in parts of k where there are few tiles."""
    k, tiles = a.shape[-1], _tiles(a, b, SMALL, SMALL)
    share = max(_ceil_div(k * tiles, 2 * ENOUGH * DEPTH), 8) * DEPTH
    parts = max(_ceil_div(k, share), 1)
    layout, a, b = _layout(a, b)
    c = _launch(f"gemm_split_{layout}", tiles * parts, a, b, parts, share)
    if parts == 1:
        return c[0]
    out = empty(c, c.shape[1:])
    source.launch("gemm_sum", _ceil_div(out.size, THREADS), THREADS, c, out, parts, out.size)
    return out


def warp_tiles(a: Array, b: Array) -> Array:
    """a (..., n, k) @ b (..., k, m) in large tiles, double-buffered."""
    layout, a, b = _layout(a, b)
    aligned = all(size % 4 == 0 for size in (_stored(a).shape[-1], _stored(b).shape[-1], b.shape[-1]))
    return _launch(f"gemm_warp_{layout}{'' if aligned else '_odd'}", _tiles(a, b, LARGE, LARGE), a, b)[0]


def vec4(a: Array, b: Array) -> Array:
    """a (..., n, k) @ b (..., k, m), read four numbers at a time."""
    return _launch("gemm_vec4", _tiles(a, b, LARGE, LARGE), contiguous(a), contiguous(b))[0]


def _by_tile(entry: str, height: int, width: int) -> Product:
    return lambda a, b: _launch(entry, _tiles(a, b, height, width), _readable(a), _readable(b))[0]


def _by_element(entry: str) -> Product:
    return lambda a, b: _launch(entry, _ceil_div(_tiles(a, b, 1, 1), THREADS), _readable(a), _readable(b))[0]


def _floats(a: Array, b: Array) -> bool:
    return floats(a, b) and _tiles(a, b, 1, 1) < LIMIT


def _narrow(a: Array, b: Array) -> bool:
    """Whether 16 rows of the operands stay within 32 bits: tiles begin up to 15 of them before the first."""
    return _floats(a, b) and max(*a.shape[-2:], b.shape[-1]) < 2**31 // DEPTH


def _few_tiles(a: Array, b: Array) -> bool:
    return _narrow(a, b) and (min(a.shape[-2], b.shape[-1]) <= SMALL or _tiles(a, b, LARGE, LARGE) < ENOUGH)


def _fours(a: Array, b: Array) -> bool:
    return _narrow(a, b) and a.shape[-1] % 4 == b.shape[-1] % 4 == 0


def _rung(name: str, product: Product, supports: Callable[..., bool], requires: str) -> None:
    """Register a rung for both operations."""
    kernel("matmul", "cuda", name=name, supports=supports, requires=requires)(product)
    kernel("linear", "cuda", name=name, supports=lambda x, w: supports(x, w.T), requires=requires)(
        lambda x, w: product(x, w.T)
    )


FLOATS = "float32 or float64"
_rung("split", split, _few_tiles, f"{FLOATS}, and fewer than {ENOUGH} tiles of 128 × 128 or a side of at most {SMALL}")
_rung("warp_tiles", warp_tiles, _narrow, f"{FLOATS}, and sides below 2²⁷")
_rung("vec4", vec4, _fours, f"{FLOATS}, and multiples of 4 for k and m")
_rung("registers_2d", _by_tile("gemm_registers_2d", 128, 128), _floats, FLOATS)
_rung("registers_1d", _by_tile("gemm_registers_1d", 128, 16), _floats, FLOATS)
_rung("shared", _by_tile("gemm_shared", 16, 16), _floats, FLOATS)
_rung("coalesced", _by_element("gemm_coalesced"), _floats, FLOATS)
_rung("naive", _by_element("gemm_naive"), _floats, FLOATS)
