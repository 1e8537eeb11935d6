"""Triangles and traces of matrices."""

from typing import Any

import numpy as np

from minicnn.autograd.tensor import Tensor
from minicnn.errors import ArgumentError, ShapeError
from minicnn.ops.create import as_tensor
from minicnn.ops.masks import masked_fill
from minicnn.ops.operands import require_kind
from minicnn.ops.reduce import sum
from minicnn.ops.strided import diagonal as diagonal_of
from minicnn.runtime.devices import Device

__all__ = ["trace", "tril", "tril_indices", "triu", "triu_indices"]


def _outside(call: str, input: Tensor, diagonal: int, lower: bool) -> Tensor:
    """Return a bool matrix that is true outside of a triangle."""
    if input.ndim < 2:
        raise ShapeError(f"{call}: expected matrices, got {input.shape}")
    m = input.device.xp
    n, k = input.shape[-2:]
    distance = m.arange(k) - m.arange(n).reshape(-1, 1)
    return Tensor._wrap(distance > diagonal if lower else distance < diagonal, input.device)


def tril(input: Tensor, diagonal: int = 0) -> Tensor:
    """Return matrices with zeros above a diagonal.

    Raises
    ------
    ShapeError
        If input has fewer than 2 axes.

    Examples
    --------
    >>> import minicnn
    >>> tril(minicnn.ones(2, 2)).tolist()
    [[1.0, 0.0], [1.0, 1.0]]
    """
    return masked_fill(input, _outside("tril", input, diagonal, lower=True), 0)


def triu(input: Tensor, diagonal: int = 0) -> Tensor:
    """Return matrices with zeros below a diagonal.

    Raises
    ------
    ShapeError
        If input has fewer than 2 axes.
    """
    return masked_fill(input, _outside("triu", input, diagonal, lower=False), 0)


def tril_indices(
    row: int,
    col: int,
    offset: int = 0,
    *,
    dtype: Any = None,
    device: str | Device | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """Return the indices of the lower triangle of a (row, col) matrix: a row of row indices and one of column indices.

    Raises
    ------
    ArgumentError
        If a size is negative.
    """
    return _indices(
        "tril_indices", row, col, np.tri(max(row, 0), max(col, 0), offset, bool), dtype, device, requires_grad
    )


def triu_indices(
    row: int,
    col: int,
    offset: int = 0,
    *,
    dtype: Any = None,
    device: str | Device | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """Return the indices of the upper triangle of a (row, col) matrix: a row of row indices and one of column indices.

    Raises
    ------
    ArgumentError
        If a size is negative.
    """
    return _indices(
        "triu_indices", row, col, ~np.tri(max(row, 0), max(col, 0), offset - 1, bool), dtype, device, requires_grad
    )


def _indices(
    call: str, row: int, col: int, inside: Any, dtype: Any, device: str | Device | None, requires_grad: bool
) -> Tensor:
    if row < 0 or col < 0:
        raise ArgumentError(f"{call}: sizes must not be negative, got {row} and {col}")
    return as_tensor(np.stack(np.nonzero(inside)), dtype, device).requires_grad_(requires_grad)


def trace(input: Tensor) -> Tensor:
    """Return the sum of the diagonal of a matrix.

    Raises
    ------
    ShapeError
        If input is no matrix.
    DTypeError
        For bools.
    """
    require_kind("trace", input.dtype, "iufc", "numbers")
    if input.ndim != 2:
        raise ShapeError(f"trace: expected a matrix, got {input.shape}")
    return sum(diagonal_of(input))
