"""Tests of the simulator: it runs correct kernels, counts their memory traffic, and finds each kind of bug."""

import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minicnn.backends.cuda import simulator
from minicnn.backends.cuda.launch import Source, empty
from minicnn.errors import ArgumentError, KernelError

planted = Source(Path(__file__).with_name("planted.cu"))
REALS = (np.float32, np.float64)
CHECKED = "address" if "libasan" in os.environ.get("LD_PRELOAD", "") else None  # for the child process of a test below


def launch(entry, *arguments, grid=1, block=64, n=64):
    """Run a kernel on the input 0 ... n - 1; return its output."""
    x = np.arange(n, dtype=np.float32)
    y = empty(x, (64,))
    planted.launch(entry, grid, block, x, y, *arguments)
    return y


# --- right kernels ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["plain", "traced"])
@pytest.mark.parametrize("order", simulator.ORDERS)
@pytest.mark.parametrize("real", REALS)
def test_barriers_shuffles_and_structs(mode, order, real):
    x = np.arange(64, dtype=real)
    with simulator.simulate(mode=mode, order=order, seed=3):
        y = empty(x, (64,))
        planted.launch("right_rotate", 1, 64, x, y, 64)
        np.testing.assert_array_equal(y, np.roll(x, -1))
        y = empty(x, (2, 64))
        planted.launch("right_sum", 2, 64, x, y, 0.5, (7, 8, 9))
        np.testing.assert_array_equal(y, x.sum() / 2 + 9)
        y = empty(x, (64,))
        planted.launch("right_warps", 1, 64, x, y)
        np.testing.assert_array_equal(y, np.roll(x.reshape(2, 32), -1, axis=1).ravel() + 2)


def test_shuffles_and_votes():
    x = np.arange(32, dtype=np.float64)
    y, votes = empty(x, (5, 32)), empty(x, (2, 32), np.int32)
    planted.launch("right_shuffles", 1, 32, x, y, votes)
    np.testing.assert_array_equal(y[0], 5)
    np.testing.assert_array_equal(y[1], np.where(x < 3, x, x - 3))
    np.testing.assert_array_equal(y[2], np.where(x > 28, x, x + 3))
    np.testing.assert_array_equal(y[3], x.reshape(16, 2)[:, ::-1].ravel())
    np.testing.assert_array_equal(y[4], np.where(x % 8 > 4, x, x + 3))
    np.testing.assert_array_equal(votes[0], sum(1 << i for i in range(0, 32, 3)))
    np.testing.assert_array_equal(votes[1], 1)


@pytest.mark.parametrize("mode", ["plain", "traced"])
def test_tables_are_read_and_written(mode):
    arrays = [np.full(5, k, np.float32) for k in range(3)]
    others = [np.full(5, 10 * k, np.float32) for k in range(3)]
    with simulator.simulate(mode=mode):
        planted.launch("right_table", 1, 5, arrays, others, 3)
    for k, a in enumerate(arrays):
        np.testing.assert_array_equal(a, 11 * k)


def test_every_type_of_argument_and_every_axis_of_the_grid():
    x = np.zeros(1, np.float32)
    a, b, c = np.zeros(1, np.int32), np.zeros(1, np.uint8), np.zeros(1, np.int64)
    planted.launch("right_types", (2, 3, 4), 1, x, a, b, c, 2**40)
    assert (a[0], b[0], c[0]) == (1 + 2 + 3, 24, 2**40)


def test_two_threads_of_python_take_turns():
    results = {}

    def work(k):
        x = np.arange(64, dtype=np.float32) + k
        for _ in range(50):
            y = empty(x, (64,))
            planted.launch("right_rotate", 1, 64, x, y, 64)
            results.setdefault(k, []).append(np.array_equal(y, np.roll(x, -1)))

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert all(all(r) and len(r) == 50 for r in results.values())
    assert len(results) == 4


# --- counters -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("step", "wavefronts"), [(1, 1), (2, 2), (4, 4), (32, 32), (31, 1), (0, 1)])
def test_bank_conflicts(step, wavefronts):
    x = np.arange(1024, dtype=np.float32)
    y = empty(x, (32,))
    with simulator.counting() as launches:
        planted.launch("right_strided", 1, 32 if step else 1, x, y, step)
    (counts,) = launches
    assert counts.shared_wavefronts == 2 * wavefronts  # a write and a read
    assert counts.shared_ideal == counts.shared_requests == 2


@pytest.mark.parametrize(("step", "sectors"), [(1, 4), (2, 8), (8, 32), (32, 32)])
def test_sectors(step, sectors):
    x = np.arange(1024, dtype=np.float32)
    y = empty(x, (32,))
    with simulator.counting() as launches:
        planted.launch("right_strided", 1, 32, x, y, step)
        planted.launch("right_strided", 1, 32, x, y, step)
    assert len(launches) == 2
    assert launches[0] == launches[1]
    assert launches[0].global_requests == 2
    assert launches[0].sectors_requested == launches[0].sectors_ideal == sectors + 4


def test_blocks_do_not_share_their_cache():
    x = np.arange(64, dtype=np.float32)
    y = empty(x, (3, 64))
    with simulator.counting() as launches:
        planted.launch("right_sum", 3, 64, x, y, 1.0, (0, 0, 0))
    assert launches[0].sectors_moved == 3 * 8 + 3 * 8
    assert launches[0].sectors_ideal == 8 + 3 * 8
    assert (launches[0].entry, launches[0].grid, launches[0].block) == ("right_sum", (3, 1, 1), (64, 1, 1))


def test_vectors_of_four_count_as_one_access():
    x = np.arange(128, dtype=np.float32)
    y = empty(x, (128,))
    with simulator.counting() as launches:
        planted.launch("right_vectors", 1, 32, x, y)
    np.testing.assert_array_equal(x, y)
    assert launches[0].global_requests == 2
    assert launches[0].sectors_requested == 32
    assert launches[0].shared_requests == 2
    assert launches[0].shared_wavefronts == launches[0].shared_ideal == 8  # four quarters of a warp, write and read


# --- wrong kernels ------------------------------------------------------------------------------------------------

ALWAYS = {
    "wrong_divergent": (r"63 of 64 threads of block \(0,0,0\) wait at __syncthreads\(\) in planted.cu:\d+, but thread "
                        r"\(63,0,0\) has returned", ()),
    "wrong_two_barriers": (r"divergent: 32 of 64 threads .* waits at __syncthreads\(\) in planted.cu:\d+", ()),
    "wrong_return": (r"divergent: 60 of 64 threads .* but thread \(60,0,0\) has returned", (60,)),
    "wrong_lane": (r"divergent: \d+ of 64 threads .* wait at a shuffle or vote in planted.cu:\d+, but thread \(3,0,0\) "
                   "has returned", ()),
    "wrong_mask": (r"planted.cu:\d+: this simulator knows only the mask of all 32 lanes", ()),
    "wrong_alignment": (r"misaligned: thread \(\d+,0,0\) of block \(0,0,0\) needs .*; planted.cu:\d+", ()),
}  # fmt: skip
TRACED = {
    "wrong_barrier": (r"race in shared memory: thread \((\d+),0,0\) .* (reads|writes) what .* (wrote|read), with no "
                      r"barrier between; planted.cu:\d+", ()),
    "wrong_write_after_read": (r"race in shared memory: .* with no barrier", ()),
    "wrong_warp_barrier": (r"uninitialised|race in shared memory", ()),
    "wrong_shuffle_as_barrier": ("race in shared memory: .* with no barrier between", ()),
    "wrong_blocks": (r"race in global memory: thread \(\d+,0,0\) of block \(1,0,0\) writes what thread .* of block "
                     r"\(0,0,0\) wrote, with no order at all", ()),
    "wrong_global": ("race in global memory: .* with no barrier between", ()),
    "wrong_outside": (r"out of bounds: thread \(63,0,0\) of block \(0,0,0\) reads 4 bytes outside of every array; "
                      r"planted.cu:\d+", (1,)),
    "wrong_unset": (r"uninitialised: thread \(63,0,0\) .* reads shared memory that no thread set; planted.cu:\d+", ()),
}  # fmt: skip


@pytest.mark.parametrize("mode", ["plain", "traced"])
@pytest.mark.parametrize("entry", ALWAYS)
def test_what_every_mode_catches(entry, mode):
    message, arguments = ALWAYS[entry]
    with simulator.simulate(mode=mode), pytest.raises(KernelError, match=f"^{entry}: (.*){message}"):
        launch(entry, *arguments)
    assert launch("right_rotate", 64)[0] == 1  # the simulator still works


@pytest.mark.parametrize("order", simulator.ORDERS)
@pytest.mark.parametrize("entry", TRACED)
def test_what_tracing_catches(entry, order):
    message, arguments = TRACED[entry]
    with (
        simulator.simulate(mode="traced", order=order),
        pytest.raises(KernelError, match=f"^{entry}: (.*)({message})"),
    ):
        launch(entry, *arguments, grid=2 if entry == "wrong_blocks" else 1, block=32 if "shuffle" in entry else 64)


@pytest.mark.parametrize("by", [-1000, -1, 64, 10**6])
def test_tracing_stops_before_a_wild_access(by):
    with simulator.simulate(mode="traced"), pytest.raises(KernelError, match="out of bounds"):
        launch("wrong_outside", by)


def test_every_planted_bug_is_tested():
    wrong = {entry for entry in planted.entries if entry.startswith("wrong_")}
    assert wrong == {*ALWAYS, *TRACED, "wrong_outside_shared"}


def test_a_missing_barrier_shows_in_the_order_of_threads():
    with simulator.simulate(order="forward"):
        forward = launch("wrong_barrier")
    with simulator.simulate(order="backward"):
        backward = launch("wrong_barrier")
    assert not np.array_equal(forward, backward)


def test_shared_memory_that_nobody_wrote_is_nan():
    launch("right_rotate", 64)
    y = launch("wrong_unset")
    assert np.isnan(y[63])
    np.testing.assert_array_equal(y[:63], np.arange(63))


@pytest.mark.skipif(CHECKED is None, reason="the child process of the next test")
@pytest.mark.parametrize("entry", ["right_rotate", "wrong_outside", "wrong_outside_shared"])
def test_child(entry):
    with simulator.simulate(mode="address"):
        launch(entry, {"right_rotate": 64}.get(entry, 1))


@pytest.mark.skipif(CHECKED is not None, reason="this is the child process")
@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("right_rotate", ""),
        ("wrong_outside", r"heap-buffer-overflow(.|\n)*wrong_outside .*planted.cu:\d+"),
        ("wrong_outside_shared", r"global-buffer-overflow(.|\n)*wrong_outside_shared .*planted.cu:\d+"),
    ],
)
def test_what_address_sanitizer_catches(entry, message):
    command = [sys.executable, "-m", "pytest", "-q", "-s", "-p", "no:xdist", f"{__file__}::test_child[{entry}]"]
    result = subprocess.run(
        command, env={**os.environ, **simulator.environment()}, capture_output=True, text=True, check=False
    )
    if message:
        assert result.returncode != 0
        assert re.search(message, result.stderr), result.stderr[-2000:]
    else:
        assert result.returncode == 0, result.stdout[-2000:]
        assert "1 passed" in result.stdout


# --- errors -------------------------------------------------------------------------------------------------------


def test_the_address_mode_needs_its_own_process():
    if CHECKED is None:
        with (
            simulator.simulate(mode="address"),
            pytest.raises(KernelError, match="mode 'address' needs a process that was started"),
        ):
            launch("right_rotate", 64)


def test_unknown_modes_and_orders():
    with pytest.raises(ArgumentError, match="simulate: mode must be one of plain, traced, address, got 'fast'"):
        simulator.simulate(mode="fast").__enter__()
    with pytest.raises(ArgumentError, match="simulate: order must be one of forward, backward, shuffled, got 'random'"):
        simulator.simulate(order="random").__enter__()


def test_a_missing_sanitizer(monkeypatch):
    monkeypatch.setattr(simulator, "compiler", lambda: ("true", "1.0"))
    with pytest.raises(KernelError, match="true comes without AddressSanitizer's library; install libasan"):
        simulator.environment()


def test_a_source_that_the_compiler_refuses(tmp_path):
    (tmp_path / "broken.cu").write_text('extern "C" __global__ void broken_kernel(const Real* x) { nonsense }\n')
    x = np.zeros(1, np.float32)
    with pytest.raises(KernelError, match=r"^broken\.cu: (.|\n)* cannot compile it:\n(.|\n)*broken\.cu:1(.|\n)*nons"):
        Source(tmp_path / "broken.cu").launch("broken_kernel", 1, 1, x)


# --- the race checker against all pairs of accesses -----------------------------------------------------------------


def races(access, barrier, steps):
    """Return whether two threads access the same element, at least one writes, and no barrier orders them."""
    of_block, of_warp = np.cumsum(barrier == 2, 1), np.cumsum(barrier == 1, 1)
    seen = {}
    for t, i in zip(*np.nonzero(access), strict=True):
        a = int(access[t, i])
        for u, j, b in seen.setdefault(abs(a), []):
            if t == u or (a < 0 and b < 0):
                continue
            if t // 64 != u // 64:
                return True
            same_warp = t // 32 == u // 32
            if of_block[t // 32, i] == of_block[u // 32, j] and not (
                same_warp and of_warp[t // 32, i] != of_warp[u // 32, j]
            ):
                return True
        seen[abs(a)].append((t, i, a))
    return False


@st.composite
def programs(draw):
    """Draw random accesses of a few threads in up to three blocks, and random barriers."""
    blocks, steps, cells = draw(st.integers(1, 3)), draw(st.integers(2, 6)), draw(st.sampled_from([1, 2, 4]))
    barrier = np.zeros((2 * blocks, steps), np.int32)
    for b in range(blocks):
        for i in range(steps):
            kind = draw(st.sampled_from(["block", "warps", "warps", "none"]))
            if kind == "block":
                barrier[2 * b : 2 * b + 2, i] = 2
            elif kind == "warps":
                barrier[2 * b : 2 * b + 2, i] = [draw(st.integers(0, 1)), draw(st.integers(0, 1))]
    access = np.zeros((64 * blocks, steps), np.int32)
    threads = st.sampled_from([t for b in range(blocks) for t in (64 * b, 64 * b + 1, 64 * b + 33)])
    for _ in range(draw(st.integers(2, 7))):
        access[draw(threads), draw(st.integers(0, steps - 1))] = draw(st.integers(1, cells)) * draw(
            st.sampled_from([1, -1, -1])
        )
    return access, barrier, steps


@settings(max_examples=20 * (settings.default or settings()).max_examples)
@given(program=programs(), order=st.sampled_from(simulator.ORDERS))
def test_a_race_is_reported_if_and_only_if_there_is_one(program, order):
    access, barrier, steps = program
    y = np.zeros(8, np.float32)
    with simulator.simulate(mode="traced", order=order):
        try:
            planted.launch("program", len(access) // 64, 64, y, access, barrier, steps)
            reported = False
        except KernelError as error:
            reported = "race in global memory" in str(error)
    assert reported == races(access, barrier, steps)


# --- what else can happen -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["plain", "traced"])
def test_arrays_that_overlap_stay_so(mode):
    x = np.arange(64, dtype=np.float32)
    with simulator.simulate(mode=mode):
        planted.launch("right_table", 1, 4, [x, x[32:]], [x[4:8], x[:4]], 2)
    np.testing.assert_array_equal(x[:4], [4, 6, 8, 10])
    np.testing.assert_array_equal(x[32:36], [32 + 4, 33 + 6, 34 + 8, 35 + 10])


def test_large_local_arrays():
    assert launch("stack_of")[0] == 39999 % 64


@pytest.mark.usefixtures("ctrl_c")
def test_ctrl_c_ends_a_launch(monkeypatch):
    x = np.zeros(64, np.float32)
    planted.launch("right_sum", 1, 64, x, empty(x, (64,)), 1.0, (0, 0, 0))
    blocks = 200_000
    y = empty(x, (blocks * 64,))
    timer = threading.Timer(0.2, signal.raise_signal, [signal.SIGINT])
    timer.start()
    with pytest.raises(KeyboardInterrupt), simulator.simulate(mode="traced"):  # the launch takes a minute
        planted.launch("right_sum", blocks, 64, x, y, 1.0, (0, 0, 0))
    timer.join()
    assert launch("right_rotate", 64)[0] == 1


def test_too_many_threads_to_trace():
    x = np.zeros(64, np.float32)
    with simulator.simulate(mode="traced"), pytest.raises(KernelError, match="threads; tracing supports 268435455"):
        planted.launch("right_rotate", 2**22, 64, x, empty(x, (64,)), 64)


def test_a_function_that_the_simulator_does_not_know(tmp_path):
    (tmp_path / "odd.cu").write_text(
        '#include "common.cuh"\nReal __odd(Real);\n'
        'extern "C" __global__ void odd_kernel(const Real* x, Real* y) { y[0] = __odd(x[0]); }\n'
    )
    x = np.zeros(1, np.float32)
    with pytest.raises(KernelError, match=r"odd\.cu"):
        Source(tmp_path / "odd.cu").launch("odd_kernel", 1, 1, x, empty(x, (1,)))


def test_half_a_library_is_built_anew(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    source = tmp_path / "own.cu"
    source.write_text('extern "C" __global__ void own_kernel(const Real* x, Real* y) { y[0] = x[0]; }\n')
    x = np.ones(1, np.float32)
    y = empty(x, (1,))
    Source(source).compile(x)
    for library in (tmp_path / "minicnn").glob("*.so"):
        half = library.read_bytes()[:1000]
        library.unlink()  # the loaded library is not affected
        library.write_bytes(half)
    simulator._library.cache_clear()
    Source(source).launch("own_kernel", 1, 1, x, y)
    assert y[0] == 1
