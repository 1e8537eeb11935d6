"""Tests of in-place operations: gradients are correct, and a backward pass that needs old values raises an error."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minicnn as mc
import minicnn.nn as nn
from minicnn.autograd import gradcheck
from minicnn.errors import AutogradError, DTypeError, ShapeError
from minicnn.ops.in_place import in_place, write


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


def test_a_copy_of_a_repeated_element_has_a_memory_of_its_own():
    x, y = leaf(1.0, 2.0), leaf(5.0, 6.0) * 1
    y.copy_(x[1])
    y[0] = 3.0
    y.sum().backward()
    assert (x.tolist(), y.tolist(), x.grad.tolist()) == ([1.0, 2.0], [3.0, 2.0], [0.0, 1.0])


def test_a_written_constant_leaves_a_gradient_of_zero():
    x = leaf(1.0, 2.0)
    y = x * 1
    y.copy_(mc.ones(2))
    assert y.requires_grad
    y.sum().backward()
    assert x.grad.tolist() == [0.0, 0.0]


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


def test_a_tensor_may_be_multiplied_by_itself_in_place():
    x = leaf(1.0, 3.0)
    y = x * 1
    y.mul_(y)
    y.sum().backward()
    assert x.grad.tolist() == [2.0, 6.0]


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
        with pytest.raises(AutogradError, match=r"in-place: a leaf that requires a gradient, .* cannot .* no_grad\(\)"):
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


def test_a_view_of_a_leaf_cannot_be_written_to_while_recording():
    x = leaf(1.0, 2.0)
    for step in (lambda: x[0].add_(1), lambda: x.reshape(2, 1).zero_(), lambda: x[:1].__setitem__(0, 1.0)):
        with pytest.raises(AutogradError, match=r"in-place: a leaf that requires a gradient, or a view of it, cannot"):
            step()
    assert x.tolist() == [1.0, 2.0]


def test_a_write_through_a_view_changes_the_history_of_its_base():
    x = leaf(1.0, 2.0, 3.0, 4.0)
    y = (x * 1).reshape(2, 2)
    y[:, 0] *= 3
    y.T[1].mul_(x[:2])
    assert y.tolist() == [[3.0, 2.0], [9.0, 8.0]]
    y.sum().backward()
    assert x.grad.tolist() == [5.0, 5.0, 3.0, 2.0]


def test_a_constant_enters_the_graph_through_a_view():
    x, out = leaf(1.0, 2.0), mc.zeros(2, 2)
    out[:, 1].copy_(x)
    assert out.requires_grad
    (out * out).sum().backward()
    assert x.grad.tolist() == [2.0, 4.0]


def test_an_older_view_takes_its_history_from_the_base_anew():
    x, out = leaf(1.0, 2.0), mc.zeros(2)
    before, apart = out[0], out.detach()
    assert not before.requires_grad
    out[0] = x[0] * 2
    assert before.requires_grad
    assert not before.is_leaf
    assert before.grad_fn.name() == "index"
    (before * x).sum().backward()
    assert x.grad.tolist() == [8.0, 2.0]  # of 2 x0 (x0 + x1)
    assert (apart * x).tolist() == [2.0, 0.0]  # a detached tensor has no history
    y = leaf(1.0, 2.0) * 1
    row, column = y[None], y[:, None]
    row.mul_(3)
    column.add_(1)
    assert row.tolist() == [[4.0, 7.0]]
    (row * row).sum().backward()


def test_a_view_can_be_the_root_of_a_backward_pass():
    x, out = leaf(1.0, 2.0), mc.zeros(2)
    first = out[0]
    out.add_(x)
    first.backward()
    assert x.grad.tolist() == [1.0, 0.0]


def test_a_write_through_data_or_a_detached_tensor_has_no_history():
    x = leaf(1.0, -2.0)
    y = x * 2
    y.data[y.data < 0] = 0
    y.detach().add_(1)
    view = y[:1]
    view.data.mul_(2)
    ((y * 3).sum() + view.sum()).backward()
    assert y.tolist() == [6.0, 1.0]
    assert x.grad.tolist() == [8.0, 6.0]
    w, constant = mc.tensor(2.0, requires_grad=True), mc.ones(2)
    constant.detach()[:1].mul_(w)
    assert (constant * 3).tolist() == [6.0, 3.0]
    assert not constant.requires_grad


def test_a_view_from_before_its_base_became_a_leaf():
    base = mc.zeros(3)
    view = base[:2]
    base.requires_grad_()
    assert view.requires_grad
    (view * 2).sum().backward()
    assert base.grad.tolist() == [2.0, 2.0, 0.0]
    with pytest.raises(AutogradError, match="a view of it, cannot be modified"):
        view.add_(1)
    with mc.no_grad():
        apart = base[:2]
    assert not apart.requires_grad


def test_operators_on_integers_write_in_place():
    x, flags = mc.arange(8), mc.tensor([True, False])
    same, same_flags = x, flags
    x += 3
    x //= 2
    x **= 2
    x %= 7
    x |= 8
    x &= 13
    x ^= 1
    flags |= True
    expected = (np.arange(8) + 3) // 2
    assert same.tolist() == (((expected**2 % 7) | 8) & 13 ^ 1).tolist()
    assert same is x
    assert (same_flags.tolist(), same_flags is flags) == ([True, True], True)


def test_fill_and_copy_take_tensors_and_numbers():
    w, x = mc.tensor(3.0, requires_grad=True), mc.zeros(2, 2)
    x.fill_(w)
    x.sum().backward()
    assert w.grad.item() == 4
    for value in ([1, 2], mc.ones(2)):
        with pytest.raises(ShapeError, match="fill_: expected a number or a tensor without axes"):
            mc.zeros(2).fill_(value)
    with pytest.raises(DTypeError, match="copy_: expected a tensor, got list"):
        mc.zeros(2).copy_([1, 2])


def test_gradients_are_added_in_place():
    layer, flat = nn.Linear(2, 1), mc.zeros(3)
    layer.weight.grad, layer.bias.grad = flat[:2].view(1, 2), flat[2:]
    for _ in range(2):
        layer(mc.ones(1, 2)).sum().backward()
    assert flat.tolist() == [2, 2, 2]
    held = layer.bias.grad
    layer.zero_grad(set_to_none=False)
    assert (held.item(), flat.tolist()) == (0, [0, 0, 0])
    layer.zero_grad()
    assert layer.bias.grad is None


def test_a_detached_tensor_gets_a_history_of_its_own():
    x = leaf(1.0, 2.0)
    constant = mc.ones(2)
    apart = constant.detach()
    apart.mul_(x)
    apart.sum().backward()
    assert x.grad.tolist() == [1.0, 1.0]
    assert constant.tolist() == [1.0, 2.0]
    assert not constant.requires_grad


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_random_programs_of_views_and_writes(data):
    """Values are NumPy's, because its views share memory as ours do. Gradients are differences of values."""
    looks, writes = (st.sampled_from(names) for names in (["an older view", *LOOKS], list(WRITES)))
    steps = data.draw(st.lists(st.tuples(looks, writes), max_size=3))
    older = LOOKS[data.draw(st.sampled_from(list(LOOKS)))]

    def run(x, y):
        view = older(y)
        for look, write_to in steps:
            WRITES[write_to](LOOKS[look](y) if look in LOOKS else view, x)
        return y, view

    rng = np.random.default_rng(0)
    x = rng.uniform(0.7, 1.3, (2, 3))
    expected, view = run(x, x * 1)
    tensor = mc.tensor(x, requires_grad=True)
    found, found_view = run(tensor, tensor * 1)
    np.testing.assert_allclose(found.detach().numpy(), expected)
    np.testing.assert_allclose(found_view.detach().numpy(), view)
    assert gradcheck(lambda x: (lambda y, view: y.sum() + (view * view).sum())(*run(x, x * 1)), (tensor,))


LOOKS = {
    "the tensor": lambda y: y,
    "all": lambda y: y[...],
    "column": lambda y: y[:, 1],
    "element": lambda y: y[1, 2:],
    "every other": lambda y: y[:, ::2],
    "row of the transpose": lambda y: y.T[0],
    "reshape": lambda y: y.reshape(3, 2)[1:],
    "view of a view": lambda y: y[None, :, 1:][0, 0],
}
WRITES = {
    "double": lambda v, x: v.__imul__(2),
    "add": lambda v, x: v.__iadd__(x[0, 1]),
    "multiply": lambda v, x: v.__imul__(x[1, 1]),
    "set": lambda v, x: v.__setitem__(..., x[0, 0] * x[0, 2]),
    "constant": lambda v, x: v.__setitem__(..., 0.5),
    "itself": lambda v, x: v.__imul__(v * 1),
}


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
    with pytest.raises(DTypeError, match="in-place: a result of float32 cannot be written into int64"):
        nn.SiLU(inplace=True)(mc.tensor([1, 2]))
    assert mc.ones(2).add_(mc.ones(2, dtype=mc.float64)).dtype == mc.float32
    assert mc.tensor([1, 2]).fill_(3.7).tolist() == [3, 3]


def test_in_place_and_write_are_what_in_place_methods_are_made_of():
    x = mc.ones(2)
    assert in_place(x, lambda old: old * mc.tensor([3.0, 4.0])) is x
    write(x, 0, 9.0)
    assert x.tolist() == [9.0, 4.0]
    count = x._writes.count
    x.mark_modified()
    assert x._writes.count == count + 1
    with mc.no_grad():
        in_place(x, lambda old: old)
    assert x.tolist() == [9.0, 4.0]


# --- memory ---------------------------------------------------------------------------------------------------


SEEN = {
    "a view": lambda x: x[0],
    "a reshape": lambda x: x.reshape(1, 2),
    "a detached tensor": lambda x: x.detach(),
    "an array": lambda x: x.numpy(),
    "a view of an array": lambda x: x.numpy()[1:],
    "its attribute": lambda x: x.array,
    "a capsule": lambda x: np.from_dlpack(x),
}


@pytest.mark.parametrize("name", SEEN)
def test_memory_that_somebody_sees_is_written(name):
    x = mc.ones(2) * 1
    other = SEEN[name](x)
    x.mul_(3)
    assert np.asarray(other).min() == 3
    assert np.shares_memory(np.asarray(other), x.array)


def test_memory_that_nobody_sees_is_not_written():
    x = leaf(1.0, 2.0)
    y = x * 1
    address = y.array.ctypes.data
    keep = (y * y).sum()  # the tape sees it
    y.mul_(2)
    assert y.array.ctypes.data == address
    with pytest.raises(AutogradError, match="modified in place since"):
        keep.backward()
    y = x * 1
    nn.LeakyReLU(inplace=True)(y)  # its gradient needs the old values: they are not copied
    names = [type(y.grad_fn.edges[0]).__name__, y.grad_fn.name(), y.grad_fn.edges[0].name()]
    assert names == ["Node", "leaky_relu", "mul"]


def test_a_parameter_keeps_its_memory():
    x = leaf(1.0, 2.0)
    address = x.array.ctypes.data
    with mc.no_grad():
        x.mul_(2)
    assert (x.array.ctypes.data, x.tolist()) == (address, [2.0, 4.0])
