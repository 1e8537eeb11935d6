"""Normalisation to mean 0 and variance 1, the heart of batch, instance, group and layer norm.

For x with mean μ and biased variance σ² over some axes, m elements each:

    normalize(x) = (x - μ) r,   r = rstd(x) = 1 / √(σ² + ε)

With y = normalize(x) and h the gradient that arrives, the gradients are (Ioffe and Szegedy, 2015, section 3)

    normalize:  r (h - mean(h) - y mean(h y))          rstd:  -h r² y / m

Both are written with the same two primitives, so they hold at every order.
"""

from math import prod

from minicnn.devices import Array, xp
from minicnn.ops.elementwise import mul, square, sub
from minicnn.ops.reduce import mean
from minicnn.primitive import primitive
from minicnn.tensor import Tensor

__all__ = ["normalize", "rstd"]


@primitive
def normalize(x: Array, *, axes: tuple[int, ...], eps: float) -> Array:
    """(x - mean) / √(variance + eps) over the axes."""
    centred = x - x.mean(axis=axes, keepdims=True)
    centred *= _rstd(centred, axes, eps)
    return centred


@primitive
def rstd(x: Array, *, axes: tuple[int, ...], eps: float) -> Array:
    """1 / √(variance + eps) over the axes, which are kept as 1."""
    return _rstd(x - x.mean(axis=axes, keepdims=True), axes, eps)


def _rstd(centred: Array, axes: tuple[int, ...], eps: float) -> Array:
    variance = (centred * centred).mean(axis=axes, keepdims=True)
    return 1 / xp(centred).sqrt(variance + centred.dtype.type(eps))


def _normalize_grad(h: Tensor, x: Tensor, y: Tensor, axes: tuple[int, ...], eps: float) -> Tensor:
    inner = sub(sub(h, mean(h, axes, keepdim=True)), mul(y, mean(mul(h, y), axes, keepdim=True)))
    return mul(rstd(x, axes=axes, eps=eps), inner)


def _rstd_grad(h: Tensor, x: Tensor, y: Tensor, axes: tuple[int, ...], eps: float) -> Tensor:
    m = prod(x.shape[a] for a in axes)
    return mul(mul(mul(h, square(y)), -1 / m), normalize(x, axes=axes, eps=eps))


normalize.gradient(x=_normalize_grad)
rstd.gradient(x=_rstd_grad)
