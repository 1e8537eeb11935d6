"""Tests of the thread pool in kernels/cpu/threads.cpp: each task runs once, from any thread, and after a fork."""

import ctypes
import os
import subprocess
import sys
import threading

import pytest

import minicnn
from minicnn.backends.native import library

if library.missing():
    pytest.skip(library.missing(), allow_module_level=True)

WORK = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64)
POOL = library._pool()


def run(tasks, function):
    """Call function(i) for every task i in the pool."""
    POOL.minicnn_run(ctypes.c_int64(tasks), WORK(lambda _, i: function(i)), None)


@pytest.fixture(params=[1, 2, 5])
def threads(request):
    before = minicnn.get_num_threads()
    minicnn.set_num_threads(request.param)
    yield request.param
    minicnn.set_num_threads(before)


@pytest.mark.parametrize("tasks", [0, 1, 2, 3, 64])
def test_every_task_runs_once(threads, tasks):
    done = []
    run(tasks, done.append)
    assert sorted(done) == list(range(tasks))


def test_the_number_of_threads_is_the_one_that_was_set(threads):
    assert POOL.minicnn_threads() == threads


def test_threads_work_at_the_same_time(threads):
    together = threading.Barrier(threads, timeout=20)
    seen = set()

    def work(i):
        together.wait()  # passes when every thread has a task
        seen.add(threading.get_ident())

    # The first task takes long enough to wake the sleeping threads. The other tasks meet at the barrier.
    run(threads + 1, lambda i: threading.Event().wait(0.01) if i == 0 else work(i))
    assert len(seen) == threads


def test_a_job_does_not_wait_for_sleeping_threads(threads):
    threading.Event().wait(0.05)  # all threads sleep now
    seen = set()
    run(3, lambda i: seen.add(threading.get_ident()))
    assert threading.get_ident() in seen


def test_a_task_may_run_tasks_itself(threads):
    done = []
    run(4, lambda i: run(3, lambda j: done.append((i, j))))
    assert sorted(done) == [(i, j) for i in range(4) for j in range(3)]


def test_many_callers_at_once(threads):
    done = {}

    def call(name):
        for job in range(200):
            for i in range(4):
                done[name, job, i] = 0

            def work(i, job=job):
                done[name, job, i] += 1

            run(4, work)

    callers = [threading.Thread(target=call, args=(name,)) for name in range(4)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert len(done) == 4 * 200 * 4
    assert set(done.values()) == {1}


def test_the_number_may_change_while_others_work():
    before, done, end = minicnn.get_num_threads(), [], threading.Event()

    def call():
        while not end.is_set():
            counts = [0] * 8

            def work(i, counts=counts):
                counts[i] += 1

            run(8, work)
            done.append(counts == [1] * 8)

    caller = threading.Thread(target=call)
    caller.start()
    for number in [1, 3, 2, 6, 1, 4] * 5:
        minicnn.set_num_threads(number)
        run(5, lambda i: None)
    end.set()
    caller.join()
    minicnn.set_num_threads(before)
    assert done
    assert all(done)


CHILD = """
import os, signal
import numpy as np
import minicnn
minicnn.set_num_threads(3)
x = minicnn.randn(300_000)
y = minicnn.relu(x)
child = os.fork()
if not child:
    signal.alarm(60)
    from minicnn.backends.native import library
    same = minicnn.relu(x).array.tobytes() == y.array.tobytes()
    tasks = len(os.listdir("/proc/self/task")) if os.path.isdir("/proc/self/task") else 3
    os._exit(not (same and library._pool().minicnn_threads() == 3 and tasks >= 3))
raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_forked_child_starts_threads_of_its_own():
    assert subprocess.run([sys.executable, "-W", "ignore", "-c", CHILD], check=False).returncode == 0


def test_a_system_without_threads_to_give():
    """The pool works with the threads that it gets, at least with the caller."""
    code = (
        "import resource\n"
        "import minicnn\n"
        "from minicnn.backends.native import library\n"
        "assert not library.missing()\n"
        "resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))\n"  # too little for 1024 stacks
        "minicnn.set_num_threads(1024)\n"
        "print(minicnn.relu(minicnn.ones(1_000_000)).sum().item(), library._pool().minicnn_threads())\n"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    total, number = result.stdout.split()
    assert float(total) == 1e6
    assert 1 <= int(number) < 1024


def test_denormal_numbers_are_computed_or_zero():
    """Also in the threads: 40 images are 40 tasks."""
    x = minicnn.full((40, 8, 16, 16), 1e-30)
    w = minicnn.full((8, 8, 3, 3), 1e-10)
    assert 0 < float(minicnn.nn.functional.conv2d(x, w)[0, 0, 0, 0]) < 1.2e-38
    try:
        assert minicnn.set_flush_denormal(True)
        assert minicnn.nn.functional.conv2d(x, w).abs().max().item() == 0
        assert (x * 1e-10).abs().max().item() == 0
    finally:
        assert minicnn.set_flush_denormal(False)
    assert (minicnn.nn.functional.conv2d(x, w) > 0).all().item()
