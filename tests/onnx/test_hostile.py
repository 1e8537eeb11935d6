"""Wrong and hostile models end with one clear error, soon and without much memory."""

import inspect
import time
from typing import Literal, get_origin

import numpy as np
import pytest
from onnx import TensorProto, defs, helper

import minicnn as mc
from minicnn.errors import ArgumentError, DataError, OutOfRangeError
from minicnn.onnx.reading import NEWEST
from minicnn.onnx.registry import find, operators
from tests.onnx.models import info, model_of

OPSETS = [helper.make_opsetid("", 20), helper.make_opsetid("d", 1)]


def nested(depth):
    """Return a model whose functions each call the next one twice: 2^(depth - 1) nodes."""
    functions = [helper.make_function("d", "F0", ["a"], ["b"], [helper.make_node("Neg", ["a"], ["b"])], OPSETS)]
    for i in range(1, depth):
        calls = [helper.make_node(f"F{i - 1}", [a], [b], domain="d") for a, b in (("a", "t"), ("t", "b"))]
        functions.append(helper.make_function("d", f"F{i}", ["a"], ["b"], calls, OPSETS))
    call = helper.make_node(f"F{depth - 1}", ["x"], ["y"], domain="d")
    return model_of(call, functions=functions, opsets=OPSETS)


def test_functions_that_grow_are_counted_before_they_are_expanded():
    begin = time.perf_counter()
    with pytest.raises(
        DataError, match=r"has 33554432 nodes when its functions are expanded, more than max_nodes=100000"
    ):
        mc.onnx.load(nested(26))
    assert time.perf_counter() - begin < 5
    with pytest.raises(DataError, match=r"has 16 nodes when .* more than max_nodes=15"):
        mc.onnx.load(nested(5), max_nodes=15)
    x = mc.tensor([1.0, -2.0])
    assert mc.onnx.load(nested(5), max_nodes=16)(x).tolist() == [1.0, -2.0]


def loop(count):
    """Return a model that adds 1 to x in each turn."""
    turn, go_on = info("turn", (), TensorProto.INT64), info("go_on", (), TensorProto.BOOL)
    same, add = helper.make_node("Identity", ["go_on"], ["still"]), helper.make_node("Add", ["s", "one"], ["t"])
    outputs = [info("still", (), TensorProto.BOOL), info("t")]
    body = helper.make_graph([same, add], "body", [turn, go_on, info("s")], outputs)
    weights = {"count": np.array(count), "one": np.float32(1)}
    return model_of(helper.make_node("Loop", ["count", "", "x"], ["y"], body=body), weights=weights)


def test_turns_of_loops_have_a_limit_that_can_be_set():
    model = mc.onnx.load(loop(1 << 62))
    assert model.max_turns == 100_000
    model.max_turns = 50
    message = "a call runs more than max_turns=50 turns of loops; if the model is right, set its max_turns"
    with pytest.raises(ArgumentError, match=message):
        model(mc.zeros(2))
    model = mc.onnx.load(loop(50))
    model.max_turns = 50
    for _ in range(2):  # each call counts from the start
        assert model(mc.zeros(2)).tolist() == [50, 50]


def test_scans_count_too_and_take_one_slice_at_a_time():
    body = helper.make_graph(
        [helper.make_node("Add", ["s", "e"], ["t"])], "body", [info("s", ()), info("e", ())], [info("t", ())]
    )
    weights = {"start": np.float32(0), "many": np.array([1 << 40])}
    model = mc.onnx.load(
        model_of(
            ("Expand", ["x", "many"], ["long"]),
            helper.make_node("Scan", ["start", "long"], ["y"], body=body, num_scan_inputs=1),
            inputs=[info("x", (1,))],
            outputs=[info("y", ())],
            weights=weights,
        )
    )
    model.max_turns = 20
    with pytest.raises(ArgumentError, match="more than max_turns=20"):
        model(mc.ones(1))


def test_versions_that_are_newer_than_the_newest_known_one():
    assert defs.onnx_opset_version() == NEWEST  # of the package of the tests
    for model in (
        model_of(("Relu", ["x"], ["y"]), version=9999),
        model_of(("Relu", ["x"], ["y"]), opsets=[helper.make_opsetid("ai.onnx", NEWEST + 1)]),
    ):
        with pytest.raises(
            DataError, match=rf"has version \d+ of ONNX's operators, and the newest known one is {NEWEST}"
        ):
            mc.onnx.load(model)


def test_outputs_of_one_name():
    with pytest.raises(DataError, match="has the outputs y, y, of which one appears twice"):
        mc.onnx.load(model_of(("Relu", ["x"], ["y"]), outputs=[info("y"), info("y")]))


@pytest.mark.parametrize(
    "nodes",
    [
        [("Add", ["x", "b"], ["a"]), ("Relu", ["a"], ["b"]), ("Relu", ["b"], ["y"])],
        [("Relu", ["x"], ["y"]), ("Neg", ["x"], ["y"])],
    ],
)
@pytest.mark.parametrize("inside", [False, True])
def test_cycles_and_values_that_are_made_twice(nodes, inside):
    made = [helper.make_node(*node) for node in nodes]
    function = helper.make_function("d", "F", ["x"], ["y"], made, OPSETS)
    call = helper.make_node("F", ["x"], ["y"], domain="d")
    model = model_of(call, functions=[function], opsets=OPSETS) if inside else model_of(*made)
    with pytest.raises(
        DataError, match=r"is not a valid ONNX model: .* must be (topologically sorted|in single static)"
    ):
        mc.onnx.load(model)


def test_functions_that_call_themselves():
    call = helper.make_node("F", ["x"], ["y"], domain="d")
    function = helper.make_function("d", "F", ["x"], ["y"], [call], OPSETS)
    with pytest.raises(DataError, match="recursive"):
        mc.onnx.load(model_of(call, functions=[function], opsets=OPSETS))


# --- attributes -----------------------------------------------------------------------------------------------


def keywords():
    """Yield (operator, name, parameter) of all attributes of all versions."""
    for name in operators():
        for since in range(1, NEWEST + 1):
            found = find(name, since)
            if found is not None and found.since == since:
                for parameter in inspect.signature(found.function).parameters.values():
                    if parameter.kind is parameter.KEYWORD_ONLY:
                        yield found, parameter


def test_texts_are_sets_of_values():
    free = {(known.name, p.name) for known, p in keywords() if p.annotation is str}
    assert free == {("Einsum", "equation")}
    closed = [(known, p) for known, p in keywords() if get_origin(p.annotation) is Literal]
    assert len(closed) >= 30
    for known, parameter in closed:
        problem = known.problem(1, {parameter.name: "FOO"})
        assert problem.startswith(f"has {parameter.name}='FOO', which must be one of "), known.name
        if isinstance(parameter.default, str):
            assert "must be one of" not in known.problem(1, {parameter.name: parameter.default})


def run(operator, shape, weights, outputs=("y",), **attributes):
    node = helper.make_node(operator, ["x", *weights], list(outputs), **attributes)
    results = [info(name, ()) for name in outputs]
    return mc.onnx.load(model_of(node, inputs=[info("x", shape)], outputs=results, weights=weights))(mc.ones(shape))


KERNEL, HALVES = {"w": np.ones((1, 1, 3, 3), np.float32)}, ("a", "b")
CELL = {"w": np.ones((1, 4, 2), np.float32), "r": np.ones((1, 4, 4), np.float32)}


@pytest.mark.parametrize(
    ("operator", "shape", "weights", "attributes", "message"),
    [
        ("Split", (5,), {"s": np.array([2, 2])}, {}, r"the sizes \[2, 2\] do not fit to 2 outputs of an axis of 5"),
        ("Split", (5,), {"s": np.array([2, 2, 1])}, {}, r"the sizes \[2, 2, 1\] do not fit to 2 outputs"),
        ("Split", (5,), {"s": np.array([-1, 6])}, {}, r"the sizes \[-1, 6\] do not fit"),
        ("Split", (5,), {}, {"num_outputs": 3}, r"num_outputs=3 do not fit to 2 outputs"),
        (
            "Conv",
            (1, 1, 5, 5),
            KERNEL,
            {"kernel_shape": [2, 2]},
            r"kernel_shape is \(2, 2\), but the weight has \(3, 3",
        ),
        ("ConvTranspose", (1, 1, 5, 5), KERNEL, {"kernel_shape": [3]}, r"kernel_shape is \(3,\), but the weight has"),
        ("Conv", (1, 1, 5, 5), KERNEL, {"strides": [1]}, r"strides must have 2 numbers for 2 axes, got \(1,\)"),
        ("Conv", (1, 1, 5, 5), KERNEL, {"pads": [1, 1]}, r"pads must have 4 numbers for 2 axes"),
        ("ConvTranspose", (1, 1, 5, 5), KERNEL, {"output_shape": [5]}, r"output_shape must have 2 numbers for 2 axes"),
        ("MaxPool", (1, 1, 5, 5), {}, {"kernel_shape": [2]}, r"kernel_shape must have 2 numbers for 2 axes"),
        ("RNN", (3, 1, 2), CELL, {"hidden_size": 5}, r"do not fit to direction='forward' and hidden_size=5"),
        ("RNN", (3, 1, 2), CELL, {"direction": "bidirectional"}, r"do not fit to direction='bidirectional'"),
        ("RNN", (3, 1, 2), CELL, {"activations": ["Tanh", "Relu"]}, r"expected 1 activations, got \['Tanh', 'Relu'\]"),
        (
            "Squeeze",
            (2, 1),
            {"a": np.array([0])},
            {},
            r"Squeeze: the axes \[0\] of \(2, 1\) have more than one element",
        ),
        ("Unsqueeze", (2,), {"a": np.array([0, 0])}, {}, r"an axis appears twice in \[0, 0\]"),
        ("Flatten", (2, 3), {}, {"axis": 7}, r"axis=7 is out of range for a tensor of 2 axes"),
        ("Dropout", (2,), {"r": np.float32(2), "t": np.array(True)}, {}, r"ratio must be in \[0, 1\], got 2.0"),
    ],
)
def test_attributes_that_do_not_fit_to_the_inputs(operator, shape, weights, attributes, message):
    with pytest.raises(ArgumentError, match=message):
        run(operator, shape, weights, HALVES if operator == "Split" else ("y",), **attributes)


@pytest.mark.parametrize(
    ("operator", "weights", "attributes"),
    [
        ("Gather", {"i": np.array([0])}, {"axis": 7}),
        ("LayerNormalization", {"s": np.ones(3, np.float32)}, {"axis": 7}),
        ("ReduceSum", {"a": np.array([7])}, {}),
        ("Slice", {"a": np.array([0]), "b": np.array([1]), "c": np.array([7])}, {}),
        ("Unsqueeze", {"a": np.array([7])}, {}),
        ("OneHot", {"d": np.array(3), "v": np.array([0.0, 1.0], np.float32)}, {"axis": 7}),
        ("Pad", {"p": np.array([1, 1]), "v": np.float32(0), "a": np.array([7])}, {}),
    ],
)
def test_axes_that_do_not_exist(operator, weights, attributes):
    with pytest.raises(OutOfRangeError, match=r"dim=7 is out of range for a tensor of [23] axes"):
        run(operator, (2, 3), weights, **attributes)
