"""Tests of the interpreter in fuse.cpp: each operation with every special value, sizes near blocks, and limits."""

import numpy as np
import pytest

import minicnn as mc
from minicnn.backends.native import library
from minicnn.backends.trace import CONDITIONS, OPERATIONS, Graph, Step
from minicnn.ops.fuse import fuse
from minicnn.runtime.devices import CPU
from minicnn.runtime.dispatch import kernels

if not library.usable():
    pytest.skip("there is no compiler", allow_module_level=True)

from minicnn.backends.native.fuse import INPUTS, REGISTERS, fused_sum
from minicnn.backends.native.fuse import fused as run

VALUES = [0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 3.75, 1e-30, -1e-30, 90.0, -90.0, np.inf, -np.inf, np.nan]


def one_step(operation):
    count = OPERATIONS[operation]
    return Graph(operation, count, (), (Step(operation, tuple(range(count))),))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_operation_treats_special_values_as_its_primitive_does(operation, dtype):
    count = OPERATIONS[operation]
    inputs = [a.ravel().astype(dtype) for a in np.meshgrid(*[VALUES] * count)]
    if operation == "where":
        inputs[0][np.isnan(inputs[0])] = 1  # conditions are 1 or 0
    *_, reference = kernels(operation, CPU)
    arguments = [inputs[0] != 0, *inputs[1:]] if operation == "where" else inputs
    with np.errstate(all="ignore"):
        expected = reference.function(*arguments).astype(dtype)
    y = run(*inputs, graph=one_step(operation))
    np.testing.assert_allclose(y, expected, rtol=1e-6 if dtype == "float32" else 1e-13, atol=1e-37)
    signs = ~np.isnan(expected) & (operation not in ("maximum", "minimum"))  # max(0, -0) may have either sign
    np.testing.assert_array_equal(np.signbit(y)[signs], np.signbit(expected)[signs])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("n", [1, 7, 127, 128, 129, 255, 256, 257, 64 * 128 + 1, 64 * 256 - 1, 5 * 64 * 256 + 3])
def test_sizes_about_blocks_and_pieces(n, dtype):
    rng = np.random.default_rng(n)
    x, y = (rng.normal(size=n).astype(dtype) for _ in range(2))
    graph = fuse(lambda x, y: x * y + 1.5).graph()
    exact = x.astype("float64") * y + 1.5
    np.testing.assert_array_equal(run(x, y, graph=graph), x * y + x.dtype.type(1.5))
    np.testing.assert_allclose(fused_sum(x, y, graph=graph), exact.sum(), rtol=1e-6 if dtype == "float32" else 1e-13)


def test_registers_are_used_again():
    long = fuse(lambda x: sum_of_powers(x, 100)).graph()
    assert len(long.steps) > 2 * REGISTERS
    x = np.linspace(-0.9, 0.9, 1000)
    np.testing.assert_allclose(run(x, graph=long), sum(x**k for k in range(1, 101)), rtol=1e-12, atol=1e-14)


def sum_of_powers(x, n):
    power = total = x
    for _ in range(n - 1):
        power = power * x
        total = total + power
    return total


def test_what_does_not_fit_is_left_to_others():
    wide = Graph("wide", INPUTS + 1, (), (Step("add", (0, INPUTS)),))
    deep = fuse(lambda x: balanced(x, [float(k) for k in range(1, 2 * REGISTERS)])).graph()
    arrays = [mc.ones(3, dtype=mc.float64)] * (INPUTS + 1)
    for graph, inputs in ((wide, arrays), (deep, arrays[:1])):
        text = mc.explain("fused", *inputs, graph=graph)
        assert "native/blocks: does not support this" in text
        assert "reference/reference: taken" in text
    assert deep.on_arrays(np.ones(3)).tolist() == [balanced(1.0, [float(k) for k in range(1, 2 * REGISTERS)])] * 3


def balanced(x, constants):
    """Return a sum of many products, added in pairs."""
    return sum_of([x * c for c in constants])


def sum_of(terms):
    return terms[0] if len(terms) == 1 else sum_of(terms[: len(terms) // 2]) + sum_of(terms[len(terms) // 2 :])


def test_conditions_are_operations():
    assert set(CONDITIONS) < set(OPERATIONS)
