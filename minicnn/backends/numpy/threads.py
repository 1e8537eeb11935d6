"""Threads over the batch: NumPy releases the GIL in matrix products, copies and ufuncs.

Each task is a slice of work that takes 100 µs and more (below that, handing over the GIL costs more than it gives).
BLAS keeps to one thread inside them, for its own threads would fight ours over the same cores.
"""

import contextvars
import os
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, wait
from functools import cache
from typing import Any, TypeVar

import numpy as np

from minicnn.devices import Array
from minicnn.dtypes import DType
from minicnn.threads import get_num_threads, on_change

__all__ = ["run", "scratch", "slices"]

T = TypeVar("T")
R = TypeVar("R")


_idle = threading.Lock()


@cache
def _pool() -> tuple[int, ThreadPoolExecutor, Any]:
    from threadpoolctl import ThreadpoolController

    workers = get_num_threads()
    return workers, ThreadPoolExecutor(max(workers - 1, 1), thread_name_prefix="minicnn"), ThreadpoolController()


def run(function: Callable[[T], R], tasks: Iterable[T]) -> list[R]:
    """Call `function` on every task, in threads; results in the order of the tasks.

    Each worker gets its share at once, and the caller is one of the workers: every handing over costs 50 µs. While the
    workers are busy, for a task or for another thread of the program, the caller does all of its own work itself.
    """
    tasks = list(tasks)
    workers, pool, blas = _pool()
    workers = min(workers, len(tasks))
    context = contextvars.copy_context()  # NumPy keeps errstate there

    def share(worker: int) -> list[R]:
        return [function(task) for task in tasks[worker::workers]]

    if workers < 2 or not _idle.acquire(blocking=False):
        return [function(task) for task in tasks]
    try:
        with blas.limit(limits=1, user_api="blas"):
            others = [pool.submit(context.copy().run, share, worker) for worker in range(1, workers)]
            try:
                parts = [share(0)]
            finally:
                wait(others)  # also after an error: nobody writes into arrays that the caller has given up
    finally:
        _idle.release()
    parts += [other.result() for other in others]
    return [parts[i % workers][i // workers] for i in range(len(tasks))]


def slices(n: int) -> list[slice]:
    """Cut n items into a slice for each worker."""
    parts = min(_pool()[0], n)
    return [slice(n * i // parts, n * (i + 1) // parts) for i in range(parts)]


def _resize(workers: int) -> None:
    with _idle:  # not while it works
        _pool()[1].shutdown()
        _pool.cache_clear()


on_change(_resize)


def _after_fork() -> None:
    """A forked child inherits the pool without its threads, and perhaps a lock that nobody will release."""
    global _idle
    _idle = threading.Lock()
    _pool.cache_clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)

_local = threading.local()


def scratch(name: str, shape: tuple[int, ...], dtype: DType) -> Array:
    """Return this thread's buffer of that name with unset values: fresh memory costs ten times a warm buffer."""
    size = int(np.prod(shape))
    buffers = _local.__dict__
    key = f"{name}:{dtype.str}"
    if key not in buffers or buffers[key].size < size:
        buffers[key] = np.empty(size, dtype)
    return buffers[key][:size].reshape(shape)
