"""Normalisation to mean 0 and variance 1, the heart of batch, instance, group and layer norm.

For x with mean μ and biased variance σ² over some axes, m elements each:

    normalize(x) = (x - μ) r,   r = rstd(x) = 1 / √(σ² + ε)

With y = normalize(x) and g the gradient that arrives, the gradients are (Ioffe and Szegedy, 2015, section 3)

    normalize:  F(g, x) = r (g - mean(g) - y mean(g y))          rstd:  -g r² y / m

F is a primitive too, so that a kernel can do it in two passes over memory. In g it is linear and its own adjoint; in x
it is made of r and y, and the gradient h that arrives at F itself goes on to x through both:

    to y:  -r (h mean(g y) + g mean(h y)), from there by F          to r:  Σ h F / r, from there as rstd's

All are written with the same three primitives, so they hold at every order.

Batch norm is w normalize(x) + b, a weight and a bias for each channel. Its gradients for x, w and b are w F(g, x),
Σ g normalize(x) and Σ g: the sums are those that F needs itself, so that one kernel makes all three. What that kernel
gives has no gradient; where one is wanted, the three are made from the primitives above.
"""

from math import prod

from minicnn.autograd.primitive import primitive
from minicnn.autograd.tape import mode
from minicnn.autograd.tensor import Tensor
from minicnn.ops.bias import _per_channel
from minicnn.ops.elementwise import add, div, mul, neg, rsqrt, square, sub
from minicnn.ops.reduce import mean
from minicnn.ops.reduce import sum as total
from minicnn.ops.shape import reshape
from minicnn.runtime.devices import Array, xp

__all__ = ["batch_norm", "batch_norm_grads", "normalize", "normalize_input_grad", "normalize_with", "rstd"]


@primitive
def normalize(x: Array, *, axes: tuple[int, ...], eps: float) -> Array:
    """(x - mean) / √(variance + eps) over the axes."""
    centred = _centred(x, axes)
    centred *= _rstd(centred, axes, eps)
    return centred


@primitive
def rstd(x: Array, *, axes: tuple[int, ...], eps: float) -> Array:
    """1 / √(variance + eps) over the axes, which are kept as 1."""
    return _rstd(_centred(x, axes), axes, eps)


@primitive
def normalize_input_grad(g: Array, x: Array, *, axes: tuple[int, ...], eps: float) -> Array:
    """The gradient of normalize at x: r (g - mean(g) - y mean(g y)), y = normalize(x)."""
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
    centred -= centred.mean(axis=axes, keepdims=True)  # what the mean of an x far from 0 is off by
    return centred


def _rstd(centred: Array, axes: tuple[int, ...], eps: float) -> Array:
    variance = (centred * centred).mean(axis=axes, keepdims=True)
    return 1 / xp(centred).sqrt(variance + centred.dtype.type(eps))


def _rstd_grad(grad: Tensor, x: Tensor, y: Tensor, axes: tuple[int, ...], eps: float) -> Tensor:
    m = prod(x.shape[a] for a in axes)
    return mul(mul(mul(grad, square(y)), -1 / m), normalize(x, axes=axes, eps=eps))


def _second_grad(grad: Tensor, g: Tensor, x: Tensor, y: Tensor, axes: tuple[int, ...], eps: float) -> Tensor:
    """The gradient of F(g, x) with respect to x; y is F's output."""
    r, z = rstd(x, axes=axes, eps=eps), normalize(x, axes=axes, eps=eps)
    to_r = div(total(mul(grad, y), axes, keepdim=True), r)
    to_z = mul(
        neg(r), add(mul(grad, mean(mul(g, z), axes, keepdim=True)), mul(g, mean(mul(grad, z), axes, keepdim=True)))
    )
    return add(normalize_input_grad(to_z, x, axes=axes, eps=eps), _rstd_grad(to_r, x, r, axes, eps))


normalize.gradient(x=lambda grad, x, axes, eps: normalize_input_grad(grad, x, axes=axes, eps=eps))
rstd.gradient(x=_rstd_grad)
normalize_input_grad.gradient(
    g=lambda grad, x, axes, eps: normalize_input_grad(grad, x, axes=axes, eps=eps),
    x=_second_grad,
)


# --- with a weight and a bias for each channel ------------------------------------------------------------------------


@primitive(residuals=("mean", "variance"))
def batch_norm(x: Array, w: Array, b: Array, *, eps: float) -> tuple[Array, Array, Array]:
    """x (N, C, ...), w and b (C,) -> w normalize(x) + b, and mean and biased variance of each channel."""
    axes = _all_but_channels(x)
    mean = x.mean(axis=axes)
    y = x - _spread(mean, x)
    rest = y.mean(axis=axes)  # what the mean of an x far from 0 is off by
    y -= _spread(rest, x)
    mean += rest
    variance = (y * y).mean(axis=axes)
    y *= _spread(w / xp(x).sqrt(variance + x.dtype.type(eps)), x)
    y += _spread(b, x)
    return y, mean, variance


@primitive(residuals=("to_w", "to_b"))
def batch_norm_grads(g: Array, x: Array, w: Array, *, eps: float) -> tuple[Array, Array, Array]:
    """The gradients of batch_norm for x, w and b."""
    axes = _all_but_channels(x)
    to_x = normalize_input_grad.body(g, x, axes=axes, eps=eps)
    to_x *= _spread(w, x)
    return to_x, (g * normalize.body(x, axes=axes, eps=eps)).sum(axis=axes), g.sum(axis=axes)


@primitive
def normalize_with(x: Array, mean: Array, variance: Array, w: Array, b: Array, *, eps: float) -> Array:
    """x (N, C, ...), the others (C,) -> w (x - mean) / √(variance + eps) + b."""
    y = x - _spread(mean, x)  # first, which keeps the digits of an x far from 0
    y *= _spread(w / xp(x).sqrt(variance + x.dtype.type(eps)), x)
    y += _spread(b, x)
    return y


def _all_but_channels(x: Array | Tensor) -> tuple[int, ...]:
    return (0, *range(2, x.ndim))


def _spread(v: Array, x: Array) -> Array:
    """One number a channel, in a shape that broadcasts to x (N, C, ...)."""
    return v.reshape(-1, *(1,) * (x.ndim - 2))


def _spread_tensor(v: Tensor, x: Tensor) -> Tensor:
    return reshape(v, (v.shape[0], *(1,) * (x.ndim - 2)))


def _batch_norm_grads(grad: Tensor, x: Tensor, w: Tensor, eps: float) -> tuple[Tensor, Tensor, Tensor]:
    if not mode.recording:
        grad_x, grad_w, grad_b = batch_norm_grads(grad, x, w, eps=eps)
        return grad_x, grad_w, grad_b
    axes = _all_but_channels(x)
    to_x = mul(normalize_input_grad(grad, x, axes=axes, eps=eps), _spread_tensor(w, x))
    return to_x, _per_channel(mul(grad, normalize(x, axes=axes, eps=eps))), _per_channel(grad)


batch_norm.gradient(
    three=lambda grad, x, w, eps: _batch_norm_grads(grad, x, w, eps),
    x=lambda three: three[0],
    w=lambda three: three[1],
    b=lambda three: three[2],
)
normalize_with.gradient(
    r=lambda variance, eps: rsqrt(add(variance, eps)),
    x=lambda grad, w, r: mul(grad, _spread_tensor(mul(w, r), grad)),
    to_b=lambda grad: _per_channel(grad),
    mean=lambda to_b, w, r: neg(mul(to_b, mul(w, r))),
    to_scale=lambda grad, x, mean: _per_channel(mul(grad, sub(x, _spread_tensor(mean, x)))),
    variance=lambda to_scale, w, r: mul(mul(to_scale, w), mul(mul(r, square(r)), -0.5)),
    w=lambda to_scale, r: mul(to_scale, r),
    b=lambda to_b: to_b,
)
