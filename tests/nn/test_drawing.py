"""Tests of `draw`: nodes, edges, names, folding, and the SVG and Mermaid texts."""

import weakref
from xml.etree import ElementTree

import pytest

import minicnn
import minicnn.nn.functional as F
from minicnn import nn
from minicnn.errors import ArgumentError, AutogradError
from minicnn.models import resnet18


def titles(drawing):
    """Return the edges, by titles."""
    return [(drawing.boxes[a].title, drawing.boxes[b].title) for a, b in drawing.edges]


def network() -> nn.Module:
    return nn.Sequential(nn.Sequential(nn.Linear(4, 3), nn.Tanh()), nn.Linear(3, 2))


def test_operations_tensors_and_the_edges_between_them():
    x = minicnn.tensor([1.0, 2.0], requires_grad=True)
    drawing = minicnn.draw((x * 2 + x.sin()).sum())
    assert sorted(titles(drawing)) == [
        ("add", "sum"),
        ("mul", "add"),
        ("sin", "add"),
        ("tensor", "mul"),
        ("tensor", "sin"),
    ]
    shapes = {box.title: box.shape for box in drawing.boxes.values()}
    assert shapes == {"sum": (), "add": (2,), "mul": (2,), "sin": (2,), "tensor": (2,)}


def test_parameters_have_their_names_and_gradients_and_inputs_are_there():
    model = network()
    loss = model(minicnn.ones(5, 4)).sum()
    loss.backward(retain_graph=True)
    drawing = minicnn.draw(loss, model)
    boxes = {box.title: box for box in drawing.boxes.values()}
    assert {"0.0.weight", "0.0.bias", "1.weight", "1.bias"} < boxes.keys()
    assert boxes["0.0.weight"].lines == ["0.0.weight", "3 x 4", f"gradient {model[0][0].weight.grad.norm().item():.3g}"]
    assert boxes["constant"].shape == (5, 4)
    assert ("constant", "linear") in titles(drawing)


def test_a_tensor_that_is_used_twice_is_one_node():
    x = minicnn.ones(3, requires_grad=True)
    drawing = minicnn.draw(x * x)
    assert (len(drawing.boxes), len(drawing.edges)) == (2, 1)


def test_folding_by_depth():
    model = network()
    y = model(minicnn.ones(5, 4)).sum()
    drawing = minicnn.draw(y, model, depth=1)
    assert titles(drawing)[::-1] == [
        ("constant", "0 (Sequential)"),
        ("0 (Sequential)", "1 (Linear)"),
        ("1 (Linear)", "sum"),
    ]
    folded = {box.title: (box.kind, box.shape, box.notes) for box in drawing.boxes.values()}
    assert folded["0 (Sequential)"] == ("module", (5, 3), ["15 parameters"])
    deeper = minicnn.draw(y, model, depth=2)
    assert {"0.0 (Linear)", "0.1 (Tanh)", "1 (Linear)"} < {box.title for box in deeper.boxes.values()}


def test_a_large_network_is_folded_and_a_small_one_is_not():
    model = resnet18(num_classes=5)
    y = model(minicnn.rand(2, 3, 32, 32))
    drawing = minicnn.draw(y, model)
    assert len(drawing.boxes) <= 60
    assert "layer1.0 (BasicBlock)" in {box.title for box in drawing.boxes.values()}
    assert len(minicnn.draw(y).boxes) > 60


def test_a_module_that_is_called_twice_is_not_folded():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer, self.other = nn.Linear(3, 3), nn.Tanh()

        def forward(self, x):
            return self.layer(self.other(self.layer(x)))

    model = Twice()
    drawing = minicnn.draw(model(minicnn.ones(1, 3)), model, depth=1)
    names = [box.title for box in drawing.boxes.values()]
    assert names.count("linear") == 2
    assert names.count("layer.weight") == 1


def test_operations_of_a_module_around_its_modules_stay_apart():
    class Residual(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(3, 3)

        def forward(self, x):
            return x + self.layer(x)

    model = nn.Sequential(Residual())
    x = minicnn.ones(1, 3, requires_grad=True)
    assert {box.title for box in minicnn.draw(model(x), model, depth=2).boxes.values()} == {
        "tensor",
        "0.layer (Linear)",
        "add",
    }


def test_a_node_knows_the_innermost_module_also_after_an_error():
    class Broken(nn.Module):
        def forward(self, x):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        Broken()(minicnn.ones(1))
    x, layer = minicnn.ones(1, requires_grad=True), nn.Tanh()
    assert (x * 2)._node.module is None
    assert layer(x)._node.module() is layer


def test_a_graph_keeps_no_module_alive():
    layer = nn.Linear(2, 2)
    y = layer(minicnn.ones(1, 2))
    reference = weakref.ref(layer)
    del layer
    assert reference() is None
    assert len(minicnn.draw(y).boxes) == 5


def test_a_module_whose_weight_is_used_outside_has_the_shape_of_its_output():
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.first = nn.Linear(3, 5)

        def forward(self, x):
            return minicnn.matmul(self.first(x), self.first.weight)

    model = Tied()
    boxes = minicnn.draw(model(minicnn.ones(2, 3)), model, depth=1).boxes.values()
    assert {box.title: box.shape for box in boxes}["first (Linear)"] == (2, 5)


def test_svg_and_mermaid_have_every_node_and_edge(tmp_path):
    x = minicnn.ones(2, 3, requires_grad=True)
    drawing = minicnn.draw(F.silu(x).sum())
    svg = ElementTree.fromstring(drawing._repr_svg_())
    kinds = [element.tag.rpartition("}")[2] for element in svg]
    assert (kinds.count("rect"), kinds.count("path"), kinds.count("text")) == (3, 2, 6)
    drawing.save(tmp_path / "graph.svg")
    assert (tmp_path / "graph.svg").read_text() == drawing.svg()
    assert drawing.mermaid() == (
        'graph TD\n    n0["sum<br/>scalar"]\n    n1["silu<br/>2 x 3"]\n    n2(["tensor<br/>2 x 3"])\n'
        "    n1 --> n0\n    n2 --> n1"
    )
    assert repr(drawing).startswith("<drawing of 3 nodes")


def test_errors():
    x = minicnn.ones(3, requires_grad=True)
    for tensor in (minicnn.ones(3), x):
        with pytest.raises(AutogradError, match="draw: the output has no graph"):
            minicnn.draw(tensor)
    with pytest.raises(ArgumentError, match=r"expected a tensor, and perhaps the module .*, got Tanh and Tensor"):
        minicnn.draw(nn.Tanh(), x)
    with pytest.raises(ArgumentError, match="depth must be at least 1, and needs the model"):
        minicnn.draw(x * 2, depth=1)
    with pytest.raises(ArgumentError, match="depth must be at least 1, and needs the model"):
        minicnn.draw(x * 2, nn.Tanh(), depth=0)
    for _ in range(301):
        x = x * 2
    with pytest.raises(ArgumentError, match="has 302 nodes, at most 300 can be drawn"):
        minicnn.draw(x)
