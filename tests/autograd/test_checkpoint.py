"""Tests of `checkpoint`: the same values and gradients, less memory."""

import tracemalloc

import numpy as np
import pytest

import minicnn
from minicnn import nn
from minicnn.autograd.checkpoint import checkpoint, checkpoint_sequential
from minicnn.errors import ArgumentError, AutogradError

BOTH = pytest.mark.parametrize("use_reentrant", [False, True])


def layers(count, dropout=0.3):
    minicnn.manual_seed(0)
    made = [nn.Sequential(nn.Linear(8, 8), nn.Tanh(), nn.Dropout(dropout)) for _ in range(count)]
    return nn.Sequential(*made)


def gradients(run, model):
    """Return the output and the gradients of a step, and the next random number after it."""
    minicnn.manual_seed(1)
    x = minicnn.randn(4, 8).requires_grad_()
    model.zero_grad()
    y = run(model, x)
    y.square().sum().backward()
    return [y, x.grad, *(p.grad for p in model.parameters()), minicnn.rand(2)]


def assert_equal(found, expected):
    for a, b in zip(found, expected, strict=True):
        assert a.tolist() == b.tolist()


@BOTH
def test_values_gradients_and_random_numbers_are_the_same(use_reentrant):
    model = layers(3)
    plain = gradients(lambda model, x: model(x), model)
    assert_equal(gradients(lambda model, x: checkpoint(model, x, use_reentrant=use_reentrant), model), plain)


@BOTH
@pytest.mark.parametrize("segments", [1, 2, 3, 7])
def test_checkpoint_sequential_has_the_same_gradients(use_reentrant, segments):
    model = layers(7)
    plain = gradients(lambda model, x: model(x), model)

    def run(model, x):
        return checkpoint_sequential(model, segments, x, use_reentrant=use_reentrant)

    assert_equal(gradients(run, model), plain)


def test_without_preserve_rng_state_there_are_new_random_numbers():
    model = layers(3)
    plain = gradients(lambda model, x: model(x), model)

    def run(model, x):
        return checkpoint(model, x, use_reentrant=False, preserve_rng_state=False)

    assert gradients(run, model)[1].tolist() != plain[1].tolist()


def test_a_call_inside_another_one():
    def inner(model, x):
        return checkpoint(model, x, use_reentrant=False)

    model = layers(4)
    plain = gradients(lambda model, x: model(x), model)
    halves = nn.Sequential(model[:2], model[2:])

    def outer(model, x):
        return checkpoint(lambda x: inner(halves[1], inner(halves[0], x)), x, use_reentrant=False)

    assert_equal(gradients(outer, model), plain)


def peak(run):
    """Return the memory in bytes that a step takes at its peak."""
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        run().backward()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


@BOTH
def test_a_long_chain_needs_less_memory(use_reentrant):
    x = minicnn.ones(100_000, requires_grad=True)
    steps = [minicnn.sin] * 36
    size = x.numel() * 4

    def plain():
        y = x
        for step in steps:
            y = step(y)
        return y.sum()

    assert peak(plain) > 36 * size
    # 5 inputs of segments, 6 values of the segment that runs again, and a few for the gradient
    assert peak(lambda: checkpoint_sequential(steps, 6, x, use_reentrant=use_reentrant).sum()) < 17 * size


def test_gradients_of_gradients():
    x = minicnn.tensor([0.5, 2.0], requires_grad=True)
    w = minicnn.tensor([3.0, -1.0], requires_grad=True)

    def function(x):
        return (minicnn.cat([x * w, x.exp()]) ** 3).sin()

    def derivatives(run):
        (first,) = minicnn.autograd.grad(run(x).sum(), x, create_graph=True)
        second = minicnn.autograd.grad(first.square().sum(), [x, w], create_graph=True)
        return [first, *second, *minicnn.autograd.grad(second[1].sum(), [x, w])]

    assert_equal(derivatives(lambda x: checkpoint(function, x, use_reentrant=False)), derivatives(function))


def test_a_second_derivative_by_a_value_inside():
    x = minicnn.tensor([0.5, 2.0], requires_grad=True)

    def function(x):
        inside = x.sin()
        return inside, inside.exp()

    inside, y = checkpoint(function, x, use_reentrant=False)
    (first,) = minicnn.autograd.grad(y.sum(), inside, create_graph=True)
    (second,) = minicnn.autograd.grad(first.sum(), inside)
    np.testing.assert_allclose(second.tolist(), np.exp(np.sin([0.5, 2.0])), rtol=1e-6)


def test_the_function_runs_once_more_in_a_backward_pass():
    calls = []

    def function(x, scale=1.0):
        calls.append(minicnn.is_grad_enabled())
        return {"values": [x.exp() * scale], "text": "y"}

    x = minicnn.tensor(2.0, requires_grad=True)
    y = checkpoint(function, x, scale=2.0, use_reentrant=False)["values"][0]
    assert calls == [True]
    y.backward(retain_graph=True)
    y.backward()
    assert calls == [True, True]
    assert x.grad.item() == pytest.approx(4 * np.exp(2))
    with pytest.raises(AutogradError, match="freed"):
        y.backward()
    with minicnn.no_grad():
        assert not checkpoint(function, x, use_reentrant=False)["values"][0].requires_grad


def test_the_older_way_needs_an_argument_with_a_gradient():
    weight = minicnn.ones(2, requires_grad=True)
    x = minicnn.ones(2)
    with pytest.warns(UserWarning, match="no argument requires a gradient"):
        assert not checkpoint(lambda x: x * weight, x, use_reentrant=True).requires_grad
    with pytest.warns(UserWarning, match="pass use_reentrant=False"):
        assert checkpoint(lambda x: x * weight, x.requires_grad_()).requires_grad
    with pytest.warns(UserWarning, match="pass use_reentrant=False"):
        assert checkpoint_sequential([minicnn.sin] * 3, 2, x).requires_grad


def test_contexts_of_both_calls():
    seen = []

    class Context:
        def __init__(self, name):
            self.name = name

        def __enter__(self):
            seen.append(self.name)

        def __exit__(self, *error):
            seen.append(f"end of {self.name}")

    x = minicnn.ones(2, requires_grad=True)
    y = checkpoint(minicnn.exp, x, use_reentrant=False, context_fn=lambda: (Context("first"), Context("second")))
    assert seen == ["first", "end of first"]
    y.sum().backward()
    assert seen == ["first", "end of first", "second", "end of second"]


def test_a_function_that_does_not_do_the_same_twice():
    x = minicnn.ones(2, requires_grad=True)
    later = []

    def longer(x):
        y = x.sin().exp() if later else x.sin()
        later.append(1)
        return y

    y = checkpoint(longer, x, use_reentrant=False)
    with pytest.raises(AutogradError, match="2 operations instead of 1; it must do the same twice"):
        y.sum().backward()

    def other(x):
        y = x.cos() if later else x.sin()
        later.append(1)
        return y

    later.clear()
    y = checkpoint(other, x, use_reentrant=False)
    with pytest.raises(AutogradError, match=r"made \('cos', .*instead of \('sin'"):
        y.sum().backward()
    later.clear()
    checkpoint(other, x, use_reentrant=False, determinism_check="none").sum().backward()
    np.testing.assert_allclose(x.grad.tolist(), np.cos([1.0, 1.0]), rtol=1e-6)


def test_values_that_were_modified_are_noticed():
    x = minicnn.ones(2, requires_grad=True) * 1
    y = checkpoint(lambda x: (x + 1).exp(), x, use_reentrant=False)
    with minicnn.no_grad():
        x.mul_(2)
    with pytest.raises(AutogradError, match="an argument of the function was modified in place"):
        y.sum().backward()
    weight = minicnn.ones(2, requires_grad=True)
    y = checkpoint(lambda x: x * weight, x, use_reentrant=False)
    with minicnn.no_grad():
        weight.mul_(2)
    with pytest.raises(AutogradError, match="which was modified in place"):
        y.sum().backward()


def test_arguments_that_are_refused():
    x = minicnn.ones(2, requires_grad=True)
    with pytest.raises(ArgumentError, match="'default' or 'none', got 'all'"):
        checkpoint(minicnn.sin, x, use_reentrant=False, determinism_check="all")
    with pytest.raises(ArgumentError, match="named arguments"):
        checkpoint(minicnn.sin, x, use_reentrant=True, scale=2)
    with pytest.raises(ArgumentError, match="from 1 to 2, got 3"):
        checkpoint_sequential([minicnn.sin] * 2, 3, x, use_reentrant=False)
    with pytest.raises(ArgumentError, match="unexpected arguments: scale"):
        checkpoint_sequential([minicnn.sin] * 2, 1, x, use_reentrant=False, scale=2)
    with pytest.raises(TypeError, match="scale"):
        checkpoint(lambda x: x, x, use_reentrant=False, scale=2)


def test_a_function_with_a_backward_of_its_own():
    class Square(minicnn.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        def backward(ctx, grad_output):
            return 2 * ctx.saved_tensors[0] * grad_output

    x = minicnn.tensor(3.0, requires_grad=True)
    checkpoint(lambda x: Square.apply(x.exp()).log(), x, use_reentrant=False).backward()
    assert x.grad.item() == pytest.approx(2.0)
