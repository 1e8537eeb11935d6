"""Chains: the same values and gradients as their functions have step by step, with one node on the tape."""

import numpy as np
import pytest

import minicnn as mc
import minicnn.nn.functional as F
from minicnn import dispatch
from minicnn.autograd import grad, gradcheck, gradgradcheck
from minicnn.devices import CPU
from minicnn.errors import AnomalyError, ArgumentError, AutogradError, ShapeError
from minicnn.ops.chain import chain
from minicnn.tape import Node


def swish(x, b, *, scale):
    return x * mc.sigmoid(b * x) / scale + mc.where((x > 0) & (b <= 1), x.clamp(max=2.0), -(b**3))


FUSED = chain(swish)


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
    y = chain(lambda x: mc.exp(x * 2.0))(x)
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
    outer = chain(lambda x: F.silu(x) + F.leaky_relu(x, 0.1))
    operations = [s.operation for s in outer.program().steps]
    assert operations == ["sigmoid", "mul", "gt", "mul", "where", "add"]
    x = leaf(5)
    np.testing.assert_allclose(outer(x).tolist(), (F.silu(x) + F.leaky_relu(x, 0.1)).tolist(), rtol=1e-12)


def test_what_it_says_is_traced_once_for_each_choice_of_parameters():
    calls = []

    @chain
    def f(x, *, power):
        calls.append(power)
        return x**power

    for power in (2, 3, 2, 3):
        assert f(mc.tensor([2.0]), power=power).tolist() == [2.0**power]
    assert calls == [2, 3]


def test_an_input_without_influence_gets_no_gradient():
    f = chain(lambda x, c: mc.where(c > 0, x, 0.0))
    x, c = leaf(3), leaf(3, seed=1)
    f(x, c).sum().backward()
    assert c.grad is None
    np.testing.assert_array_equal(x.grad.array, (c.array > 0) * 1.0)
    constant = chain(lambda x: mc.exp(mc.zeros_like(x)))
    assert constant(mc.tensor([5.0, 6.0])).tolist() == [1.0, 1.0]


def test_inputs_are_promoted_to_one_float_type():
    f = chain(lambda a, b: a * b)
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
        (lambda x: x**2.5, "a power must be an integer from 0 to 8"),
        (lambda x: x > 0, "must return one floating-point tensor"),
        (lambda x: 3.0, "must return one floating-point tensor"),
        (lambda x: x.long(), "cannot convert to int64"),
    ],
)
def test_what_is_no_chain_is_refused_by_name(function, part):
    with pytest.raises(ArgumentError, match=f"chain: .*{part}"):
        chain(function)(mc.ones(2))


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
    ones = chain(lambda x: mc.zeros_like(x) + 1.0)
    for n in (0, 1, 5, 70_000):
        for backends in (("native", "numpy"), ("numpy",), ()):
            with mc.use_backends(*backends):
                assert ones.sum(mc.zeros(n)).item() == n


def test_explain_tells_which_kernel_runs():
    program = FUSED.program(scale=1.0)
    text = mc.explain("chain", mc.ones(9), mc.ones(9), program=program)
    assert "reference/reference" in text
    small = chain(lambda x: x * x).program()
    assert dispatch.select("chain", CPU, [np.ones(3)], {"program": small}).__name__ == "_chain"
