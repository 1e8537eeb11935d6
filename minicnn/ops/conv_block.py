"""Convolution with bias, ReLU and maximum pooling as one operation.

    conv_bias                   y = conv(x, w) + b
    conv_bias_relu              y = max(conv(x, w) + b, 0)
    conv_bias_relu_pool         y = max_pool(max(conv(x, w) + b, 0)), and the winners of max_pool
    conv_transpose_bias         y = conv_input_grad(x, w) + b
    conv_transpose_bias_relu    y = max(conv_input_grad(x, w) + b, 0)

A kernel adds the bias and applies ReLU while a tile of outputs is in registers. So the activation is written to memory
once instead of three times; with pooling, it is not written at all. If no kernel supports the call, `conv_block` calls
the primitives one after another. The gradient rules consist of primitives, so gradients of any order exist.
"""

from minicnn.autograd.primitive import primitive
from minicnn.autograd.tensor import Tensor
from minicnn.geometry import ConvSpec, PoolSpec
from minicnn.ops.activation import _relu_grad, relu
from minicnn.ops.bias import _per_channel, bias_act, bias_add
from minicnn.ops.conv import conv, conv_input_grad, conv_weight_grad
from minicnn.ops.pool import max_pool, max_unpool
from minicnn.runtime.devices import Array

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
    """Return conv(x, w) + b: x (N, C, *I), w (F, C/G, *K), b (F,) -> y (N, F, *O)."""
    return bias_add.body(conv.body(x, w, spec=spec), b)


@primitive
def conv_bias_relu(x: Array, w: Array, b: Array, *, spec: ConvSpec) -> Array:
    """Return ReLU(conv(x, w) + b): x (N, C, *I), w (F, C/G, *K), b (F,) -> y (N, F, *O)."""
    return relu.body(conv_bias.body(x, w, b, spec=spec))


@primitive(residuals=("winner",))
def conv_bias_relu_pool(x: Array, w: Array, b: Array, *, spec: ConvSpec, pool: PoolSpec) -> tuple[Array, Array]:
    """Return the maxima and winners of max_pool(ReLU(conv(x, w) + b)), two arrays (N, F, *pool.output_size)."""
    y, winner = max_pool.body(conv_bias_relu.body(x, w, b, spec=spec), spec=pool)
    return y, winner


@primitive
def conv_transpose_bias(x: Array, w: Array, b: Array, *, spec: ConvSpec) -> Array:
    """Return conv_input_grad(x, w) + b: x (N, F, *O), w (F, C/G, *K), b (C,) -> y (N, C, *I)."""
    return bias_add.body(conv_input_grad.body(x, w, spec=spec), b)


@primitive
def conv_transpose_bias_relu(x: Array, w: Array, b: Array, *, spec: ConvSpec) -> Array:
    """Return ReLU(conv_input_grad(x, w) + b): x (N, F, *O), w (F, C/G, *K), b (C,) -> y (N, C, *I)."""
    return relu.body(conv_transpose_bias.body(x, w, b, spec=spec))


# z = conv(x, w) + b is the input of ReLU, and grad_z is its gradient. grad_pooled is the gradient of max_pool(z).
conv_bias.gradient(
    x=lambda grad, w, spec: conv_input_grad(grad, w, spec=spec),
    w=lambda grad, x, spec: conv_weight_grad(x, grad, spec=spec),
    b=lambda grad: _per_channel(grad),
)
conv_bias_relu.gradient(
    grad_z=lambda grad, y: _relu_grad(grad, y),
    x=lambda grad_z, w, spec: conv_input_grad(grad_z, w, spec=spec),
    w=lambda grad_z, x, spec: conv_weight_grad(x, grad_z, spec=spec),
    b=lambda grad_z: _per_channel(grad_z),
)
conv_bias_relu_pool.gradient(
    grad_pooled=lambda grad, y: _relu_grad(grad, y),  # because max_pool(relu(z)) = relu(max_pool(z))
    grad_z=lambda grad_pooled, winner, pool: max_unpool(grad_pooled, winner, spec=pool),
    x=lambda grad_z, w, spec: conv_input_grad(grad_z, w, spec=spec),
    w=lambda grad_z, x, spec: conv_weight_grad(x, grad_z, spec=spec),
    b=lambda grad_pooled: _per_channel(grad_pooled),  # equals the sum of grad_z, with fewer terms
)
conv_transpose_bias.gradient(
    x=lambda grad, w, spec: conv(grad, w, spec=spec),
    w=lambda grad, x, spec: conv_weight_grad(grad, x, spec=spec),
    b=lambda grad: _per_channel(grad),
)
conv_transpose_bias_relu.gradient(
    grad_z=lambda grad, y: _relu_grad(grad, y),
    x=lambda grad_z, w, spec: conv(grad_z, w, spec=spec),
    w=lambda grad_z, x, spec: conv_weight_grad(grad_z, x, spec=spec),
    b=lambda grad_z: _per_channel(grad_z),
)


def conv_block(
    x: Tensor,
    w: Tensor,
    b: Tensor,
    *,
    spec: ConvSpec,
    transposed: bool = False,
    relu: bool = False,
    pool: PoolSpec | None = None,
) -> Tensor:
    """Convolve, add the bias and optionally apply ReLU and maximum pooling; in one pass if a kernel supports it.

    Parameters
    ----------
    x : Tensor, (N, C, *I); transposed (N, F, *O)
    w : Tensor, (F, C/G, *K)
    b : Tensor, (F,); transposed (C,)
    spec : ConvSpec
    transposed : bool
        Use `conv_input_grad` as the convolution.
    relu : bool
        Apply ReLU.
    pool : PoolSpec, optional
        Pool the output of ReLU. Only after a convolution that is not transposed.

    Returns
    -------
    Tensor, (N, F, *O); transposed (N, C, *I)
    """
    if pool is not None:
        pooled = conv_bias_relu_pool.in_one_pass(PARTS, x, w, b, spec=spec, pool=pool)
        if pooled is None:
            pooled = max_pool(conv_block(x, w, b, spec=spec, relu=True), spec=pool)
        return pooled[0]
    if transposed:
        block = conv_transpose_bias_relu if relu else conv_transpose_bias
    else:
        block = conv_bias_relu if relu else conv_bias
    y = block.in_one_pass(PARTS, x, w, b, spec=spec)
    if y is None:
        y = bias_act((conv_input_grad if transposed else conv)(x, w, spec=spec), b, "relu" if relu else "identity")
    return y
