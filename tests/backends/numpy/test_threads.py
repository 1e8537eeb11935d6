"""Threads: results in order, errors passed on, one BLAS thread inside, a buffer for each thread."""

import threading

import numpy as np
import pytest

from minicnn.backends.numpy.threads import run, scratch, slices


def test_results_come_in_the_order_of_the_tasks():
    assert run(lambda i: i * i, range(50)) == [i * i for i in range(50)]
    assert run(lambda i: i, []) == []


def test_an_error_reaches_the_caller():
    def fail(i):
        if i == 3:
            raise ValueError("task 3")
        return i

    with pytest.raises(ValueError, match="task 3"):
        run(fail, range(5))


def test_numpy_error_state_reaches_the_threads():
    with np.errstate(divide="ignore"):
        results = run(lambda i: np.float32(1) / np.zeros(1, np.float32), range(4))
    assert all(np.isinf(r).all() for r in results)


def test_slices_cover_everything_once():
    for n in (1, 2, 3, 7, 64):
        assert [i for s in slices(n) for i in range(n)[s]] == list(range(n))


def test_scratch_is_reused_in_a_thread_and_not_shared_between_threads():
    first = scratch("test", (4, 5), np.dtype(np.float32))
    again = scratch("test", (2, 3), np.dtype(np.float32))
    assert np.shares_memory(first, again)
    others = []
    thread = threading.Thread(target=lambda: others.append(scratch("test", (4, 5), np.dtype(np.float32))))
    thread.start()
    thread.join()
    assert not np.shares_memory(first, others[0])
