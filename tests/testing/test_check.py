"""Tests of `check`: right functions pass, and each kind of fault is found in its row."""

import numpy as np
import pytest

import minicnn
from minicnn import nn
from minicnn.errors import ArgumentError, AutogradError
from minicnn.nn import functional as F
from minicnn.testing import check, gradcheck
from minicnn.testing.check import Report

x = minicnn.tensor([[0.5, -1.0, 2.0], [1.5, 0.25, -0.75]])


def row(report: Report, name: str):
    (found,) = [r for r in report if r.name == name]
    return found


@pytest.mark.parametrize(
    ("function", "inputs"),
    [
        (minicnn.tanh, [x]),
        (lambda a, w: F.conv2d(a, w, padding=1), [minicnn.randn(2, 2, 4, 4), minicnn.randn(3, 2, 3, 3)]),
        (lambda a, i: minicnn.gather(a, 1, i), [x, minicnn.tensor([[0, 2], [1, 1]])]),
        (lambda a: a.split(1), [x]),
        (minicnn.sum, [minicnn.tensor(2.0)]),
    ],
)
def test_right_functions_pass(function, inputs):
    report = check(function, *inputs)
    assert report, str(report)
    assert row(report, "gradient").right
    assert row(report, "second gradient").right
    assert row(report, "cudasim").right in (True, None)


def test_a_function_of_integers_has_no_gradient():
    report = check(lambda i: i + 1, minicnn.tensor([1, 2]))
    assert report
    assert row(report, "gradient").right is None


class Twice(minicnn.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x * 2

    @staticmethod
    def backward(ctx, grad):
        return grad * 3


count = [0]


def forgets(a):
    count[0] += 1
    return a * count[0]


def writes(a):
    a.mul_(2)
    return a * 1


def follows_the_layout(a):
    return minicnn.from_numpy(np.ndarray(a.shape, a.array.dtype, a.array.copy("K").ravel("K"))) if a.ndim else a


@pytest.mark.parametrize(
    ("name", "function", "found"),
    [
        ("value", lambda a: a / 0, "with NaN or infinity"),
        ("gradient", Twice.apply, "it is 1.5 times the right one everywhere: a factor in the rule"),
        ("second gradient", lambda a: a * a.detach() + a * a.sin().detach() * 0 + a**2, ""),
        ("repeatability", forgets, "a second call gives other values"),
        ("inputs unchanged", writes, "the function writes into an input"),
        ("transposed inputs", follows_the_layout, "largest difference"),
        ("float32", lambda a: a + (0.5 if a.dtype == minicnn.float32 else 0), "largest difference 2.5e-01"),
    ],
)
def test_every_kind_of_fault_is_found(name, function, found):
    report = check(function, x)
    assert not report
    assert row(report, name).right is False
    assert found in row(report, name).found


def test_an_empty_batch_is_tried():
    assert row(check(minicnn.exp, x), "empty batch").found == "shapes (0, 3)"
    refused = row(check(lambda a: a.reshape(2, 3), x), "empty batch")
    assert refused.right is None
    assert "ShapeError" in refused.found


def test_the_table_shows_itself():
    report = check(Twice.apply, x)
    assert "WRONG  gradient" in str(report)
    assert ">WRONG</td>" in report._repr_html_()
    with pytest.raises(ArgumentError, match="check: there is no input; pass tensors after the function"):
        check(minicnn.exp)


def rule(backward):
    class Own(minicnn.autograd.Function):
        @staticmethod
        def forward(ctx, a):
            ctx.save_for_backward(a)
            return a @ minicnn.tensor([[1.0, 2.0, 0.0], [0.0, 1.0, 5.0], [3.0, 0.0, 1.0]], dtype=minicnn.float64)

        @staticmethod
        def backward(ctx, grad):
            return backward(grad)

    return Own.apply


MATRIX = minicnn.tensor([[1.0, 2.0, 0.0], [0.0, 1.0, 5.0], [3.0, 0.0, 1.0]], dtype=minicnn.float64)


@pytest.mark.parametrize(
    ("backward", "cause"),
    [
        (lambda g: -(g @ MATRIX.T), "the sign is wrong"),
        (lambda g: g @ MATRIX, "it is the transposed matrix"),
        (lambda g: g * 0, "the gradient is 0 everywhere"),
        (lambda g: g * float("nan"), "the gradient is NaN"),
        (lambda g: g @ MATRIX.T * 0.5, "it is 0.5 times the right one everywhere"),
        (
            lambda g: g @ MATRIX.T * minicnn.tensor([1.0, 1.0, 2.0], dtype=minicnn.float64),
            "1 of 3 input elements are wrong",
        ),
    ],
)
def test_gradcheck_says_the_likely_cause(backward, cause):
    a = minicnn.tensor([0.5, -1.0, 2.0], dtype=minicnn.float64, requires_grad=True)
    with pytest.raises(AutogradError, match=cause):
        gradcheck(rule(backward), a)


def test_gradcheck_names_an_input_without_influence():
    a = minicnn.tensor([0.5, -1.0], dtype=minicnn.float64, requires_grad=True)
    with pytest.raises(AutogradError, match="the function does not depend on this input here"):
        gradcheck(lambda a: nn.functional.relu(a) * 0 + (a - a.detach()), a)
