"""Memory that was freed stays with the process: getting it anew from the system costs more than the arithmetic on it.

The C library maps every large block afresh and gives it back when it is freed, so each activation of each training step
would touch new pages, and a page fault costs as much as a thousand multiplications. glibc can be told to keep what it
has: a training step then has no faults at all. Peak memory stays the same; what it was is held until the process ends.
"""

import ctypes
import os
from functools import cache

__all__ = ["keep_freed"]

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_MMAP_MAX = -1, -3, -4  # of malloc.h
LARGEST = 1 << 30  # larger blocks come from the system and go back to it, where malloc takes this limit


@cache
def keep_freed() -> bool:
    """Ask the C library to keep freed blocks, for the whole process; return whether it does.

    Nothing is asked where somebody has already said how memory is to be handled, by one of glibc's variables
    (MALLOC_TRIM_THRESHOLD_ and its like, or GLIBC_TUNABLES), or where there is no glibc.
    """
    if any(name.startswith("MALLOC_") or name == "GLIBC_TUNABLES" for name in os.environ):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, TypeError, AttributeError):  # another C library
        return False
    # Old versions do not take so large a threshold: no block is mapped then.
    mapped = mallopt(M_MMAP_THRESHOLD, LARGEST) or mallopt(M_MMAP_MAX, 0)
    return bool(mapped and mallopt(M_TRIM_THRESHOLD, 2**31 - 1))
