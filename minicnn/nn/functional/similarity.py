"""Distances and angles of vectors, and vectors scaled to length 1."""

from math import inf

import numpy as np

from minicnn.autograd.tensor import Tensor
from minicnn.errors import ArgumentError, DTypeError, ShapeError
from minicnn.nn.arguments import check_float
from minicnn.ops.comparison import eq, where
from minicnn.ops.complex_numbers import is_complex
from minicnn.ops.elementwise import abs as magnitude
from minicnn.ops.elementwise import add, mul, square, sub
from minicnn.ops.exponentials import pow, sqrt
from minicnn.ops.indexing import getitem
from minicnn.ops.operands import common_shape, promote, promoted
from minicnn.ops.reduce import amax, amin
from minicnn.ops.reduce import sum as total
from minicnn.ops.shape import as_float, expand

__all__ = ["cosine_similarity", "normalize", "pairwise_distance", "pdist"]


def _length(x: Tensor, p: float, dim: int, keepdim: bool) -> Tensor:
    """Return (Σ |x|ᵖ)^(1/p) along an axis, for any number p. The gradient is 0 where the vector is 0."""
    x = magnitude(x) if is_complex(x) else x
    if p == 0:
        return total(where(eq(x, 0), mul(x, 0.0), 1.0), dim, keepdim)  # the number of nonzero elements
    if p in (inf, -inf):
        return (amax if p > 0 else amin)(magnitude(x), dim, keepdim)
    if p == 1:
        return total(magnitude(x), dim, keepdim)
    if p == 2:
        powers = square(x)
    elif p > 0:
        zero = eq(x, 0)
        powers = pow(magnitude(x).masked_fill(zero, 1.0), p).masked_fill(zero, 0.0)
    else:
        powers = pow(magnitude(x), p)
    sums = total(powers, dim, keepdim)
    zero = eq(sums, 0)
    positive = sums.masked_fill(zero, 1.0)
    return (sqrt(positive) if p == 2 else pow(positive, 1 / p)).masked_fill(zero, 0.0)


def _at_least(length: Tensor, eps: float) -> Tensor:
    """Return max(length, eps) with the gradient of `length`, as in PyTorch."""
    return add(length, sub(eps, length.detach()).clamp(min=0))


def cosine_similarity(x1: Tensor, x2: Tensor, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """Return the cosine of the angle between vectors, x1·x2 / (max(‖x1‖, eps) max(‖x2‖, eps)).

    Parameters
    ----------
    x1, x2 : Tensor, at least one of them float; they broadcast first
    dim : int
        The axis of the vectors, after broadcasting. The result lacks this axis.
    eps : float

    Raises
    ------
    DTypeError
        If both tensors hold integers.

    Examples
    --------
    >>> import minicnn
    >>> cosine_similarity(minicnn.tensor([3.0, 4.0]), minicnn.tensor([6.0, 8.0]), dim=0).item()
    1.0
    """
    call = "cosine_similarity"
    if promote(x1, x2).kind != "f":
        raise DTypeError(f"{call}: the tensors hold {x1.dtype} and {x2.dtype}; convert one with .float() first")
    x1, x2 = promoted(x1, x2)
    shape = common_shape(call, (x1, x2))
    x1, x2 = (x if x.shape == shape else expand(x, shape=shape) for x in (x1, x2))
    first, second = (x / _at_least(_length(x, 2, dim, True), eps) for x in (x1, x2))
    return total(mul(first, second), dim)


def normalize(input: Tensor, p: float = 2.0, dim: int = 1, eps: float = 1e-12) -> Tensor:
    """Return x / max(‖x‖ₚ, eps) along an axis: vectors of p-norm 1.

    Parameters
    ----------
    input : Tensor, float or complex
    p : float
    dim : int
        The axis of the vectors.
    eps : float

    Returns
    -------
    Tensor, the shape and dtype of the input

    Raises
    ------
    DTypeError
        If the input is not floating point.

    Examples
    --------
    >>> import minicnn
    >>> normalize(minicnn.tensor([[3.0, 1.0]]), p=1).tolist()
    [[0.75, 0.25]]
    """
    check_float("normalize", input, "fc")
    return input / _length(input, p, dim, True).clamp(min=eps)


def pairwise_distance(x1: Tensor, x2: Tensor, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> Tensor:
    """Return ‖x1 - x2 + eps‖ₚ along the last axis.

    Parameters
    ----------
    x1, x2 : Tensor, (N, D) or (D,); they broadcast
    p : float
        0 counts the elements that are not 0; ±inf is the largest or smallest distance of elements.
    eps : float
    keepdim : bool

    Raises
    ------
    ShapeError
        If the shapes do not broadcast, or D = 0 and p is infinite.

    Examples
    --------
    >>> import minicnn
    >>> pairwise_distance(minicnn.tensor([[3.0, 4.0]]), minicnn.zeros(1, 2), eps=0).tolist()
    [5.0]
    """
    difference = as_float(add(sub(x1, x2), eps))
    return _length(difference.abs() if difference.dtype.kind == "c" else difference, p, -1, keepdim)


def pdist(input: Tensor, p: float = 2.0) -> Tensor:
    """Return the p-norm of the difference of each pair of rows: (N, M) -> (N (N - 1) / 2,).

    The pairs are in the order (0, 1), (0, 2), ..., (1, 2), ...

    Raises
    ------
    ShapeError
        If the input does not have 2 axes.
    DTypeError
        If the input is not floating point.
    ArgumentError
        If p is negative.

    Examples
    --------
    >>> import minicnn
    >>> pdist(minicnn.tensor([[0.0, 0.0], [3.0, 4.0], [0.0, 1.0]]))
    tensor([5.0000, 1.0000, 4.2426])
    """
    check_float("pdist", input)
    if input.ndim != 2:
        raise ShapeError(f"pdist: input must be (N, M), got {input.shape}")
    if not p >= 0:
        raise ArgumentError(f"pdist: p must be at least 0, got {p}")
    first, second = np.triu_indices(input.shape[0], 1)
    if not input.shape[1]:
        return total(getitem(input, first), 1)
    return _length(sub(getitem(input, first), getitem(input, second)), p, 1, False)
