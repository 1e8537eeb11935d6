"""Tests of threads: results in order, errors raised in the caller, one BLAS thread per task, a buffer per thread."""

import os
import subprocess
import sys
import threading

import numpy as np
import pytest

from minicnn.backends.numpy.threads import _pool, one_blas_thread, run, scratch, slices


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


def test_a_task_may_run_tasks_itself():
    assert run(lambda i: sum(run(lambda j: i * j, range(4))), range(4)) == [0, 6, 12, 18]


def blas_threads():
    return [library.get_num_threads() for library in _pool().blas.libraries]


def test_many_threads_of_a_program_leave_blas_as_it_was():
    before = blas_threads()
    square = np.ones((50, 50), np.float32)
    results = []

    def work():
        for _ in range(50):
            results.append(sum(float(r[0, 0]) for r in run(lambda i: square @ square * i, range(3))))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [150.0] * 200
    assert blas_threads() == before


def test_blas_keeps_to_one_thread_inside_even_for_a_single_task():
    before = blas_threads()
    assert run(lambda i: blas_threads(), range(1)) == [[1] * len(before)]
    with one_blas_thread():
        assert run(lambda i: blas_threads(), range(3)) == [[1] * len(before)] * 3
        assert blas_threads() == [1] * len(before)
    assert blas_threads() == before


def test_a_thread_begins_with_its_own_part_and_helps_others():
    if _pool().threads < 2:
        pytest.skip("one thread")
    caller, other = threading.get_ident(), threading.Event()

    def task(i):
        if threading.get_ident() == caller:
            other.wait(10)  # the caller stays in its first task until the other thread has run all other tasks
        else:
            done.append(i)
            if len(done) == 7:
                other.set()
        return i

    done = []
    if _pool().threads == 2:
        assert run(task, range(8)) == list(range(8))
        assert done == [4, 5, 6, 7, 1, 2, 3]


def test_after_an_error_the_workers_are_free_again():
    with pytest.raises(ZeroDivisionError):
        run(lambda i: 1 / i, range(4))
    seen = set()
    run(lambda i: (seen.add(threading.get_ident()), np.ones((300, 300)) @ np.ones((300, 300))), range(8))
    assert len(seen) > 1 or _pool().threads == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_forked_child_has_threads_of_its_own():
    code = (
        "import os, signal\n"
        "from minicnn.backends.numpy.threads import run\n"
        "run(lambda i: i, range(4))\n"
        "child = os.fork()\n"
        "if not child:\n"
        "    signal.alarm(20)\n"
        "    os._exit(run(lambda i: i, range(4)) != [0, 1, 2, 3])\n"
        "raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))\n"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
