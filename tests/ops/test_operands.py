"""Tests of operands: tensors, arrays and numbers on both sides of an operator, and the errors for invalid operands."""

import numpy as np
import pytest

import minicnn as mc
from minicnn.autograd.tensor import Tensor
from minicnn.errors import DTypeError, ShapeError
from minicnn.ops.operands import float_operands, operands, promote, require_kind
from tests import standin_cupy


def test_numbers_and_arrays_on_either_side():
    x = mc.tensor([1.0, 2.0])
    a = np.array([3.0, 4.0])
    results = [
        (x + a, [4.0, 6.0]),
        (a + x, [4.0, 6.0]),
        (a - x, [2.0, 2.0]),
        (a * x, [3.0, 8.0]),
        (a / x, [3.0, 2.0]),
        (a**x, [3.0, 16.0]),
        (a // x, [3.0, 2.0]),
        (a % x, [0.0, 0.0]),
        (2 - x, [1.0, 0.0]),
        (2 / x, [2.0, 1.0]),
        (5 // x, [5.0, 2.0]),
        (5 % x, [0.0, 1.0]),
        (2**x, [2.0, 4.0]),
        (np.float64(2) * x, [2.0, 4.0]),
        (np.float32(2) * x, [2.0, 4.0]),
        (np.int64(2) - x, [1.0, 0.0]),
        (a.astype(np.float32) @ x, 11.0),
        (x @ a.astype(np.float32), 11.0),
    ]
    for result, expected in results:
        assert isinstance(result, Tensor)
        assert result.tolist() == expected


def test_comparisons_with_arrays_on_the_left():
    x, a = mc.tensor([1.0, 2.0]), np.array([1.0, 3.0])
    for result in (a == x, a >= x, a != x, a > x):
        assert isinstance(result, Tensor)
        assert result.dtype == mc.bool


def test_gradients_flow_past_arrays_and_numbers():
    x = mc.tensor([1.0, 2.0], requires_grad=True)
    (np.array([3.0, 4.0], np.float32) * x / 2 + np.float64(1)).sum().backward()
    assert x.grad.tolist() == [1.5, 2.0]
    assert x.grad.dtype == mc.float32


def test_an_array_does_not_swallow_a_tensor():
    a = np.ones(2)
    with pytest.raises(TypeError, match="'Tensor' does not support ufuncs"):
        a += mc.ones(2)


def test_what_is_no_number():
    x = mc.ones(2)
    with pytest.raises(DTypeError, match="element type object is not supported"):
        x + None
    with pytest.raises(DTypeError, match="element type <U1 is not supported"):
        x * "a"
    with pytest.raises(TypeError):
        np.exp(x)  # a NumPy function would lose the gradient


@pytest.mark.parametrize("shapes", [((2,), (3,)), ((2, 3), (2,)), ((4, 1, 2), (3, 3))])
def test_shapes_that_do_not_broadcast(shapes):
    a, b = (mc.ones(*shape) for shape in shapes)
    message = r"add: shapes \(.*\) and \(.*\) do not broadcast: counted from the last, axes must be equal or 1; reshape"
    with pytest.raises(ShapeError, match=message):
        a + b


def test_operands_come_out_alike():
    a, b = operands("f", mc.ones(2, 1, requires_grad=True), mc.tensor([1, 2, 3]))
    assert (a.dtype, a.shape, b.dtype, b.shape) == (mc.float32, (2, 3), mc.float32, (3,))
    a, b = float_operands("f", 1, mc.tensor([1]))
    assert (a.dtype, b.dtype) == (mc.float32, mc.float32)
    assert promote(mc.ones(2), 1, np.float64(2)) == mc.float32
    assert promote([1, 2]) == mc.int64


def test_require_kind():
    require_kind("f", mc.float32, "f", "floats")
    with pytest.raises(DTypeError, match=r"f: expected floats, got int64; convert with .to\(\)"):
        require_kind("f", mc.int64, "f", "floats")


def test_a_number_is_sent_to_the_gpu_once(gpu):
    x = mc.ones(2, device=gpu)
    for number in (0.625, float("nan")):
        _ = x * number
    with standin_cupy.counting() as counts:
        y = (x * 0.625 + x * 0.625).tolist()
        _ = x * float("nan")
    assert (counts.uploads, y) == ([], [1.25, 1.25])
    assert [str(v) for v in (x * 0.0).tolist() + (x * -0.0).tolist()] == ["0.0", "0.0", "-0.0", "-0.0"]
