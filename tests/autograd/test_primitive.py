"""Tests of primitives: the recorded nodes, the values that gradient rules get, and the errors for wrong rules.

The engine that calls the rules is tested in test_tape.py, and every primitive in tests/ops/test_primitives.py.
"""

import copy
import pickle

import numpy as np
import pytest

import minicnn as mc
from minicnn.autograd import grad
from minicnn.autograd.primitive import Primitive, primitive, primitives
from minicnn.autograd.tensor import Tensor
from minicnn.errors import AnomalyError, AutogradError, DeviceError, DTypeError
from minicnn.ops.conv import conv
from minicnn.runtime import dispatch
from minicnn.runtime.devices import Device


@pytest.mark.usefixtures("own_primitives")
def test_a_primitive_in_four_lines():
    @primitive
    def _cube(x):
        """x³."""
        return x**3

    _cube.gradient(x=lambda grad, x: grad * x * x * 3)
    x = mc.tensor([2.0], requires_grad=True)
    y = _cube(x)
    y.backward()
    assert (y.item(), x.grad.item()) == (8.0, 12.0)
    assert (_cube.name, _cube.__doc__, repr(_cube)) == ("cube", "x³.", "<primitive cube>")
    assert primitives()["cube"] is _cube
    assert "cube" in dispatch.operations()


@pytest.mark.usefixtures("own_primitives")
def test_rules_get_what_their_arguments_name():
    seen = {}

    @primitive(residuals=("rest",))
    def _probe(a, b, *, factor):
        return a * b * factor, np.array([7])

    def rule(grad, y, a, b_shape, rest, factor, position):
        seen.update(grad=grad, y=y, a=a, b_shape=b_shape, rest=rest, factor=factor, position=position)
        return grad

    _probe.gradient(a=rule)
    a, b = mc.tensor([1.0, 2.0], requires_grad=True), mc.tensor([3.0, 4.0], requires_grad=True)
    out, rest = _probe(a, b, factor=2.0)
    assert rest.tolist() == [7]
    out.sum().backward()
    assert {k: v.tolist() if isinstance(v, Tensor) else v for k, v in seen.items()} == {
        "grad": [1.0, 1.0],
        "y": [6.0, 16.0],
        "a": [1.0, 2.0],
        "b_shape": (2,),
        "rest": [7],
        "factor": 2.0,
        "position": 0,
    }
    assert b.grad is None  # an input without a rule is a constant


@pytest.mark.usefixtures("own_primitives")
def test_rules_may_share_a_value():
    asked = []

    @primitive(residuals=("rest",))
    def _shifted(a, b, *, factor):
        return (a + b) * factor, np.array([7])

    _shifted.gradient(
        scaled=lambda grad, factor: asked.append("scaled") or grad * factor,
        twice=lambda scaled, y: asked.append("twice") or scaled * y,
        a=lambda twice: twice,
        b=lambda scaled, a: scaled * a,
    )
    a, b = mc.tensor([1.0], requires_grad=True), mc.tensor([4.0], requires_grad=True)
    out, _ = _shifted(a, b, factor=2.0)
    assert set(out.grad_fn.saved) == {"a", "y"}
    (first,) = grad(out, a, create_graph=True)
    assert (first.item(), asked) == (20.0, ["scaled", "twice"])
    assert grad(first, b)[0].item() == 4.0  # 2 (a + b) 2, by b
    asked.clear()
    out, _ = _shifted(a, b, factor=2.0)
    out.backward()
    assert (a.grad.item(), b.grad.item()) == (20.0, 2.0)
    assert asked == ["scaled", "twice"]  # each is computed once
    c = mc.ones(1)
    out, _ = _shifted(c, b, factor=2.0)
    assert set(out.grad_fn.saved) == {"a"}  # y is needed only for the gradient of a, and a needs none here


@pytest.mark.usefixtures("own_primitives")
def test_a_second_result_that_was_overwritten_is_noticed():
    @primitive(residuals=("factor",))
    def _doubled(x):
        return x * 2, np.full_like(x, 2)

    _doubled.gradient(x=lambda grad, factor: grad * factor)
    x = mc.ones(1, requires_grad=True)
    y, factor = _doubled(x)
    y.backward(retain_graph=True)
    assert x.grad.item() == 2
    factor.add_(1)
    with pytest.raises(AutogradError, match=r"the gradient of doubled needs its result 'factor' of shape .* modified"):
        y.backward()


@pytest.mark.usefixtures("own_primitives")
def test_a_rule_may_say_that_there_is_no_gradient():
    @primitive
    def _blocked(x):
        return x * 2

    _blocked.gradient(x=lambda grad: None)
    x = mc.tensor([1.0], requires_grad=True)
    assert grad(_blocked(x).sum(), x, allow_unused=True) == (None,)


@pytest.mark.usefixtures("own_primitives")
def test_any_number_of_inputs():
    @primitive
    def _total(*xs):
        return sum(xs)

    seen = []
    _total.gradient(xs=lambda grad, position, xs_shape: seen.append((position, xs_shape)) or grad)
    xs = [mc.tensor([1.0], requires_grad=i != 1) for i in range(3)]
    _total(*xs).backward()
    assert seen == [(0, ((1,),) * 3), (2, ((1,),) * 3)]
    assert [x.grad is None for x in xs] == [False, True, False]


def test_no_history_without_need():
    x, constant = mc.tensor([1.0], requires_grad=True), mc.ones(1)
    assert (constant * constant).grad_fn is None
    with mc.no_grad():
        assert (x * x).grad_fn is None
    assert (x > 0).grad_fn is None
    assert (x * x).grad_fn.name() == "mul"


def test_views_share_the_version_of_their_base():
    x = mc.ones(4)
    assert x.reshape(2, 2)._writes is x._writes
    assert x.detach()._writes is x._writes
    assert (x * 1)._writes is not x._writes
    assert x[[0]]._writes is not x._writes


def test_gradients_of_values_saved_while_gradients_were_taken():
    x = mc.tensor([2.0], requires_grad=True)
    (first,) = grad(x.exp() * x, x, create_graph=True)
    (second,) = grad(first, x, create_graph=True)
    (third,) = grad(second, x)
    e = np.exp(2.0)
    np.testing.assert_allclose([first.item(), second.item(), third.item()], [3 * e, 4 * e, 5 * e], rtol=1e-5)


def test_a_changed_input_is_noticed_only_where_it_is_needed():
    x, w = mc.tensor([2.0], requires_grad=True), mc.tensor([3.0], requires_grad=True)
    y = (x * w).sum()
    with mc.no_grad():
        x.add_(1)
    assert grad(y, x, retain_graph=True)[0].item() == 3.0
    message = r"backward: the gradient of mul needs its input 'a' of shape \(1,\).*\(version 1, expected 0\)"
    with pytest.raises(AutogradError, match=message):
        grad(y, w)


def test_a_detached_copy_of_the_changed_input_does_not_matter():
    x = mc.tensor([2.0], requires_grad=True)
    y = (x * x).sum()
    x.detach().clone().add_(1)
    y.backward()
    assert x.grad.item() == 4.0


def test_warnings_of_arithmetic_are_values():
    with np.errstate(all="raise"):
        out = mc.tensor([1.0, 0.0, -1.0]) / mc.tensor([0.0, 0.0, 0.0])
    assert str(out.tolist()) == "[inf, nan, -inf]"


def test_devices_are_not_mixed():
    elsewhere = Tensor._of(np.ones(1), device=Device("elsewhere", backends=()))
    with pytest.raises(DeviceError, match=r"add: inputs are on cpu, elsewhere; move them with .to\(\)"):
        mc.ones(1, dtype=mc.float64) + elsewhere


def test_anomalies_name_the_operation_and_the_shapes():
    with mc.detect_anomaly(), pytest.raises(AnomalyError, match=r"div: made NaN .* inputs of shape \(1,\), \(1,\)"):
        mc.ones(1) / mc.zeros(1)


def test_the_table_of_primitives_cannot_be_changed_by_accident():
    primitives().clear()
    assert isinstance(primitives()["add"], Primitive)
    assert set(primitives()) <= set(dispatch.operations())


@pytest.mark.parametrize(("position", "other"), [(0, np.ones(2)), (1, np.ones(2)), (0, None), (1, None)])
def test_inputs_are_tensors(position, other):
    inputs = [mc.ones(2), mc.ones(2)]
    inputs[position] = other
    with pytest.raises(DTypeError, match=f"cat: expected tensors, got {type(other).__name__}; use minicnn.from_numpy"):
        primitives()["cat"](*inputs, axis=0)


@pytest.mark.usefixtures("own_primitives")
def test_a_rule_with_an_unknown_argument_is_refused():
    @primitive
    def _twice(x, *, factor):
        return x * factor

    with pytest.raises(AutogradError, match="twice: the rule of x has an unknown argument 'h'; known are factor, grad"):
        _twice.gradient(x=lambda h, factor: h * factor)


@pytest.mark.usefixtures("own_primitives")
@pytest.mark.parametrize("body", [lambda grad, x: grad * x, lambda x, *, grad: x * grad])
def test_an_input_may_not_hide_the_gradient(body):
    body.__name__ = "scaled"
    with pytest.raises(AutogradError, match="scaled: an input or parameter named 'grad' hides the gradient"):
        primitive(body).gradient(x=lambda grad: grad)


def test_primitives_are_copied_and_pickled_by_name():
    for operation in (mc.exp, mc.add, conv):
        assert copy.deepcopy(operation) is operation
        assert pickle.loads(pickle.dumps(operation)) is operation


@pytest.mark.usefixtures("own_primitives")
def test_an_attribute_of_a_class_is_no_method_but_for_tensors():
    @primitive
    def _same(x):
        return x * 1

    class Holder:
        same = _same

    assert Holder().same(mc.ones(1)).tolist() == [1.0]
