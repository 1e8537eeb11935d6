"""Tests of `summary`: shapes, parameters, multiply-adds, memory, and that a network stays as it is."""

import copy

import pytest

import minicnn
from minicnn import nn
from minicnn.errors import ArgumentError
from minicnn.models import resnet18


def network() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(128, 10))


def test_without_an_input_there_are_parameters_only():
    table = minicnn.summary(network())
    assert [(row.path, row.type, row.parameters, row.output) for row in table.rows] == [
        ("", "Sequential", 1514, ""),
        ("0", "Conv2d", 224, ""),
        ("1", "ReLU", 0, ""),
        ("2", "MaxPool2d", 0, ""),
        ("3", "Flatten", 0, ""),
        ("4", "Linear", 1290, ""),
    ]
    assert "multiply-adds" not in str(table)


def test_with_an_input_each_layer_has_its_measures():
    table = minicnn.summary(network(), (4, 3, 8, 8))
    assert [row.output for row in table.rows] == [
        "4 x 10",
        "4 x 8 x 8 x 8",
        "4 x 8 x 8 x 8",
        "4 x 8 x 4 x 4",
        "4 x 128",
        "4 x 10",
    ]
    conv, linear = 4 * 8 * 8 * 8 * 3 * 9, 4 * 10 * 128
    assert [row.multiply_adds for row in table.rows] == [conv + linear, conv, 0, 0, 0, linear]
    assert table.total_mult_adds == conv + linear
    assert table.rows[1].bytes >= 4 * 4 * 8 * 8 * 8
    assert all(row.seconds > 0 for row in table.rows)
    assert str(table).endswith("MB")


def test_multiply_adds_of_resnet18():
    table = minicnn.summary(resnet18(), (1, 3, 224, 224))
    assert table.total_params == 11_689_512
    assert table.total_mult_adds == 1_814_073_344  # 1.81 billion, as the literature has it
    assert max(row.depth for row in table.rows) == 3


def test_depth_hides_deeper_modules_and_keeps_their_measures():
    full, short = (minicnn.summary(resnet18(num_classes=3), (1, 3, 32, 32), depth=depth) for depth in (3, 1))
    assert {row.depth for row in short.rows} == {0, 1}
    measures = {row.path: row.multiply_adds for row in full.rows}
    assert all(measures[row.path] == row.multiply_adds for row in short.rows)


@pytest.mark.parametrize("mode", ["eval", "train"])
def test_the_network_stays_as_it_is(mode):
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout()).train()
    model[1].eval()
    before, state = copy.deepcopy(model.state_dict()), minicnn.get_rng_state()
    minicnn.summary(model, (2, 3, 8, 8), mode=mode)
    assert all(value.equal(before[name]) for name, value in model.state_dict().items())
    assert [module.training for module in model.modules()] == [True, True, False, True]
    assert not any(module.has_hooks for module in model.modules())
    assert mode == "train" or minicnn.get_rng_state() == state


def test_several_inputs_and_keyword_arguments():
    class Both(nn.Module):
        def forward(self, x, y, *, scale):
            return x + scale * y

    table = minicnn.summary(Both(), [(2, 3), (3,)], scale=2.0)
    assert table.rows[0].output == "2 x 3"
    data = [minicnn.ones(2, 3), minicnn.ones(1)]
    assert minicnn.summary(Both(), input_data=data, scale=2.0).rows[0].output == "2 x 3"


def test_the_input_has_the_type_and_device_of_the_network(device):
    assert minicnn.summary(nn.Linear(3, 2).double().to(device), (1, 3)).rows[0].bytes in (16, 32)


def test_a_layer_that_is_not_called_has_no_shape():
    model = nn.Module()
    model.used, model.unused = nn.ReLU(), nn.ReLU()
    model.forward = lambda x: model.used(x)
    assert [row.output for row in minicnn.summary(model, (2,)).rows] == ["2", "2", ""]


def test_frozen_parameters_are_counted_apart():
    model = network()
    model[0].requires_grad_(False)
    table = minicnn.summary(model)
    assert (table.total_params, table.trainable_params) == (1514, 1290)
    assert str(table).endswith("parameters: 1,514, 224 of them not trained")


def test_html_has_the_rows_and_bars():
    html = minicnn.summary(network(), (1, 3, 8, 8))._repr_html_()
    assert html.count("<tr>") == 7
    assert "██████████" in html


def test_a_module_shows_its_last_summary():
    model = network()
    assert "multiply-adds" not in model._repr_html_()
    table = minicnn.summary(model, (1, 3, 8, 8))
    assert model._repr_html_().startswith(table._repr_html_())
    assert "MaxPool2d(kernel_size=2" in model._repr_html_()
    model.append(nn.Linear(10, 3))
    assert "10 x 3" not in str(table)
    assert "5 (Linear)" in model._repr_html_()
    assert "multiply-adds" not in copy.deepcopy(model)._repr_html_()


def test_a_lazy_layer_has_no_parameters_yet():
    model = nn.Sequential(nn.LazyLinear(4), nn.Linear(4, 2))
    assert [row.parameters for row in minicnn.summary(model).rows] == [10, 0, 10]
    assert "LazyLinear" in model._repr_html_()
    assert minicnn.summary(model, (2, 3), mode="train").rows[1].parameters == 16


def test_a_graph_that_is_there_stays_usable():
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout(), nn.Conv2d(4, 2, 3))
    model.register_buffer("calls", minicnn.zeros(1), persistent=False)
    loss, state = model(minicnn.randn(2, 3, 8, 8)).sum(), minicnn.get_rng_state()
    minicnn.summary(model, (2, 3, 8, 8), mode="train")
    loss.backward()
    assert minicnn.get_rng_state() == state


def test_wrong_arguments():
    for size in (4, ("a",), (2.5,)):
        with pytest.raises(ArgumentError, match="input_size must be a shape"):
            minicnn.summary(network(), size)
    with pytest.raises(ArgumentError, match="depth must be at least 0, got -1"):
        minicnn.summary(network(), depth=-1)
    with pytest.raises(ArgumentError, match="give input_size or input_data, not both"):
        minicnn.summary(network(), (1, 3, 8, 8), minicnn.ones(1, 3, 8, 8))
    with pytest.raises(ArgumentError, match="mode must be 'eval' or 'train', got 'test'"):
        minicnn.summary(network(), (1, 3, 8, 8), mode="test")
