"""Tests of training, moving and copying; oracles/calls/containers.py has the rest."""

import copy

import pytest

import minicnn
from minicnn import DTypeError, ShapeError, nn


class Mixture(nn.Module):
    def __init__(self):
        super().__init__()
        self.weights = nn.ParameterList(minicnn.full((2,), float(i)) for i in range(3))
        self.named = nn.ParameterDict({"scale": minicnn.ones(1)})
        self.offset = nn.Buffer(minicnn.ones(2))

    def forward(self, x):
        return sum(x * w for w in self.weights) * self.named["scale"] + self.offset


def test_the_parameters_are_trained_saved_and_copied():
    net = Mixture()
    names = ["weights.0", "weights.1", "weights.2", "named.scale"]
    assert [n for n, _ in net.named_parameters()] == names
    assert list(net.state_dict()) == ["offset", *names]
    net(minicnn.ones(2)).sum().backward()
    assert [p.grad.tolist() for p in net.parameters()] == [[1.0, 1.0]] * 3 + [[6.0]]
    twin = copy.deepcopy(net)
    assert twin.weights[1] is not net.weights[1]
    assert twin(minicnn.ones(2)).tolist() == net(minicnn.ones(2)).tolist() == [4.0, 4.0]
    net.double()
    assert {p.dtype for p in net.parameters()} == {net.offset.dtype} == {minicnn.float64}
    other = Mixture()
    with minicnn.no_grad():
        other.weights[0] += 5
    twin.load_state_dict(other.state_dict())
    assert twin.weights[0].tolist() == [5.0, 5.0]


def test_a_dictionary_is_hashable_and_equal_to_itself_alone():
    first, second = nn.ParameterDict(), nn.ParameterDict()
    assert len({first, second}) == 2
    assert first != second


def test_messages():
    with pytest.raises(DTypeError, match="ParameterList: a parameter must be floating point, got int64"):
        nn.ParameterList([minicnn.tensor([1])])
    with pytest.raises(DTypeError, match="extend: expected an iterable of parameters, got int"):
        nn.ParameterList().extend(3)
    with pytest.raises(IndexError, match="ParameterList: index 2 is out of range for 0 elements"):
        nn.ParameterList()[2]
    with pytest.raises(DTypeError, match="ParameterDict: a name must be a string, got 1"):
        nn.ParameterDict({1: minicnn.ones(1)})
    with pytest.raises(ShapeError, match="ParameterDict: 'values' cannot be a name"):
        nn.ParameterDict()["values"] = minicnn.ones(1)
    with pytest.warns(FutureWarning, match="NLLLoss2d is an older name of NLLLoss"):
        nn.NLLLoss2d()
