"""Models of a few nodes for the tests."""

import numpy as np
from onnx import TensorProto, helper, numpy_helper


def info(name, shape=(2,), kind=TensorProto.FLOAT):
    return helper.make_tensor_value_info(name, kind, shape)


def model_of(*nodes, inputs=(), outputs=(), weights=None, version=20, functions=(), **settings):
    """Return a model of nodes (operator, inputs, outputs, attributes) or NodeProtos, with x -> y by default."""
    made = [node if not isinstance(node, tuple) else helper.make_node(*node[:3], **dict(*node[3:])) for node in nodes]
    initializers = [numpy_helper.from_array(np.asarray(value), name) for name, value in (weights or {}).items()]
    graph = helper.make_graph(made, "test", list(inputs) or [info("x")], list(outputs) or [info("y")], initializers)
    opsets = settings.pop("opsets", [helper.make_opsetid("", version)])
    return helper.make_model(graph, opset_imports=opsets, functions=list(functions), **settings)
