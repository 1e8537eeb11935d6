"""Tests of `Function`: its errors, its types and its memory. tests/test_calls.py compares its values with PyTorch."""

import gc
import weakref

import pytest

import minicnn as mc
from minicnn.autograd import Function, gradcheck, gradgradcheck
from minicnn.errors import AutogradError


class Product(Function):
    @staticmethod
    def forward(ctx, x, y):
        ctx.save_for_backward(x, None, y)
        return x * y

    @staticmethod
    def backward(ctx, grad):
        x, nothing, y = ctx.saved_tensors
        assert nothing is None
        return grad * y, grad * x


def leaf(*values):
    return mc.tensor(values, dtype=mc.float64, requires_grad=True)


def test_gradients_of_both_orders():
    assert gradcheck(Product.apply, (leaf(1.0, 2.0), leaf(3.0, -1.0)))
    assert gradgradcheck(Product.apply, (leaf(1.0, 2.0), leaf(3.0, -1.0)))
    x = leaf(2.0, 3.0)
    Product.apply(x, x).sum().backward()
    assert x.grad.tolist() == [4.0, 6.0]


def test_the_name_of_the_class_is_shown():
    y = Product.apply(leaf(1.0), leaf(2.0))
    assert y.grad_fn.name() == "Product"
    assert not y.is_leaf
    assert Product.apply(mc.ones(1), mc.ones(1)).grad_fn is None


def test_a_saved_tensor_that_was_changed():
    x = leaf(1.0, 2.0)
    y = x * 1
    z = Product.apply(y, y)
    y.add_(1)
    with pytest.raises(
        AutogradError, match=r"saved_tensors: a saved tensor of shape \(2,\) was modified in place since"
    ):
        z.sum().backward()


def test_a_second_backward_pass_needs_the_graph():
    x = leaf(1.0, 2.0)
    z = Product.apply(x, x).sum()
    z.backward(retain_graph=True)
    z.backward()
    assert x.grad.tolist() == [4.0, 8.0]
    with pytest.raises(AutogradError, match="were freed by an earlier backward pass"):
        z.backward()


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        (lambda g: (g,), "Bad: backward returned 1 gradients for 2 arguments of forward"),
        (lambda g: (g, g, g), "Bad: backward returned 3 gradients for 2 arguments of forward"),
        (lambda g: (g, g.sum()), r"Bad: backward returned \(\) for argument 1, whose shape is \(2,\)"),
        (lambda g: (g, 1.0), r"Bad: backward returned float for argument 1, whose shape is \(2,\)"),
    ],
)
def test_wrong_gradients(returned, message):
    class Bad(Function):
        @staticmethod
        def forward(ctx, x, y):
            return x + y

        @staticmethod
        def backward(ctx, grad):
            return returned(grad)

    with pytest.raises(AutogradError, match=message):
        Bad.apply(leaf(1.0, 2.0), leaf(1.0, 2.0)).sum().backward()


def test_trailing_none_is_allowed_and_methods_are_needed():
    class More(Product):
        @staticmethod
        def backward(ctx, grad):
            return *Product.backward(ctx, grad), None

    x = leaf(3.0)
    More.apply(x, leaf(2.0)).backward()
    assert x.grad.tolist() == [2.0]
    for method, call in (("forward", lambda: Function.apply(1)), ("backward", lambda: Function.backward(None))):
        with pytest.raises(NotImplementedError, match=f"define {method}"):
            call()


def test_a_view_that_is_returned_shares_its_memory():
    class Row(Function):
        @staticmethod
        def forward(ctx, x):
            return x[0]

        @staticmethod
        def backward(ctx, grad):
            return mc.stack([grad, grad * 0])

    x = mc.ones(2, 2, requires_grad=True)
    y = x * 1
    row = Row.apply(y)
    assert row.requires_grad
    with mc.no_grad():
        y.zero_()
    assert row.tolist() == [0, 0]


class Add(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.mark_dirty(x)
        return x.add_(1)

    @staticmethod
    def backward(ctx, grad):
        return grad.double()


def test_a_view_or_a_leaf_cannot_be_changed_in_place():
    x = leaf(1.0, 2.0)
    with pytest.raises(AutogradError, match="Add: forward changed a leaf that requires a gradient in place"):
        Add.apply(x)
    with pytest.raises(AutogradError, match="Add: forward changed a view in place"):
        Add.apply((x * 1)[:1])


def test_a_gradient_gets_the_type_of_its_input():
    x = mc.ones(2, requires_grad=True)
    for _ in range(2):  # nothing is saved, so nothing is freed
        y = Add.apply(x * 1).sum()
        y.backward(retain_graph=True)
        y.backward()
    assert (x.grad.dtype, x.grad.tolist()) == (mc.float32, [4, 4])


def test_a_saved_output_makes_no_cycle():
    class Exp(Function):
        @staticmethod
        def forward(ctx, x):
            y = x.exp()
            ctx.save_for_backward(y)
            return y

        @staticmethod
        def backward(ctx, grad):
            return grad * ctx.saved_tensors[0]

    x = leaf(1.0)
    gc.disable()
    try:
        alive = weakref.ref(x)
        y = Exp.apply(x)
        y.backward()
        del x, y
        assert alive() is None
    finally:
        gc.enable()
