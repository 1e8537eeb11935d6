"""LU factorisation: A = P L U, with a permutation P, a lower triangle L with ones on the diagonal, an upper triangle U.

Pivoting looks at the values, and has no gradient: `_eliminated` runs on the array and tells the order of the rows. The
primitive `_lu` then factorises square matrices whose rows are in this order. Further rows or columns are solutions of
triangular systems.

Reference: Walter and Lehmann, "Algorithmic differentiation of linear algebra functions", 2010.
"""

from math import prod
from typing import NamedTuple

import numpy as np

from minicnn.autograd.primitive import primitive
from minicnn.autograd.tensor import Tensor
from minicnn.errors import ArgumentError, DTypeError, LinAlgError, ShapeError
from minicnn.ops.complex_numbers import adjoint as _adjoint
from minicnn.ops.create import eye
from minicnn.ops.decompositions import _lower, _solve
from minicnn.ops.elementwise import add
from minicnn.ops.indexing import cat, getitem
from minicnn.ops.linalg import matmul, mT
from minicnn.ops.matrices import _checked, solve_triangular
from minicnn.ops.scatter import gather
from minicnn.ops.shape import broadcast_to
from minicnn.runtime.devices import Array, xp

__all__ = ["LUFactors", "LUFactorsInfo", "LUResult", "lu", "lu_factor", "lu_factor_ex", "lu_solve", "lu_unpack"]


class LUResult(NamedTuple):
    """The result of `lu`: A = P L U."""

    P: Tensor
    L: Tensor
    U: Tensor


class LUFactors(NamedTuple):
    """The result of `lu_factor`: L below the diagonal and U in one matrix; row i was swapped with row pivots[i] - 1."""

    LU: Tensor
    pivots: Tensor


class LUFactorsInfo(NamedTuple):
    """The result of `lu_factor_ex`. `info` is 0, or the number of the first zero on the diagonal of U, from 1."""

    LU: Tensor
    pivots: Tensor
    info: Tensor


def _eliminated(a: Array, pivot: bool) -> tuple[Array, Array]:
    """Return L and U in one array, and with which row each row was swapped (Gauss)."""
    m, (rows, columns) = xp(a), a.shape[-2:]
    lu = a.reshape(prod(a.shape[:-2]), rows, columns).copy()
    swaps, each = m.zeros((len(lu), min(rows, columns)), np.int32), m.arange(len(lu))
    for j in range(swaps.shape[1]):
        sizes = m.abs(lu[:, j:, j].real) + m.abs(lu[:, j:, j].imag)  # as LAPACK compares complex numbers
        swaps[:, j] = other = j + (sizes.argmax(1) if pivot else 0 * each)
        if pivot:
            lu[:, j], lu[each, other] = lu[each, other], lu[:, j].copy()
        top = lu[:, j, j]
        lu[:, j + 1 :, j] /= m.where(top == 0, 1, top)[:, None]
        lu[:, j + 1 :, j + 1 :] -= lu[:, j + 1 :, j, None] * lu[:, j, None, j + 1 :]
    return lu.reshape(a.shape), swaps.reshape(*a.shape[:-2], swaps.shape[1])


@primitive
def _lu(a: Array) -> Array:
    """Return L and U of square matrices, without pivoting."""
    return _eliminated(a, pivot=False)[0]


def _lu_grad(grad: Tensor, y: Tensor) -> Tensor:
    """Return L⁻ᵀ (below(Lᵀ G) + above(G Uᵀ)) U⁻ᵀ, where G of L is below the diagonal, and G of U is above."""
    low, high = _triangles(y)
    below, above = _lower(grad, 0.0), mT(_lower(mT(grad)))
    inner = add(_lower(matmul(mT(low), below), 0.0), mT(_lower(mT(matmul(above, mT(high))))))
    return _solve(mT(low), mT(_solve(high, mT(inner))))


def _triangles(factors: Tensor) -> tuple[Tensor, Tensor]:
    """Return L and U."""
    k = min(factors.shape[-2:])
    one = eye(factors.shape[-2], k, dtype=factors.dtype, device=factors.device)
    low = add(_lower(getitem(factors, (..., slice(k))), 0.0), one)
    return low, mT(_lower(mT(getitem(factors, (..., slice(k), slice(None))))))


_lu.gradient(a=lambda grad, y: _lu_grad(grad, y))
_lu.takes_complex = True


def _order(swaps: Array, rows: int) -> Array:
    """Return the numbers of the rows of A in the order of the rows of L U."""
    m = xp(swaps)
    flat = swaps.reshape(prod(swaps.shape[:-1]), swaps.shape[-1])
    order, each = m.broadcast_to(m.arange(rows), (len(flat), rows)).copy(), m.arange(len(flat))
    for j in range(flat.shape[1]):
        order[:, j], order[each, flat[:, j]] = order[each, flat[:, j]], order[:, j].copy()
    return order.reshape(*swaps.shape[:-1], rows)


def _rows(a: Tensor, order: Array) -> Tensor:
    index = Tensor._wrap(order[..., None].astype(np.int64), a.device)
    lead = np.broadcast_shapes(a.shape[:-2], order.shape[:-1])
    return gather(broadcast_to(a, (*lead, *a.shape[-2:])), -2, broadcast_to(index, (*lead, *a.shape[-2:])))


def lu_factor_ex(A: Tensor, *, pivot: bool = True, check_errors: bool = False) -> LUFactorsInfo:
    """Return the factors as `lu_factor`, and for each matrix which element on the diagonal of U is 0.

    Parameters
    ----------
    A : Tensor, (..., m, n)
    pivot : bool
        Must be True.
    check_errors : bool
        Raise an error for a zero.

    Raises
    ------
    ShapeError, DTypeError
        If A is no matrix, or not floating point or complex.
    ArgumentError
        If `pivot` is False.
    LinAlgError
        With `check_errors`, if U has a zero on its diagonal.
    """
    _checked("lu_factor", A)
    if not pivot:
        raise ArgumentError("lu_factor: pivot=False is not supported, as on PyTorch's CPU; it is not stable")
    swaps = _eliminated(A.array, pivot=True)[1]
    k, m = swaps.shape[-1], xp(swaps)
    rows = _rows(A, _order(swaps, A.shape[-2]))
    top = _lu(getitem(rows, (..., slice(k), slice(k))))
    diagonal = top.array[..., m.arange(k), m.arange(k)]
    zeros = m.concatenate([diagonal == 0, m.ones((*diagonal.shape[:-1], 1), bool)], axis=-1)
    first = zeros.argmax(-1)
    info = m.where(first < k, first + 1, 0).astype(np.int32)
    if check_errors and (info != 0).any():
        raise LinAlgError(f"lu_factor: the element {int(info.max())} on the diagonal of U is zero, so it is singular")
    factors = top
    if A.shape[-2] > k:
        rest = getitem(rows, (..., slice(k, None), slice(None)))
        factors = cat([top, solve_triangular(top, rest, upper=True, left=False)], -2)
    elif A.shape[-1] > k:
        rest = getitem(rows, (..., slice(k, None)))
        factors = cat([top, solve_triangular(top, rest, upper=False, unitriangular=True)], -1)
    return LUFactorsInfo(factors, *(Tensor._wrap(m.asarray(t), A.device) for t in (swaps + 1, info)))


def lu_factor(A: Tensor, *, pivot: bool = True) -> LUFactors:
    """Return L and U in one matrix, and the swaps of rows, for `lu_solve`.

    Parameters
    ----------
    A : Tensor, (..., m, n)
    pivot : bool
        Must be True.

    Returns
    -------
    LU : Tensor, (..., m, n)
        U on and above the diagonal, L below it.
    pivots : Tensor of int32, (..., min(m, n))

    Raises
    ------
    ShapeError, DTypeError, ArgumentError
        As in `lu_factor_ex`.
    LinAlgError
        If U has a zero on its diagonal.

    Examples
    --------
    >>> import minicnn
    >>> factors, pivots = lu_factor(minicnn.tensor([[1.0, 2.0], [2.0, 2.0]]))
    >>> factors.tolist(), pivots.tolist()
    ([[2.0, 2.0], [0.5, 1.0]], [2, 2])
    """
    return LUFactors(*lu_factor_ex(A, pivot=pivot, check_errors=True)[:2])


def lu(A: Tensor, *, pivot: bool = True) -> LUResult:
    """Return a permutation P, a lower triangle L with ones on the diagonal, and an upper triangle U: A = P L U.

    Parameters
    ----------
    A : Tensor, (..., m, n)
    pivot : bool
        Must be True.

    Raises
    ------
    ShapeError, DTypeError, ArgumentError
        As in `lu_factor_ex`.
    """
    return lu_unpack(*lu_factor_ex(A, pivot=pivot)[:2])


def lu_unpack(LU_data: Tensor, LU_pivots: Tensor, unpack_data: bool = True, unpack_pivots: bool = True) -> LUResult:
    """Return P, L and U from the result of `lu_factor`.

    Parameters
    ----------
    LU_data : Tensor, (..., m, n)
    LU_pivots : Tensor of int32, (..., min(m, n))
    unpack_data, unpack_pivots : bool
        Without them, L and U, or P, are empty.

    Raises
    ------
    ShapeError, DTypeError
        If `LU_data` is no matrix, or the pivots are not of type int32.
    """
    _checked("lu_unpack", LU_data)
    _check_pivots("lu_unpack", LU_data, LU_pivots)
    rows = LU_data.shape[-2]
    empty = Tensor._wrap(LU_data.device.xp.zeros((0,), LU_data.dtype), LU_data.device)
    low, high = _triangles(LU_data) if unpack_data else (empty, empty)
    if not unpack_pivots:
        return LUResult(empty, low, high)
    order = _order(LU_pivots.array - 1, rows)
    return LUResult(mT(_rows(eye(rows, dtype=LU_data.dtype, device=LU_data.device), order)), low, high)


def _check_pivots(call: str, factors: Tensor, pivots: Tensor) -> None:
    if pivots.dtype != np.int32:
        raise DTypeError(f"{call}: the pivots must be of type int32, got {pivots.dtype}")
    if pivots.shape != (*factors.shape[:-2], min(factors.shape[-2:])):
        raise ShapeError(f"{call}: the factors are {factors.shape}, which does not fit pivots of {pivots.shape}")


def lu_solve(LU: Tensor, pivots: Tensor, B: Tensor, *, left: bool = True, adjoint: bool = False) -> Tensor:
    """Return X with A X = B, from the factors of A by `lu_factor`.

    Parameters
    ----------
    LU : Tensor, (..., n, n)
    pivots : Tensor of int32, (..., n)
    B : Tensor, (..., n, k), or (..., k, n) for left=False
    left : bool
        Otherwise X A = B.
    adjoint : bool
        Use the transposed (and conjugated) matrix instead of A.

    Raises
    ------
    ShapeError, DTypeError
        If the shapes or types do not fit.
    """
    _checked("lu_solve", LU, B, square=True)
    _check_pivots("lu_solve", LU, pivots)
    if not left:
        return _adjoint(lu_solve(LU, pivots, _adjoint(B), adjoint=not adjoint))
    if B.shape[-2] != LU.shape[-1]:
        raise ShapeError(f"lu_solve: A is {LU.shape}, so B needs {LU.shape[-1]} rows, got {B.shape}")
    order = _order(pivots.array - 1, LU.shape[-1])
    if not adjoint:
        inner = solve_triangular(LU, _rows(B, order), upper=False, unitriangular=True)
        return solve_triangular(LU, inner, upper=True)
    other = _adjoint(LU)
    inner = solve_triangular(other, B, upper=False)
    return _rows(solve_triangular(other, inner, upper=True, unitriangular=True), order.argsort(-1))
