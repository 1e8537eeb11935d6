"""Tests of running a graph: what branches read, and how long values are kept."""

import gc
import weakref

import pytest
from onnx import TensorProto, helper

import minicnn as mc
from minicnn.errors import DTypeError
from minicnn.onnx.graph import Graph, Node
from minicnn.onnx.registry import Operator, find
from minicnn.onnx.values import axes_of, dtype_of, integers, number, numbers
from tests.onnx.models import info, model_of


def node(operator, inputs, outputs, **attributes):
    return Node(f"{operator} {outputs}", find(operator, 20), tuple(inputs), tuple(outputs), attributes)


def test_what_a_graph_reads_from_the_graph_around_it():
    inner = Graph(
        (node("Add", ["a", "x"], ["b"]), node("Mul", ["b", "c"], ["d"])), ("x",), ("d", "e"), {"c": mc.ones(1)}
    )
    assert inner.reads == {"a", "e"}
    call = node("If", ["go", ""], ["y"], then_branch=inner, else_branch=inner)
    assert call.reads == {"go", "a", "e"}


def test_values_are_kept_until_their_last_read():
    seen = []
    alive = {}

    def watch(x, *, name):
        gc.collect()
        seen.append(sorted(key for key, ref in alive.items() if ref() is not None))
        y = x + 1
        alive[name] = weakref.ref(y)
        return y

    watcher = Operator("Watch", 1, watch)

    def step(x, y):
        return Node(y, watcher, (x,), (y,), {"name": y})

    last = Graph((step("b", "f"),), (), ("f",), {})
    branch = Node("if", find("If", 20), ("go",), ("e",), {"then_branch": last, "else_branch": last})
    graph = Graph((step("x", "a"), step("a", "b"), step("b", "c"), step("c", "d"), branch), ("x", "go"), ("d", "e"), {})
    with mc.no_grad():
        d, e = graph.run({"x": mc.zeros(1), "go": mc.tensor(True)})
    assert (d.item(), e.item()) == (4.0, 3.0)
    # a is gone when c is made. b stays for the branch, d because it is a result, and c is gone before the branch.
    assert seen == [[], ["a"], ["b"], ["b", "c"], ["b", "d"]]


def test_a_branch_and_a_loop_read_values_around_them():
    body = helper.make_graph(
        [helper.make_node("Add", ["s", "twice"], ["t"]), helper.make_node("Identity", ["go"], ["on"])],
        "body",
        [info("i", (), TensorProto.INT64), info("go", (), TensorProto.BOOL), info("s")],
        [info("on", (), TensorProto.BOOL), info("t"), info("t")],
    )
    model = model_of(
        ("Add", ["x", "x"], ["twice"]),
        ("Loop", ["n", "", "x"], ["y", "all"], {"body": body}),
        inputs=[info("x"), info("n", (), TensorProto.INT64)],
        outputs=[info("y"), info("all", (3, 2))],
    )
    x = mc.tensor([1.0, 2.0], requires_grad=True)
    y, steps = mc.onnx.load(model)(x, mc.tensor(3))
    assert y.tolist() == [7.0, 14.0]
    assert steps.tolist() == [[3.0, 6.0], [5.0, 10.0], [7.0, 14.0]]
    y.sum().backward()
    assert x.grad.tolist() == [7.0, 7.0]


def test_numbers_of_tensors_and_attributes():
    for value in (mc.tensor([1.0, 2.0]), (1.0, 2.0)):
        assert numbers(value) == [1.0, 2.0]
        assert integers(value) == [1, 2]
    for value in (mc.tensor(3), mc.tensor([3]), 3, (3,)):
        assert number(value) == 3
    assert axes_of(None, 3) == [0, 1, 2]
    assert axes_of(mc.tensor([-1, 0]), 3) == [2, 0]
    assert dtype_of(TensorProto.FLOAT16) == mc.float16
    with pytest.raises(DTypeError, match=r"^onnx: minicnn has no element type with ONNX's number 16$"):
        dtype_of(TensorProto.BFLOAT16)
