"""Tests of tracers: the steps that they record, in order.

Tests of the values and gradients of fused functions are in tests/ops/test_fuse.py.
"""

import numpy as np
import pytest

import minicnn  # noqa: F401 (registers all primitives)
from minicnn.autograd.primitive import primitives
from minicnn.backends.trace import OPERATIONS, Step, Tracer, graph_of
from minicnn.errors import ArgumentError


def tracers(n):
    return [Tracer(f"input {i}") for i in range(n)]


def test_a_tracer_has_the_shape_of_one_element():
    (x,) = tracers(1)
    assert (x.shape, x.ndim) == ((), 0)


def test_steps_come_before_those_that_read_them_and_equal_ones_once():
    (x,) = tracers(1)
    y = Tracer("mul", (Tracer("exp", (x,)), Tracer("add", (Tracer("exp", (x,)), np.asarray(2.0)))))
    p = graph_of("f", [x], y)
    assert p.constants == (2.0,)
    assert p.steps == (Step("exp", (0,)), Step("add", (2, 1)), Step("mul", (2, 3)))
    assert p.done == [set(), set(), {2, 3}]


def test_zero_and_minus_zero_are_two_constants():
    (x,) = tracers(1)
    p = graph_of("f", [x], Tracer("where", (x, np.asarray(0.0), np.asarray(-0.0))))
    assert [np.copysign(1, c) for c in p.constants] == [1, -1]


@pytest.mark.parametrize("output", ["input", "constant"])
def test_a_program_has_a_step_at_least(output):
    (x,) = tracers(1)
    p = graph_of("f", [x], x if output == "input" else np.asarray(3.0))
    assert [s.operation for s in p.steps] == ["clone"]


def test_on_arrays_runs_the_references():
    x, y = tracers(2)
    p = graph_of("f", [x, y], Tracer("sub", (Tracer("square", (x,)), y)))
    np.testing.assert_array_equal(p.on_arrays(np.array([1.0, 3.0]), np.array(2.0)), [-1, 7])


def test_many_uses_of_one_symbol_take_one_step_each():
    (x,) = tracers(1)
    y = x
    for _ in range(60):  # 2⁶⁰ paths lead to the input
        y = Tracer("add", (y, y))
    assert len(graph_of("f", [x], y).steps) == 60


@pytest.mark.parametrize("use", [bool, float, np.sin, np.sum, lambda s: s.real, lambda s: s + np.ones(2)])
def test_what_depends_on_values_is_refused(use):
    with pytest.raises(ArgumentError, match=r"fuse: .* cannot be a step.* steps are clone, neg"):
        use(Tracer("input 0"))


def test_every_operation_takes_as_many_inputs_as_its_primitive():
    taken = {name: len(primitives()[name].inputs) for name in OPERATIONS}
    assert dict(OPERATIONS) == taken
