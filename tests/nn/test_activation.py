"""Tests of activation layers that test_against_torch.py does not cover."""

import inspect

import pytest

import minicnn
from minicnn import ArgumentError, ShapeError, nn

IN_PLACE = [
    kind
    for kind in (getattr(nn, name) for name in nn.__all__)
    if isinstance(kind, type) and "inplace" in inspect.signature(kind).parameters
]


@pytest.mark.parametrize("kind", IN_PLACE)
def test_inplace_writes_to_the_input(kind):
    arguments = (0.5, 2.0) if kind is nn.Threshold else ()
    outside, layer = kind(*arguments), kind(*arguments, inplace=True)
    if kind not in (nn.Hardswish, nn.Hardsigmoid):  # PyTorch shows no argument of them
        assert repr(layer).endswith("inplace=True)")
    start = minicnn.randn(*((2, 3, 4) if kind is nn.Dropout1d else (2, 3, 4, 5)))
    results, gradients = [], []
    for function in (outside, layer):
        leaf = start.clone().requires_grad_()
        x = leaf * 1
        minicnn.manual_seed(0)
        y = function(x)
        assert (y is x) == (function is layer)
        assert (x != start).any() == (function is layer)
        (y * y).sum().backward()
        results.append(y.tolist())
        gradients.append(leaf.grad.tolist())
    assert results[0] == results[1]
    assert gradients[0] == gradients[1]


def test_layers_that_take_inplace_are_found():
    assert {nn.ReLU, nn.LeakyReLU, nn.ELU, nn.SiLU, nn.Mish, nn.SELU, nn.Dropout, nn.Dropout2d} <= set(IN_PLACE)


def test_a_softmax_without_an_axis_guesses_it_with_a_warning():
    for shape, axis in (((), 0), ((3,), 0), ((2, 3), 1), ((2, 3, 4), 0), ((2, 3, 4, 5), 1)):
        x = minicnn.randn(shape)
        with pytest.warns(UserWarning, match=f"softmax: without dim, the axis is guessed: {axis}; pass dim={axis}"):
            y = nn.Softmax()(x)
        assert y.tolist() == x.softmax(axis).tolist()


def test_messages():
    with pytest.raises(ArgumentError, match="GELU: approximate must be 'none' or 'tanh', got 'fast'"):
        nn.GELU("fast")
    with pytest.raises(ShapeError, match=r"Softmax2d: input must be \(N, C, H, W\) or \(C, H, W\), got \(2, 3\)"):
        nn.Softmax2d()(minicnn.zeros(2, 3))
