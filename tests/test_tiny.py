"""Run this first after a change: it tests the main parts in a few seconds, from a product to a network that learns."""

import numpy as np
import pytest

import minicnn as mc
import minicnn.nn.functional as F
from minicnn import nn, optim
from minicnn.autograd import grad, gradcheck, gradgradcheck
from minicnn.autograd.tensor import Tensor
from minicnn.geometry import conv_spec
from minicnn.ops.conv import conv, conv_input_grad, conv_weight_grad

RNG = np.random.default_rng(0)


def randn(*shape, requires_grad=False):
    return Tensor._of(RNG.standard_normal(shape), requires_grad=requires_grad)


def test_a_product_and_its_gradients():
    x = mc.tensor(3.0, requires_grad=True)
    (x * x * 2).backward()
    assert x.grad.item() == 12.0
    (first,) = grad(x**4, x, create_graph=True)
    (second,) = grad(first, x, create_graph=True)
    (third,) = grad(second, x)
    assert (first.item(), second.item(), third.item()) == (108.0, 108.0, 72.0)


def test_broadcasting_adds_up():
    column, row = mc.ones(3, 1, requires_grad=True), mc.ones(4, requires_grad=True)
    (column * row).sum().backward()
    assert (column.grad.tolist(), row.grad.tolist()) == ([[4.0]] * 3, [3.0] * 4)


def test_a_convolution_by_hand():
    x = mc.arange(9.0).reshape(1, 1, 3, 3)
    w = mc.tensor([[[[1.0, 0.0], [0.0, -1.0]]]])
    assert F.conv2d(x, w).tolist() == [[[[-4.0, -4.0], [-4.0, -4.0]]]]
    assert F.max_pool2d(x, 2, stride=1).tolist() == [[[[4.0, 5.0], [7.0, 8.0]]]]


@pytest.mark.parametrize("groups", [1, 2])
def test_the_trilinear_form(groups):
    """<conv(x, w), g> = <x, conv_input_grad(g, w)> = <w, conv_weight_grad(x, g)>."""
    x, w = randn(2, 4, 7, 5), randn(6, 4 // groups, 3, 2)
    spec = conv_spec("conv2d", x.shape, w.shape, (2, 1), ((1, 0), (2, 1)), (1, 2), groups)
    y = conv(x, w, spec=spec)
    g = randn(*y.shape)
    forms = [
        (y * g).sum().item(),
        (x * conv_input_grad(g, w, spec=spec)).sum().item(),
        (w * conv_weight_grad(x, g, spec=spec)).sum().item(),
    ]
    np.testing.assert_allclose(forms, forms[0], rtol=1e-10)


def tiny_net(x, w1, b1, w2, b2):
    hidden = F.max_pool2d(mc.tanh(F.conv2d(x, w1, b1, padding=1)), 2)
    return F.linear(hidden.flatten(1), w2, b2)


def test_gradients_of_a_network_against_finite_differences():
    shapes = (2, 1, 4, 4), (2, 1, 3, 3), (2,), (3, 8), (3,)
    parameters = [randn(*shape, requires_grad=True) for shape in shapes]
    assert gradcheck(tiny_net, parameters)
    x, w1, b1, w2, b2 = parameters
    assert gradgradcheck(lambda w1, b1: tiny_net(x.detach(), w1, b1, w2.detach(), b2.detach()), [w1, b1])


def test_what_was_overwritten_is_noticed():
    x = mc.ones(2, requires_grad=True)
    y = x.exp()
    y.add_(1)
    with pytest.raises(mc.errors.AutogradError, match="modified in place"):
        y.sum().backward()


def test_mistakes_are_explained():
    with pytest.raises(mc.errors.ShapeError, match="conv2d: input has 3 channels but weight expects 4"):
        F.conv2d(mc.ones(1, 3, 8, 8), mc.ones(2, 4, 3, 3))


def make_net():
    mc.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(36, 9))


def train(steps):
    model = make_net()
    optimizer = optim.Adam(model.parameters(), lr=0.01)
    x, target = mc.rand(8, 1, 6, 6), mc.rand(8, 9)
    losses = []
    for _ in range(steps):
        loss = ((model(x) - target) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses, {name: t.array.tobytes() for name, t in model.state_dict().items()}


def test_one_step_lowers_the_loss_and_many_lower_it_far():
    losses, _ = train(40)
    assert losses[1] < losses[0]
    assert losses[-1] < losses[0] / 4


def test_the_same_seed_gives_the_same_bits():
    assert train(3) == train(3)


def test_a_model_from_its_state():
    model, twin = make_net(), make_net()
    for parameter in twin.parameters():
        parameter.data = parameter * 0
    twin.load_state_dict(model.state_dict())
    x = mc.rand(2, 1, 6, 6)
    assert twin(x).tolist() == model(x).tolist()
