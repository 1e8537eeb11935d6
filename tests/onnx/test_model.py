"""Tests of the module that a file becomes: its inputs, its state, and what modules can do."""

import copy
import pickle

import numpy as np
import pytest
from onnx import TensorProto, helper

import minicnn as mc
from minicnn.errors import ArgumentError
from tests.onnx.models import info, model_of

W = np.array([[1.0, 2.0], [3.0, 4.0]], np.float32)


def linear(**names):
    """Return the model y = x W + b with given names of W and b."""
    weights = {names.get("w", "layer.weight"): W, names.get("b", "layer.bias"): np.float32([1, 1])}
    w, b = weights
    return model_of(("MatMul", ["x", w], ["h"]), ("Add", ["h", b], ["y"]), weights=weights)


def test_weights_are_parameters_in_modules_of_their_names():
    model = mc.onnx.load(linear())
    assert [name for name, _ in model.named_parameters()] == ["layer.weight", "layer.bias"]
    assert model.layer.weight.tolist() == W.tolist()
    assert (model.input_names, model.output_names) == (("x",), ("y",))
    assert "x -> y, 2 operators" in repr(model)
    x = mc.tensor([1.0, 1.0], requires_grad=True)
    y = model(x)
    assert y.tolist() == [5.0, 7.0]
    y.sum().backward()
    assert x.grad.tolist() == [3.0, 7.0]
    assert model.layer.weight.grad.tolist() == [[1.0, 1.0], [1.0, 1.0]]


@pytest.mark.parametrize(
    ("w", "b", "names"),
    [
        ("w", "w.bias", ["w", "w_bias"]),  # a weight is no module
        ("forward", "train.bias", ["forward_", "train_bias"]),  # a method is neither
        ("a..b", "a.", ["a__b", "a._"]),
        ("onnx::MatMul_7", "/layer/bias", ["onnx::MatMul_7", "/layer/bias"]),
        ("_graph", "_weights", ["_graph_", "_weights_"]),
        ("training.x", "input_names", ["training_x", "input_names_"]),
    ],
)
def test_names_that_cannot_be_attributes(w, b, names):
    model = mc.onnx.load(linear(w=w, b=b))
    assert sorted(name for name, _ in model.named_parameters()) == sorted(names)
    assert model(mc.tensor([1.0, 1.0])).tolist() == [5.0, 7.0]
    model.load_state_dict({name: value * 2 for name, value in model.state_dict().items()})
    assert model(mc.tensor([1.0, 1.0])).tolist() == [10.0, 14.0]


def test_settings_numbers_and_integers_are_buffers():
    weights = {name: np.float32([1, 2]) for name in ("scale", "bias", "mean", "var")}
    weights |= {"factor": np.float32(0.5), "shape": np.array([-1]), "low": np.float32([0])}
    model = model_of(
        ("BatchNormalization", ["x", "scale", "bias", "mean", "var"], ["h"]),
        ("Mul", ["h", "factor"], ["i"]),
        ("Clip", ["i", "low"], ["j"]),
        ("Reshape", ["j", "shape"], ["y"]),
        inputs=[info("x", (1, 2, 1))],
        weights=weights,
    )
    loaded = mc.onnx.load(model)
    assert {name for name, _ in loaded.named_parameters()} == {"scale", "bias"}
    assert {name for name, _ in loaded.named_buffers()} == {"mean", "var", "factor", "shape", "low"}
    assert loaded.state_dict().keys() == weights.keys()


def test_settings_in_a_branch_are_found():
    yes = helper.make_graph(
        [helper.make_node("Clip", ["x", "low"], ["z"])], "yes", [], [helper.make_tensor_value_info("z", 1, None)]
    )
    no = helper.make_graph([helper.make_node("Relu", ["x"], ["z"])], "no", [], [info("z", None)])
    model = model_of(
        ("If", ["go"], ["y"], {"then_branch": yes, "else_branch": no}),
        inputs=[info("go", (), TensorProto.BOOL), info("x")],
        weights={"low": np.float32([0.5])},
    )
    assert [name for name, _ in mc.onnx.load(model).named_buffers()] == ["low"]


def test_inputs_by_name_and_weights_as_defaults():
    model = model_of(("Sub", ["x", "b"], ["y"]), inputs=[info("x"), info("b")], weights={"b": np.float32([1, 1])})
    loaded = mc.onnx.load(model)
    x = mc.tensor([3.0, 4.0])
    assert loaded.input_names == ("x",)
    assert loaded(x).tolist() == loaded(x=x).tolist() == [2.0, 3.0]
    assert loaded(x, b=mc.tensor([2.0, 2.0])).tolist() == [1.0, 2.0]


@pytest.mark.parametrize(
    ("inputs", "named"), [(0, []), (2, []), (1, ["x"]), (1, ["z"])], ids=["none", "two", "twice", "unknown"]
)
def test_wrong_inputs(inputs, named):
    with pytest.raises(ArgumentError, match=r"^OnnxModel: the inputs are x, got \d in order and (none|x|z) by name$"):
        mc.onnx.load(linear())(*[mc.ones(2)] * inputs, **{name: mc.ones(2) for name in named})


def test_an_error_names_the_node():
    node = helper.make_node("MatMul", ["x", "w"], ["y"], name="/layer/MatMul")
    model = mc.onnx.load(model_of(node, weights={"w": W}))
    with pytest.raises(mc.ShapeError) as raised:
        model(mc.ones(3))
    assert raised.value.__notes__ == ["in the node '/layer/MatMul', an ONNX MatMul"]


def test_copies_pickles_types_and_devices(device):
    model = mc.onnx.load(
        model_of(
            ("Constant", [], ["c"], {"value_floats": [1.0, 1.0]}),
            ("MatMul", ["x", "w"], ["h"]),
            ("Softmax", ["h"], ["s"]),
            ("Add", ["s", "c"], ["y"]),
            weights={"w": W},
            version=13,
        )
    )
    x = mc.tensor([0.0, 0.0])
    for twin in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        twin.w.data = twin.w * 0
        assert twin(x).tolist() == [1.5, 1.5]
        assert model.w.tolist() == W.tolist()
    assert model.state_dict().keys() == {"w"}
    model.double()
    assert model(x.double()).dtype == mc.float64
    model.to(device)
    y = model(x.double().to(device))
    assert (y.device, y.tolist()) == (device, [1.5, 1.5])
