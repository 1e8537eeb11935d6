"""How many threads the CPU's kernels use: one number for every pool."""

import os
from collections.abc import Callable

from minicnn.errors import ArgumentError

__all__ = ["get_num_threads", "on_change", "set_num_threads"]

MOST = 1024
_threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
_listeners: list[Callable[[int], None]] = []


def get_num_threads() -> int:
    """Return the number of threads, at first one for each processor that this process may use."""
    return _threads


def set_num_threads(threads: int) -> None:
    """Let kernels use so many threads, from the next call on; results do not depend on it.

    Raises
    ------
    ArgumentError
        If it is not an integer from 1 to 1024.

    Examples
    --------
    >>> before = get_num_threads()
    >>> set_num_threads(1)
    >>> get_num_threads()
    1
    >>> set_num_threads(before)
    """
    global _threads
    if not isinstance(threads, int) or isinstance(threads, bool) or not 1 <= threads <= MOST:
        raise ArgumentError(f"set_num_threads: must be an integer from 1 to {MOST}, got {threads!r}")
    _threads = threads
    for listener in _listeners:
        listener(threads)


def on_change(listener: Callable[[int], None]) -> None:
    """Ask to be called with every new number, as a pool does."""
    _listeners.append(listener)
