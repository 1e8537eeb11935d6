"""Tests of `@fuse`: values and gradients as without it, with one node on the tape.

The steps that are recorded are tested in tests/backends/test_trace.py, each fused activation in test_activation.py.
"""

import copy
import pickle

import numpy as np
import pytest

import minicnn as mc
import minicnn.nn.functional as F
from minicnn.autograd import grad, gradcheck, gradgradcheck
from minicnn.autograd.tape import Node
from minicnn.errors import AnomalyError, ArgumentError, AutogradError, ShapeError
from minicnn.ops.fuse import fuse
from minicnn.runtime import dispatch
from minicnn.runtime.devices import CPU

HALF = mc.tensor(0.5)


def swish(x, b, *, scale):
    return x * mc.sigmoid(b * x) / scale + mc.where((x > 0) & (b <= 1), x.clamp(max=2.0), -(b**3))


FUSED = fuse(swish)


def leaf(*shape, seed=0):
    return mc.tensor(np.random.default_rng(seed).normal(size=shape), requires_grad=True)


@pytest.mark.parametrize(
    "shapes", [((4, 5), (4, 5)), ((4, 5), ()), ((), (3,)), ((2, 1), (3,)), ((), ()), ((0, 3), (3,))]
)
def test_a_chain_equals_its_function(shapes, device):
    a, b = (leaf(*s, seed=i).detach().to(device).requires_grad_() for i, s in enumerate(shapes))
    expected = swish(a, b, scale=2.0)
    h = mc.randn(*expected.shape, dtype=mc.float64).to(device)
    grads = grad(expected, [a, b], h)
    for y, right in ((FUSED(a, b, scale=2.0), expected), (FUSED.sum(a, b, scale=2.0), expected.sum())):
        assert y.shape == right.shape
        np.testing.assert_allclose(y.tolist(), right.tolist(), rtol=1e-12)
    for g, right in zip(grad(FUSED(a, b, scale=2.0), [a, b], h), grads, strict=True):
        np.testing.assert_allclose(g.tolist(), right.tolist(), rtol=1e-12)


@pytest.mark.parametrize("how", ["each", "sum"])
@pytest.mark.parametrize("shapes", [((2, 3), (2, 3)), ((2, 3), ()), ((3,), (2, 1))])
def test_gradients_of_both_orders(how, shapes):
    inputs = [leaf(*s, seed=i) for i, s in enumerate(shapes)]
    function = FUSED if how == "each" else FUSED.sum
    assert gradcheck(lambda a, b: function(a, b, scale=0.5), inputs)
    assert gradgradcheck(lambda a, b: function(a, b, scale=0.5), inputs)


def test_third_derivatives_too():
    x = mc.tensor(0.3, dtype=mc.float64, requires_grad=True)
    y = fuse(lambda x: mc.exp(x * 2.0))(x)
    for order in range(1, 5):
        (y,) = grad(y, x, create_graph=True)
        assert y.item() == pytest.approx(2**order * np.exp(0.6))


def test_one_node_is_on_the_tape_and_bears_the_functions_name():
    x = leaf(3)
    y = FUSED(x, 1.0, scale=1.0)
    assert isinstance(y.grad_fn, Node)
    assert repr(y.grad_fn) == "<swish>"
    assert y.grad_fn.edges[0] is x._node
    assert repr(F.gelu(x).grad_fn) == "<gelu>"


def test_a_chain_within_a_chain_is_its_steps():
    outer = fuse(lambda x: F.silu(x) + F.leaky_relu(x, 0.1))
    operations = [s.operation for s in outer.graph().steps]
    assert operations == ["sigmoid", "mul", "gt", "mul", "where", "add"]
    x = leaf(5)
    np.testing.assert_allclose(outer(x).tolist(), (F.silu(x) + F.leaky_relu(x, 0.1)).tolist(), rtol=1e-12)


def test_what_it_says_is_traced_once_for_each_choice_of_parameters():
    calls = []

    @fuse
    def f(x, *, power):
        calls.append(power)
        return x**power

    for power in (2, 3, 2, 3):
        assert f(mc.tensor([2.0]), power=power).tolist() == [2.0**power]
    assert calls == [2, 3]


def test_an_input_without_influence_gets_no_gradient():
    f = fuse(lambda x, c: mc.where(c > 0, x, 0.0))
    x, c = leaf(3), leaf(3, seed=1)
    f(x, c).sum().backward()
    assert c.grad is None
    np.testing.assert_array_equal(x.grad.array, (c.array > 0) * 1.0)
    constant = fuse(lambda x: mc.exp(mc.zeros_like(x)))
    assert constant(mc.tensor([5.0, 6.0])).tolist() == [1.0, 1.0]


def test_inputs_are_promoted_to_one_float_type():
    f = fuse(lambda a, b: a * b)
    assert f(mc.tensor([1, 2]), mc.tensor([3, 4])).dtype == mc.float32
    assert f(mc.tensor([1.0]), mc.zeros(1, dtype=mc.float64)).dtype == mc.float64
    assert f(mc.tensor([1.0]), 2).tolist() == [2.0]
    with pytest.raises(ShapeError, match="do not broadcast"):
        f(mc.ones(2), mc.ones(3))


@pytest.mark.parametrize(
    ("function", "part"),
    [
        (lambda x: x.sum(), "sum cannot be a step"),
        (lambda x: mc.sin(x), "sin cannot be a step"),
        (lambda x: x if x > 0 else -x, "cannot be a step"),
        (lambda x: x**2.25, "a power must be a multiple of 1/2"),
        (lambda x: x + (x > 0) * (x < 1), "mul takes numbers, and got a condition"),
        (lambda x: mc.where(x > 0, x > 1, x < 1) * x, "where takes numbers, and got a condition"),
        (lambda x: x + mc.rand_like(x), "draws random numbers"),
        (lambda x: x / x.numel(), "size cannot be a step"),
        (lambda x: x * HALF, "uses a tensor that is not an input"),
        (lambda x: x > 0, "must return one floating-point tensor"),
        (lambda x: 3.0, "must return one floating-point tensor"),
        (lambda x: x.long(), "cannot convert to int64"),
    ],
)
def test_what_is_no_chain_is_refused_by_name(function, part):
    with pytest.raises(ArgumentError, match=f"fuse: .*{part}"):
        fuse(function)(mc.ones(2))


def test_saved_inputs_are_watched_and_anomalies_named():
    x = leaf(3)
    doubled = x * 2
    y = FUSED(doubled, 1.0, scale=1.0)
    doubled.add_(1.0)
    with pytest.raises(AutogradError, match=r"the gradient of swish needs its input 'inputs' .* was modified in place"):
        y.sum().backward()
    with mc.detect_anomaly(), pytest.raises(AnomalyError, match="swish: made NaN or infinity"):
        FUSED(x, 1.0, scale=0.0)


@pytest.mark.parametrize("size", [1 << 15, (1 << 16) + 77])
def test_kernels_agree_on_large_arrays(size):
    x, b = (mc.randn(size, dtype=mc.float64) for _ in range(2))
    for function in (FUSED, FUSED.sum):
        results = []
        for backends in (("native", "numpy"), ("numpy",), ()):
            with mc.use_backends(*backends):
                results.append(function(x, b, scale=3.0).array)
        for y in results[:-1]:
            np.testing.assert_allclose(y, results[-1], rtol=1e-12, atol=1e-12)


def test_a_sum_of_constants_counts_them():
    ones = fuse(lambda x: mc.zeros_like(x) + 1.0)
    for n in (0, 1, 5, 70_000):
        for backends in (("native", "numpy"), ("numpy",), ()):
            with mc.use_backends(*backends):
                assert ones.sum(mc.zeros(n)).item() == n


def test_explain_tells_which_kernel_runs():
    graph = FUSED.graph(scale=1.0)
    text = mc.explain("fused", mc.ones(9), mc.ones(9), graph=graph)
    assert "reference/reference" in text
    small = fuse(lambda x: x * x).graph()
    assert dispatch.select("fused", CPU, [np.ones(3)], {"graph": small}).__name__ == "_fused"


@pytest.mark.parametrize("function", [lambda x, y=2.0: x * y, lambda *x: x[0], lambda x, **more: x, lambda: 1.0])
def test_inputs_are_named_and_counted(function):
    with pytest.raises(ArgumentError, match=r"fuse: .*<lambda>"):
        fuse(function)


def test_another_number_of_inputs_is_refused_before_a_kernel_sees_it():
    f = fuse(lambda a, b: a * b + 1.0)
    for inputs in ([], [mc.ones(70_000)], [mc.ones(70_000)] * 3):
        with pytest.raises(ArgumentError, match="<lambda>: takes 2 tensors, got"):
            f(*inputs)
    with pytest.raises(ArgumentError, match=r"cannot be called with .*'b'"):
        f(mc.ones(2), mc.ones(2), b=1)
    with pytest.raises(ArgumentError, match="cannot be called with"):
        FUSED(mc.ones(2), mc.ones(2), scale=[1.0])


def test_parameters_that_are_equal_but_not_the_same_are_told_apart():
    f = fuse(lambda x, *, by: x / by)
    assert [f(mc.ones(1), by=by).item() for by in (0.0, -0.0)] == [float("inf"), float("-inf")]


def straight_through(x):
    limited = x.clamp(-1, 1)
    return limited + (mc.sign(x) - limited).detach()


def outside(x):
    with mc.no_grad():
        scale = mc.sigmoid(x)
    return x * scale


def root(x):
    return (x * x) ** 0.5 + (x * x + 1) ** -1.5 + 1 / x**7 + x**-3


def at_the_limit(x):
    return x.clamp(-1.0, 2.0) + x.clamp(min=0.5) + mc.maximum(x, mc.zeros_like(x)) + x.abs()


def logic(x):
    return mc.where((x > 0) ^ (x > 1), x, 0.0) + (~(x > 0)) * x + ((x > -1) & (x < 1) | (x > 1.5)) * x * x


@pytest.mark.parametrize("function", [straight_through, outside, root, at_the_limit, logic])
def test_gradients_are_those_of_the_function_at_kinks_too(function):
    values = [-2.5, -1.0, -0.5, 0.5, 1.0, 2.0, 3.0, *([0.0, float("nan")] if function is not root else [])]
    grads = []
    for f in (function, fuse(function)):
        x = mc.tensor(values, dtype=mc.float64, requires_grad=True)
        y = f(x)
        (g,) = grad(y.sum(), x, create_graph=True)
        (again,) = grad(g.sum(), x, allow_unused=True) if g.requires_grad else (None,)
        grads.append((y.tolist(), g.tolist(), [0.0] * len(values) if again is None else again.tolist()))
    for mine, right in zip(grads[1], grads[0], strict=True):
        np.testing.assert_allclose(mine, right, rtol=1e-12, atol=1e-12)


def test_a_scalar_that_wants_a_gradient_is_not_spread_out():
    x, s = leaf(1000), leaf()
    y = FUSED(x, s, scale=1.0)
    assert y.grad_fn.edges[1] is s._node
    assert [t[0].shape for t in y.grad_fn.saved["inputs"]] == [(1000,), ()]
    y.sum().backward()
    assert s.grad.shape == ()


@pytest.mark.parametrize("backends", [("native", "numpy"), ("numpy",)])
def test_an_expanded_input_is_one_number(backends):
    x, h = mc.randn(300, 300, dtype=mc.float64), mc.tensor(3.0, dtype=mc.float64).expand(300, 300)
    product = fuse(lambda x, h: x * h)
    with mc.use_backends(*backends):
        np.testing.assert_array_equal(product(x, h).array, x.array * 3)
        np.testing.assert_allclose(product.sum(x, h).item(), x.array.sum() * 3)
        assert product(h, h).tolist() == [[9.0] * 300] * 300


def test_a_long_chain_is_no_recursion():
    def long(x):
        y = x
        for _ in range(3000):
            y = y * 0.999 + x
        return y

    x = leaf(3)
    np.testing.assert_allclose(fuse(long)(x).tolist(), long(x).tolist(), rtol=1e-12)


def test_a_sum_of_many_small_numbers_keeps_their_digits():
    x = mc.full((1_000_000,), 0.1)
    assert fuse(lambda x: x * 1.0).sum(x).item() == pytest.approx(float(np.float32(0.1)) * 1e6, rel=1e-6)


def test_a_chain_is_pickled_and_copied_by_its_name():
    assert pickle.loads(pickle.dumps(F.logsigmoid)) is F.logsigmoid
    assert copy.deepcopy(F.logsigmoid) is F.logsigmoid
    assert F.logsigmoid.__doc__.startswith("Return log(sigmoid(x))")


def test_a_power_of_zero_is_one():
    assert mc.fuse(lambda x: x**0 + x)(mc.tensor([0.0, 3.0])).tolist() == [1.0, 4.0]
