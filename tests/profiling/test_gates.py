"""Limits for the machine code of every kernel, on every architecture and in both element types."""

import pytest

from minicnn.profiling.gpus import LIMITS
from minicnn.profiling.ladder import accepts, dry_run, sources
from minicnn.profiling.nvrtc import ARCHITECTURES, REALS
from minicnn.profiling.report import compiled, reachable
from minicnn.profiling.workloads import cuda_kernels, workloads

pytestmark = pytest.mark.usefixtures("wheels")

STATIC_SHARED = 48 * 1024  # bytes that a block may declare


@pytest.mark.parametrize("file", sources())
@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("dtype", REALS)
def test_everything_compiles_without_spills_and_runs(file, architecture, dtype):
    source = sources()[file]
    found = compiled(source, architecture, dtype)
    assert found.keys() == source.entries.keys()
    for name, entry in found.items():
        assert (entry.spill_loads, entry.spill_stores, entry.stack) == (0, 0, 0), f"{name} spills"
        assert entry.shared <= STATIC_SHARED, name
        assert reachable(source, name, entry, architecture).blocks >= 1, f"{name} does not fit on a multiprocessor"


TOP = {  # minimum share of multiply-adds in the top rung, and sizes for which no special rung applies
    "conv": (0.85, {"stride": 2, "batch": 128}),
    "conv_input_grad": (0.85, {"stride": 2, "batch": 32}),
    "conv_weight_grad": (0.85, {"stride": 2}),
    "matmul": (0.85, {}),
    "linear": (0.85, {"n": 2048, "k": 2048, "m": 2048}),
}


@pytest.mark.parametrize("operation", TOP)
@pytest.mark.parametrize("architecture", ["sm_80", "sm_90"])
def test_the_top_rungs_are_nearly_all_multiply_adds(operation, architecture):
    least, sizes = TOP[operation]
    call = workloads(operation)[0].blank(**sizes)
    top = next(kernel for kernel in cuda_kernels(operation) if accepts(kernel, call))
    loops = {
        launch.entry: compiled(sources()[launch.file], architecture, "float32")[launch.entry].inner_loop
        for launch in dry_run(top, call)
    }
    entry, loop = max(((e, loop) for e, loop in loops.items() if loop), key=lambda item: item[1].fused)
    assert loop.fused >= 256, entry
    assert loop.share >= least, f"{entry}: {loop.share:.1%} of {len(loop.instructions)} instructions"
    assert loop.widths("LDS").keys() == {"LDS.128"}, entry


def test_the_architectures_have_limits():
    assert set(ARCHITECTURES) <= set(LIMITS)
