"""Tests of the tape and the engine: grad modes, hooks, the backward pass, and its memory."""

import gc
import threading
import weakref

import numpy as np
import pytest

import minicnn as mc
from minicnn.autograd import grad
from minicnn.autograd.engine import _backward
from minicnn.autograd.tape import Leaf, Node, mode
from minicnn.errors import AnomalyError, AutogradError, DTypeError


def leaf(*values):
    return mc.tensor(values, requires_grad=True)


# --- modes ----------------------------------------------------------------------------------------------------


def test_no_grad_records_nothing_and_gives_back_the_mode():
    x = leaf(1.0)
    with mc.no_grad():
        assert not mc.is_grad_enabled()
        y = x * 2
        with mc.enable_grad():
            z = x * 2
        assert not mc.is_grad_enabled()
    assert (y.requires_grad, z.requires_grad, (x * 2).requires_grad) == (False, True, True)


def test_the_mode_comes_back_after_an_error():
    with pytest.raises(KeyError), mc.no_grad():
        raise KeyError
    assert mc.is_grad_enabled()


def test_one_setting_can_be_entered_again_and_within_itself():
    quiet = mc.no_grad()
    for _ in range(2):
        with quiet, quiet:
            assert not mc.is_grad_enabled()
        assert mc.is_grad_enabled()


def test_as_a_decorator_also_of_a_recursive_function():
    x = leaf(1.0)

    @mc.no_grad()
    def twice(n):
        """Return 2 n."""
        return x * 2 if n == 0 else twice(n - 1)

    assert twice.__name__ == "twice"
    assert twice.__doc__ == "Return 2 n."
    for _ in range(2):
        assert not twice(3).requires_grad
        assert (x * 2).requires_grad

    @mc.enable_grad()
    def recorded():
        return x * 2

    with mc.no_grad():
        assert recorded().requires_grad
        assert not (x * 2).requires_grad


def test_a_decorated_function_serves_several_threads():
    inside, outside = threading.Barrier(2), []

    @mc.no_grad()
    def work():
        inside.wait()
        return mc.is_grad_enabled()

    def thread():
        result = work()
        outside.append((result, mc.is_grad_enabled()))

    threads = [threading.Thread(target=thread) for _ in range(2)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert outside == [(False, True)] * 2


def test_each_thread_has_its_mode():
    seen = []
    with mc.no_grad():
        thread = threading.Thread(target=lambda: seen.append(mc.is_grad_enabled()))
        thread.start()
        thread.join()
    assert seen == [True]


def test_detect_anomaly_names_the_operation_forwards():
    with (
        mc.detect_anomaly(),
        pytest.raises(AnomalyError, match=r"log: made NaN or infinity from finite inputs .*\(2,\)"),
    ):
        mc.log(mc.tensor([1.0, 0.0]))
    assert not mode.anomaly


def test_detect_anomaly_names_the_operation_backwards():
    x = leaf(1.0, 0.0)
    with (
        mc.detect_anomaly(),
        pytest.raises(AnomalyError, match="in the gradient of sqrt: sqrt_grad: made NaN or infinity"),
    ):
        x.sqrt().sum().backward()


def test_detect_anomaly_lets_infinity_pass_that_was_there():
    with mc.detect_anomaly():
        y = mc.tensor([float("-inf"), 0.0]).exp() + mc.tensor([float("inf"), 1.0])
    assert y.tolist() == [float("inf"), 2.0]


def test_set_detect_anomaly_holds_from_now_on_or_in_a_block():
    with mc.autograd.set_detect_anomaly(True):
        assert mode.anomaly
        with mc.autograd.set_detect_anomaly(True, check_nan=False):
            assert not mode.anomaly
    assert not mode.anomaly
    mc.autograd.set_detect_anomaly(True)
    try:
        with pytest.raises(AnomalyError, match="log: made NaN"):
            mc.log(mc.tensor([0.0]))
    finally:
        mc.autograd.set_detect_anomaly(False)
    assert not mode.anomaly


# --- the walk -------------------------------------------------------------------------------------------------


def test_nan_and_infinity_in_the_output_do_not_change_its_own_gradient():
    x = leaf(float("inf"), float("nan"))
    x.sum().backward()
    assert x.grad.tolist() == [1.0, 1.0]


def test_a_shared_result_is_walked_once_with_the_whole_gradient():
    x, calls = leaf(2.0), []
    y = x * x
    y.register_hook(lambda h: calls.append(h.item()))
    (y * 3 + y * 4).sum().backward()
    assert calls == [7.0]
    assert x.grad.item() == 28.0


def test_a_graph_is_freed_by_its_walk():
    x = leaf(1.0, 2.0)
    y = (x * x).sum()
    y.backward()
    with pytest.raises(AutogradError, match=r"saved values of mul were freed .* retain_graph=True"):
        y.backward()


def test_a_graph_without_saved_values_can_be_walked_again():
    x = leaf(1.0, 2.0)
    y = (x + 1).sum()
    y.backward()
    y.backward()
    assert x.grad.tolist() == [2.0, 2.0]


def test_retain_graph_keeps_it():
    x = leaf(1.0, 2.0)
    y = (x * x).sum()
    y.backward(retain_graph=True)
    y.backward()
    assert x.grad.tolist() == [4.0, 8.0]


def test_what_lies_below_a_wanted_result_is_neither_walked_nor_freed():
    x = leaf(1.0, 2.0)
    middle = x * x
    (h,) = grad((middle * middle).sum(), middle)
    middle.backward(h)
    assert x.grad.tolist() == [4.0, 32.0]
    (h,) = grad((middle * 3).sum(), middle)  # x * x is freed, but not needed
    assert h.tolist() == [3.0, 3.0]


def test_the_gradient_takes_the_type_of_the_output():
    x = leaf(1.0, 2.0)
    (x * 2).backward(mc.ones(2, dtype=mc.float64))
    assert x.grad.dtype == mc.float32


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: x.detach().sum().backward(), "backward: the output does not require a gradient"),
        (
            lambda x: (x * 2).backward(),
            r"has shape \(2,\), but only an output of one element .*; reduce it .*gradient=",
        ),
        (lambda x: (x * 2).backward(mc.ones(3)), r"backward: the gradient is \(3,\) but the output is \(2,\)"),
    ],
)
def test_what_cannot_be_walked(call, message):
    with pytest.raises(AutogradError, match=message):
        call(leaf(1.0, 2.0))


def test_ten_thousand_operations_deep():
    x = leaf(1.0)
    y = x
    for _ in range(10_000):
        y = y + 1
    y.backward()
    assert x.grad.item() == 1.0
    assert grad(y, x, allow_unused=True)[0].item() == 1.0
    del y  # freeing the graph must not recurse


def test_deep_graphs_that_were_never_walked_are_freed():
    y = leaf(1.0)
    for _ in range(50_000):
        y = y * 1.0
    y = None
    assert y is None


def test_wide_and_deep_does_not_repeat_work():
    x = leaf(1.0)
    y = x
    for _ in range(60):  # 2⁶⁰ paths
        y = y + y
    y.backward()
    assert x.grad.item() == 2.0**60


# --- hooks ----------------------------------------------------------------------------------------------------


def test_hooks_run_in_order_and_replace_the_gradient():
    x = leaf(1.0, 2.0)
    x.register_hook(lambda h: h * 2)
    x.register_hook(lambda h: None)
    x.register_hook(lambda h: h + 1)
    (x * 3).sum().backward()
    assert x.grad.tolist() == [7.0, 7.0]


def test_a_removed_hook_is_not_called():
    x, seen = leaf(1.0), []
    handle = x.register_hook(seen.append)
    x.sum().backward()
    handle.remove()
    handle.remove()
    x.sum().backward()
    assert len(seen) == 1


def test_a_hook_on_a_result_changes_what_flows_on():
    x = leaf(1.0, 2.0)
    y = x * 2
    y.register_hook(lambda h: h * 10)
    y.retain_grad()
    y.sum().backward()
    assert y.grad.tolist() == [10.0, 10.0]
    assert x.grad.tolist() == [20.0, 20.0]


def test_a_hook_may_remove_itself():
    x, seen = leaf(1.0), []
    first = x.register_hook(lambda h: (seen.append(1), first.remove())[2:] or None)
    x.register_hook(lambda h: seen.append(2))
    x.sum().backward()
    x.sum().backward()
    assert seen == [1, 2, 2]


def test_what_a_hook_kept_or_gave_is_never_written_to():
    x, kept, given = leaf(1.0, 2.0), [], mc.ones(2)
    x.register_hook(kept.append)
    (x * 1.0).sum().backward()
    x.grad.zero_()
    assert kept[0].tolist() == [1.0, 1.0]
    y = leaf(1.0, 2.0)
    y.register_hook(lambda h: given)
    (y * 1.0).sum().backward()
    y.grad.zero_()
    assert given.tolist() == [1.0, 1.0]


def test_a_hook_must_keep_the_shape():
    x = leaf(1.0, 2.0)
    x.register_hook(lambda h: mc.ones(3))
    with pytest.raises(AutogradError, match=r"hook: must return a gradient of shape \(2,\), got \(3,\)"):
        x.sum().backward()


def test_hooks_take_part_in_second_gradients():
    x = leaf(3.0)
    x.register_hook(lambda h: h * 2)
    (x * x).sum().backward(create_graph=True)
    assert x.grad.item() == 12.0
    assert grad(x.grad.sum(), x)[0].item() == 8.0  # 2 from the first hook, 2 from the hook in this backward pass


# --- memory ---------------------------------------------------------------------------------------------------


@pytest.fixture
def no_collector():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def test_a_graph_has_no_reference_cycles(no_collector):
    x = leaf(1.0, 2.0)
    y = (x * 2).exp()
    z = y.sum()
    arrays = [weakref.ref(t) for t in (y, z)]
    nodes = z.grad_fn
    assert isinstance(nodes, Node)
    del nodes
    z.backward()
    del y, z
    assert [r() for r in arrays] == [None, None]
    assert gc.collect() == 0


def test_saved_values_are_freed_by_the_walk(no_collector):
    x = leaf(1.0, 2.0)
    middle = x * 2
    y = (middle * middle).sum()
    array = weakref.ref(middle.array)
    del middle
    assert array() is not None
    y.backward()
    assert array() is None


def test_second_gradients_leave_no_cycles(no_collector):
    x = leaf(1.0, 2.0)
    (first,) = grad((x * x * x).sum(), x, create_graph=True)
    (second,) = grad(first.sum(), x)
    gone = weakref.ref(first)
    del first, second
    assert gone() is None
    assert gc.collect() == 0


def test_a_leaf_does_not_live_on_in_its_graph(no_collector):
    x = leaf(1.0)
    y = x * 2
    gone = weakref.ref(x)
    del x
    assert gone() is None
    y.backward()  # no leaf needs the gradient, and nothing fails


def test_only_what_a_rule_needs_is_saved():
    x, constant = leaf(1.0, 2.0), mc.tensor([3.0, 4.0])
    assert (x * constant).grad_fn.saved.keys() == {"b"}
    assert (constant * x).grad_fn.saved.keys() == {"a"}
    assert (x + constant).grad_fn.saved == {}
    assert x.exp().grad_fn.saved.keys() == {"y"}


def test_nodes_say_what_they_are():
    y = leaf(1.0) * 2
    assert y.grad_fn.name() == "mul"
    assert repr(y.grad_fn) == "<mul>"
    assert isinstance(leaf(1.0)._node, Leaf)
    assert y.grad_fn.order > y.grad_fn.edges[0].order


def test_walk_returns_all_leaves_or_the_wanted_nodes():
    x, y = leaf(2.0), leaf(3.0)
    z = (x * y).sum()
    found = _backward([z], [None], None, True, False)
    assert {n: h.item() for n, h in found.items()} == {x._node: 3.0, y._node: 2.0}
    assert list(_backward([z], [None], {y._node}, False, False)) == [y._node]
    assert np.isfinite(found[x._node].array).all()


def test_the_gradient_that_starts_a_walk_is_a_tensor():
    y = mc.ones(2, requires_grad=True) * 2
    with pytest.raises(
        DTypeError, match=r"backward: expected a tensor as gradient, got ndarray; use minicnn.from_numpy"
    ):
        y.backward(np.ones(2))


def test_a_decorated_generator_switches_only_inside():
    @mc.no_grad()
    def numbers(x):
        try:
            got = yield (x * 2).requires_grad
            yield got, (x * 2).requires_grad
        except ValueError:
            yield "caught", (x * 2).requires_grad
        return "end"

    x = mc.ones(1, requires_grad=True)
    generator = numbers(x)
    assert next(generator) is False
    assert (x * 2).requires_grad
    assert generator.send(5) == (5, False)
    assert (x * 2).requires_grad
    with pytest.raises(StopIteration, match="end"):
        next(generator)
    other = numbers(x)
    next(other)
    assert other.throw(ValueError()) == ("caught", False)
    assert (x * 2).requires_grad
    third = numbers(x)
    next(third)
    third.close()
    assert (x * 2).requires_grad
