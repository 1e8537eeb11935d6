"""Tests of `_modules`, `_parameters` and `_buffers`, the mappings that programs of PyTorch use."""

import pytest

import minicnn
from minicnn import nn


def test_mappings_show_what_the_module_has_in_order():
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU())
    assert list(net._modules) == ["0", "1", "2"]
    assert net._modules["1"] is net[1]
    assert list(net[0]._parameters) == ["weight", "bias"]
    assert list(net[1]._buffers) == ["running_mean", "running_var", "num_batches_tracked"]
    assert len(net._parameters) == 0
    assert "weight" in net[0]._parameters
    assert "running_mean" not in net[1]._parameters
    assert repr(net._modules).startswith("{'0': Conv2d(")


def test_changes_go_to_the_module():
    net = nn.Sequential(nn.Linear(1, 2), nn.ReLU())
    net._modules["1"] = nn.Tanh()
    assert isinstance(net[1], nn.Tanh)
    net[0]._parameters["extra"] = nn.Parameter(minicnn.ones(1))
    assert "0.extra" in net.state_dict()
    net[0]._buffers["count"] = minicnn.zeros(1)
    assert "0.count" in net.state_dict()
    del net[0]._buffers["count"], net._modules["1"]
    assert len(net) == 1
    assert "0.count" not in net.state_dict()
    for mapping in (net._modules, net[0]._parameters, net[0]._buffers):
        with pytest.raises(KeyError):
            del mapping["nothing"]
