"""Tests of Sequential, ModuleList and ModuleDict: they behave as Python containers."""

from collections import OrderedDict

import pytest

import minicnn
from minicnn import DTypeError, ShapeError, nn


def chain() -> nn.Sequential:
    return nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))


def names(module: nn.Module) -> list[str]:
    return [name for name, _ in module.named_children()]


def test_sequential_calls_one_after_another():
    net, x = chain(), minicnn.rand(4, 2)
    assert net(x).tolist() == net[2](net[1](net[0](x))).tolist()
    assert nn.Sequential()(x) is x


def test_sequential_takes_names():
    net = nn.Sequential(OrderedDict([("first", nn.ReLU()), ("second", nn.Tanh())]))
    assert net.second is net[1] is net[-1]
    assert names(net[1:]) == ["second"]
    net[0] = nn.Sigmoid()
    assert names(net) == ["first", "second"]
    assert list(nn.Sequential({"a": nn.Linear(1, 1)}).state_dict()) == ["a.weight", "a.bias"]


@pytest.mark.parametrize("kind", [nn.Sequential, nn.ModuleList])
def test_editing_renumbers(kind):
    a, b, c, d = nn.ReLU(), nn.Tanh(), nn.Sigmoid(), nn.Identity()
    net = kind() if kind is nn.Sequential else kind([])
    assert net.append(a).extend([b, c]) is net
    net.insert(1, d)
    assert list(net) == [a, d, b, c]
    assert names(net) == ["0", "1", "2", "3"]
    del net[0]
    assert list(net) == [d, b, c]
    assert names(net) == ["0", "1", "2"]
    del net[1:]
    assert list(net) == [d]
    net[-1] = a
    assert net[0] is a
    assert len(net) == 1
    with pytest.raises(IndexError, match=f"{kind.__name__}: index 1 is out of range for 1 modules"):
        net[1]


def test_slices():
    net = chain()
    assert type(net[:2]) is nn.Sequential
    assert net[:2][0] is net[0]
    assert names(nn.ModuleList(net)[1:]) == ["0", "1"]
    assert list(nn.ModuleList(net)[::-1]) == list(net)[::-1]


def test_the_same_module_twice():
    relu = nn.ReLU()
    net = nn.Sequential(relu, nn.Tanh(), relu)
    assert len(net) == 3
    assert list(net) == [relu, net[1], relu]


def test_module_dict():
    heads = nn.ModuleDict({"a": nn.ReLU()})
    heads["b"] = nn.Linear(1, 1)
    heads.update({"c": nn.Tanh()})
    assert list(heads) == list(heads.keys()) == ["a", "b", "c"]
    assert [type(m).__name__ for m in heads.values()] == ["ReLU", "Linear", "Tanh"]
    assert dict(heads.items())["b"] is heads["b"] is heads.b
    assert "a" in heads
    assert "z" not in heads
    assert [n for n, _ in heads.named_parameters()] == ["b.weight", "b.bias"]
    del heads["a"]
    assert isinstance(heads.pop("c"), nn.Tanh)
    assert len(heads) == 1
    with pytest.raises(KeyError, match="ModuleDict: there is no module 'a'; the modules are b"):
        heads["a"]


def test_messages():
    with pytest.raises(ShapeError, match="ModuleDict: 'keys' cannot name an attribute"):
        nn.ModuleDict({"keys": nn.ReLU()})
    with pytest.raises(ShapeError, match=r"ModuleDict: '_buffers' cannot name an attribute: .* method or setting"):
        nn.ModuleDict({"_buffers": nn.ReLU()})
    with pytest.raises(DTypeError, match="Sequential: '1' must be a Module or None, got function"):
        nn.Sequential(nn.ReLU(), lambda x: x)
    with pytest.raises(NotImplementedError, match="ModuleList has no forward"):
        nn.ModuleList([nn.ReLU()])(1)
