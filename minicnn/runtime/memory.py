"""Keeps freed memory in the process: new pages from the system cost more than the arithmetic on them.

By default the C library requests each large block from the system and returns it when it is freed. So each activation
of each training step would touch new pages, and a page fault costs as much as a thousand multiplications. This module
asks glibc to keep freed blocks: then a training step has no page faults. The peak memory stays the same, but the
process holds it until it ends.
"""

import ctypes
import os
from functools import cache

__all__ = ["keep_freed"]

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_MMAP_MAX = -1, -3, -4  # from malloc.h
MAX_KEPT = 1 << 30  # bytes: larger blocks still come from the system and return to it, if glibc accepts this limit


@cache
def keep_freed() -> bool:
    """Ask glibc to keep freed blocks, for the whole process; return whether it does.

    Do nothing if the user has set a MALLOC_... environment variable or GLIBC_TUNABLES, or if there is no glibc.
    """
    if any(name.startswith("MALLOC_") or name == "GLIBC_TUNABLES" for name in os.environ):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, TypeError, AttributeError):  # another C library
        return False
    # Old versions reject this large threshold: then no block at all comes directly from the system.
    accepted = mallopt(M_MMAP_THRESHOLD, MAX_KEPT) or mallopt(M_MMAP_MAX, 0)
    return bool(accepted and mallopt(M_TRIM_THRESHOLD, 2**31 - 1))
