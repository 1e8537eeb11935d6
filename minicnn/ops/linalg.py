"""Matrix products: `matmul`, `linear` and the matrix transpose `mT`."""

from math import prod
from typing import Any

import numpy as np

from minicnn.autograd.primitive import primitive
from minicnn.autograd.tensor import Tensor
from minicnn.errors import DTypeError, ShapeError
from minicnn.ops.bias import bias_add
from minicnn.ops.create import as_tensor
from minicnn.ops.elementwise import mul
from minicnn.ops.shape import _permute, expand, reshape, squeeze, unsqueeze
from minicnn.runtime.devices import Array, xp

__all__ = ["bmm", "dot", "linear", "mT", "matmul", "mm", "mv", "outer"]


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


_matmul.takes_complex = _linear.takes_complex = True
_matmul.gradient(a=lambda grad, b: _matmul(grad, mT(b)), b=lambda grad, a: _matmul(mT(a), grad))
_linear.gradient(x=lambda grad, w: _matmul(grad, w), w=lambda grad, x: _matmul(mT(grad), x))


def matmul(input: Any, other: Any) -> Tensor:
    """Return the matrix product input @ other. Leading axes broadcast.

    A vector is a row on the left, and a column on the right.

    Parameters
    ----------
    a : Tensor, (..., n, k) or (k,)
    other : Tensor, (..., k, m) or (k,)

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
    device = next((t.device for t in (input, other) if isinstance(t, Tensor)), None)
    input, other = (t if isinstance(t, Tensor) else as_tensor(t, device=device) for t in (input, other))
    if not input.ndim or not other.ndim:
        raise ShapeError(
            f"matmul: both operands need at least one axis, got {input.shape} and {other.shape}; use * for numbers"
        )
    if input.shape[-1] != other.shape[-2 if other.ndim > 1 else 0]:
        raise ShapeError(f"matmul: {input.shape} @ {other.shape}: the inner sizes must be equal")
    _one_dtype("matmul", input, other)
    if other.ndim == 1:
        return squeeze(matmul(input, unsqueeze(other, 1)), -1)
    if input.ndim == 1:
        return squeeze(matmul(unsqueeze(input, 0), other), -2)
    if other.ndim == 2 and input.ndim > 2:  # one large product instead of many small ones
        rows = reshape(input, (prod(input.shape[:-1]), input.shape[-1]))
        return reshape(_matmul(rows, other), (*input.shape[:-1], other.shape[-1]))
    if input.shape[:-2] != other.shape[:-2]:
        try:
            leading = np.broadcast_shapes(input.shape[:-2], other.shape[:-2])
        except ValueError:
            raise ShapeError(f"matmul: the leading axes of {input.shape} and {other.shape} do not broadcast") from None
        input, other = (
            expand(input, shape=(*leading, *input.shape[-2:])),
            expand(other, shape=(*leading, *other.shape[-2:])),
        )
    return _matmul(input, other)


def _product(call: str, axes: tuple[int, int], input: Tensor, other: Tensor) -> Tensor:
    """Return a matrix product of tensors with exactly these numbers of axes."""
    if (input.ndim, other.ndim) != axes:
        raise ShapeError(
            f"{call}: expected tensors with {axes[0]} and {axes[1]} axes, got {input.shape} and {other.shape}; "
            "matmul broadcasts"
        )
    return matmul(input, other)


def mm(input: Tensor, mat2: Tensor) -> Tensor:
    """Return the product of two matrices, (n, k) and (k, m); errors as in `matmul`."""
    return _product("mm", (2, 2), input, mat2)


def bmm(input: Tensor, mat2: Tensor) -> Tensor:
    """Return the products of the matrices of two batches, (N, n, k) and (N, k, m); errors as in `matmul`.

    Raises
    ------
    ShapeError
        If the batches have different sizes.
    """
    if input.shape[:1] != mat2.shape[:1]:
        raise ShapeError(f"bmm: the batches of {input.shape} and {mat2.shape} have different sizes; matmul broadcasts")
    return _product("bmm", (3, 3), input, mat2)


def mv(input: Tensor, vec: Tensor) -> Tensor:
    """Return the product of a matrix (n, k) and a vector (k,); errors as in `matmul`."""
    return _product("mv", (2, 1), input, vec)


def dot(input: Tensor, tensor: Tensor) -> Tensor:
    """Return the sum of the products of two vectors; errors as in `matmul`."""
    return _product("dot", (1, 1), input, tensor)


def outer(input: Tensor, vec2: Tensor) -> Tensor:
    """Return the matrix of the products of all pairs of elements of two vectors, (n,) and (m,) -> (n, m).

    Raises
    ------
    ShapeError
        If one is no vector.
    """
    if input.ndim != 1 or vec2.ndim != 1:
        raise ShapeError(f"outer: expected two vectors, got {input.shape} and {vec2.shape}")
    return mul(unsqueeze(input, 1), vec2)


def _one_dtype(call: str, *tensors: Tensor) -> None:
    if len({t.dtype for t in tensors}) > 1:
        got = ", ".join(str(t.dtype) for t in tensors)
        raise DTypeError(f"{call}: all tensors need one element type, got {got}; convert with .to()")


def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return y = x wᵀ + b.

    Parameters
    ----------
    input : Tensor, (..., in), x
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
    if weight.ndim != 2 or not input.ndim or input.shape[-1] != weight.shape[1]:
        got = f"input is {input.shape}, weight is {weight.shape}"
        raise ShapeError(f"linear: the last axis of the input must be in_features = {weight.shape[-1]}; {got}")
    if bias is not None and bias.shape != weight.shape[:1]:
        raise ShapeError(f"linear: bias must be ({weight.shape[0]},), got {bias.shape}")
    _one_dtype("linear", *(t for t in (input, weight, bias) if t is not None))
    rows = input if input.ndim == 2 else reshape(input, (prod(input.shape[:-1]), input.shape[-1]))
    y = _linear(rows, weight)
    y = y if bias is None else bias_add(y, bias)
    return y if input.ndim == 2 else reshape(y, (*input.shape[:-1], weight.shape[0]))
