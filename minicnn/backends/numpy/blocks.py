"""Functions that cut a batch into blocks: each block is one task of a thread, and its arrays fit into the cache."""

from math import prod

from minicnn.geometry import ceil_div

__all__ = ["Block", "blocks", "cut", "even"]

Block = tuple[slice, slice]  # images, rows of the first spatial axis

BLOCK_BYTES = 4 << 20  # smaller blocks mean more calls that wait for the GIL; larger blocks do not fit into the caches
SMALL_BYTES = 1 << 20  # of the whole work: below it, a second thread costs more time than it saves
BLOCK_OUTPUTS = 192  # minimum: with fewer, BLAS needs more time to pack the weights than to multiply by them


def blocks(n: int, size: tuple[int, ...], bytes_per_output: int, min_outputs: int = BLOCK_OUTPUTS) -> list[Block]:
    """Cut outputs (n, *size) into blocks of whole images or, if an image is too large for a block, of its rows.

    The blocks depend only on the sizes, so results do not depend on the number of threads. Their number is even where
    possible, so that two threads have equal shares. A block has at least `min_outputs` outputs, if the image has them.
    """
    rows, outputs = size[0], prod(size)
    max_outputs = max(min_outputs, BLOCK_BYTES // max(bytes_per_output, 1))
    parts = ceil_div(outputs, max_outputs)
    if parts > 1:
        return [(slice(i, i + 1), s) for i in range(n) for s in cut(rows, parts + parts % 2 if n == 1 else parts)]
    parts = even(ceil_div(n * outputs, max_outputs), n * outputs * bytes_per_output)
    return [(images, slice(0, rows)) for images in cut(n, parts)]


def even(parts: int, total_bytes: int) -> int:
    """Round the number of parts up to an even number, for two threads; return 1 if the whole work is small."""
    return 1 if parts <= 1 and total_bytes < SMALL_BYTES else max(2, parts + parts % 2)


def cut(n: int, parts: int) -> list[slice]:
    """Cut n items into `parts` slices of nearly equal length; fewer if n is smaller, so that no slice is empty."""
    parts = min(n, parts)
    return [slice(n * i // parts, n * (i + 1) // parts) for i in range(parts)]
