"""Threads over the batch: NumPy releases the GIL in matrix products, copies and ufuncs.

Each task is a slice of work that takes 100 µs and more (below that, handing over the GIL costs more than it gives).
BLAS keeps to one thread, inside and outside of tasks: after a product that it has split, its own threads look for more
work for milliseconds without sleeping, on the processors that ours need then.
"""

import contextvars
import os
import threading
from collections import deque
from collections.abc import Callable, Iterable
from functools import cache, partial
from math import prod
from queue import SimpleQueue
from typing import Any, TypeVar

import numpy as np

from minicnn.backends.numpy.blocks import cut
from minicnn.dtypes import DType
from minicnn.runtime.devices import Array
from minicnn.runtime.threads import get_num_threads, on_change

__all__ = ["OneBlasThread", "one_blas_thread", "run", "scratch", "slices"]

T = TypeVar("T")
R = TypeVar("R")


class OneBlasThread:
    """Inside `with one_blas_thread():` BLAS keeps to the thread that calls; several threads may be inside at once.

    threadpoolctl finds the libraries; its own `limit` costs ten times as much, which many small kernels would notice.
    """

    def __init__(self) -> None:
        from threadpoolctl import ThreadpoolController

        self.libraries: list[Any] = ThreadpoolController().select(user_api="blas").lib_controllers
        self._lock, self._inside, self._before = threading.Lock(), 0, [0]

    def __enter__(self) -> None:
        with self._lock:
            if not self._inside:
                self._before = [library.get_num_threads() for library in self.libraries]
                for library in self.libraries:
                    library.set_num_threads(1)
            self._inside += 1

    def __exit__(self, *error: object) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside:
                for library, threads in zip(self.libraries, self._before, strict=True):
                    library.set_num_threads(threads)


Job = Callable[[], None]


class _Pool:
    """Workers, each with a queue of its own."""

    def __init__(self) -> None:
        self.threads = get_num_threads()  # the caller included
        self.queues: list[SimpleQueue[Job | None]] = [SimpleQueue() for _ in range(1, self.threads)]
        self.done: SimpleQueue[BaseException | None] = SimpleQueue()
        self.idle, self.closed = threading.Lock(), False
        self.blas = OneBlasThread()
        for queue in self.queues:
            threading.Thread(target=self._work, args=(queue,), name="minicnn", daemon=True).start()

    def _work(self, queue: "SimpleQueue[Job | None]") -> None:
        while (job := queue.get()) is not None:
            try:
                job()
                error = None
            except BaseException as e:
                error = e
            del job  # and with it the arrays
            self.done.put(error)

    def close(self) -> None:
        self.closed = True
        for queue in self.queues:
            queue.put(None)


@cache
def _pool() -> _Pool:
    return _Pool()


def run(function: Callable[[T], R], tasks: Iterable[T]) -> list[R]:
    """Call `function` on every task, in threads; results in the order of the tasks.

    The caller is one of the workers. Each has its own part of the tasks, the same in every call: so what a kernel has
    written for some images lies in the cache of the core that reads it in the next. Who has done its part helps others.
    While the workers are busy, for a task or for another thread of the program, the caller does all the work itself.
    """
    tasks, pool = list(tasks), _pool()
    workers = min(pool.threads, len(tasks))
    with pool.blas:
        if workers < 2 or not pool.idle.acquire(blocking=False):
            return [function(task) for task in tasks]
        try:
            if pool.closed:  # in the meantime, for another number of threads
                return [function(task) for task in tasks]
            return _shared(function, tasks, pool, workers)
        finally:
            pool.idle.release()


def _shared(function: Callable[[T], R], tasks: list[T], pool: _Pool, workers: int) -> list[R]:
    results: list[Any] = [None] * len(tasks)
    shares = [deque(range(s.start, s.stop)) for s in cut(len(tasks), workers)]

    def work(own: int) -> None:
        for share in shares[own:] + shares[:own]:
            while share:
                try:
                    i = share.popleft()
                except IndexError:  # somebody else was faster
                    break
                results[i] = function(tasks[i])

    context = contextvars.copy_context()  # NumPy keeps errstate there
    for worker in range(1, workers):
        pool.queues[worker - 1].put(partial(context.copy().run, work, worker))
    try:
        work(0)
    finally:
        # Also after an error: nobody writes into arrays that the caller has given up.
        errors = [pool.done.get() for _ in range(1, workers)]
    for error in errors:
        if error is not None:
            raise error
    return results


def one_blas_thread() -> OneBlasThread:
    """Return what keeps BLAS to the calling thread, for products outside of tasks."""
    return _pool().blas


def slices(n: int) -> list[slice]:
    """Cut n items into a slice for each worker."""
    return cut(n, _pool().threads)


def _resize(workers: int) -> None:
    with _pool().idle:  # not while it works
        _pool().close()
        _pool.cache_clear()


on_change(_resize)

if hasattr(os, "register_at_fork"):  # a forked child inherits the pool without its threads
    os.register_at_fork(after_in_child=_pool.cache_clear)

LINE = 64  # bytes
_local = threading.local()


def scratch(name: str, shape: tuple[int, ...], dtype: DType) -> Array:
    """Return this thread's buffer of that name with unset values: fresh memory costs ten times a warm buffer."""
    size = prod(shape)
    buffers = _local.__dict__
    key = f"{name}:{dtype.str}"
    if key not in buffers or buffers[key].size < size:
        buffers[key] = _aligned(size, dtype)
    return buffers[key][:size].reshape(shape)


def _aligned(size: int, dtype: DType) -> Array:
    """Elements from the beginning of a cache line on: BLAS reads and writes whole lines, NumPy aligns to 16 bytes."""
    room = np.empty(size * dtype.itemsize + LINE, np.uint8)
    start = -room.ctypes.data % LINE
    return room[start : start + size * dtype.itemsize].view(dtype)
