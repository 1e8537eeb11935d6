"""The thread pool of the NumPy kernels, and the scratch buffers of each thread.

Threads help because NumPy releases the GIL in matrix products, copies and ufuncs. A task should take at least 100 µs:
below that, the handover of the GIL costs more time than the second thread saves. BLAS uses one thread only. Its own
threads would spin for milliseconds after each product, on the processors that our threads need.
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
from minicnn.runtime.devices import Array
from minicnn.runtime.threads import get_num_threads, on_change

__all__ = ["OneBlasThread", "one_blas_thread", "run", "scratch", "slices"]

T = TypeVar("T")
R = TypeVar("R")


class OneBlasThread:
    """A context manager that limits BLAS to the calling thread. Several threads may enter it at the same time.

    threadpoolctl finds the libraries. Its own `limit` takes ten times as long, too long for small kernels.
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
    """Worker threads, each with its own queue of jobs."""

    def __init__(self) -> None:
        self.threads = get_num_threads()  # including the calling thread
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
            del job  # frees its arrays
            self.done.put(error)

    def close(self) -> None:
        self.closed = True
        for queue in self.queues:
            queue.put(None)


@cache
def _pool() -> _Pool:
    return _Pool()


def run(function: Callable[[T], R], tasks: Iterable[T]) -> list[R]:
    """Call `function` on every task, in threads; return the results in the order of the tasks.

    The calling thread is one of the workers. Each worker has its own part of the tasks, the same part in every call: so
    the output of a kernel for some images is in the cache of the core that reads it in the next kernel. A worker that
    has finished its part takes tasks from the others. While the workers are busy (for an outer task, or for another
    thread of the program), the calling thread does all tasks alone. An exception of a task is raised here.
    """
    tasks, pool = list(tasks), _pool()
    workers = min(pool.threads, len(tasks))
    with pool.blas:
        if workers < 2 or not pool.idle.acquire(blocking=False):
            return [function(task) for task in tasks]
        try:
            if pool.closed:  # set_num_threads has just replaced the pool
                return [function(task) for task in tasks]
            return _run_in_workers(function, tasks, pool, workers)
        finally:
            pool.idle.release()


def _run_in_workers(function: Callable[[T], R], tasks: list[T], pool: _Pool, workers: int) -> list[R]:
    """Cut the tasks into shares. Each worker does its own share first, and then helps with the other shares."""
    results: list[Any] = [None] * len(tasks)
    shares = [deque(range(s.start, s.stop)) for s in cut(len(tasks), workers)]

    def work(worker: int) -> None:
        for share in shares[worker:] + shares[:worker]:
            while share:
                try:
                    i = share.popleft()
                except IndexError:  # another worker took the last task
                    break
                results[i] = function(tasks[i])

    context = contextvars.copy_context()  # contains NumPy's errstate
    for worker in range(1, workers):
        pool.queues[worker - 1].put(partial(context.copy().run, work, worker))
    try:
        work(0)
    finally:
        # Wait also after an error: no worker may write to the arrays after this function has returned.
        errors = [pool.done.get() for _ in range(1, workers)]
    for error in errors:
        if error is not None:
            raise error
    return results


def one_blas_thread() -> OneBlasThread:
    """Return the context manager that limits BLAS to the calling thread, for products outside of tasks."""
    return _pool().blas


def slices(n: int) -> list[slice]:
    """Cut n items into one slice for each worker."""
    return cut(n, _pool().threads)


def _resize(workers: int) -> None:
    with _pool().idle:  # wait until it has finished its tasks
        _pool().close()
        _pool.cache_clear()


on_change(_resize)

if hasattr(os, "register_at_fork"):  # a forked child inherits the pool without its threads
    os.register_at_fork(after_in_child=_pool.cache_clear)

LINE = 64  # bytes
_local = threading.local()


def scratch(name: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    """Return this thread's buffer of this name, uninitialized.

    The next call with the same name returns the same memory. New memory from the system would take ten times as long.
    """
    size = prod(shape)
    buffers = _local.__dict__
    key = f"{name}:{dtype.str}"
    if key not in buffers or buffers[key].size < size:
        buffers[key] = _aligned(size, dtype)
    return buffers[key][:size].reshape(shape)


def _aligned(size: int, dtype: np.dtype[Any]) -> Array:
    """Return an array that starts at a cache line: BLAS reads and writes whole lines, NumPy aligns to 16 bytes only."""
    memory = np.empty(size * dtype.itemsize + LINE, np.uint8)
    start = -memory.ctypes.data % LINE
    return memory[start : start + size * dtype.itemsize].view(dtype)
