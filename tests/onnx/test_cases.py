"""ONNX's own test cases: each passes, or its operator, element type or kind of value is left out with a reason."""

import numpy as np
import pytest
from onnx import TensorProto, helper

import minicnn as mc
from minicnn.onnx.registry import operators
from tests.onnx.cases import LEFT_OUT, NO_GRADIENT, Case, cases, refused, run_all

# Operators for which ONNX has no case, or none in the newest version.
WITHOUT_CASES = {"GlobalLpPool", "Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform"}


@pytest.mark.long
def test_every_case_passes_or_is_left_out_with_a_reason(capsys):
    report = run_all(cases())
    with capsys.disabled():
        print(f"[{dict(report.numbers)}] ", end="")
    assert report.failures == {}
    assert report.numbers["passed"] == report.numbers["applicable"] > 1500
    # Nothing is left out without a reason, and each reason has a case.
    assert sorted(report.refused) == sorted(thing for group in LEFT_OUT.values() for thing in group)
    assert report.without_gradient == NO_GRADIENT
    assert set(operators()) - report.operators == WITHOUT_CASES


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


def case(operator, expected):
    """Return a case of one operator with the input [-1, 2]."""
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [2]) for name in "xy")
    graph = helper.make_graph([helper.make_node(operator, ["x"], ["y"])], operator, [x], [y])
    return Case(operator, helper.make_model(graph), [np.float32([-1, 2])], [expected])


@pytest.mark.parametrize(
    "expected",
    [np.float32([0, 2.1]), np.float32([0, np.nan]), np.float32([[0, 2]]), np.float64([0, 2]), np.array([0, 2])],
)
def test_a_wrong_result_is_found(expected):
    report = run_all([case("Relu", expected)])
    assert (report.numbers["passed"], list(report.failures), report.refused) == (0, ["Relu"], set())


def test_a_missing_gradient_and_an_operator_that_is_refused_are_found():
    report = run_all(
        [case("Hardmax", np.float32([0, 1])), case("Relu", np.float32([0, 2])), case("Optional", np.zeros(1))]
    )
    assert report.without_gradient == {"Hardmax"}
    assert report.refused == {"Optional"}
    assert dict(report.numbers) == {"cases": 3, "passed": 2, "left out": 1, "applicable": 2}
