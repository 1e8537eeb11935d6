"""Tests of the ladder: the launches of each kernel, found without running it, and its description in the file."""

import numpy as np
import pytest

from minicnn.backends.cuda import simulator
from minicnn.profiling.ladder import accepts, describe, dry_run, rungs, sources
from minicnn.profiling.workloads import cuda_kernels, cuda_operations, workloads

HEAD = """\
// Doubling, and more.
//
//   first   y = 2 x
//
//   direct  one thread an element. It is
//           slow.
//   slab    1. a block of
//           elements; more of it
//   warp_*  a warp, see more.cu. Two sentences
//
// other_sum adds what the parts hold: all of it.
#include "common.cuh"

struct Before {
    int a;
};

// Makes panels,
// in order.
struct Sizes {
    int a, b;
};

extern "C" __global__ void __launch_bounds__(256) other_pack(const Real* x, Real* y, Sizes s) {}

// Tells itself.
extern "C" __global__ void
__launch_bounds__(256) own(const Real* x) {}

extern "C" __global__ void nothing(const Real* x) {}
"""


@pytest.mark.parametrize(
    ("entry", "text"),
    [
        ("first", "y = 2 x"),
        ("first_direct", "one thread an element"),
        ("first_slab", "a block of elements; more of it"),
        ("first_slab_128x128", "a block of elements; more of it"),
        ("x_warp_nn", "a warp, see more.cu"),
        ("other_pack", "Makes panels, in order"),
        ("own", "Tells itself"),
        ("other_sum", "adds what the parts hold"),
        ("nothing", ""),
        ("slabs", ""),
    ],
)
def test_what_a_file_says_of_an_entry(entry, text):
    assert describe(HEAD, entry) == text


def test_a_file_without_comments_says_nothing():
    assert describe('extern "C" __global__ void f(int n) {}\n', "f") == ""


def test_files_and_their_entries():
    assert {"conv.cu", "gemm.cu", "pool.cu"} <= set(sources())
    names = [entry for source in sources().values() for entry in source.entries]
    assert len(names) == len(set(names)) > 20


@pytest.mark.parametrize("file", sources())
def test_every_entry_is_explained_in_its_file(file):
    source = sources()[file]
    silent = [entry for entry in source.entries if not describe(source.text, entry)]
    assert silent == [], "tell in the head of the file what they do, or right before them"


def test_a_dry_run_runs_nothing_and_tells_the_launches(monkeypatch):
    run = simulator.run
    (kernel,) = (k for k in cuda_kernels("relu") if k.name == "direct")
    call = workloads("relu")[0].call(batch=1, channels=1, size=20)
    (launch,) = dry_run(kernel, call)
    assert (launch.file, launch.entry, launch.grid, launch.block) == ("elementwise.cu", "relu_direct", (2, 1, 1), 256)
    assert simulator.run is run
    assert not np.isnan(call.arrays[0]).any()


def test_the_simulator_is_back_after_an_error():
    run = simulator.run
    (kernel,) = (k for k in cuda_kernels("relu") if k.name == "direct")
    call = workloads("relu")[0].call(batch=1, channels=1, size=4)
    call.arrays[0].dtype = np.int32
    with pytest.raises(Exception, match="relu_direct"):
        dry_run(kernel, call)
    assert simulator.run is run


def test_rungs_are_all_cuda_kernels_and_the_top_one_comes_first():
    found = {(rung.kernel.operation, rung.kernel.name) for rung in rungs()}
    assert found == {(name, k.name) for name in cuda_operations() for k in cuda_kernels(name)}
    matmul = [rung.kernel.name for rung in rungs() if rung.workload.name == "matmul"]
    assert matmul == [k.name for k in cuda_kernels("matmul") if k.name in matmul]
    assert len(matmul) > 2


@pytest.mark.parametrize("operation", cuda_operations())
def test_every_rung_launches_something_that_exists(operation):
    mine = [rung for rung in rungs() if rung.kernel.operation == operation]
    assert mine
    for rung in mine:
        assert rung.launches, rung.kernel.name
        assert accepts(rung.kernel, rung.workload.blank())
        for launch in rung.launches:
            assert launch.block <= sources()[launch.file].entries[launch.entry].threads
