"""A convolution with the bias, the ReLU and the maximum pooling that follow it, in one pass where a kernel can.

    conv_bias              y = conv(x, w) + b                    conv_transpose_bias         the same with
    conv_bias_relu         y = max(conv(x, w) + b, 0)            conv_transpose_bias_relu    conv_input_grad
    conv_bias_relu_pool    y = max_pool(max(conv(x, w) + b, 0)), with max_pool's winners

A kernel does what follows the convolution while its tile of outputs is in registers: the activation is written once
instead of three times and, with the pooling, not at all. Where no kernel does, `conv_block` calls the parts one by one.
The gradients are written with the parts' own, so those of any order are there.
"""

from typing import Any

from minicnn.devices import Array
from minicnn.dispatch import fuses
from minicnn.geometry import ConvSpec, PoolSpec
from minicnn.ops.activation import _relu_grad, relu
from minicnn.ops.bias import _per_channel, bias_act, bias_add
from minicnn.ops.conv import conv, conv_input_grad, conv_weight_grad
from minicnn.ops.pool import max_pool, max_unpool
from minicnn.primitive import primitive
from minicnn.tensor import Tensor

__all__ = [
    "conv_bias",
    "conv_bias_relu",
    "conv_bias_relu_pool",
    "conv_block",
    "conv_transpose_bias",
    "conv_transpose_bias_relu",
]

PARTS = ("conv", "conv_input_grad", "bias_add", "bias_act", "relu", "max_pool")


@primitive
def conv_bias(x: Array, w: Array, b: Array, *, spec: ConvSpec) -> Array:
    """x (N, C, *I), w (F, C/G, *K), b (F,) -> y (N, F, *O)."""
    return bias_add.body(conv.body(x, w, spec=spec), b)


@primitive
def conv_bias_relu(x: Array, w: Array, b: Array, *, spec: ConvSpec) -> Array:
    """x (N, C, *I), w (F, C/G, *K), b (F,) -> y (N, F, *O)."""
    return relu.body(conv_bias.body(x, w, b, spec=spec))


@primitive(residuals=("winner",))
def conv_bias_relu_pool(x: Array, w: Array, b: Array, *, spec: ConvSpec, pool: PoolSpec) -> tuple[Array, Array]:
    """x (N, C, *I), w (F, C/G, *K), b (F,) -> values and winners, (N, F, *O of the pooling)."""
    return max_pool.body(conv_bias_relu.body(x, w, b, spec=spec), spec=pool)  # type: ignore[no-any-return]


@primitive
def conv_transpose_bias(x: Array, w: Array, b: Array, *, spec: ConvSpec) -> Array:
    """x (N, F, *O), w (F, C/G, *K), b (C,) -> y (N, C, *I): O and I are those of the convolution that is transposed."""
    return bias_add.body(conv_input_grad.body(x, w, spec=spec), b)


@primitive
def conv_transpose_bias_relu(x: Array, w: Array, b: Array, *, spec: ConvSpec) -> Array:
    """x (N, F, *O), w (F, C/G, *K), b (C,) -> y (N, C, *I)."""
    return relu.body(conv_transpose_bias.body(x, w, b, spec=spec))


conv_bias.gradient(
    x=lambda h, w, spec: conv_input_grad(h, w, spec=spec),
    w=lambda h, x, spec: conv_weight_grad(x, h, spec=spec),
    b=lambda h: _per_channel(h),
)
conv_bias_relu.gradient(
    before=lambda h, y: _relu_grad(h, y),
    x=lambda before, w, spec: conv_input_grad(before, w, spec=spec),
    w=lambda before, x, spec: conv_weight_grad(x, before, spec=spec),
    b=lambda before: _per_channel(before),
)
conv_bias_relu_pool.gradient(
    alive=lambda h, y: _relu_grad(h, y),  # where the maximum is 0, all of its window is
    before=lambda alive, winner, pool: max_unpool(alive, winner, spec=pool),
    x=lambda before, w, spec: conv_input_grad(before, w, spec=spec),
    w=lambda before, x, spec: conv_weight_grad(x, before, spec=spec),
    b=lambda alive: _per_channel(alive),  # the same sum, of fewer numbers
)
conv_transpose_bias.gradient(
    x=lambda h, w, spec: conv(h, w, spec=spec),
    w=lambda h, x, spec: conv_weight_grad(h, x, spec=spec),
    b=lambda h: _per_channel(h),
)
conv_transpose_bias_relu.gradient(
    before=lambda h, y: _relu_grad(h, y),
    x=lambda before, w, spec: conv(before, w, spec=spec),
    w=lambda before, x, spec: conv_weight_grad(before, x, spec=spec),
    b=lambda before: _per_channel(before),
)


def conv_block(
    x: Tensor,
    w: Tensor,
    b: Tensor,
    *,
    spec: ConvSpec,
    transposed: bool = False,
    rectify: bool = False,
    pool: PoolSpec | None = None,
) -> Tensor:
    """Convolve, add a bias and, if asked to, apply ReLU and then maximum pooling; in one pass where a kernel does that.

    Parameters
    ----------
    x : Tensor, (N, C, *I); transposed (N, F, *O)
    w : Tensor, (F, C/G, *K)
    b : Tensor, (F,); transposed (C,)
    spec : ConvSpec
    transposed : bool
        Take `conv_input_grad` for the convolution.
    rectify : bool
        Apply ReLU.
    pool : PoolSpec, optional
        Pool what ReLU gives, after a convolution that is not transposed.

    Returns
    -------
    Tensor, (N, F, *O); transposed (N, C, *I)
    """

    def in_one_pass(operation: str, **params: Any) -> bool:
        return fuses(operation, PARTS, x.device, [x.array, w.array, b.array], params)

    if pool is not None:
        if in_one_pass("conv_bias_relu_pool", spec=spec, pool=pool):
            return conv_bias_relu_pool(x, w, b, spec=spec, pool=pool)[0]  # type: ignore[no-any-return]
        return max_pool(conv_block(x, w, b, spec=spec, rectify=True), spec=pool)[0]  # type: ignore[no-any-return]
    if transposed:
        together = conv_transpose_bias_relu if rectify else conv_transpose_bias
    else:
        together = conv_bias_relu if rectify else conv_bias
    if in_one_pass(together.name, spec=spec):
        return together(x, w, b, spec=spec)  # type: ignore[no-any-return]
    return bias_act((conv_input_grad if transposed else conv)(x, w, spec=spec), b, "relu" if rectify else "identity")
