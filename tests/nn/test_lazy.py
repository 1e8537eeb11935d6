"""Lazy layers beside what PyTorch recorded (tests/oracles/calls/lazy.py): messages, seeds, copies, devices, files."""

import copy
import pickle

import pytest

import minicnn
from minicnn import nn
from minicnn.errors import ArgumentError, CheckpointError, ShapeError
from minicnn.nn.parameter import is_lazy


def test_a_use_before_the_first_input_is_explained():
    with pytest.raises(ArgumentError, match="UninitializedParameter: it has no shape and no values yet; call the mod"):
        nn.LazyLinear(3).weight * 2
    with pytest.raises(ArgumentError, match="UninitializedBuffer: it has no shape"):
        nn.LazyBatchNorm1d().running_mean.shape  # noqa: B018


def test_the_same_seed_gives_the_values_of_the_layer_that_it_becomes():
    x = minicnn.ones(2, 3, 6, 6)
    for lazy, layer in ((nn.LazyConv2d(4, 3), nn.Conv2d), (nn.LazyConvTranspose2d(4, 3), nn.ConvTranspose2d)):
        minicnn.manual_seed(3)
        lazy(x)
        minicnn.manual_seed(3)
        other = layer(3, 4, 3)
        assert lazy.weight.tolist() == other.weight.tolist()
        assert lazy.bias.tolist() == other.bias.tolist()


def test_a_constructor_draws_no_numbers():
    minicnn.manual_seed(0)
    expected = minicnn.rand(1).item()
    minicnn.manual_seed(0)
    nn.LazyLinear(3)
    assert minicnn.rand(1).item() == expected


def test_copies_stay_lazy_and_are_separate():
    model = nn.Sequential(nn.LazyLinear(2), nn.LazyBatchNorm1d())
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        other(minicnn.ones(4, 3))
        assert [type(m) for m in other] == [nn.Linear, nn.BatchNorm1d]
        assert is_lazy(model[0].weight)
        assert is_lazy(model[1].running_var)
        assert not other[0].has_hooks
    assert is_lazy(copy.copy(model[0].weight))


def test_it_moves_with_its_device_and_type():
    model = nn.LazyBatchNorm2d().to("cudasim").double()
    model(minicnn.rand(2, 3, 2, 2, device="cudasim", dtype=minicnn.float64))
    assert {t.device.name for t in model.state_dict().values()} == {"cudasim"}
    assert model.weight.dtype == model.running_var.dtype == minicnn.float64


def test_a_lazy_state_does_not_fit_a_layer_with_shapes():
    layer = nn.Linear(2, 3)
    before = layer.weight.tolist()
    with pytest.raises(CheckpointError, match=r"'weight' is not known in the state but \(3, 2\) in the model"):
        layer.load_state_dict(nn.LazyLinear(3).state_dict())
    assert layer.weight.tolist() == before


def test_a_state_that_misses_keys_leaves_the_layer_lazy():
    layer = nn.LazyLinear(3)
    with pytest.raises(CheckpointError, match="missing keys 'bias'"):
        layer.load_state_dict({"weight": minicnn.ones(3, 2)})
    assert is_lazy(layer.weight)


def test_layers_with_one_image_take_the_right_axis():
    layer = nn.LazyInstanceNorm2d()
    layer(minicnn.rand(3, 4, 5))
    assert layer.weight.shape == (3,)


def test_sizes_are_checked_where_they_are_written_and_at_the_first_input():
    with pytest.raises(ShapeError, match="LazyConv2d: out_channels=3 cannot be split into groups=2"):
        nn.LazyConv2d(3, 3, groups=2)
    layer = nn.LazyConv2d(4, 3, groups=2)
    with pytest.raises(ShapeError, match="LazyConv2d: in_channels=3 cannot be split into groups=2"):
        layer(minicnn.ones(1, 3, 4, 4))
    with pytest.raises(ShapeError, match=r"LazyConv2d: input must have 3 or 4 axes, got \(2, 3\)"):
        layer(minicnn.ones(2, 3))
    assert layer.has_uninitialized_params()
    assert layer(minicnn.ones(1, 2, 4, 4)).shape == (1, 4, 2, 2)


def test_a_lazy_module_without_initialize_parameters_is_refused():
    class Half(nn.modules.lazy.LazyModuleMixin, nn.Module):
        pass

    with pytest.raises(NotImplementedError, match="Half has no initialize_parameters"):
        Half()(minicnn.ones(1))
