"""Run convolution cases, forward and backward, in the other engines, each with its own API.

Each function takes a case and returns two functions, as `Engine.prepare` in engines.py. It raises UnsupportedError if
the engine cannot run the case.
"""

from typing import Any

import numpy as np

from benchmarks.cases import Op
from benchmarks.engines import Arrays, Prepared, operands

__all__ = ["PEERS", "UnsupportedError"]


class UnsupportedError(Exception):
    """Raised if an engine cannot run a case."""


def _needs(case: Op, *known: str, axes: tuple[int, ...] = (2,), transposed: bool = False) -> dict[str, Any]:
    """Return the parameters of the case; raise UnsupportedError if the engine does not know them all."""
    if "transpose" in case.function and not transposed:
        raise UnsupportedError("no transposed convolution")
    if int(case.function[-2]) not in axes:
        raise UnsupportedError(f"not for {case.function[-2]} axes")
    unknown = [f"{name} {value}" for name, value in case.params.items() if name not in known]
    if unknown:
        raise UnsupportedError(f"no {', '.join(unknown)}")
    return case.params


def mygrad(case: Op) -> Prepared:
    import mygrad as mg
    from mygrad.nnet.layers import conv_nd

    params = {"stride": 1, **_needs(case, "stride", "padding", "dilation", axes=(1, 2, 3))}
    sizes = zip(case.shapes["input"][2:], case.shapes["weight"][2:], strict=True)
    reach = [i + 2 * params.get("padding", 0) - params.get("dilation", 1) * (k - 1) - 1 for i, k in sizes]
    if any(r % params["stride"] for r in reach):
        raise UnsupportedError("no stride that leaves a border over")
    arrays, g = operands(case)
    tensors = {name: mg.tensor(a, constant=name not in case.differentiated) for name, a in arrays.items()}

    def both() -> Any:
        for t in tensors.values():
            t.null_grad()
        y = conv_nd(tensors["input"], tensors["weight"], **params)
        if "bias" in tensors:
            y = y + tensors["bias"].reshape(1, -1, *(1,) * (y.ndim - 2))
        y.backward(g)
        return y

    def results() -> Arrays:
        y = both()
        return {"output": y.data, **{f"gradient of {name}": tensors[name].grad for name in case.differentiated}}

    return both, results


def autograd(case: Op) -> Prepared:
    import autograd.numpy as anp
    from autograd import make_vjp
    from autograd.scipy.signal import convolve

    padding = _needs(case, "padding", axes=(1, 2, 3)).get("padding", 0)
    arrays, g = operands(case)
    axes = tuple(range(2, arrays["input"].ndim))
    flip = (slice(None), slice(None), *(slice(None, None, -1) for _ in axes))  # its convolution flips the kernel
    names = list(arrays)

    def function(*values: Any) -> Any:
        x, w, *bias = values
        if padding:
            x = anp.pad(x, ((0, 0), (0, 0), *((padding, padding) for _ in axes)), "constant")
        y = convolve(x, w[flip], axes=(axes, axes), dot_axes=([1], [1]), mode="valid")
        return y + anp.reshape(bias[0], (1, -1, *(1 for _ in axes))) if bias else y

    record = make_vjp(function, argnum=tuple(names.index(name) for name in case.differentiated))

    def both() -> Any:
        vjp, y = record(*arrays.values())
        return y, vjp(g)

    def results() -> Arrays:
        y, gradients = both()
        return {"output": y, **{f"gradient of {n}": h for n, h in zip(case.differentiated, gradients, strict=True)}}

    return both, results


def tinygrad(case: Op) -> Prepared:
    from tinygrad import Device, Tensor, TinyJit

    params = _needs(case, "stride", "padding", "dilation", "groups", axes=(1, 2, 3), transposed=True)
    arrays, g = operands(case)
    tensors = {name: Tensor(a, device="CPU").realize() for name, a in arrays.items()}
    gradient = Tensor(g, device="CPU").realize()

    @TinyJit
    def run(x: Any, w: Any, *rest: Any) -> Any:
        known = dict(zip([*arrays, "g"], (x, w, *rest), strict=True))
        bias = known.get("bias")
        y = (x.conv_transpose2d if "transpose" in case.function else x.conv2d)(w, bias, **params)
        gradients = y.gradient(*(known[name] for name in case.differentiated), gradient=known["g"])
        Tensor.realize(y, *gradients)
        return y, *gradients

    def both() -> Any:
        out = run(*tensors.values(), gradient)
        Device["CPU"].synchronize()
        return out

    both()
    both()  # the first call compiles, the second records the kernels, later calls replay them

    def results() -> Arrays:
        y, *gradients = (t.numpy() for t in both())
        return {"output": y, **{f"gradient of {n}": h for n, h in zip(case.differentiated, gradients, strict=True)}}

    return both, results


def chainer(case: Op) -> Prepared:
    import chainer.functions as F
    from chainer import Variable

    params = _needs(case, "stride", "padding", "dilation", "groups", axes=(2, 3), transposed=True)
    words = {"padding": "pad", "dilation": "dilate"}
    params = {words.get(name, name): value for name, value in params.items()}
    kind = "deconvolution" if "transpose" in case.function else "convolution"
    function = getattr(F, f"{kind}_{'2d' if case.function.endswith('2d') else 'nd'}")
    arrays, g = operands(case)
    variables = {name: Variable(a, requires_grad=name in case.differentiated) for name, a in arrays.items()}
    return _define_by_run(case, variables, lambda: function(*variables.values(), **params), g)


def dezero(case: Op) -> Prepared:
    from dezero import Variable, as_variable
    from dezero import functions as F

    params = _needs(case, "stride", "padding", transposed=True)
    params = {"pad" if name == "padding" else name: value for name, value in params.items()}
    function = F.deconv2d if "transpose" in case.function else F.conv2d
    arrays, g = operands(case)
    variables = {name: Variable(a) for name, a in arrays.items()}
    return _define_by_run(case, variables, lambda: function(*variables.values(), **params), as_variable(g))


def _define_by_run(case: Op, variables: dict[str, Any], forward: Any, g: Any) -> Prepared:
    """Prepare a case for Chainer or DeZero: both start the backward pass from the output's `grad`."""

    def both() -> Any:
        for v in variables.values():
            v.grad = None
        y = forward()
        y.grad = g
        y.backward()
        return y

    def results() -> Arrays:
        y = both()
        gradients = {f"gradient of {name}": variables[name].grad for name in case.differentiated}
        return {"output": y.data, **{name: h if isinstance(h, np.ndarray) else h.data for name, h in gradients.items()}}

    return both, results


PEERS = {f.__name__: f for f in (mygrad, autograd, tinygrad, chainer, dezero)}
