"""ONNX's own test cases: each passes, or its operator, element type or kind of value is left out with a reason."""

import numpy as np
import pytest
from onnx import TensorProto, helper

import minicnn as mc
from minicnn.onnx.registry import operators
from tests.onnx.node_cases import LEFT_OUT, NO_GRADIENT, cases, refused, run_all

# Operators for which ONNX has no case, or none in the newest version.
WITHOUT_CASES = {"GlobalLpPool", "Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform"}


@pytest.mark.long
def test_every_case_passes_or_is_left_out_with_a_reason(capsys):
    found = cases()
    report = run_all(found)
    with capsys.disabled():
        print(f"[{dict(report.numbers)}] ", end="")
    assert report.failures == {}
    assert report.numbers["passed"] == report.numbers["applicable"] > 1500
    # Nothing is left out without a reason, and each reason has a case.
    assert sorted(report.refused) == sorted(thing for group in LEFT_OUT.values() for thing in group)
    assert report.without_gradient == NO_GRADIENT
    used = {node.op_type for case in found for node in case.model.graph.node}
    assert set(operators()) - used == WITHOUT_CASES


@pytest.mark.parametrize(
    ("message", "things"),
    [
        ("has the operators A, ai.onnx.ml.B, which minicnn does not have", {"A", "ai.onnx.ml.B"}),
        ("has the operator A, which minicnn does not have", {"A"}),
        ("has 'x' with the element type int4, which minicnn does not have", {"int4"}),
        ("has 'x' of the kind optional, and in minicnn all values are tensors", {"optional"}),
    ],
)
def test_a_message_tells_what_is_left_out(message, things):
    assert refused(mc.DataError(message)) == things


class Case:
    """A case as ONNX's, of one operator with the input [-1, 2]."""

    name, rtol, atol = "wrong", 1e-3, 1e-7

    def __init__(self, operator, expected):
        x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [2]) for name in "xy")
        self.model = helper.make_model(helper.make_graph([helper.make_node(operator, ["x"], ["y"])], "wrong", [x], [y]))
        self.data_sets = [([np.array([-1, 2], np.float32)], [expected])]


@pytest.mark.parametrize(
    "expected",
    [np.float32([0, 2.1]), np.float32([0, np.nan]), np.float32([[0, 2]]), np.float64([0, 2]), np.array([0, 2])],
)
def test_a_wrong_result_is_found(expected):
    report = run_all([Case("Relu", expected)])
    assert (report.numbers["passed"], list(report.failures), report.refused) == (0, ["wrong"], set())


def test_a_missing_gradient_and_an_operator_that_is_refused_are_found():
    report = run_all(
        [Case("Hardmax", np.float32([0, 1])), Case("Relu", np.float32([0, 2])), Case("Optional", np.zeros(1))]
    )
    assert report.without_gradient == {"Hardmax"}
    assert report.refused == {"Optional"}
    assert dict(report.numbers) == {"cases": 3, "passed": 2, "left out": 1, "applicable": 2}
