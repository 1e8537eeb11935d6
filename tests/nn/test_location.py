"""Test that an error names the layer that raised it, with its path in the model."""

import gc
import pickle
import weakref

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


def test_the_pooling_after_a_convolution_is_found():
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.MaxPool2d(9))
    assert notes(model, minicnn.ones(1, 3, 8, 8)) == ["raised in layer 2 (MaxPool2d) of Sequential"]


class Lists(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.ModuleList([nn.Identity(), nn.Sequential(nn.Linear(3, 2))])

    def forward(self, x):
        return self.blocks[1](x)


def test_lists_are_part_of_the_path():
    assert notes(Lists(), minicnn.ones(1, 4)) == ["raised in layer blocks.1.0 (Linear) of Lists"]
    assert notes(nn.Sequential(Lists()), minicnn.ones(1, 4)) == ["raised in layer 0.blocks.1.0 (Linear) of Sequential"]


def test_a_grandchild_may_be_called_directly():
    class Direct(Lists):
        def forward(self, x):
            return self.blocks[1][0](x)

    assert notes(Direct(), minicnn.ones(1, 4)) == ["raised in layer blocks.1.0 (Linear) of Direct"]


@pytest.mark.parametrize("change", ["add", "delete", "empty"])
def test_the_notes_of_others_stay(change):
    class Careful(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = nn.Sequential(nn.Linear(3, 2))

        def forward(self, x):
            try:
                return self.inner(x)
            except ShapeError as error:
                if change == "add":
                    error.add_note("while reading 17.png")
                elif change == "delete":
                    del error.__notes__
                else:
                    error.__notes__ = []
                raise

    ours = "raised in layer inner.0 (Linear) of Careful"
    assert notes(Careful(), minicnn.ones(1, 4)) == [ours, *(["while reading 17.png"] if change == "add" else [])]


def test_an_error_can_be_pickled_and_keeps_no_model():
    model = Model()
    with pytest.raises(ShapeError) as caught:
        model(minicnn.ones(1, 2, 8, 8))
    copy = pickle.loads(pickle.dumps(caught.value))
    assert (type(copy), str(copy), copy.__notes__) == (ShapeError, str(caught.value), caught.value.__notes__)
    gone, error = weakref.ref(model), caught.value.with_traceback(None)
    del model, caught
    gc.collect()
    assert gone() is None
    assert error.__notes__


def test_a_module_that_is_not_registered_ends_the_path():
    class Hidden(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.hidden = (nn.Sequential(nn.Linear(3, 2)),)

        def forward(self, x):
            return self.hidden[0](x)

    model = nn.Sequential(Hidden())
    assert notes(model, minicnn.ones(1, 4)) == [
        "raised in layer 0 (Linear) of Sequential",
        "raised in layer 0 (Hidden) of Sequential",
    ]


def test_a_second_error_begins_anew():
    model = Model()
    for _ in range(2):
        assert notes(model, minicnn.ones(1, 2, 8, 8)) == ["raised in layer encoder.0 (Conv2d) of Model"]
