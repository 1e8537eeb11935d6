"""Tests of every path of the NumPy kernels: the reference's numbers, and equal bits for 1, 2 and 3 threads."""

import pytest

from minicnn.runtime import dispatch
from minicnn.runtime.devices import CPU
from tests.backends.numpy.path_table import CASES
from tests.backends.paths import check


@pytest.mark.parametrize("case", CASES, ids=str)
def test_path(case):
    for dtype in case.dtypes:
        check(case, "numpy", dtype)


def test_every_kernel_has_paths():
    kernels = {
        (operation, k.name)
        for operation in dispatch.operations()
        for k in dispatch.kernels(operation, CPU, ("numpy",))
        if k.backend == "numpy"
    }
    steps = {(operation, "blocks") for operation in ("adam_step", "sgd_step")}  # tests/backends/numpy/test_optim.py
    assert kernels - steps == {(case.operation, case.kernel) for case in CASES}


def test_every_path_has_a_name_of_its_own():
    names = [str(case) for case in CASES]
    assert sorted(names) == sorted(set(names))
