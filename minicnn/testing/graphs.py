"""The declaration of the primitives `fused` and `fused_sum`: it draws random graphs of element-wise steps."""

from typing import Any

import numpy as np

from minicnn.autograd.primitive import primitives
from minicnn.autograd.tensor import Tensor
from minicnn.backends.trace import TRACING, Tracer, graph_of
from minicnn.ops.fuse import trace
from minicnn.testing.draw import Draw, Drawn, declare

__all__: list[str] = []


def _op(operation: str, *operands: Any) -> Tracer:
    return Tracer(operation, tuple(o if isinstance(o, Tracer) else np.asarray(o) for o in operands))


@declare("fused", "fused_sum")
def _random_graph(d: Draw) -> Drawn:
    """Draw a random graph. Steps with a kink or a jump read only inputs, because inputs are smooth values."""
    shape, count = d.shape(), d.integer(1, 3)
    single = [i > 0 and d.boolean() for i in range(count)]
    arrays = tuple(d.with_nan(d.array(() if is_single else shape, kinks=(0, 0.5))) for is_single in single)
    inputs = [Tracer(f"input {i}") for i in range(count)]
    values = list(inputs)
    for _ in range(d.integer(0, 5)):
        a, b = (values[d.integer(0, len(values) - 1)] for _ in range(2))
        x, y = (inputs[d.integer(0, count - 1)] for _ in range(2))
        values.append(_step(d, a, b, x, y))
    graph = graph_of("random", inputs, values[-1])

    def function(*tensors: Tensor) -> Tensor:
        constants = [Tensor._wrap(np.asarray(value), TRACING) for value in graph.constants]
        y: Tensor = graph.run(tensors, constants, primitives().__getitem__)
        return y

    return arrays, {"graph": trace("random", function, count)}


def _step(d: Draw, a: Tracer, b: Tracer, x: Tracer, y: Tracer) -> Tracer:
    """Draw a step on values a and b and inputs x and y. Its results stay small, and it has no poles."""
    positive = _op("add", _op("square", a), 0.5)
    kind = d.one_of("any", "curve", "root", "two", "quotient", "input", "extreme", "choice", "number")
    match kind:
        case "any":
            return _op(d.one_of("neg", "sigmoid", "tanh", "softplus", "erf", "clone"), a)
        case "curve":
            return _op(d.one_of("exp", "expm1"), _op("tanh", a))
        case "root":
            return _op(d.one_of("sqrt", "rsqrt", "log", "log1p"), positive)
        case "two":
            return _op(d.one_of("add", "sub", "mul"), a, _op("tanh", b))
        case "quotient":
            return _op("div", b, positive)
        case "input":
            return _op(d.one_of("abs", "sign", "relu"), x)
        case "extreme":
            return _op(d.one_of("maximum", "minimum"), x, 0.5) if d.boolean() else _op("relu_grad", a, x)
        case "choice":
            return _op("where", _condition(d, x, y), a, b)
    return _op("where", _condition(d, x, y), 1.0, -0.5)


def _condition(d: Draw, x: Tracer, y: Tracer) -> Tracer:
    condition = _op(d.one_of("lt", "le", "gt", "ge", "eq", "ne"), x, d.one_of(0.0, 0.5))
    logical = d.one_of("none", "logical_not", "logical_and", "logical_or")
    if logical == "none":
        return condition
    return _op(logical, condition, *([] if logical == "logical_not" else [_op("lt", 0.0, y)]))
