"""Tests of workloads: every operation with CUDA kernels has one, with correct counts of operations and bytes."""

import numpy as np
import pytest

from minicnn.errors import ArgumentError
from minicnn.profiling.workloads import _workloads, cuda_kernels, cuda_operations, workloads
from minicnn.runtime.devices import CUDASIM
from minicnn.runtime.dispatch import kernels

ALL = [workload for operation in sorted(_workloads) for workload in workloads(operation)]
BY_NAME = {workload.name: workload for workload in ALL}


def test_there_are_operations_with_cuda_kernels():
    assert {"conv", "max_pool", "matmul"} <= set(cuda_operations())


@pytest.mark.parametrize("operation", cuda_operations())
def test_every_operation_with_a_cuda_kernel_has_a_workload(operation):
    assert workloads(operation), f"declare a typical call of {operation} in minicnn/profiling/workloads.py"


@pytest.mark.parametrize("operation", cuda_operations())
def test_every_cuda_kernel_applies_to_a_workload(operation):
    calls = [workload.blank() for workload in workloads(operation)]
    unused = [
        k.name
        for k in cuda_kernels(operation)
        if k.supports and not any(k.supports(*c.arrays, **c.params) for c in calls)
    ]
    assert unused == [], f"no workload of {operation} reaches these kernels"


def test_names_are_unique():
    assert len(BY_NAME) == len(ALL)


@pytest.mark.parametrize("workload", ALL, ids=lambda workload: workload.name)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_reference_takes_it_and_writes_so_many_bytes(workload, dtype):
    call = workload.call(dtype, **workload.small)
    arrays = [a for item in call.arrays for a in (item if isinstance(item, list) else [item])]
    before = [a.copy() for a in arrays]
    out = kernels(workload.operation, CUDASIM)[-1].function(*call.arrays, **call.params)
    if out is None:
        written = sum(a.nbytes for a, old in zip(arrays, before, strict=True) if not np.array_equal(a, old))
    else:
        written = sum(y.nbytes for y in (out if isinstance(out, tuple) else (out,)))
        assert all(y.dtype == dtype for y in (out if isinstance(out, tuple) else (out,)) if y.dtype.kind == "f")
    assert call.written == written
    assert call.moved == written + sum(a.nbytes for a in arrays)
    assert call.flops >= 0
    assert call.intensity == call.flops / call.moved


@pytest.mark.parametrize("workload", ALL, ids=lambda workload: workload.name)
def test_the_small_call_is_small(workload):
    assert workload.small.keys() == workload.sizes.keys()
    assert workload.call(**workload.small).flops < 5e7
    assert workload.call(**workload.small).moved < 2e7


def test_arithmetic_and_bytes_by_hand():
    conv = BY_NAME["conv"].call(batch=2, channels=3, filters=5, size=8, kernel=3)
    assert conv.flops == 2 * (2 * 5 * 8 * 8) * (3 * 3 * 3)
    assert conv.moved == 4 * (2 * 3 * 64 + 5 * 3 * 9 + 2 * 5 * 64)
    strided = BY_NAME["conv_input_grad"].call(
        "float64", batch=1, channels=2, filters=4, size=8, kernel=3, stride=2, groups=2
    )
    assert strided.flops == 2 * (4 * 4 * 4) * (1 * 9)
    assert strided.moved == 8 * (4 * 16 + 4 * 1 * 9 + 2 * 64)
    product = BY_NAME["matmul, batch"].call(batch=3, n=5, k=7, m=11)
    assert product.flops == 2 * 3 * 5 * 7 * 11
    assert product.moved == 4 * 3 * (5 * 7 + 7 * 11 + 5 * 11)
    pool = BY_NAME["max_pool"].call(batch=1, channels=1, size=4, kernel=2, stride=2)
    assert pool.flops == 4 * 3
    assert pool.moved == 16 * 4 + 4 * 4 + 4  # input, output, and a byte for each winner
    adam = BY_NAME["adam_step"].call(tensors=2, size=10)
    assert adam.moved == 4 * 2 * 10 * 7  # reads four arrays, writes three


def test_numbers_are_the_same_every_time():
    first, second = (BY_NAME["linear"].call(n=4, k=3, m=2) for _ in range(2))
    np.testing.assert_array_equal(first.arrays[0], second.arrays[0])
    assert first.arrays[0].shape == (4, 3)
    assert first.arrays[0].any()
    blank = BY_NAME["linear"].blank(n=4, k=3, m=2)
    assert not blank.arrays[0].any()
    assert (blank.flops, blank.moved, blank.text) == (first.flops, first.moved, first.text)


@pytest.mark.parametrize("sizes", [{"depth": 4}, {"n": 0}])
def test_sizes_that_are_not_there(sizes):
    (name, size), *_ = sizes.items()
    with pytest.raises(
        ArgumentError, match=rf"^linear: sizes must be known and at least 1, got {name}={size}; known are n, k, m$"
    ):
        BY_NAME["linear"].call(**sizes)


def test_what_is_unknown_has_no_workload():
    assert workloads("nothing") == []
