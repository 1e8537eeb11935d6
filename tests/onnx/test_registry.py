"""Tests of the table of operators: versions, and calls that do not fit."""

import pickle

import pytest

from minicnn.onnx import registry
from minicnn.onnx.registry import find, operator, operators


@pytest.fixture(autouse=True)
def _own_table(monkeypatch):
    monkeypatch.setattr(registry, "_table", {})


def test_the_newest_function_of_a_version():
    @operator("F", since=13)
    def new(x, *, axis=-1):
        return x

    @operator("F", settings=(1,))
    def old(x, *, axis=1):
        return x

    assert [find("F", version).function for version in (1, 12, 13, 20)] == [old, old, new, new]
    assert (find("F", 1).settings, find("F", 13).settings) == ((1,), ())
    assert find("F", 0) is None
    assert find("G", 20) is None
    assert operators() == ["F"]
    assert pickle.loads(pickle.dumps(find("F", 12))) == find("F", 12)


@pytest.mark.parametrize(
    ("inputs", "attributes", "problem"),
    [
        (1, {}, ""),
        (2, {"axis": 1}, ""),
        (1, {"b": 1}, ""),  # an attribute of an old version that is an input now
        (1, {"size": 1}, "has the attribute 'size', which is not supported"),
        (1, {"outputs": 1}, "has the attribute 'outputs', which is not supported"),
        (0, {}, "has wrong inputs or attributes"),
        (3, {}, "has wrong inputs or attributes"),
        (2, {"b": 1}, "has wrong inputs or attributes"),
    ],
)
def test_calls_that_fit_and_that_do_not(inputs, attributes, problem):
    @operator("F")
    def function(a, b=None, *, axis=0, outputs):
        return a

    found = find("F", 1)
    assert found.counts_outputs
    text = found.problem(inputs, attributes)
    assert text.startswith(problem)
    assert bool(text) == bool(problem)


def test_any_number_of_inputs():
    operator("F")(lambda *tensors, axis: tensors)
    assert find("F", 1).problem(7, {"axis": 1}) == ""
    assert find("F", 1).problem(7, {}).startswith("has wrong inputs")
    assert find("F", 1).problem(0, {"axis": 1, "tensors": 1}) == "has the attribute 'tensors', which is not supported"
