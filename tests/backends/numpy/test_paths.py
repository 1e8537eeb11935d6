"""Every path of the NumPy kernels gives the reference's numbers, and the same bits with one, two and three threads."""

import copy

import numpy as np
import pytest

import minicnn
from minicnn import dispatch
from minicnn.devices import CPU
from tests.backends.numpy.path_table import CASES
from tests.backends.paths import check, numbers


@pytest.mark.parametrize("case", CASES, ids=str)
def test_path(case):
    for dtype in case.dtypes:
        check(case, "numpy", dtype)


STEPS = {
    "adam_step": {"lr": 0.01, "beta1": 0.9, "beta2": 0.99, "eps": 1e-4, "weight_decay": 0.1, "decoupled": False},
    "sgd_step": {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.1, "nesterov": True},
}
SHAPES = ((3,), (1 << 17,), (), (5, 30_001), (90_000, 2), (0, 2))  # whole, in slices, in slices of rows


@pytest.mark.parametrize("number", [1, 2, 3])
@pytest.mark.parametrize("amsgrad", [False, True])
@pytest.mark.parametrize("operation", STEPS)
def test_optimizer_step(operation, amsgrad, number):
    """Every piece of every parameter takes one step, with the numbers of its parameter."""
    rng = np.random.default_rng(0)
    lists = [[np.asarray(numbers(rng, *s)) for s in SHAPES] for _ in range(3)]
    if operation == "adam_step":
        lists += [[np.asarray(numbers(rng, *s) ** 2) for s in SHAPES]]
        lists += [copy.deepcopy(lists[-1]) if amsgrad else []]
        each = {"steps": [1, 2, 3, 4, 5, 6]}
    else:
        each = {"shares": [1.0, 0.9, 0.8, 0.7, 0.6, 0.5]}
    threads = next(k for k in dispatch.kernels(operation, CPU, ("numpy",)) if k.tag == "numpy")
    *_, reference = dispatch.kernels(operation, CPU)
    expected = copy.deepcopy(lists)
    reference.function(*expected, **each, **STEPS[operation])
    before = minicnn.get_num_threads()
    try:
        minicnn.set_num_threads(number)
        threads.function(*lists, **each, **STEPS[operation])
    finally:
        minicnn.set_num_threads(before)
    for arrays, right in zip(lists, expected, strict=True):
        for a, b in zip(arrays, right, strict=True):
            np.testing.assert_array_equal(a, b)


def test_every_kernel_has_paths():
    kernels = {
        (operation, k.name)
        for operation in dispatch.operations()
        for k in dispatch.kernels(operation, CPU, ("numpy",))
        if k.tag == "numpy"
    }
    steps = {(operation, "threads") for operation in STEPS}
    assert kernels - steps == {(case.operation, case.kernel) for case in CASES}


def test_every_path_has_a_name_of_its_own():
    names = [str(case) for case in CASES]
    assert sorted(names) == sorted(set(names))
