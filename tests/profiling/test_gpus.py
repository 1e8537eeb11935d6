"""Tests of peak rates, rooflines and occupancy, against values computed by hand."""

import pytest

from minicnn.errors import ArgumentError
from minicnn.profiling.gpus import GPUS, LIMITS, occupancy
from minicnn.profiling.nvrtc import ARCHITECTURES

BY_NAME = {gpu.name: gpu for gpu in GPUS}


def test_the_gpus_and_the_architectures_fit_together():
    assert list(BY_NAME) == ["T4", "A100", "H100", "RTX 4090"]
    assert {gpu.architecture for gpu in GPUS} <= set(LIMITS)
    assert set(ARCHITECTURES) <= set(LIMITS)
    assert all("NVIDIA" in gpu.source for gpu in GPUS)


@pytest.mark.parametrize(  # from cores and boost clock, two operations per cycle: independent of the data sheets
    ("name", "cores", "gigahertz"),
    [("T4", 2560, 1.59), ("A100", 6912, 1.41), ("H100", 16896, 1.98), ("RTX 4090", 16384, 2.52)],
)
def test_peaks_agree_with_cores_and_clock(name, cores, gigahertz):
    assert BY_NAME[name].peak("float32") == pytest.approx(2e-3 * cores * gigahertz, rel=0.01)
    assert cores % BY_NAME[name].processors == 0


def test_the_bound_is_the_slower_of_arithmetic_and_memory():
    a100 = BY_NAME["A100"]
    assert a100.bound(19.5e9, 0, "float32") == pytest.approx(1)
    assert a100.bound(0, 2.039e9, "float32") == pytest.approx(1)
    assert a100.bound(19.5e9, 2 * 2.039e9, "float32") == pytest.approx(2)
    assert a100.bound(9.7e9, 0, "float64") == pytest.approx(1)
    assert a100.ridge("float32") == pytest.approx(19500 / 2039)


@pytest.mark.parametrize(
    ("architecture", "registers", "shared", "threads", "blocks", "share", "limit"),
    [
        ("sm_80", 32, 0, 256, 8, 1.0, "warps"),
        ("sm_80", 121, 16384, 256, 2, 0.25, "registers"),  # 128 per thread after rounding: 16 of 64 warps
        ("sm_80", 33, 0, 256, 6, 0.75, "registers"),  # 40 after rounding: 12 warps per quarter, 48 in total
        ("sm_80", 16, 0, 32, 32, 0.5, "blocks"),
        ("sm_80", 16, 40 * 1024, 256, 4, 0.5, "shared memory"),  # 41 KB with the system's part: 4 blocks in 164 KB
        ("sm_80", 16, 41 * 1024, 256, 3, 0.375, "shared memory"),
        ("sm_75", 32, 0, 256, 4, 1.0, "warps"),
        ("sm_75", 16, 32 * 1024, 256, 2, 0.5, "shared memory"),  # the system reserves nothing
        ("sm_89", 32, 0, 256, 6, 1.0, "warps"),
        ("sm_90", 32, 48 * 1024, 128, 4, 0.25, "shared memory"),
        ("sm_90", 255, 0, 100, 2, 0.125, "registers"),  # 100 threads are 4 warps
        ("sm_90", 255, 0, 1024, 0, 0.0, "registers"),  # does not run at all
    ],
)
def test_occupancy(architecture, registers, shared, threads, blocks, share, limit):
    found = occupancy(architecture, registers, shared, threads)
    assert (found.blocks, found.share, found.limit) == (blocks, share, limit)


def test_an_architecture_whose_limits_are_unknown():
    with pytest.raises(ArgumentError, match=r"^occupancy: the limits of sm_1 are not known; known are sm_75, sm_80"):
        occupancy("sm_1", 32, 0, 256)
