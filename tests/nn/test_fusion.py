"""Tests of layer fusion in Sequential: the groups of layers, and the same results as without fusion."""

import numpy as np
import pytest

import minicnn
from minicnn import nn, optim
from minicnn.errors import ShapeError
from minicnn.nn import fusion
from minicnn.nn.fusion import stages


class Quiet(nn.ReLU):
    """A subclass, which must not be fused, because it may override forward."""


def conv(**settings) -> nn.Conv2d:
    return nn.Conv2d(2, 3, 3, **settings)


def norm() -> nn.BatchNorm2d:
    return nn.BatchNorm2d(3).eval()


def hooked(module: nn.Module, which: str) -> nn.Module:
    getattr(module, f"register_{which}")(lambda *args: None)
    return module


def patched(module: nn.Module) -> nn.Module:
    module.forward = lambda x: x
    return module


@pytest.mark.parametrize(
    ("modules", "lengths"),
    [
        (list, []),
        (lambda: [conv(), nn.ReLU(), nn.MaxPool2d(2)], [3]),
        (lambda: [conv(), nn.ReLU(), conv(), nn.ReLU(), nn.MaxPool2d(2), nn.Tanh()], [2, 3, 1]),
        (lambda: [nn.Conv1d(2, 3, 3), nn.ReLU(), nn.MaxPool1d(2)], [3]),
        (lambda: [nn.Conv3d(2, 3, 3), nn.ReLU(inplace=True), nn.MaxPool3d(2)], [3]),
        (lambda: [conv(), nn.MaxPool2d(2), nn.ReLU()], [1, 1, 1]),
        (lambda: [conv(bias=False), nn.ReLU()], [1, 1]),
        (lambda: [conv(), nn.ReLU(), nn.MaxPool1d(2)], [2, 1]),
        (lambda: [conv(), nn.ReLU(), nn.MaxPool2d(2, return_indices=True)], [2, 1]),
        (lambda: [conv(), Quiet()], [1, 1]),
        (lambda: [conv(), patched(nn.ReLU())], [1, 1]),
        (lambda: [hooked(conv(), "forward_hook"), nn.ReLU()], [1, 1]),
        (lambda: [conv(), hooked(nn.ReLU(), "forward_pre_hook")], [1, 1]),
        (lambda: [conv(), nn.ReLU(), hooked(nn.MaxPool2d(2), "forward_hook")], [2, 1]),
        (lambda: [nn.ConvTranspose2d(2, 3, 3), nn.ReLU(), nn.MaxPool2d(2)], [2, 1]),
        (lambda: [nn.ConvTranspose1d(2, 3, 3, bias=False), nn.ReLU()], [1, 1]),
        (lambda: [nn.ReLU(), conv()], [1, 1]),
        (lambda: [conv(), norm(), nn.ReLU(), nn.MaxPool2d(2), nn.ReLU()], [4, 1]),
        (lambda: [conv(bias=False), norm(), conv()], [2, 1]),
        (lambda: [nn.ConvTranspose2d(2, 3, 3), norm(), nn.ReLU()], [3]),
        (lambda: [nn.ConvTranspose2d(4, 4, 3, groups=2), nn.BatchNorm2d(4).eval()], [1, 1]),
        (lambda: [conv(), nn.BatchNorm2d(3), nn.ReLU()], [1, 1, 1]),
        (lambda: [conv(), nn.BatchNorm2d(3, track_running_stats=False).eval(), nn.ReLU()], [1, 1, 1]),
        (lambda: [conv(), nn.BatchNorm2d(4).eval()], [1, 1]),
        (lambda: [conv(), norm().double()], [1, 1]),
        (lambda: [conv(), nn.BatchNorm1d(3).eval()], [1, 1]),
        (lambda: [conv(), hooked(norm(), "forward_hook")], [1, 1]),
    ],
)
def test_stages(modules, lengths):
    modules = modules()
    found = list(stages(modules))
    assert [len(stage) for stage in found] == lengths
    assert [module for stage in found for module in stage] == modules


NETS = [
    (lambda: [nn.Conv2d(2, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 3, 1), nn.ReLU()], (3, 2, 8, 6)),
    (lambda: [nn.Conv2d(2, 4, 3, padding_mode="reflect", padding=1), nn.ReLU()], (3, 2, 8, 6)),
    (lambda: [nn.Conv2d(2, 4, 3, stride=2, groups=2), nn.ReLU(), nn.MaxPool2d(2, 1, 1, ceil_mode=True)], (1, 2, 9, 7)),
    (lambda: [nn.Conv1d(2, 4, 3), nn.ReLU(), nn.MaxPool1d(3, 2, dilation=2)], (3, 2, 20)),
    (lambda: [nn.Conv3d(2, 4, 2, padding="same"), nn.ReLU(), nn.MaxPool3d(2)], (2, 2, 4, 5, 6)),
    (lambda: [nn.Conv2d(2, 4, 3), nn.ReLU(), nn.MaxPool2d(2)], (2, 8, 6)),
    (lambda: [nn.ConvTranspose2d(2, 4, 3, stride=2, output_padding=1, groups=2), nn.ReLU()], (3, 2, 4, 5)),
    (lambda: [nn.ConvTranspose1d(2, 4, 3, stride=2), nn.ReLU()], (2, 7)),
]


@pytest.mark.parametrize(("layers", "shape"), NETS)
def test_values_and_gradients_are_those_of_the_layers_one_by_one(layers, shape):
    minicnn.manual_seed(0)
    net = nn.Sequential(*layers()).double()
    assert any(len(stage) > 1 for stage in stages(net))
    x, y = minicnn.randn(*shape).double().requires_grad_(), minicnn.randn(*shape).double()
    y.data = x.data.clone()
    y.requires_grad_()
    out = net(x)
    h = minicnn.randn(*out.shape).double()
    out.backward(h)
    together = [x.grad, *(p.grad for p in net.parameters())]
    net.zero_grad()
    other = y
    for module in net:
        other = module(other)
    other.backward(h)
    apart = [y.grad, *(p.grad for p in net.parameters())]
    np.testing.assert_allclose(out.detach().array, other.detach().array, atol=1e-12)
    for a, b in zip(together, apart, strict=True):
        np.testing.assert_allclose(a.array, b.array, atol=1e-11)


FOLDED = [
    (lambda: [nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4)], (3, 2, 8, 6)),
    (lambda: [nn.Conv2d(2, 4, 3, bias=False, groups=2), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2)], (3, 2, 8, 6)),
    (lambda: [nn.Conv1d(2, 4, 3), nn.BatchNorm1d(4, affine=False), nn.ReLU()], (3, 2, 8)),
    (lambda: [nn.Conv3d(2, 4, 2), nn.BatchNorm3d(4, bias=False)], (2, 2, 4, 5, 6)),
    (lambda: [nn.ConvTranspose2d(2, 4, 3, stride=2), nn.BatchNorm2d(4), nn.ReLU()], (3, 2, 4, 5)),
    (lambda: [nn.Conv1d(2, 4, 3), nn.BatchNorm1d(6)], (2, 8)),  # input without a batch axis
]


@pytest.mark.parametrize(("layers", "shape"), FOLDED)
def test_batch_norm_that_evaluates_is_folded_with_all_its_gradients(layers, shape, monkeypatch):
    monkeypatch.setattr(fusion, "MIN_ELEMENTS_TO_FOLD", 1)
    minicnn.manual_seed(0)
    net = nn.Sequential(*layers()).double()
    for t in [*net[1].parameters(), net[1].running_mean, net[1].running_var]:
        t.data = minicnn.rand(*t.shape).double() + 0.5
    net.eval()
    x = minicnn.randn(*shape, dtype=minicnn.float64, requires_grad=True)

    def all_of(out):
        first = minicnn.autograd.grad((out**2).sum(), [x, *net.parameters()], create_graph=True)
        second = minicnn.autograd.grad(sum((g**2).sum() for g in first), [x, *net.parameters()])
        return [t.detach().array for t in (out, *first, *second)]

    other = x
    for module in net:
        other = module(other)
    for together, apart in zip(all_of(net(x)), all_of(other), strict=True):
        np.testing.assert_allclose(together, apart, rtol=1e-9, atol=1e-9)


def test_small_inputs_and_inputs_without_a_batch_are_not_worth_a_new_weight(monkeypatch):
    conv_layer, small = conv(), minicnn.rand(1, 2, 6, 6)
    assert not fusion._profitable(conv_layer, small)
    monkeypatch.setattr(fusion, "MIN_ELEMENTS_TO_FOLD", 1)
    assert fusion._profitable(conv_layer, small)
    assert not fusion._profitable(conv_layer, small[0])
    assert not fusion._profitable(nn.Conv2d(2, 64, 5), small)


def test_a_sequential_keeps_its_state_and_trains():
    minicnn.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(36, 4))
    assert list(net.state_dict()) == ["0.weight", "0.bias", "4.weight", "4.bias"]
    optimizer, x, target = optim.Adam(net.parameters(), lr=0.02), minicnn.rand(8, 1, 6, 6), minicnn.rand(8, 4)
    losses = []
    for _ in range(40):
        loss = ((net(x) - target) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] / 2


def test_hooks_are_called(monkeypatch):
    seen = []
    net = nn.Sequential(conv(), nn.ReLU(), nn.MaxPool2d(2))
    handle = net[1].register_forward_hook(lambda module, args, output: seen.append(output.shape))
    net(minicnn.rand(1, 2, 6, 6))
    assert seen == [(1, 3, 4, 4)]
    handle.remove()
    called = []
    monkeypatch.setattr(fusion, "run", lambda stage, x: called.append(len(stage)) or x)
    monkeypatch.setattr(nn.container, "run", fusion.run)
    net(minicnn.rand(1, 2, 6, 6))
    assert called == [3]


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        (lambda: [nn.Conv2d(3, 4, 3), nn.ReLU()], "conv2d: input has 2 channels but weight expects 3"),
        (lambda: [nn.Conv2d(2, 4, 3), nn.ReLU(), nn.MaxPool2d(9)], r"max_pool2d: a window of \(9, 9\) .* does not fit"),
        (
            lambda: [nn.Conv2d(2, 4, 3), nn.ReLU(), nn.MaxPool2d(2, padding=2)],
            "max_pool2d: padding must be at most half",
        ),
    ],
)
def test_mistakes_are_named_as_ever(layers, message):
    with pytest.raises(ShapeError, match=message):
        nn.Sequential(*layers())(minicnn.rand(1, 2, 6, 6))
