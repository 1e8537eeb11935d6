"""Tests of comparisons, logic and `where` against NumPy and PyTorch's corner cases.

Gradients, and kernels against the references, are tested in test_primitives.py, for all primitives.
"""

import numpy as np
import pytest
from hypothesis import given

import minicnn as mc
from minicnn.autograd.tensor import Tensor
from minicnn.errors import ArgumentError, DTypeError, ShapeError
from minicnn.runtime.devices import to_host
from minicnn.testing import cases

NAN = float("nan")
NUMPY = {
    "eq": np.equal,
    "ne": np.not_equal,
    "lt": np.less,
    "le": np.less_equal,
    "gt": np.greater,
    "ge": np.greater_equal,
    "isnan": np.isnan,
    "isfinite": np.isfinite,
    "logical_and": np.logical_and,
    "logical_or": np.logical_or,
    "logical_xor": np.logical_xor,
    "logical_not": np.logical_not,
    "bitwise_and": np.bitwise_and,
    "bitwise_or": np.bitwise_or,
    "bitwise_xor": np.bitwise_xor,
    "bitwise_not": np.bitwise_not,
    "maximum": np.maximum,
    "minimum": np.minimum,
    "where": np.where,
}


@pytest.mark.parametrize("name", NUMPY)
def test_against_numpy(name, device):
    @given(case=cases(name))
    def check(case):
        y = getattr(mc, name)(*(Tensor._of(x, device=device) for x in case.inputs))
        expected = NUMPY[name](*case.inputs)
        assert y.dtype == expected.dtype
        np.testing.assert_array_equal(to_host(y.array), expected)

    check()


def test_operators_on_bits():
    a, b = mc.tensor([6]), mc.tensor([3])
    assert [(a & b).item(), (a | b).item(), (a ^ b).item(), (~a).item()] == [2, 7, 5, -7]
    assert [(6 & b).item(), (6 | b).item(), (6 ^ b).item()] == [2, 7, 5]
    yes, no = mc.tensor([True]), mc.tensor([False])
    assert [(yes & no).item(), (yes | no).item(), (yes ^ no).item(), (~yes).item()] == [False, True, True, False]


@pytest.mark.parametrize("name", ["bitwise_and", "bitwise_or", "bitwise_xor"])
def test_floats_have_no_bits(name):
    with pytest.raises(DTypeError, match=f"{name}: expected bools or integers, got float32"):
        getattr(mc, name)(mc.ones(1), mc.ones(1))
    with pytest.raises(DTypeError, match="bitwise_not: expected bools or integers, got float32"):
        ~mc.ones(1)


@pytest.mark.parametrize(
    ("function", "expected"),
    [  # the gradient of the first operand, recorded from PyTorch 2.13
        (lambda x: mc.maximum(x, mc.tensor([1.0, 5.0, 0.0])), [0.5, 0.0, 1.0]),
        (lambda x: mc.minimum(x, mc.tensor([1.0, 5.0, 0.0])), [0.5, 1.0, 0.0]),
        (lambda x: mc.maximum(x, mc.tensor([NAN, 1.0, 1.0])), [1.0, 1.0, 1.0]),
        (lambda x: x.clamp(1.0, 2.0), [1.0, 1.0, 0.0]),
        (lambda x: x.clamp(max=1.5), [1.0, 0.0, 0.0]),
        (lambda x: mc.where(x > 1.5, x, x * 3), [3.0, 1.0, 1.0]),
        (lambda x: x.masked_fill(x > 1.5, 9.0), [1.0, 0.0, 0.0]),
    ],
)
def test_where_the_gradient_goes(function, expected):
    x = mc.tensor([1.0, 2.0, 3.0], requires_grad=True)
    function(x).sum().backward()
    assert x.grad.tolist() == expected


def test_an_infinite_gradient_stays_where_it_belongs():
    x = mc.tensor([1.0, 3.0], requires_grad=True)
    mc.maximum(x, mc.tensor([2.0, 2.0])).backward(mc.tensor([float("inf"), 1.0]))
    assert x.grad.tolist() == [0.0, 1.0]


def test_clamp():
    assert mc.tensor([1, 5, 9]).clamp(2, 6).tolist() == [2, 5, 6]
    assert mc.tensor([1, 5]).clamp(2.5).tolist() == [2.5, 5.0]
    assert mc.tensor([1.0]).clamp(3, 2).item() == 2.0
    assert np.isnan(mc.tensor([NAN]).clamp(0, 1).item())
    for limits in ((), ("a",), (mc.ones(1), 2.0)):
        with pytest.raises(ArgumentError, match="clamp: give numbers or tensors for min, max or both, got min="):
            mc.ones(1).clamp(*limits)


def test_where_checks_its_condition():
    with pytest.raises(DTypeError, match="where: expected a bool condition, got int64"):
        mc.where(mc.tensor([1]), 1.0, 0.0)
    with pytest.raises(ShapeError, match=r"where: the condition \(2,\) does not broadcast with \(3,\) and \(1,\)"):
        mc.where(mc.tensor([True, False]), mc.ones(3), mc.ones(1))
    with pytest.raises(ShapeError, match=r"where: shapes \(3,\) and \(2,\) do not broadcast"):
        mc.where(mc.tensor([True]), mc.ones(3), mc.ones(2))
    assert mc.where(mc.tensor([True, False]), mc.ones(2, 1), 0.0).tolist() == [[1.0, 0.0], [1.0, 0.0]]
    assert mc.where(np.array([True]), 1, 0).dtype == mc.int64
