"""Tests of tensors: leaves, accumulated gradients, and views that share memory, as in PyTorch.

Writes into tensors are tested in tests/test_tensor_in_place.py, and methods in tests/ops.
"""

import numpy as np
import pytest

import minicnn as mc
from minicnn.autograd import grad
from minicnn.autograd.tensor import Tensor
from minicnn.errors import AutogradError, DTypeError, ShapeError


def leaf(*values):
    return mc.tensor(values, requires_grad=True)


# --- what a tensor is -----------------------------------------------------------------------------------------


def test_a_tensor_of_an_array_shares_it_and_types_numbers():
    a = np.zeros(2)
    assert Tensor._of(a).array is a
    assert Tensor._of([1.0, 2.0]).dtype == mc.float32
    assert Tensor._of(1).dtype == mc.int64
    assert Tensor._of(np.float64(1)).dtype == mc.float64
    assert Tensor(Tensor._of(a)).array is a


@pytest.mark.parametrize("data", ["abc", [None], np.ones(1, "clongdouble")])
def test_an_array_of_other_things_is_refused(data):
    with pytest.raises(DTypeError, match=r"tensor: element type .* is not supported; use bool"):
        Tensor._of(data)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Tensor(3.5), r"Tensor: expected sizes, or one sequence of numbers, got \(3.5,\); use minicnn.tensor"),
        (lambda: Tensor(2, [3]), "Tensor: expected sizes, or one sequence of numbers"),
        (lambda: mc.LongTensor([[1], [2, 3]]), "LongTensor: the data is not a rectangular array of int64"),
        (lambda: mc.ByteTensor([300]), "ByteTensor: the data is not a rectangular array of uint8"),
        (lambda: mc.LongTensor(mc.ones(2)), r"LongTensor: the tensor holds float32; convert it with .to"),
    ],
)
def test_the_constructor_refuses_other_data(call, message):
    with pytest.raises(DTypeError, match=message):
        call()


def test_leaves_and_results():
    x = leaf(1.0, 2.0)
    y = x * 2
    assert (x.is_leaf, x.grad_fn, y.is_leaf, y.grad_fn.name()) == (True, None, False, "mul")
    assert (mc.ones(2).is_leaf, (mc.ones(2) * 2).is_leaf) == (True, True)
    assert (x.shape, x.ndim, x.dtype) == ((2,), 1, mc.float32)
    assert x.device == mc.device.named("cpu")


@pytest.mark.parametrize("dtype", [mc.int64, mc.uint8, mc.bool])
def test_only_floats_have_gradients(dtype):
    with pytest.raises(DTypeError, match="requires_grad: only floating-point and complex tensors have gradients, got"):
        mc.zeros(2, dtype=dtype).requires_grad_()


def test_only_a_leaf_is_switched_off():
    x = leaf(1.0)
    x.requires_grad = True
    y = x * 2
    with pytest.raises(AutogradError, match=r"requires_grad: only a leaf can be set to False; use .detach\(\)"):
        y.requires_grad_(False)
    y.requires_grad = True  # already True
    assert not x.requires_grad_(False).requires_grad


def test_results_that_are_not_floats_have_no_history():
    x = leaf(1.0, 2.0)
    assert not any(t.requires_grad for t in (x.long(), x > 1, x.argmax(), x.isnan(), x.bool()))
    assert x.double().requires_grad


# --- gradients that add up ------------------------------------------------------------------------------------


def test_gradients_accumulate():
    x = leaf(1.0, 2.0)
    for _ in range(3):
        (x * x).sum().backward()
    assert x.grad.tolist() == [6.0, 12.0]
    assert not x.grad.requires_grad


@pytest.mark.parametrize("create_graph", [False, True])
def test_two_gradients_never_share_memory(create_graph):
    x, y = leaf(1.0, 2.0), leaf(3.0, 4.0)
    (x + y).sum().backward(create_graph=create_graph)
    with mc.no_grad():
        x.grad.mul_(0)
    assert y.grad.tolist() == [1.0, 1.0]


def test_the_gradient_passed_in_is_not_taken():
    x, g = leaf(1.0, 2.0), mc.ones(2)
    (x + 0).backward(g)
    x.grad.zero_()
    assert g.tolist() == [1.0, 1.0]


@pytest.mark.parametrize("make", [lambda x: x.expand(3, 2), lambda x: x.reshape(2, 1), lambda x: x[None], lambda x: x])
def test_gradients_can_be_written_to(make):
    x = leaf(1.0, 2.0)
    make(x).sum().backward()
    x.grad.add_(1)
    assert x.grad.array.flags.writeable


def test_a_number_has_an_array_for_a_gradient():
    x = mc.tensor(2.0, requires_grad=True)
    x.backward()
    assert isinstance(x.grad.array, np.ndarray)
    x.grad.zero_()
    assert x.grad.item() == 0


def test_retain_grad():
    x = leaf(1.0, 2.0)
    y = x * 2
    y.retain_grad()
    z = y * y
    z.sum().backward()
    assert y.grad.tolist() == [4.0, 8.0]
    assert z.grad is None
    x.retain_grad()  # no effect on a leaf


def test_retain_grad_means_the_tensor_as_it_becomes():
    x = leaf(1.0, 2.0)
    y = x * 1
    y.retain_grad()
    y.mul_(3.0)
    y.sum().backward()
    assert y.grad.tolist() == [1.0, 1.0]
    assert x.grad.tolist() == [3.0, 3.0]


@pytest.mark.parametrize("method", ["retain_grad", "register_hook"])
def test_a_constant_has_no_gradient_to_keep(method):
    with pytest.raises(AutogradError, match=f"{method}: this tensor does not require a gradient"):
        getattr(mc.ones(2), method)(*([print] if method == "register_hook" else []))


def test_create_graph_leaves_gradients_with_a_history():
    x = leaf(2.0)
    (x * x * x).sum().backward(create_graph=True)
    assert x.grad.requires_grad
    (second,) = grad(x.grad.sum(), x)
    assert second.item() == 12.0
    (x * x).sum().backward(create_graph=True)
    assert x.grad.item() == 16.0


# --- detach, data, views --------------------------------------------------------------------------------------


def test_detach_and_data_share_memory_without_history():
    x = leaf(1.0, 2.0)
    for other in (x.detach(), x.data):
        assert not other.requires_grad
        assert other.array is x.array
    x.data = mc.tensor([5.0, 6.0])
    (x * x).sum().backward()
    assert x.grad.tolist() == [10.0, 12.0]


VIEWS = {
    "integer": lambda x: x[0],
    "slice": lambda x: x[:, 1:],
    "negative step": lambda x: x[::-1],
    "none": lambda x: x[None],
    "tensor of an integer": lambda x: x[mc.tensor(1)],
    "reshape": lambda x: x.reshape(6),
    "view": lambda x: x.view(3, 2),
    "flatten": lambda x: x.flatten(),
    "permute": lambda x: x.permute(1, 0),
    "transpose": lambda x: x.transpose(0, 1),
    "T": lambda x: x.T,
    "squeeze": lambda x: x.squeeze(),
    "unsqueeze": lambda x: x.unsqueeze(0),
    "unbind": lambda x: x.unbind(0)[1],
    "iteration": lambda x: next(iter(x)),
    "split": lambda x: x.split(1)[0],
    "chunk": lambda x: x.chunk(2)[0],
    "detach": lambda x: x.detach(),
    "contiguous": lambda x: x.contiguous(),
    "to": lambda x: x.to(mc.float32),
    "one element": lambda x: x[1, 2],
    "numbers of a row": lambda x: next(iter(x[0])),
}


def test_a_view_never_copies():
    x = mc.arange(6.0).reshape(2, 3)
    for bad in (lambda: x.T.view(6), lambda: x[:, :2].view(-1), lambda: mc.ones(1, 2).expand(2, 2).view(4)):
        with pytest.raises(
            ShapeError, match=r"view: elements of shape .* with the strides .* need a copy .* use reshape"
        ):
            bad()
    assert x.T.view(3, 1, 2).shape == (3, 1, 2)
    assert x[:1, :2].view(2).tolist() == [0, 1]
    assert mc.ones(0, 3).T.view(-1, 3).shape == (0, 3)


COPIES = {
    "clone": lambda x: x.clone(),
    "flip": lambda x: x.flip(0),
    "roll": lambda x: x.roll(1, 0),
    "repeat": lambda x: x.repeat(1, 1),
    "array": lambda x: x[mc.tensor([0, 1])],
    "list": lambda x: x[[0, 1]],
    "mask": lambda x: x[x > -1],
    "cast": lambda x: x.double(),
    "cat": lambda x: mc.cat([x]),
    "gather": lambda x: x.gather(0, mc.zeros(1, 3, dtype=mc.int64)),
    "tensor": lambda x: mc.tensor(x),
    "relu": lambda x: x.relu(),
    "round": lambda x: x.round(),
    "reshape that must copy": lambda x: x.T.reshape(6),
}


@pytest.mark.parametrize("name", VIEWS)
def test_views_share_memory(name):
    x = mc.arange(6.0).reshape(2, 3).clone()
    view = VIEWS[name](x)
    view.fill_(9)
    assert (x == 9).sum().item() == view.numel()
    x.fill_(7)
    assert (view == 7).all()


@pytest.mark.parametrize("name", COPIES)
def test_copies_do_not(name):
    x = mc.arange(6.0).reshape(2, 3).clone()
    COPIES[name](x).fill_(9)
    assert x.tolist() == [[0, 1, 2], [3, 4, 5]]


@pytest.mark.parametrize("name", VIEWS)
def test_writing_through_a_view_is_seen_by_whoever_saved_the_memory(name):
    x = leaf(*map(float, range(6))).reshape(2, 3)
    y = x * 1
    z = (y * y).sum()
    with mc.no_grad():
        VIEWS[name](y).add_(1)
    with pytest.raises(AutogradError, match=r"the gradient of mul needs its input .* modified in place since"):
        z.backward()


@pytest.mark.parametrize("name", VIEWS)
def test_writing_to_the_base_is_seen_by_whoever_saved_a_view(name):
    x = mc.arange(6.0).reshape(2, 3).clone()
    weight = mc.tensor(2.0, requires_grad=True)
    z = (VIEWS[name](x) * weight).sum()
    x[0] += 1
    with pytest.raises(AutogradError, match="modified in place since"):
        z.backward()


def test_writing_to_a_copy_disturbs_nobody():
    y = leaf(*map(float, range(6))).reshape(2, 3) * 1
    z = (y * y).sum()
    for copy in COPIES.values():
        with mc.no_grad():
            copy(y).add_(1)
    z.backward()
