"""Matrix products: `matmul`, `linear` and the matrix transpose `mT`."""

from math import prod
from typing import Any

import numpy as np

from minicnn.autograd.primitive import primitive
from minicnn.autograd.tensor import Tensor
from minicnn.errors import DTypeError, ShapeError
from minicnn.ops.bias import bias_add
from minicnn.ops.create import as_tensor
from minicnn.ops.shape import _permute, expand, reshape, squeeze, unsqueeze
from minicnn.runtime.devices import Array, xp

__all__ = ["linear", "mT", "matmul"]


@primitive
def _matmul(a: Array, b: Array) -> Array:
    return xp(a).matmul(a, b)


@primitive
def _linear(x: Array, w: Array) -> Array:
    """Return x wᵀ; the weight has PyTorch's shape (out, in)."""
    return xp(x).matmul(x, w.T)


def mT(x: Tensor) -> Tensor:  # noqa: N802 (PyTorch's name)
    """Return x with the last two axes swapped: the transpose of each matrix.

    Raises
    ------
    ShapeError
        If x has fewer than two axes.
    """
    if x.ndim < 2:
        raise ShapeError(f"mT: a matrix has at least two axes, the tensor is {x.shape}")
    return _permute(x, axes=(*range(x.ndim - 2), x.ndim - 1, x.ndim - 2))


_matmul.gradient(a=lambda grad, b: _matmul(grad, mT(b)), b=lambda grad, a: _matmul(mT(a), grad))
_linear.gradient(x=lambda grad, w: _matmul(grad, w), w=lambda grad, x: _matmul(mT(grad), x))


def matmul(a: Any, b: Any) -> Tensor:
    """Return the matrix product a @ b. A vector is a row on the left and a column on the right; leading axes broadcast.

    Parameters
    ----------
    a : Tensor, (..., n, k) or (k,)
    b : Tensor, (..., k, m) or (k,)

    Returns
    -------
    Tensor, (..., n, m), without n or m if that operand is a vector

    Raises
    ------
    ShapeError
        If the inner sizes differ, the leading axes do not broadcast, or an operand has no axes.
    DTypeError
        If the element types differ.
    """
    device = next((t.device for t in (a, b) if isinstance(t, Tensor)), None)
    a, b = (t if isinstance(t, Tensor) else as_tensor(t, device=device) for t in (a, b))
    if not a.ndim or not b.ndim:
        raise ShapeError(
            f"matmul: both operands need at least one axis, got {a.shape} and {b.shape}; use * for numbers"
        )
    if a.shape[-1] != b.shape[-2 if b.ndim > 1 else 0]:
        raise ShapeError(f"matmul: {a.shape} @ {b.shape}: the inner sizes must be equal")
    _one_dtype("matmul", a, b)
    if b.ndim == 1:
        return squeeze(matmul(a, unsqueeze(b, 1)), -1)
    if a.ndim == 1:
        return squeeze(matmul(unsqueeze(a, 0), b), -2)
    if b.ndim == 2 and a.ndim > 2:  # one large product instead of many small ones
        rows = reshape(a, (prod(a.shape[:-1]), a.shape[-1]))
        return reshape(_matmul(rows, b), (*a.shape[:-1], b.shape[-1]))
    if a.shape[:-2] != b.shape[:-2]:
        try:
            leading = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
        except ValueError:
            raise ShapeError(f"matmul: the leading axes of {a.shape} and {b.shape} do not broadcast") from None
        a, b = expand(a, shape=(*leading, *a.shape[-2:])), expand(b, shape=(*leading, *b.shape[-2:]))
    return _matmul(a, b)


def _one_dtype(call: str, *tensors: Tensor) -> None:
    if len({t.dtype for t in tensors}) > 1:
        got = ", ".join(str(t.dtype) for t in tensors)
        raise DTypeError(f"{call}: all tensors need one element type, got {got}; convert with .to()")


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return y = x wᵀ + b.

    Parameters
    ----------
    x : Tensor, (..., in)
    weight : Tensor, (out, in)
    bias : Tensor, (out,), optional

    Returns
    -------
    Tensor, (..., out)

    Raises
    ------
    ShapeError
        If the sizes do not fit.
    DTypeError
        If the element types differ.
    """
    if weight.ndim != 2 or not x.ndim or x.shape[-1] != weight.shape[1]:
        got = f"input is {x.shape}, weight is {weight.shape}"
        raise ShapeError(f"linear: the last axis of the input must be in_features = {weight.shape[-1]}; {got}")
    if bias is not None and bias.shape != weight.shape[:1]:
        raise ShapeError(f"linear: bias must be ({weight.shape[0]},), got {bias.shape}")
    _one_dtype("linear", *(t for t in (x, weight, bias) if t is not None))
    rows = x if x.ndim == 2 else reshape(x, (prod(x.shape[:-1]), x.shape[-1]))
    y = _linear(rows, weight)
    y = y if bias is None else bias_add(y, bias)
    return y if x.ndim == 2 else reshape(y, (*x.shape[:-1], weight.shape[0]))
