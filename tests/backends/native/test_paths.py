"""Tests of every path of the native kernels: the reference's numbers, and equal bits for 1, 2 and 3 threads."""

import pytest

from minicnn.backends.native import library
from minicnn.runtime import dispatch
from minicnn.runtime.devices import CPU

if library.missing():
    pytest.skip(library.missing(), allow_module_level=True)

from tests.backends.native.path_table import CASES
from tests.backends.paths import check


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.source}.cpp-{case}")
def test_path(case):
    for dtype in case.dtypes:
        check(case, "native", dtype)


def test_every_kernel_has_paths():
    kernels = {
        (operation, k.name)
        for operation in dispatch.operations()
        for k in dispatch.kernels(operation, CPU, ("native",))
        if k.backend == "native"
    }
    steps = {
        (operation, "multi_tensor") for operation in ("adam_step", "sgd_step")
    }  # tests/backends/native/test_optim.py
    assert kernels - steps == {(case.operation, case.kernel) for case in CASES}


def test_every_path_has_a_name_of_its_own():
    names = [str(case) for case in CASES]
    assert sorted(names) == sorted(set(names))
