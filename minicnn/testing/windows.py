"""How inputs and geometry of the primitives with sliding windows are drawn: convolution, im2col, pooling."""

import numpy as np

from minicnn.devices import CPU
from minicnn.dispatch import kernels
from minicnn.geometry import ConvSpec, PoolSpec, conv_spec, pool_spec
from minicnn.testing.draw import Array, Draw, Drawn, declare

__all__ = ["conv_geometry", "pool_geometry"]

# --- convolution ----------------------------------------------------------------------------------------------


def conv_geometry(d: Draw) -> tuple[tuple[int, ...], tuple[int, ...], ConvSpec]:
    """Input shape, weight shape and geometry of a convolution of one to three axes: small, odd and lopsided."""
    n = d.one_of(2, 1, 3)
    groups = d.one_of(1, 2) if d.smooth else d.one_of(1, 2, 3)
    channels = d.one_of(1, 2) if d.smooth else d.one_of(1, 2, 4, 5)
    kernel, dilation, stride = (tuple(d.integer(1, high) for _ in range(n)) for high in (3, 2, 3))
    padding = tuple((d.integer(0, 2), d.integer(0, 2)) for _ in range(n))
    spans = [f * (k - 1) + 1 for k, f in zip(kernel, dilation, strict=True)]
    lows = [max(1, span - sum(p)) for span, p in zip(spans, padding, strict=True)]
    room = (5, 3, 1)[n - 1] if d.smooth else (13, 8, 3)[n - 1]
    x = (d.one_of(1, 2, 3, 0), channels * groups, *(d.integer(low, low + room) for low in lows))
    w = (d.one_of(1, 2) * groups, channels, *kernel)
    return x, w, conv_spec("conv", x, w, stride, padding, dilation, groups)


@declare("conv")
def _conv(d: Draw) -> Drawn:
    x, w, spec = conv_geometry(d)
    return (d.array(x), d.array(w)), {"spec": spec}


@declare("conv_input_grad")
def _conv_input_grad(d: Draw) -> Drawn:
    x, w, spec = conv_geometry(d)
    return (d.array((x[0], w[0], *spec.output_size)), d.array(w)), {"spec": spec}


@declare("conv_weight_grad")
def _conv_weight_grad(d: Draw) -> Drawn:
    x, w, spec = conv_geometry(d)
    return (d.array(x), d.array((x[0], w[0], *spec.output_size))), {"spec": spec}


@declare("im2col")
def _im2col(d: Draw) -> Drawn:
    x, _, spec = conv_geometry(d)
    return d.array(x), {"spec": spec}


@declare("col2im")
def _col2im(d: Draw) -> Drawn:
    x, _, spec = conv_geometry(d)
    return d.array((x[0], x[1] * len(spec.taps), int(np.prod(spec.output_size)))), {"spec": spec}


# --- pooling --------------------------------------------------------------------------------------------------


def pool_geometry(d: Draw, average: bool = False) -> tuple[tuple[int, ...], PoolSpec]:
    """Input shape and geometry of a pooling of one to three axes; often disjoint windows, now and then large ones."""
    n = d.one_of(2, 1, 3)
    large = n == 2 and not d.smooth and d.one_of(False, False, True)
    kernel = (d.integer(5, 7), d.integer(7, 9)) if large else tuple(d.integer(1, 3) for _ in range(n))
    disjoint = large or d.boolean()
    dilation = (1,) * n if average or disjoint else tuple(d.integer(1, 2) for _ in range(n))
    stride = kernel if disjoint else tuple(d.integer(1, 3) for _ in range(n))
    spans = [f * (k - 1) + 1 for k, f in zip(kernel, dilation, strict=True)]
    most = [
        0 if d.smooth and f > 1 else span // 2 for span, f in zip(spans, dilation, strict=True)
    ]  # -inf is not smooth
    padding = (0,) * n if disjoint and d.boolean() else tuple(d.integer(0, p) for p in most)
    room = (6, 3, 1)[n - 1] if d.smooth else (13, 8, 3)[n - 1]
    lows = [max(1, span - 2 * p) for span, p in zip(spans, padding, strict=True)]
    x = (d.one_of(1, 2, 0), d.one_of(1, 2, 3), *(d.integer(low, low + room) for low in lows))
    counted, divisor = (d.boolean(), d.one_of(None, 3)) if average else (True, None)
    return x, pool_spec("pool", x, kernel, stride, padding, dilation, d.boolean(), counted, divisor, n)


@declare("max_pool")
def _max_pool(d: Draw) -> Drawn:
    shape, spec = pool_geometry(d)
    return d.distinct(shape), {"spec": spec}


@declare("max_unpool")
def _max_unpool(d: Draw) -> Drawn:
    winner, spec, _ = _winners(d)
    return (d.array(winner.shape), winner), {"spec": spec}


@declare("pick")
def _pick(d: Draw) -> Drawn:
    winner, spec, shape = _winners(d)
    return (d.array(shape), winner), {"spec": spec}


@declare("winner_index")
def _winner_index(d: Draw) -> Drawn:
    winner, spec, _ = _winners(d)
    return winner, {"spec": spec}


def _winners(d: Draw) -> tuple[Array, PoolSpec, tuple[int, ...]]:
    shape, spec = pool_geometry(d)
    reference = kernels("max_pool", CPU)[-1].function
    return d.layout(reference(d.array(shape), spec=spec)[1]), spec, shape


@declare("avg_pool")
def _avg_pool(d: Draw) -> Drawn:
    shape, spec = pool_geometry(d, average=True)
    return d.array(shape), {"spec": spec}


@declare("avg_pool_input_grad")
def _avg_pool_input_grad(d: Draw) -> Drawn:
    shape, spec = pool_geometry(d, average=True)
    return d.array((*shape[:2], *spec.output_size)), {"spec": spec}
