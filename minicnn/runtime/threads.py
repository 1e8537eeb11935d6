"""The number of threads of the CPU kernels: one setting for every thread pool."""

import os
from collections.abc import Callable

from minicnn.errors import ArgumentError

__all__ = ["get_num_threads", "on_change", "set_num_threads"]

MAX_THREADS = 1024
_threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
_listeners: list[Callable[[int], None]] = []


def get_num_threads() -> int:
    """Return the number of threads. Default: the number of processors that this process may use."""
    return _threads


def set_num_threads(num: int) -> None:
    """Set the number of num for all later calls; results do not depend on it.

    Raises
    ------
    ArgumentError
        If the number is not an integer from 1 to 1024.

    Examples
    --------
    >>> before = get_num_threads()
    >>> set_num_threads(1)
    >>> get_num_threads()
    1
    >>> set_num_threads(before)
    """
    global _threads
    if not isinstance(num, int) or isinstance(num, bool) or not 1 <= num <= MAX_THREADS:
        raise ArgumentError(f"set_num_threads: must be an integer from 1 to {MAX_THREADS}, got {num!r}")
    _threads = num
    for listener in _listeners:
        listener(num)


def on_change(listener: Callable[[int], None]) -> None:
    """Call `listener` with the new number of threads after each change; the thread pools use this."""
    _listeners.append(listener)
