"""Tests of in-place operations: gradients are correct, and a backward pass that needs old values raises an error."""

import numpy as np
import pytest

import minicnn as mc
from minicnn.autograd.tensor import replace, write
from minicnn.errors import AutogradError, DTypeError, ShapeError


def leaf(*values):
    return mc.tensor(values, requires_grad=True)


def test_in_place_on_a_result_takes_over_the_history():
    x = leaf(1.0, 2.0)
    y = x * 1
    y.mul_(3.0)
    y.add_(x)
    y[0] = 5.0
    y.sum().backward()
    assert y.tolist() == [5.0, 8.0]
    assert x.grad.tolist() == [0.0, 4.0]


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (lambda y, w: y.mul_(w), [2.0, 2.0, 3.0]),
        (lambda y, w: y.div_(w), [0.5, 0.5, -0.75]),
        (lambda y, w: y.add_(w), [1.0, 1.0, 2.0]),
        (lambda y, w: y.add_(w, alpha=3), [1.0, 1.0, 6.0]),
        (lambda y, w: y.sub_(w), [1.0, 1.0, -2.0]),
        (lambda y, w: y.clamp_(max=1.5), [1.0, 0.0, None]),
        (lambda y, w: y.relu_(), [1.0, 1.0, None]),
        (lambda y, w: y.zero_(), [0.0, 0.0, None]),
        (lambda y, w: y.fill_(4.0), [0.0, 0.0, None]),
    ],
)
def test_every_in_place_method_has_the_right_gradient(step, expected):
    x, w = leaf(1.0, 2.0), mc.tensor(2.0, requires_grad=True)
    y = x * 1
    assert step(y, w) is y
    y.sum().backward()
    assert x.grad.tolist() == expected[:2]
    assert (None if w.grad is None else w.grad.item()) == expected[2]


def test_copy_replaces_the_history():
    w, y = mc.tensor(2.0, requires_grad=True), leaf(1.0, 2.0) * 1
    y.copy_(w)
    y.sum().backward()
    assert (y.tolist(), w.grad.item()) == ([2.0, 2.0], 2.0)


def test_in_place_operators_keep_the_tensor():
    x = mc.ones(2)
    same = x
    x += 1
    x *= 6
    x -= 2
    x /= 5
    assert x is same
    assert x.tolist() == [2.0, 2.0]


def test_a_constant_enters_the_graph_by_being_written_to():
    x, out = leaf(1.0, 2.0), mc.zeros(3)
    out[1:] = x * 2
    assert out.requires_grad
    (out * out).sum().backward()
    assert x.grad.tolist() == [8.0, 16.0]


def test_what_was_saved_and_overwritten_is_noticed():
    x = leaf(1.0, 2.0)
    y = x.exp()
    y.add_(1)
    with pytest.raises(AutogradError, match=r"the gradient of exp needs its output of shape \(2,\), .*clone"):
        y.sum().backward()
    y = x * 1
    z = y * y
    y[0] = 3.0
    with pytest.raises(AutogradError, match=r"the gradient of mul needs its input '.' of shape \(2,\)"):
        z.sum().backward()
    y = x * 1
    y.mul_(y)
    with pytest.raises(AutogradError, match="modified in place since"):
        y.sum().backward()


def test_what_nobody_saved_may_be_overwritten():
    x = leaf(1.0, 2.0)
    y = x * 3.0
    z = y + 1
    y.mul_(2.0)
    (z + y).sum().backward()
    assert x.grad.tolist() == [9.0, 9.0]


def test_a_leaf_cannot_be_written_to_while_recording():
    x = leaf(1.0, 2.0)
    for step in (lambda: x.add_(1), lambda: x.zero_(), lambda: x.__setitem__(0, 1.0)):
        with pytest.raises(AutogradError, match=r"in-place: a leaf that requires a gradient cannot .* no_grad\(\)"):
            step()
    with mc.no_grad():
        x.add_(1)
        x[0] = 7.0
        x.reshape(2, 1)[1] = 8.0
    assert x.tolist() == [7.0, 8.0]
    (x * x).sum().backward()
    assert x.grad.tolist() == [14.0, 16.0]


def test_a_saved_leaf_that_an_optimizer_moved_is_noticed():
    x = leaf(1.0, 2.0)
    y = (x * x).sum()
    with mc.no_grad():
        x.sub_(0.1)
    with pytest.raises(AutogradError, match="modified in place since"):
        y.backward()


def test_a_view_cannot_enter_the_graph_in_place():
    x = leaf(1.0, 2.0)
    with pytest.raises(AutogradError, match=r"in-place: a view cannot take part .* base\[index\] = value, .*clone"):
        (x * 1)[0].add_(1)
    out = mc.zeros(2)
    with pytest.raises(AutogradError, match="in-place: a view cannot take part"):
        out[:1].copy_(x[:1])


def test_a_view_from_before_a_recorded_write_is_refused():
    x, out = leaf(1.0, 2.0), mc.zeros(2)
    before, apart = out[0], out.detach()
    out[0] = x[0] * 2
    with pytest.raises(AutogradError, match=r"mul: an input of shape \(\) was modified in place through another view"):
        before * x
    assert (apart * x).tolist() == [2.0, 0.0]  # allowed, because a detached tensor has no history
    assert (out[0] * x).requires_grad


def test_a_result_that_a_view_wrote_to_is_refused():
    x = leaf(1.0, 2.0)
    y = x * 1
    y.detach().add_(1)
    with pytest.raises(AutogradError, match="was modified in place through another view"):
        y * 2
    y = x * 1
    view = y[0]
    y.add_(1)
    with pytest.raises(AutogradError, match="take the view anew"):
        view * 2


def test_writing_without_the_tape_leaves_the_history_usable():
    x = leaf(1.0, 2.0)
    y = x * 1
    with mc.no_grad():
        y.add_(1)
        y[0] = 5.0
    (y * y).sum().backward()
    assert x.grad.tolist() == [10.0, 6.0]


def test_views_of_constants_may_be_written_to_freely():
    a = mc.zeros(4)
    a.reshape(2, 2)[0] = 1.0
    a.requires_grad_()
    (a.reshape(2, 2).T * 3).sum().backward()
    assert a.grad.tolist() == [3.0] * 4


@pytest.mark.parametrize("make", [lambda: mc.ones(1).expand(3), lambda: mc.from_numpy(np.broadcast_to(1.0, 3))])
def test_memory_that_cannot_be_written(make):
    for step in (lambda t: t.add_(1), lambda t: t.__setitem__(0, 2.0)):
        with pytest.raises(AutogradError, match=r"in-place: .*read-only: .* expand\(\); modify a .clone\(\)"):
            step(make())


def test_in_place_keeps_shape_and_type():
    with pytest.raises(ShapeError, match=r"in-place: the result has shape \(2, 2\) but the tensor has \(2,\)"):
        mc.ones(2).add_(mc.ones(2, 2))
    for step in (lambda t: t.add_(0.5), lambda t: t.div_(2), lambda t: t.clamp_(0.5)):
        with pytest.raises(DTypeError, match="in-place: a result of float32 cannot be written into int64"):
            step(mc.tensor([1, 2]))
    assert mc.ones(2).add_(mc.ones(2, dtype=mc.float64)).dtype == mc.float32
    assert mc.tensor([1, 2]).fill_(3.7).tolist() == [3, 3]


def test_replace_and_write_are_what_in_place_methods_are_made_of():
    x = mc.ones(2)
    assert replace(x, mc.tensor([3.0, 4.0])) is x
    write(x, 0, 9.0)
    assert x.tolist() == [9.0, 4.0]
    x.mark_modified()
    assert x._version.count == 3
