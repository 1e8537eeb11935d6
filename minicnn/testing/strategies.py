"""The declarations of the primitives: each function draws inputs and parameters of one or more primitives.

A declaration takes a `Draw` and returns the inputs and the parameters. The generic tests run all declared primitives on
every device, with every kernel, and check gradients up to second order. Convolution and pooling are declared in
windows.py, fused functions in graphs.py.
"""

from typing import Any

import numpy as np

from minicnn.ops.cross_entropy import Classes
from minicnn.runtime.devices import CPU
from minicnn.testing.draw import Draw, Drawn, declare

__all__: list[str] = []

# --- element-wise ---------------------------------------------------------------------------------------------


@declare("exp", "expm1", "sin", "cos", "tanh", "erf", "sigmoid", "softplus", "square", "neg", "clone")
def _smooth(d: Draw) -> Drawn:
    return d.array(d.shape()), {}


@declare("log", "sqrt", "rsqrt")
def _positive(d: Draw) -> Drawn:
    return d.array(d.shape(), 0.25, 3), {}


@declare("log1p")
def _above_minus_one(d: Draw) -> Drawn:
    return d.array(d.shape(), -0.75, 3), {}


@declare("abs", "sign", "relu")
def _kink_at_zero(d: Draw) -> Drawn:
    return d.with_nan(d.array(d.shape(), kinks=(0,))), {}


@declare("floor", "ceil", "round")
def _steps(d: Draw) -> Drawn:
    return d.array(d.shape(), kinks=np.arange(-2, 2.5, 0.5).tolist()), {}


@declare("relu_grad")
def _relu_grad(d: Draw) -> Drawn:
    shape = d.shape()
    return (d.array(shape), d.with_nan(d.array(shape, kinks=(0,)))), {}


@declare("bias_add")
def _bias_add(d: Draw) -> Drawn:
    shape = d.shape(2, 4)
    return (d.array(shape), d.array(shape[1:2])), {}


@declare("bias_act")
def _bias_act(d: Draw) -> Drawn:
    shape, activation = d.shape(2, 4), d.one_of("relu", "sigmoid", "tanh")
    x, b = d.array(shape), d.array(shape[1:2])
    if d.smooth and activation == "relu":  # x + b must not be near 0
        spread = b.reshape(-1, *(1,) * (len(shape) - 2))
        x = np.asarray(d.array(shape, kinks=(0,)) - spread)
    return (d.with_nan(x), b), {"activation": activation}


@declare("isnan", "isfinite", "logical_not")
def _any_kind(d: Draw) -> Drawn:
    return d.anything(d.shape()), {}


@declare("bitwise_not")
def _bits(d: Draw) -> Drawn:
    shape = d.shape()
    return d.bools(shape) if d.boolean() else d.integers(shape), {}


@declare("clamp")
def _clamp(d: Draw) -> Drawn:
    low, high = d.one_of((-1.0, 1.0), (None, 0.5), (-0.5, None), (1.0, -1.0))
    return d.array(d.shape(), kinks=[v for v in (low, high) if v is not None]), {"low": low, "high": high}


@declare("power")
def _power(d: Draw) -> Drawn:
    exponent = d.one_of(2, 3, 1, 0, -1, 0.5, -1.5)
    return d.array(d.shape(), *((0.25, 3) if exponent < 0 or exponent != int(exponent) else ())), {"exponent": exponent}


@declare("add", "sub", "mul")
def _two_operands(d: Draw) -> Drawn:
    shape = d.shape()
    return (d.array(shape), d.array(d.broadcast(shape))), {}


@declare("div", "floor_divide", "remainder")
def _quotient(d: Draw) -> Drawn:
    shape = d.shape()
    divisor = d.array(shape, 0.5, 2) if d.boolean() else d.array(shape, -2, -0.5)
    if not d.smooth:
        return (d.array(shape), divisor), {}
    quotient = d.array(shape, -2, 2, kinks=(-2, -1, 0, 1, 2))  # not near the jumps of the floor
    return (np.asarray(quotient * divisor), divisor), {}


@declare("pow")
def _two_powers(d: Draw) -> Drawn:
    shape = d.shape()
    return (d.array(shape, 0.25, 2), d.array(shape)), {}


@declare("maximum", "minimum")
def _maximum_and_minimum(d: Draw) -> Drawn:
    shape = d.shape()
    a = d.array(shape)
    return (d.with_nan(a), d.with_nan(np.asarray(a + d.array(shape, kinks=(0,))))), {}


@declare("eq", "ne", "lt", "le", "gt", "ge", "logical_and", "logical_or", "logical_xor")
def _comparison(d: Draw) -> Drawn:
    shape = d.shape()
    return (d.with_nan(d.array(shape, -0.25, 0.25)), d.array(d.broadcast(shape), -0.25, 0.25)), {}


@declare("bitwise_and", "bitwise_or", "bitwise_xor")
def _two_bits(d: Draw) -> Drawn:
    shape = d.shape()
    return ((d.bools(shape), d.bools(shape)) if d.boolean() else (d.integers(shape), d.integers(shape))), {}


@declare("where")
def _where(d: Draw) -> Drawn:
    shape = d.shape()
    return (d.bools(d.broadcast(shape)), d.array(shape), d.array(shape)), {}


# --- shape and indexing ---------------------------------------------------------------------------------------


@declare("reshape")
def _reshape(d: Draw) -> Drawn:
    shape = d.shape()
    size = int(np.prod(shape))
    return d.array(shape), {"shape": d.one_of((size,), (1, size), (size, 1, 1), shape[::-1])}


@declare("permute")
def _permute(d: Draw) -> Drawn:
    shape = d.shape()
    return d.array(shape), {"axes": d.order(len(shape))}


@declare("flip")
def _flip(d: Draw) -> Drawn:
    shape = d.shape()
    return d.array(shape), {"axes": d.axes(len(shape))}


@declare("move")
def _move(d: Draw) -> Drawn:
    return d.array(d.shape()), {"target": CPU, "source": CPU}


@declare("cast")
def _cast(d: Draw) -> Drawn:
    x = d.array(d.shape())
    names = ("float64",) if d.smooth else ("float64", "float32", "int64", "bool")
    return x, {"dtype": np.dtype(d.one_of(*names)), "source": x.dtype}


@declare("expand")
def _expand(d: Draw) -> Drawn:
    shape = d.shape()
    return d.array(d.broadcast(shape)), {"shape": shape}


@declare("index")
def _index(d: Draw) -> Drawn:
    shape, index, _ = _index_of_shape(d)
    return d.array(shape), {"index": index}


@declare("index_add")
def _index_add(d: Draw) -> Drawn:
    shape, index, part = _index_of_shape(d)
    return d.array(part), {"index": index, "shape": shape}


@declare("index_put")
def _index_put(d: Draw) -> Drawn:
    shape, index, part = _index_of_shape(d, repeats=False)
    return (d.array(shape), d.array(part)), {"index": index}


def _index_of_shape(d: Draw, repeats: bool = True) -> tuple[tuple[int, ...], tuple[Any, ...], tuple[int, ...]]:
    """Draw a shape, an index for it, and the shape of the indexed part."""
    shape = d.shape(1, 3, sizes=(2, 1, 3, 5))
    n = shape[0]
    kind = d.one_of("slice", "integer", "backwards", "none", "empty", "rows", "mask", "array", "two arrays")
    key: tuple[Any, ...]
    match kind:
        case "slice":
            key = (slice(d.integer(0, n - 1), None), ...)
        case "integer":
            key = (d.integer(-n, n - 1), ...)
        case "backwards":
            key = (..., slice(None, None, -2))
        case "none":
            key = (None, slice(0, n, 2), ...)
        case "empty":
            key = (slice(n, None), ...)
        case "rows":
            key = (d.bools((n,)), ...)
        case "mask":
            key = (d.bools(shape),)
        case "two arrays" if len(shape) > 1:
            key = (d.choice(n, 2, repeats=False)[:, None], d.choice(shape[1], 3, repeats=False)[None, :], ...)
        case _:
            key = (d.choice(n, 4, repeats) - d.integer(0, 1) * n, ...)
    return shape, key, np.empty(shape)[key].shape


@declare("cat")
def _cat(d: Draw) -> Drawn:
    shape = d.shape(1, 3)
    axis = d.integer(0, len(shape) - 1)
    sizes = [d.integer(0, 3) for _ in range(d.integer(1, 3))]
    return tuple(d.array((*shape[:axis], size, *shape[axis + 1 :])) for size in sizes), {"axis": axis}


@declare("stack")
def _stack(d: Draw) -> Drawn:
    shape = d.shape()
    return tuple(d.array(shape) for _ in range(d.integer(1, 3))), {"axis": d.integer(0, len(shape))}


@declare("pad")
def _pad(d: Draw) -> Drawn:
    shape = d.shape(1, 3)
    return d.array(shape), {
        "widths": tuple((d.integer(0, 2), d.integer(0, 2)) for _ in shape),
        "value": d.one_of(0.0, 1.5),
    }


# --- reductions -----------------------------------------------------------------------------------------------


@declare("sum", "prod")
def _reduction(d: Draw) -> Drawn:
    shape = d.shape()
    return d.array(shape), {"axes": d.axes(len(shape)), "keepdim": d.boolean()}


@declare("all", "any")
def _truth(d: Draw) -> Drawn:
    shape = d.shape()
    return d.anything(shape), {"axes": d.axes(len(shape)), "keepdim": d.boolean()}


@declare("amax", "amin")
def _extremum(d: Draw) -> Drawn:
    shape = d.shape(sizes=(2, 1, 3, 5))
    return d.distinct(shape), {"axes": d.axes(len(shape)), "keepdim": d.boolean()}


@declare("argmax", "argmin")
def _winner(d: Draw) -> Drawn:
    shape = d.shape(sizes=(2, 1, 3, 5))
    return d.with_nan(d.array(shape, -0.5, 0.5)), {"axis": d.one_of(None, *range(len(shape))), "keepdim": d.boolean()}


@declare("cumsum", "cumprod")
def _along_axis(d: Draw) -> Drawn:
    shape = d.shape(1, 3)
    return d.array(shape), {"axis": d.integer(0, len(shape) - 1)}


@declare("recurrence")
def _recurrence(d: Draw) -> Drawn:
    shape = d.shape(1, 3)
    return (d.array(shape), d.array(shape)), {"axis": d.integer(0, len(shape) - 1)}


@declare("softmax", "log_softmax")
def _softmax(d: Draw) -> Drawn:
    shape, params = _along_one(d)
    return d.array(shape), params


def _along_one(d: Draw) -> tuple[tuple[int, ...], dict[str, Any]]:
    shape = d.shape()  # a 0-d array counts as an array with one axis
    return shape, {"axis": d.integer(0, max(len(shape) - 1, 0))}


@declare("softmax_grad", "log_softmax_grad")
def _softmax_gradient(d: Draw) -> Drawn:
    shape, params = _along_one(d)
    return (d.array(shape), d.array(shape)), params


@declare("nll", "cross_entropy")
def _class_loss(d: Draw) -> Drawn:
    shape, labels, weight, params = _labelled(d)
    return (d.array(shape), labels, weight), params


@declare("nll_grad")
def _nll_gradient(d: Draw) -> Drawn:
    _, labels, weight, params = _labelled(d)
    return (d.array(labels.shape), labels, weight), params


@declare("cross_entropy_grad")
def _cross_entropy_gradient(d: Draw) -> Drawn:
    shape, labels, weight, params = _labelled(d)
    return (d.array(labels.shape), d.array(shape), labels, weight), params


def _labelled(d: Draw) -> tuple[tuple[int, ...], np.ndarray[Any, Any], np.ndarray[Any, Any], dict[str, Any]]:
    """Draw the shape of logits, a label for each example (sometimes not a class), class weights and parameters."""
    shape = d.shape(1, 3)
    axis = d.integer(0, len(shape) - 1)
    n, ignored = shape[axis], d.one_of(-1, 0)
    last = n - 1 if d.smooth else n - d.integer(0, 1)
    labels = d.integers(shape[:axis] + shape[axis + 1 :], ignored, max(last, ignored))
    smoothing = d.one_of(0.0, 0.25, 1.0)
    return shape, labels, d.array((n,), 0.25, 2), {"classes": Classes(axis, smoothing, ignored)}


@declare("normalize", "rstd")
def _normalisation(d: Draw) -> Drawn:
    shape, params = _along_axes(d)
    return d.array(shape), params


@declare("normalize_input_grad")
def _normalisation_gradient(d: Draw) -> Drawn:
    shape, params = _along_axes(d)
    return (d.array(shape), d.array(shape)), params


def _along_axes(d: Draw) -> tuple[tuple[int, ...], dict[str, Any]]:
    shape = d.shape(2, 4, sizes=(2, 3, 1))
    return shape, {"axes": d.axes(len(shape)), "eps": d.one_of(1e-5, 0.1) if not d.smooth else 0.1}


@declare("batch_norm")
def _batch_norm(d: Draw) -> Drawn:
    shape = d.shape(2, 4, sizes=(2, 3, 1, 9))
    return (d.array(shape), d.array(shape[1:2]), d.array(shape[1:2])), {
        "eps": d.one_of(1e-5, 0.1) if not d.smooth else 0.1
    }


@declare("batch_norm_grads")
def _batch_norm_gradients(d: Draw) -> Drawn:
    shape = d.shape(2, 4, sizes=(2, 3, 1, 9))
    return (d.array(shape), d.array(shape), d.array(shape[1:2])), {"eps": d.one_of(1e-5, 0.1)}


@declare("normalize_with")
def _normalisation_with(d: Draw) -> Drawn:
    shape = d.shape(2, 4)
    x, mean, w, b = (d.array(s) for s in (shape, *(shape[1:2],) * 3))
    return (x, mean, d.array(shape[1:2], 0.25, 3), w, b), {"eps": d.one_of(1e-5, 0.1)}


# --- products -------------------------------------------------------------------------------------------------


SIZES = {False: (2, 1, 3, 7, 0), True: (64, 1, 33, 127)}  # sizes of matrices, by `large`


@declare("matmul")
def _matmul(d: Draw) -> Drawn:
    batch = tuple(d.one_of(2, 1, 0) for _ in range(d.integer(0, 2)))
    n, k, m = (d.one_of(*SIZES[d.large]) for _ in range(3))
    return (d.array((*batch, n, k)), d.array((*batch, k, m))), {}


@declare("linear")
def _linear(d: Draw) -> Drawn:
    n, k, m = (d.one_of(*SIZES[d.large]) for _ in range(3))
    return (d.array((n, k)), d.array((m, k))), {}
