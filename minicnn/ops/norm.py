"""Normalization to mean 0 and variance 1: the primitives of batch, instance, group and layer norm.

For x with mean μ and biased variance σ² over the normalized axes, with m elements for each mean:

    normalize(x) = (x - μ) r,   r = rstd(x) = 1 / √(σ² + ε)

With y = normalize(x) and the gradient g of the output, the gradients are (Ioffe and Szegedy, 2015, section 3)

    normalize:  F(g, x) = r (g - mean(g) - y mean(g y))          rstd:  -g r² y / m

F is the primitive `normalize_input_grad`, so a kernel can compute it in two passes over memory. F is linear in g and
its own adjoint. It depends on x through r and y. With the gradient h of F's output, their gradients are

    for y:  -r (h mean(g y) + g mean(h y))          for r:  Σ h F / r

F turns the gradient of y into a gradient of x, and the rule of rstd does this for the gradient of r. These rules use
only the same three primitives, so gradients of any order exist.

Batch norm is w normalize(x) + b, with a weight and a bias for each channel. Its gradients for x, w and b are w F(g, x),
Σ g normalize(x) and Σ g. F needs the same sums, so one kernel computes all three gradients (`batch_norm_grads`). It has
no gradient rule: with create_graph=True, the three gradients are computed with the primitives above.
"""

from math import prod

from minicnn.autograd.primitive import primitive
from minicnn.autograd.tape import mode
from minicnn.autograd.tensor import Tensor
from minicnn.ops.bias import _per_channel
from minicnn.ops.elementwise import add, div, mul, neg, square, sub
from minicnn.ops.exponentials import rsqrt
from minicnn.ops.reduce import mean
from minicnn.ops.reduce import sum as total
from minicnn.ops.shape import reshape
from minicnn.runtime.devices import Array, xp

__all__ = ["batch_norm", "batch_norm_grads", "normalize", "normalize_input_grad", "normalize_with", "rstd"]


@primitive
def normalize(x: Array, *, axes: tuple[int, ...], eps: float) -> Array:
    """Return (x - mean) / √(variance + eps), with the statistics over `axes`."""
    centred = _centred(x, axes)
    centred *= _rstd(centred, axes, eps)
    return centred


@primitive
def rstd(x: Array, *, axes: tuple[int, ...], eps: float) -> Array:
    """Return 1 / √(variance + eps), with the variance over `axes`, which keep the size 1."""
    return _rstd(_centred(x, axes), axes, eps)


@primitive
def normalize_input_grad(g: Array, x: Array, *, axes: tuple[int, ...], eps: float) -> Array:
    """Return the gradient of `normalize` for x: r (g - mean(g) - y mean(g y)), with y = normalize(x)."""
    y = _centred(x, axes)
    r = _rstd(y, axes, eps)
    y *= r
    out = g - g.mean(axis=axes, keepdims=True)
    y *= (g * y).mean(axis=axes, keepdims=True)
    out -= y
    out *= r
    return out


def _centred(x: Array, axes: tuple[int, ...]) -> Array:
    centred = x - x.mean(axis=axes, keepdims=True)
    centred -= centred.mean(axis=axes, keepdims=True)  # corrects the rounding error of a mean far from 0
    return centred


def _rstd(centred: Array, axes: tuple[int, ...], eps: float) -> Array:
    variance = (centred * centred).mean(axis=axes, keepdims=True)
    return 1 / xp(centred).sqrt(variance + centred.dtype.type(eps))


def _rstd_grad(grad: Tensor, x: Tensor, y: Tensor, axes: tuple[int, ...], eps: float) -> Tensor:
    m = prod(x.shape[a] for a in axes)
    return mul(mul(mul(grad, square(y)), -1 / m), normalize(x, axes=axes, eps=eps))


def _second_grad(grad: Tensor, g: Tensor, x: Tensor, y: Tensor, axes: tuple[int, ...], eps: float) -> Tensor:
    """Return the gradient of F(g, x) for x; y is the output of F."""
    r, z = rstd(x, axes=axes, eps=eps), normalize(x, axes=axes, eps=eps)
    grad_r = div(total(mul(grad, y), axes, keepdim=True), r)
    grad_z = mul(
        neg(r), add(mul(grad, mean(mul(g, z), axes, keepdim=True)), mul(g, mean(mul(grad, z), axes, keepdim=True)))
    )
    return add(normalize_input_grad(grad_z, x, axes=axes, eps=eps), _rstd_grad(grad_r, x, r, axes, eps))


normalize.gradient(x=lambda grad, x, axes, eps: normalize_input_grad(grad, x, axes=axes, eps=eps))
rstd.gradient(x=_rstd_grad)
normalize_input_grad.gradient(
    g=lambda grad, x, axes, eps: normalize_input_grad(grad, x, axes=axes, eps=eps),
    x=_second_grad,
)


# --- batch norm: with a weight and a bias for each channel ------------------------------------------------------------


@primitive(residuals=("mean", "variance"))
def batch_norm(x: Array, w: Array, b: Array, *, eps: float) -> tuple[Array, Array, Array]:
    """Return w normalize(x) + b for x (N, C, ...), w and b (C,), and the mean and biased variance of each channel."""
    axes = _all_axes_except_channels(x)
    mean = x.mean(axis=axes)
    y = x - _along_channels(mean, x)
    error = y.mean(axis=axes)  # the rounding error of a mean far from 0
    y -= _along_channels(error, x)
    mean += error
    variance = (y * y).mean(axis=axes)
    y *= _along_channels(w / xp(x).sqrt(variance + x.dtype.type(eps)), x)
    y += _along_channels(b, x)
    return y, mean, variance


@primitive(residuals=("grad_w", "grad_b"))
def batch_norm_grads(g: Array, x: Array, w: Array, *, eps: float) -> tuple[Array, Array, Array]:
    """Return the gradients of `batch_norm` for x, w and b."""
    axes = _all_axes_except_channels(x)
    grad_x = normalize_input_grad.body(g, x, axes=axes, eps=eps)
    grad_x *= _along_channels(w, x)
    return grad_x, (g * normalize.body(x, axes=axes, eps=eps)).sum(axis=axes), g.sum(axis=axes)


@primitive
def normalize_with(x: Array, mean: Array, variance: Array, w: Array, b: Array, *, eps: float) -> Array:
    """Return w (x - mean) / √(variance + eps) + b for x (N, C, ...); the other arrays are (C,)."""
    y = x - _along_channels(mean, x)  # the subtraction comes first, because it keeps the digits of an x far from 0
    y *= _along_channels(w / xp(x).sqrt(variance + x.dtype.type(eps)), x)
    y += _along_channels(b, x)
    return y


def _all_axes_except_channels(x: Array | Tensor) -> tuple[int, ...]:
    return (0, *range(2, x.ndim))


def _along_channels(v: Array, x: Array) -> Array:
    """Reshape one number for each channel so that it broadcasts to x (N, C, ...)."""
    return v.reshape(-1, *(1,) * (x.ndim - 2))


def _along_channels_tensor(v: Tensor, x: Tensor) -> Tensor:
    return reshape(v, (v.shape[0], *(1,) * (x.ndim - 2)))


def _batch_norm_grads(grad: Tensor, x: Tensor, w: Tensor, eps: float) -> tuple[Tensor, Tensor, Tensor]:
    if not mode.recording:
        grad_x, grad_w, grad_b = batch_norm_grads(grad, x, w, eps=eps)
        return grad_x, grad_w, grad_b
    axes = _all_axes_except_channels(x)
    grad_x = mul(normalize_input_grad(grad, x, axes=axes, eps=eps), _along_channels_tensor(w, x))
    return grad_x, _per_channel(mul(grad, normalize(x, axes=axes, eps=eps))), _per_channel(grad)


batch_norm.gradient(
    grads=lambda grad, x, w, eps: _batch_norm_grads(grad, x, w, eps),
    x=lambda grads: grads[0],
    w=lambda grads: grads[1],
    b=lambda grads: grads[2],
)
normalize_with.gradient(
    r=lambda variance, eps: rsqrt(add(variance, eps)),
    x=lambda grad, w, r: mul(grad, _along_channels_tensor(mul(w, r), grad)),
    grad_b=lambda grad: _per_channel(grad),
    mean=lambda grad_b, w, r: neg(mul(grad_b, mul(w, r))),
    grad_scale=lambda grad, x, mean: _per_channel(mul(grad, sub(x, _along_channels_tensor(mean, x)))),
    variance=lambda grad_scale, w, r: mul(mul(grad_scale, w), mul(mul(r, square(r)), -0.5)),
    w=lambda grad_scale, r: mul(grad_scale, r),
    b=lambda grad_b: grad_b,
)
