"""Tests of reading ONNX files: every way to give one, and every fault of one in a sentence."""

import io
import sys

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper, save

import minicnn as mc
from minicnn.errors import DataError, DTypeError, MiniCNNError, MissingPackageError
from tests.onnx.models import info, model_of

RELU = model_of(("Relu", ["x"], ["y"]))


def test_a_path_bytes_a_file_and_a_proto(tmp_path):
    path = tmp_path / "model.onnx"
    save(RELU, path)
    for given in (path, str(path), path.read_bytes(), io.BytesIO(path.read_bytes()), RELU):
        assert mc.onnx.load(given)(mc.tensor([-1.0, 2.0])).tolist() == [0.0, 2.0]


def test_weights_in_a_file_beside_the_model(tmp_path):
    weights = {"w": np.arange(2, dtype=np.float32)}
    model = model_of(("Add", ["x", "w"], ["y"]), weights=weights)
    save(model, tmp_path / "model.onnx", save_as_external_data=True, location="weights.bin", size_threshold=0)
    assert (tmp_path / "weights.bin").exists()
    loaded = mc.onnx.load(tmp_path / "model.onnx")
    assert loaded(mc.tensor([1.0, 1.0])).tolist() == [1.0, 2.0]
    (tmp_path / "weights.bin").unlink()
    with pytest.raises(DataError, match=r"onnx.load: '.*model.onnx' is not a valid ONNX model: .*weights.bin"):
        mc.onnx.load(tmp_path / "model.onnx")


@pytest.mark.parametrize("content", [b"", b"text", b"\x00" * 100, RELU.SerializeToString()[:-9]])
def test_a_damaged_file(tmp_path, content):
    path = tmp_path / "model.onnx"
    path.write_bytes(content)
    for given in (path, content):
        with pytest.raises(DataError, match=r"^onnx.load: .*(model|model.onnx.) is not a valid ONNX model: "):
            mc.onnx.load(given)


def test_a_missing_file_and_a_wrong_argument(tmp_path):
    with pytest.raises(DataError, match=r"^onnx.load: 'nothing.onnx' is not a file$"):
        mc.onnx.load("nothing.onnx")
    with pytest.raises(DataError, match="is not a file"):
        mc.onnx.load(tmp_path)
    with pytest.raises(DTypeError, match=r"^onnx.load: expected a path, .* got int$"):
        mc.onnx.load(5)


def test_without_the_package_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(MissingPackageError, match=r"^onnx.load: needs onnx, .* pip install 'minicnn\[onnx\]'$"):
        mc.onnx.load("model.onnx")


def branch(operator):
    """Return a graph with one node."""
    return helper.make_graph([helper.make_node(operator, ["x"], ["z"])], operator, [], [info("z")])


LSTM_OF_OTHERS = helper.make_node("Fancy", ["x"], ["y"], domain="org.example")


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (model_of(("ImageDecoder", ["x"], ["y"])), "the operator ImageDecoder, which minicnn does not have$"),
        (
            model_of(LSTM_OF_OTHERS, opsets=[helper.make_opsetid("", 20), helper.make_opsetid("org.example", 1)]),
            r"the operator org\.example\.Fancy, which minicnn",
        ),
        (
            model_of(("QuantizeLinear", ["x", "x"], ["z"]), ("DequantizeLinear", ["z", "x"], ["y"])),
            "the operators DequantizeLinear, QuantizeLinear, which",
        ),
        (
            model_of(("If", ["x"], ["y"], {"then_branch": branch("Relu"), "else_branch": branch("StringNormalizer")})),
            "the operator StringNormalizer, which",
        ),
        (
            model_of(("Relu", ["x"], ["y"]), inputs=[info("x", kind=TensorProto.BFLOAT16)]),
            "'x' .* element type bfloat16",
        ),
        (model_of(("Relu", ["x"], ["y"]), outputs=[info("y", kind=TensorProto.STRING)]), "'y' .* element type string"),
        (model_of(("Cast", ["x"], ["y"], {"to": TensorProto.INT4})), "'to' with the element type int4"),
        (model_of(("Constant", [], ["y"], {"value_string": "a"})), "a constant of text"),
        (model_of(("Cast", ["x"], ["y"], {"to": "FLOAT"}), version=1), "Cast whose attribute 'to' has the type string"),
        (
            model_of(
                ("Relu", ["x"], ["y"]),
                inputs=[helper.make_tensor_sequence_value_info("x", TensorProto.FLOAT, [2])],
            ),
            "'x' of the kind sequence, and in minicnn all values are tensors",
        ),
    ],
)
def test_what_minicnn_does_not_have_is_named(model, message):
    with pytest.raises(DataError, match=f"^onnx.load: the model has .*{message}"):
        mc.onnx.load(model)


@pytest.mark.parametrize(
    ("node", "message"),
    [
        (("Pad", ["x"], ["y"], {"paddings": [0, 0]}), "an operator Pad, that has the attribute 'paddings'"),
        (("Relu", ["x", "x"], ["y"]), "is not a valid ONNX model: .* not in range"),
    ],
)
def test_wrong_attributes_and_inputs(node, message):
    with pytest.raises(DataError, match=message):
        mc.onnx.load(model_of(node, version=1 if node[0] == "Pad" else 20))


def test_functions_of_the_file_are_expanded():
    double = helper.make_function(
        "local",
        "Double",
        ["a"],
        ["b"],
        [helper.make_node("Add", ["a", "a"], ["b"])],
        [helper.make_opsetid("", 20)],
    )
    node = helper.make_node("Double", ["x"], ["y"], domain="local")
    opsets = [helper.make_opsetid("", 20), helper.make_opsetid("local", 1)]
    model = model_of(node, functions=[double], opsets=opsets)
    assert mc.onnx.load(model)(mc.tensor([1.0, 2.0])).tolist() == [2.0, 4.0]


def test_a_function_of_the_file_may_use_operators_that_onnx_expands():
    """The window has the default attribute `periodic`; the padding of Conv, which is known, stays as it is."""
    window = helper.make_function(
        "local", "Window", ["n"], ["w"], [helper.make_node("HannWindow", ["n"], ["w"])], [helper.make_opsetid("", 20)]
    )
    model = model_of(
        helper.make_node("Window", ["n"], ["w"], domain="local"),
        ("Conv", ["x", "k"], ["c"]),
        ("Mul", ["c", "w"], ["y"]),
        inputs=[info("x", (1, 1, 4)), info("n", (), TensorProto.INT64)],
        functions=[window],
        opsets=[helper.make_opsetid("", 20), helper.make_opsetid("local", 1)],
        weights={"k": np.ones((1, 1, 1), np.float32)},
    )
    y = mc.onnx.load(model)(mc.ones(1, 1, 4), mc.tensor(4))
    np.testing.assert_allclose(y.tolist(), [[[0, 0.5, 1, 0.5]]], atol=1e-6)


def test_the_model_of_the_user_does_not_change():
    model = model_of(("MeanVarianceNormalization", ["x"], ["y"]), inputs=[info("x", (1, 1, 2, 2))], version=13)
    before = model.SerializeToString()
    y = mc.onnx.load(model)(mc.tensor([[[[0.0, 0.0], [2.0, 2.0]]]]))
    assert model.SerializeToString() == before
    np.testing.assert_allclose(y.tolist(), [[[[-1, -1], [1, 1]]]], rtol=1e-5)  # over the axes 0, 2 and 3 by default


@pytest.mark.parametrize(
    ("attribute", "expected"),
    [
        ({"value": numpy_helper.from_array(np.array([3], np.int8))}, np.array([3], np.int8)),
        ({"value_float": 0.5}, np.float32(0.5)),
        ({"value_floats": [0.5, 1.0]}, np.float32([0.5, 1.0])),
        ({"value_int": 7}, np.int64(7)),
        ({"value_ints": [7, 8]}, np.array([7, 8])),
    ],
)
def test_constants_of_every_kind(attribute, expected):
    model = model_of(("Constant", [], ["c"], attribute), ("Identity", ["c"], ["y"]))
    y = mc.onnx.load(model)(mc.ones(2))
    assert (y.dtype, y.tolist()) == (expected.dtype, expected.tolist())


def test_a_constant_that_is_an_output_and_one_in_a_branch():
    constant = helper.make_node("Constant", [], ["z"], value_float=2.0)
    graph = helper.make_graph([constant], "branch", [], [info("z", ())])
    no = helper.make_graph([helper.make_node("Neg", ["x"], ["z"])], "no", [], [info("z", ())])
    model = model_of(
        ("Constant", [], ["c"], {"value_int": 1}),
        ("If", ["go"], ["y"], {"then_branch": graph, "else_branch": no}),
        inputs=[info("go", (), TensorProto.BOOL), info("x")],
        outputs=[info("y"), info("c", (), TensorProto.INT64)],
    )
    loaded = mc.onnx.load(model)
    y, c = loaded(mc.tensor(True), mc.ones(2))
    assert (y.item(), c.item()) == (2.0, 1)
    assert loaded(mc.tensor(False), mc.ones(2))[0].tolist() == [-1.0, -1.0]


def test_weights_of_a_wrong_size():
    model = model_of(("Add", ["x", "w"], ["y"]), weights={"w": np.ones(2, np.float32)})
    model.graph.initializer[0].raw_data = b"1234567"
    with pytest.raises(DataError, match=r"^onnx.load: the model is not a valid ONNX model: "):
        mc.onnx.load(model)


def test_a_graph_that_reads_what_nobody_makes():
    with pytest.raises(DataError, match=r"^onnx.load: the model is not a valid ONNX model: .*'?z'?"):
        mc.onnx.load(model_of(("Relu", ["z"], ["y"])))


@pytest.mark.parametrize("given", ["bytes", "proto"])
def test_weights_in_another_file_need_the_path(tmp_path, monkeypatch, given):
    """A file of that name in the current folder is not read."""
    model = model_of(("Add", ["x", "w"], ["y"]), weights={"w": np.arange(2, dtype=np.float32)})
    save(model, tmp_path / "model.onnx", save_as_external_data=True, location="weights.bin", size_threshold=0)
    monkeypatch.chdir(tmp_path)
    data = (tmp_path / "model.onnx").read_bytes()
    with pytest.raises(DataError, match="has 'w' in another file; pass the path of the model"):
        mc.onnx.load(data if given == "bytes" else onnx.load_model_from_string(data))


def test_damaged_weights():
    model = model_of(("Add", ["x", "w"], ["y"]), weights={"w": np.arange(2, dtype=np.float32)})
    model.graph.initializer[0].raw_data += b"1234"
    with pytest.raises(DataError, match=r"onnx.load: the model is damaged \(ValueError"):
        mc.onnx.load(model)
    model = model_of(("Cast", ["x"], ["y"], {"to": 99}))
    with pytest.raises(DataError, match=r"has 'to' with the element type number 99, which minicnn does not have"):
        mc.onnx.load(model)


@pytest.mark.parametrize(
    ("operator", "attributes"),
    [
        ("MaxPool", {"kernel_shape": [0, 0]}),
        ("MaxPool", {"kernel_shape": [-1, 2]}),
        ("MaxPool", {"kernel_shape": [2, 2], "dilations": [0, 0]}),
        ("MaxPool", {"kernel_shape": [2, 2], "strides": [0, 0]}),
        ("MaxPool", {"kernel_shape": [2]}),
        ("AveragePool", {"kernel_shape": [0, 0]}),
        ("AveragePool", {"kernel_shape": [1 << 40, 1]}),
        ("LpPool", {"kernel_shape": [2, 2], "strides": [0, 0]}),
    ],
)
def test_impossible_windows(operator, attributes):
    shapes = [info("x", (1, 1, 4, 4))], [info("y", (1, 1, None, None))]
    model = mc.onnx.load(model_of((operator, ["x"], ["y"], attributes), inputs=shapes[0], outputs=shapes[1]))
    with pytest.raises(MiniCNNError):
        model(mc.ones(1, 1, 4, 4))


@pytest.mark.parametrize(
    ("operator", "inputs", "weights"),
    [
        ("Reshape", ["x", "w"], {"w": np.array([0, 0, 0])}),
        ("Range", ["a", "b", "c"], {"a": np.float32(0), "b": np.float32(1), "c": np.float32(0)}),
        ("Pad", ["x", "w"], {"w": np.array([1, 1, 1])}),
        ("Tile", ["x", "w"], {"w": np.array([1 << 50, 1 << 50])}),
    ],
)
def test_inputs_with_which_a_node_cannot_run(operator, inputs, weights):
    model = mc.onnx.load(
        model_of(
            (operator, inputs, ["y"]),
            inputs=[info("x", (2, 2))],
            outputs=[info("y", (None,) * len(inputs))],
            weights=weights,
        )
    )
    with pytest.raises(MiniCNNError, match=operator):
        model(mc.ones(2, 2))
