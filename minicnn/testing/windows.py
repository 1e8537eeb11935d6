"""The declarations of the primitives with sliding windows: convolution, im2col and pooling.

`conv_geometry` and `pool_geometry` draw small, unusual geometries; the declarations draw the arrays.
"""

import numpy as np

from minicnn.geometry import ConvSpec, PoolSpec, conv_spec, pool_spec
from minicnn.runtime.devices import CPU
from minicnn.runtime.dispatch import kernels
from minicnn.testing.draw import KINK, Array, Draw, Drawn, declare

__all__ = ["conv_geometry", "pool_geometry"]

# The maximum difference between the size of an image and of a window, for images of one to three axes.
SMALL, SMOOTH, LARGE = (13, 8, 3), (5, 3, 1), (900, 50, 15)

# --- convolution ----------------------------------------------------------------------------------------------


def conv_geometry(d: Draw) -> tuple[tuple[int, ...], tuple[int, ...], ConvSpec]:
    """Draw the input shape, weight shape and geometry of a convolution with one to three axes.

    Sizes are small and odd, and padding is often asymmetric.
    """
    n = d.one_of(2, 1, 3)
    common = n == 2 and d.boolean()  # 3×3 with stride 1, which has special kernels
    groups = 1 if common else d.one_of(1, 2) if d.smooth else d.one_of(1, 2, 3)
    channels = d.one_of(1, 2) if d.smooth else d.one_of(1, 4, 17) if d.large else d.one_of(1, 2, 4, 5)
    kernel, dilation, stride = (tuple(d.integer(1, high) for _ in range(n)) for high in (3, 2, 3))
    if common:
        kernel, dilation, stride = (3, 3), (1, 1), (1, 1)
    padding = tuple((d.integer(0, 2), d.integer(0, 2)) for _ in range(n))
    spans = [f * (k - 1) + 1 for k, f in zip(kernel, dilation, strict=True)]
    lows = [max(1, span - sum(p)) for span, p in zip(spans, padding, strict=True)]
    x = (d.one_of(1, 2, 3, 0), channels * groups, *_images(d, lows))
    w = ((d.one_of(1, 12, 35) if d.large else d.one_of(1, 2)) * groups, channels, *kernel)
    return x, w, conv_spec("conv", x, w, stride, padding, dilation, groups)


def _images(d: Draw, lows: list[int]) -> tuple[int, ...]:
    """Draw the size of images; `lows` are the minimum sizes."""
    extra = (LARGE if d.large else SMOOTH if d.smooth else SMALL)[len(lows) - 1]
    return tuple(d.integer(low + extra // 2 * d.large, low + extra) for low in lows)


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


@declare("conv_bias")
def _conv_bias(d: Draw) -> Drawn:
    x, w, spec = conv_geometry(d)
    return (d.array(x), d.array(w), d.array(w[:1])), {"spec": spec}


@declare("conv_bias_relu")
def _conv_bias_relu(d: Draw) -> Drawn:
    x_shape, w_shape, spec = conv_geometry(d)
    x, w = d.array(x_shape), d.array(w_shape)
    return (x, w, _bias(d, "conv", x, w, spec)), {"spec": spec}


@declare("conv_transpose_bias")
def _conv_transpose_bias(d: Draw) -> Drawn:
    x, w, spec = conv_geometry(d)
    return (d.array((x[0], w[0], *spec.output_size)), d.array(w), d.array(x[1:2])), {"spec": spec}


@declare("conv_transpose_bias_relu")
def _conv_transpose_bias_relu(d: Draw) -> Drawn:
    (n, *_), w_shape, spec = conv_geometry(d)
    x, w = d.array((n, w_shape[0], *spec.output_size)), d.array(w_shape)
    return (x, w, _bias(d, "conv_input_grad", x, w, spec)), {"spec": spec}


@declare("conv_bias_relu_pool")
def _conv_bias_relu_pool(d: Draw) -> Drawn:
    (n, filters, *size), pool = pool_geometry(d)
    channels = 1 if d.smooth else d.one_of(1, 3)
    kernel = tuple(1 if d.smooth else d.one_of(3, 1, 2) for _ in size)
    x_shape, w_shape = (n, channels, *size), (filters, channels, *kernel)
    spec = conv_spec("conv", x_shape, w_shape, padding=tuple((k // 2, (k - 1) // 2) for k in kernel))
    # Smooth outputs are multiples of distinct numbers, so no two outputs of a window are near each other.
    x, w = d.distinct(x_shape) if d.smooth else d.array(x_shape), d.array(w_shape, 0.5, 2)
    return (x, w, _bias(d, "conv", x, w, spec)), {"spec": spec, "pool": pool}


def _bias(d: Draw, operation: str, x: Array, w: Array, spec: ConvSpec) -> Array:
    """Draw a bias for each channel.

    For smooth values, -bias is in the middle of a wide gap between two outputs, so that no output plus bias is near 0.
    """
    y = kernels(operation, CPU)[-1].function(x, w, spec=spec)
    if not d.smooth:
        return d.with_nan(d.array(y.shape[1:2]))
    rows = np.moveaxis(y, 1, 0).reshape(y.shape[1], -1)
    ends = np.full((len(rows), 1), 9.0)  # with these gaps, ReLU removes all outputs of a channel, or none
    rows = np.sort(np.hstack([-ends, rows, ends]))
    gaps = [np.flatnonzero(np.diff(row) > KINK / 4) for row in rows]
    chosen = [gap[d.integer(0, len(gap) - 1)] for gap in gaps]
    return np.array([-(row[i] + row[i + 1]) / 2 for row, i in zip(rows, chosen, strict=True)])


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
    """Draw the input shape and geometry of a pooling with one to three axes.

    Windows are often without overlap, and sometimes large.
    """
    n = d.one_of(2, 1, 3)
    large = n == 2 and not d.smooth and d.one_of(False, False, True)
    kernel = (d.integer(5, 7), d.integer(7, 9)) if large else tuple(d.integer(1, 3) for _ in range(n))
    nonoverlapping = large or d.boolean()
    dilation = (1,) * n if average or nonoverlapping else tuple(d.integer(1, 2) for _ in range(n))
    stride = kernel if nonoverlapping else tuple(d.integer(1, 3) for _ in range(n))
    spans = [f * (k - 1) + 1 for k, f in zip(kernel, dilation, strict=True)]
    # With dilation, a window can contain only padding: its maximum is -inf, which is not smooth.
    limits = [0 if d.smooth and f > 1 else span // 2 for span, f in zip(spans, dilation, strict=True)]
    padding = (0,) * n if nonoverlapping and d.boolean() else tuple(d.integer(0, p) for p in limits)
    lows = [max(1, span - 2 * p) for span, p in zip(spans, padding, strict=True)]
    x = (d.one_of(1, 2, 0), d.one_of(4, 1, 19) if d.large else d.one_of(1, 2, 3), *_images(d, lows))
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
