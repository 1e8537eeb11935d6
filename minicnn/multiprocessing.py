"""Python's module of the same name. Tensors are copied to other processes.

Processes that are forked share the tensors for which `share_memory_` was called.
"""

import multiprocessing as _multiprocessing
from multiprocessing import *  # noqa: F403
from typing import Any

__all__ = [*_multiprocessing.__all__, "spawn"]


def spawn(fn: Any, args: tuple[Any, ...] = (), nprocs: int = 1, join: bool = True, daemon: bool = False) -> Any:
    """Run fn(0, *args), ..., fn(nprocs - 1, *args), each in a new process.

    Raises
    ------
    RuntimeError
        If a process fails.
    """
    context = _multiprocessing.get_context("spawn")
    processes = [context.Process(target=fn, args=(i, *args), daemon=daemon) for i in range(nprocs)]
    for process in processes:
        process.start()
    if not join:
        return processes
    for i, process in enumerate(processes):
        process.join()
        if process.exitcode:
            raise RuntimeError(f"spawn: process {i} ended with code {process.exitcode}")
    return None
