"""Tests of the text of tensors. oracles/calls/texts.py has PyTorch's."""

import pytest

import minicnn as mc
from minicnn.errors import ArgumentError
from minicnn.ops import text


def test_printing(monkeypatch):
    monkeypatch.setattr(text, "print_options", dict(text.print_options))
    x = mc.tensor([1 / 3, 2.0])
    mc.set_printoptions(precision=2)
    assert repr(x) == "tensor([0.33, 2.00])"
    mc.set_printoptions(profile="short", threshold=4, edgeitems=1)
    assert repr(mc.arange(9)) == "tensor([0,  ..., 8])"
    mc.set_printoptions(profile="full")
    assert "..." not in repr(mc.arange(2000))
    mc.set_printoptions(sci_mode=True)
    assert repr(x) == "tensor([3.3333e-01, 2.0000e+00])"
    with pytest.raises(
        ArgumentError, match="set_printoptions: profile must be one of default, short, full, got 'long'"
    ):
        mc.set_printoptions(profile="long")


def test_the_gradient_function_of_a_user_has_its_own_name():
    class Double(mc.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return 2 * x

        @staticmethod
        def backward(ctx, grad):
            return 2 * grad

    assert repr(Double.apply(mc.ones(1, requires_grad=True))) == "tensor([2.], grad_fn=<DoubleBackward>)"
