"""Tests of `grad`, `gradcheck` and `gradgradcheck`: the checks must also fail for wrong gradients.

tests/ops/test_primitives.py uses them for every primitive.
"""

import numpy as np
import pytest

import minicnn as mc
from minicnn.autograd import grad, gradcheck, gradgradcheck
from minicnn.autograd.gradcheck import GradcheckError
from minicnn.autograd.primitive import primitive
from minicnn.autograd.tensor import Tensor
from minicnn.errors import ArgumentError, AutogradError


def leaf(*values, dtype=None):
    return mc.tensor(values, dtype=dtype, requires_grad=True)


# --- grad -----------------------------------------------------------------------------------------------------


def test_grad_leaves_the_grad_attribute_alone():
    x, y = leaf(1.0, 2.0), leaf(3.0, 4.0)
    gx, gy = grad((x * y).sum(), [x, y])
    assert (gx.tolist(), gy.tolist()) == ([3.0, 4.0], [1.0, 2.0])
    assert (x.grad, y.grad) == (None, None)


def test_derivatives_of_third_order():
    x = leaf(2.0)
    value, found = (x * x * x * x).sum(), []
    for _ in range(4):
        (value,) = grad(value.sum(), x, create_graph=True)
        found.append(value.item())
    assert found == [32.0, 48.0, 48.0, 24.0]


def test_gradients_of_a_function_of_gradients():
    x = leaf(2.0, 3.0)
    (first,) = grad((x**3).sum(), x, create_graph=True)
    (first * first).sum().backward()
    assert x.grad.tolist() == [36.0 * 8, 36.0 * 27]  # d(9 x⁴)/dx


def test_several_outputs_add_up_weighted():
    x = leaf(1.0, 2.0)
    assert grad([x * 2, x * 3], x, [mc.ones(2), mc.tensor([1.0, 10.0])])[0].tolist() == [5.0, 32.0]
    assert grad([(x * 2).sum(), (x * 3).sum()], x)[0].tolist() == [5.0, 5.0]
    assert grad([x * 2, (x * 3).sum()], [x], [mc.ones(2), None])[0].tolist() == [5.0, 5.0]


def test_grad_of_a_tensor_by_itself_and_by_a_result():
    x = leaf(1.0, 2.0)
    y = x * 2
    assert grad(x, x, mc.ones(2))[0].tolist() == [1.0, 1.0]
    assert grad((y * y).sum(), y)[0].tolist() == [4.0, 8.0]


def test_inputs_that_are_not_used():
    x, y = leaf(1.0), leaf(2.0)
    with pytest.raises(AutogradError, match=r"grad: no output depends on input 1 of shape \(1,\); .*allow_unused=True"):
        grad((x * 2).sum(), [x, y])
    gx, gy = grad((x * 2).sum(), [x, y], allow_unused=True)
    assert (gx.item(), gy) == (2.0, None)


@pytest.mark.parametrize("allow_unused", [False, True])
def test_inputs_without_a_gradient(allow_unused):
    x = leaf(1.0)
    with pytest.raises(AutogradError, match=r"grad: input 1 of shape \(2,\) does not require a gradient"):
        grad(x.sum(), [x, mc.ones(2)], allow_unused=allow_unused)


@pytest.mark.parametrize("given", [mc.ones(2), [mc.ones(2)], [mc.ones(2)] * 3])
def test_each_output_needs_its_gradient(given):
    x = leaf(1.0, 2.0)
    with pytest.raises(AutogradError, match=r"grad: 2 outputs need as many grad_outputs, got \d"):
        grad([x * 2, x * 3], x, given)


def test_only_the_paths_to_the_inputs_are_walked():
    x, y = leaf(1.0), leaf(2.0)
    calls = []
    side = y * 3
    side.register_hook(calls.append)
    grad((x * 2 + side).sum(), x)
    assert calls == []


def test_a_graph_can_be_kept():
    x = leaf(2.0)
    y = (x * x).sum()
    assert [grad(y, x, retain_graph=True)[0].item() for _ in range(2)] == [4.0, 4.0]
    grad(y, x)
    with pytest.raises(AutogradError, match="saved values of mul were freed"):
        grad(y, x)


def test_grad_works_where_nothing_is_recorded():
    x = leaf(2.0)
    y = (x * x).sum()
    with mc.no_grad():
        (h,) = grad(y, x)
    assert not h.requires_grad
    assert h.item() == 4.0


# --- broadcasting ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "shapes", [((3,), (2, 3)), ((), (2, 3)), ((2, 1), (1, 3)), ((1,), ()), ((4, 1, 3), (2, 1)), ((0, 1), (3,))]
)
@pytest.mark.parametrize("name", ["add", "sub", "mul", "div", "maximum", "pow", "remainder"])
def test_broadcast_operands_get_gradients_of_their_own_shape(name, shapes):
    rng = np.random.default_rng(0)
    a, b = (Tensor._of(rng.uniform(0.5, 2.0, shape), requires_grad=True) for shape in shapes)
    assert gradcheck(getattr(mc, name), [a, b])
    assert gradgradcheck(getattr(mc, name), [a, b])


@pytest.mark.parametrize("shape", [(2, 3), (3,), (1, 3), ()])
def test_where_broadcasts_all_three(shape):
    rng = np.random.default_rng(0)
    a, b = (
        Tensor._of(rng.standard_normal(shape), requires_grad=True),
        Tensor._of(rng.standard_normal((2, 1)), requires_grad=True),
    )
    assert gradcheck(lambda a, b: mc.where(mc.tensor([[True, False, True]]), a, b), [a, b])


# --- gradcheck ------------------------------------------------------------------------------------------------


@pytest.fixture
def wrong(own_primitives):
    @primitive
    def _wrong(x):
        return x**3

    _wrong.gradient(x=lambda grad, x: grad * x * x * 2.9)
    return _wrong


@pytest.fixture
def wrong_at_second_order(own_primitives):
    @primitive
    def _wrong_at_second_order(x):
        return x**3

    _wrong_at_second_order.gradient(x=lambda grad, x: grad * (x * x).detach() * 3)
    return _wrong_at_second_order


def test_gradcheck_names_the_worst_element_and_both_values(wrong):
    x = leaf(1.0, 2.0, 3.0, dtype=mc.float64)
    message = (
        r"gradcheck: the gradient of output 0 \(3,\) with respect to input 0 \(3,\) is wrong; worst at output element "
        r"\(2,\), input element \(2,\): analytical 26.1, numerical 27"
    )
    with pytest.raises(AutogradError, match=message):
        gradcheck(wrong, x)
    assert gradcheck(wrong, x, rtol=0.1)


def test_gradgradcheck_sees_what_gradcheck_cannot(wrong_at_second_order):
    x = leaf(1.0, 2.0, dtype=mc.float64)
    assert gradcheck(wrong_at_second_order, x)
    with pytest.raises(AutogradError, match="the gradient of output 0"):
        gradgradcheck(wrong_at_second_order, x)


def test_a_gradient_that_is_missing_is_wrong():
    x = leaf(1.0, 2.0, dtype=mc.float64)
    with pytest.raises(AutogradError, match="analytical 0, numerical 2"):
        gradcheck(lambda x: x.detach() * 2, x)


def test_nan_is_never_right():
    x = leaf(0.0, 1.0, dtype=mc.float64)
    with pytest.raises(AutogradError, match=r"worst at output element \(0,\), input element \(0,\)"):
        gradcheck(lambda x: x.sqrt() * 0.0, x)


def test_float32_is_refused():
    with pytest.raises(AutogradError, match="gradcheck: input 0 is float32; finite differences need float64"):
        gradcheck(mc.exp, leaf(1.0))
    with pytest.raises(AutogradError, match="input 0 is float32"):
        gradgradcheck(mc.exp, leaf(1.0))


def test_something_must_be_checked():
    with pytest.raises(AutogradError, match="gradcheck: no input requires a gradient"):
        gradcheck(mc.exp, mc.ones(2))


def test_gradcheck_takes_several_inputs_and_outputs_of_any_layout():
    x = Tensor._of(np.arange(1.0, 7.0).reshape(2, 3).T[::-1], requires_grad=True)
    w, constant = leaf(2.0, dtype=mc.float64), mc.ones(3, 2)

    def function(x, w, constant):
        return x * w, (x * constant).sum(), x.argmax(0), x > 1

    assert gradcheck(function, [x, w, constant])
    assert gradgradcheck(function, [x, w, constant])
    assert gradcheck(lambda x: x.sum(), [x])
    assert gradcheck(lambda x: x[:0], [x])
    assert x.grad is None


def test_gradgradcheck_takes_the_direction():
    x = leaf(1.0, 2.0, dtype=mc.float64)
    assert gradgradcheck(lambda x: x**3, x, mc.ones(2, dtype=mc.float64))
    assert gradgradcheck(lambda x: (x, x**3), x, [mc.ones(2, dtype=mc.float64)] * 2)


@pytest.mark.usefixtures("own_primitives")
def test_a_gradient_of_another_shape_or_type_is_wrong():
    @primitive
    def _narrow(x):
        return x * 2

    _narrow.gradient(x=lambda grad: grad.float() * 2)
    with pytest.raises(AutogradError, match=r"gradcheck: the gradient is float32 of \(2,\) for an input of float64"):
        gradcheck(_narrow, leaf(1.0, 2.0, dtype=mc.float64))


def test_gradcheck_takes_equal_numbers_for_equal():
    """Exact differences and no tolerance: nothing is too far apart."""
    x = mc.tensor([1.0, -2.0, 0.5], dtype=mc.float64, requires_grad=True)
    assert gradcheck(lambda x: x * 0, x, atol=0, rtol=0)


# --- arguments ------------------------------------------------------------------------------------------------


class Twice(mc.autograd.Function):
    """2 x, with a gradient that is `wrong` times as large, and `noise` that grows with each backward pass."""

    passes = 0

    @staticmethod
    def forward(ctx, x, wrong, noise):
        ctx.settings = wrong, noise
        return x * 2

    @staticmethod
    def backward(ctx, g):
        wrong, noise = ctx.settings
        Twice.passes += 1
        return g * 2 * wrong + noise * Twice.passes, None, None


def test_a_wrong_gradient_can_be_a_result():
    x = mc.tensor([1.0, 2.0], dtype=mc.float64, requires_grad=True)
    for fast in (False, True):
        assert gradcheck(Twice.apply, (x, 1, 0), fast_mode=fast)  # inputs may be numbers, too
        assert gradcheck(Twice.apply, (x, 1.1, 0), raise_exception=False, fast_mode=fast) is False
        with pytest.raises(GradcheckError, match=r"is 1.1 times the right one everywhere"):
            gradcheck(Twice.apply, (x, 1.1, 0), fast_mode=fast)
    assert not gradgradcheck(lambda x: mc.autograd.grad((x**3).sum(), x)[0] * x, x, raise_exception=False)
    with pytest.raises(AutogradError, match="no input requires a gradient"):  # not the gradient is wrong, but the call
        gradcheck(Twice.apply, (x.detach(), 1, 0), raise_exception=False)


def test_fast_mode_calls_the_function_twice_for_each_input():
    calls = []

    def square(x):
        calls.append(1)
        return x * x, x.sum()

    x = mc.rand(5, 5, dtype=mc.float64).requires_grad_()
    assert gradcheck(square, x, fast_mode=True)
    assert len(calls) == 1 + 2
    z = mc.randn(2, dtype=mc.complex128).requires_grad_()
    assert gradcheck(lambda z: z * z.conj() * z, z, fast_mode=True)
    assert gradgradcheck(lambda z: z * z * z, z, fast_mode=True, gen_non_contig_grad_outputs=True)


def test_a_second_backward_pass_must_agree():
    x = mc.tensor([1.0, 2.0], dtype=mc.float64, requires_grad=True)
    with pytest.raises(GradcheckError, match=r"a second backward pass gives another gradient .* by 1e-08"):
        gradcheck(Twice.apply, (x, 1, 1e-8))
    Twice.passes = 0
    assert gradcheck(Twice.apply, (x, 1, 1e-8), nondet_tol=1e-7)


@pytest.mark.parametrize(
    "wanted",
    [{"check_forward_ad": True}, {"check_batched_forward_grad": True}, {"check_backward_ad": False}],
)
def test_only_the_backward_pass_is_checked(wanted):
    x = mc.ones(1, dtype=mc.float64, requires_grad=True)
    with pytest.raises(ArgumentError, match="only gradients of the backward pass exist here"):
        gradcheck(mc.exp, x, **wanted)
    with pytest.raises(ArgumentError, match="only gradients of the backward pass exist here"):
        gradgradcheck(mc.exp, x, check_fwd_over_rev=True)
    assert gradcheck(mc.exp, x, check_batched_grad=True, check_undefined_grad=False, check_grad_dtypes=True)
