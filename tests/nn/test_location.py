"""Test that an error names the layer that raised it, with its path in the model."""

import pytest

import minicnn
from minicnn import nn
from minicnn.errors import ShapeError


class Model(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Sequential(nn.Flatten(), nn.Linear(100, 2)))

    def forward(self, x):
        return self.encoder(x)


def notes(model, x):
    with pytest.raises(ShapeError) as caught:
        model(x)
    return getattr(caught.value, "__notes__", [])


def test_the_path_leads_to_the_layer():
    assert notes(Model(), minicnn.ones(1, 3, 8, 8)) == ["raised in layer encoder.2.1 (Linear) of Model"]


def test_a_convolution_fused_with_its_relu_is_found():
    assert notes(Model(), minicnn.ones(1, 2, 8, 8)) == ["raised in layer encoder.0 (Conv2d) of Model"]
    model = nn.Sequential(nn.ReLU(), nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4).eval(), nn.ReLU(), nn.MaxPool2d(2))
    assert notes(model, minicnn.ones(1, 2, 80, 80)) == ["raised in layer 1 (Conv2d) of Sequential"]


def test_a_layer_by_itself_needs_no_path():
    assert notes(nn.Linear(3, 2), minicnn.ones(1, 4)) == []


def test_a_module_that_is_not_registered_ends_the_path():
    class Hidden(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.hidden = (nn.Sequential(nn.Linear(3, 2)),)

        def forward(self, x):
            return self.hidden[0](x)

    model = nn.Sequential(Hidden())
    assert notes(model, minicnn.ones(1, 4)) == ["raised in layer 0 (Linear) of Sequential"]


def test_a_second_error_begins_anew():
    model = Model()
    for _ in range(2):
        assert notes(model, minicnn.ones(1, 2, 8, 8)) == ["raised in layer encoder.0 (Conv2d) of Model"]
