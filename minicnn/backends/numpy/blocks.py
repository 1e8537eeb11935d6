"""How a batch is cut into the blocks that threads work on."""

from math import prod

__all__ = ["Block", "blocks", "cut", "even"]

Block = tuple[slice, slice]  # images, rows of the first spatial axis

BLOCK_BYTES = 4 << 20  # half as much means more calls that wait for the GIL, twice as much leaves the caches
SMALL_BYTES = 1 << 20  # of all together: handing half of it to another thread costs more than it gives
BLOCK_OUTPUTS = 192  # at least, or packing the weights costs more than the product with them


def blocks(n: int, size: tuple[int, ...], bytes_per_output: int, least: int = BLOCK_OUTPUTS) -> list[Block]:
    """Cut outputs (n, *size) into blocks: images or, of a large image, rows.

    The cut depends on sizes alone, so results do not depend on the number of threads. Mostly the number of blocks is
    even, so that two threads have equal shares. A block has at least so many outputs, where there are so many.
    """
    rows, outputs = size[0], prod(size)
    most = max(least, BLOCK_BYTES // max(bytes_per_output, 1))
    parts = -(-outputs // most)
    if parts > 1:
        return [(slice(i, i + 1), s) for i in range(n) for s in cut(rows, parts + parts % 2 if n == 1 else parts)]
    return [(s, slice(0, rows)) for s in cut(n, even(-(-n * outputs // most), n * outputs * bytes_per_output))]


def even(parts: int, total_bytes: int) -> int:
    """So many parts or one more, for two threads; one, where all is small."""
    return 1 if parts <= 1 and total_bytes < SMALL_BYTES else max(2, parts + parts % 2)


def cut(n: int, parts: int) -> list[slice]:
    """Cut n items into so many slices of nearly equal length, none of them empty."""
    parts = min(n, parts)
    return [slice(n * i // parts, n * (i + 1) // parts) for i in range(parts)]
