"""Tests of methods that give a tensor another shape in place."""

import pytest

import minicnn as mc
from minicnn.errors import AutogradError


def test_the_memory_stays(device):
    x = mc.zeros(2, 3, device=device)
    row = x[0]
    assert x.t_() is x
    x[2, 0] = 5
    assert (x.shape, row.tolist()) == ((3, 2), [0, 0, 5])
    x.unsqueeze_(0).squeeze_(0).add_(1)
    assert row.tolist() == [1, 1, 6]


def test_gradients_go_through():
    x = mc.arange(6.0).reshape(2, 3).requires_grad_()
    y = x * 2
    y.transpose_(0, 1).unsqueeze_(0)
    (y[0, 2] * mc.tensor([1.0, 10.0])).sum().backward()
    assert (y.shape, x.grad.tolist()) == ((1, 3, 2), [[0, 0, 2], [0, 0, 20]])


def test_views_and_leaves_are_protected():
    leaf = mc.ones(2, 3, requires_grad=True)
    y = leaf * 1
    view = y[0]
    for x in (leaf, y):
        with pytest.raises(AutogradError, match="cannot get another shape while recording"):
            x.t_()
    assert view.shape == (3,)
