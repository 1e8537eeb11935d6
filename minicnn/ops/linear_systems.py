"""More of linear algebra: functions that report errors as numbers, tensors as matrices, products of reflections."""

from math import prod
from typing import Any, NamedTuple

import numpy as np

from minicnn.autograd.tensor import Tensor
from minicnn.errors import LinAlgError, ShapeError
from minicnn.ops.complex_numbers import adjoint
from minicnn.ops.create import as_tensor, eye, full, ones_like
from minicnn.ops.decompositions import _lower
from minicnn.ops.indexing import getitem, stack
from minicnn.ops.linalg import matmul
from minicnn.ops.lu import lu_factor_ex
from minicnn.ops.matrices import _checked, cholesky, inv, solve, solve_triangular
from minicnn.ops.scans import cumprod
from minicnn.ops.shape import broadcast_to, reshape, unsqueeze
from minicnn.runtime.devices import to_host

__all__ = [
    "CholeskyInfo",
    "InverseInfo",
    "SolveInfo",
    "cholesky_ex",
    "cholesky_inverse",
    "cholesky_solve",
    "householder_product",
    "inv_ex",
    "solve_ex",
    "tensorinv",
    "tensorsolve",
    "vander",
]


class CholeskyInfo(NamedTuple):
    """The result of `cholesky_ex`. `info` is 0, or the size of the first leading part that is not positive definite."""

    L: Tensor
    info: Tensor


class InverseInfo(NamedTuple):
    """The result of `inv_ex`. `info` is 0, or the number of the first pivot that is zero, from 1."""

    inverse: Tensor
    info: Tensor


class SolveInfo(NamedTuple):
    """The result of `solve_ex`. `info` is 0, or the number of the first pivot that is zero, from 1."""

    result: Tensor
    info: Tensor


def _no_error(A: Tensor) -> Tensor:
    return full(A.shape[:-2], 0, dtype=np.int32, device=A.device)


def _leading_part(a: Any) -> int:
    """Return the size of the first leading part that is not positive definite, or has a factor with NaN; or 0."""
    for size in range(1, len(a) + 1):
        try:
            if np.isnan(np.linalg.cholesky(a[:size, :size])).any():
                return size
        except np.linalg.LinAlgError:
            return size
    return 0


def cholesky_ex(A: Tensor, *, upper: bool = False, check_errors: bool = False) -> CholeskyInfo:
    """Return the result of `cholesky`, and a number instead of an error; see `cholesky` for the errors of shapes.

    Parameters
    ----------
    A : Tensor, (..., n, n)
    upper, check_errors : bool
        With `check_errors`, an error is raised nevertheless.

    Returns
    -------
    L : Tensor, (..., n, n)
        NaN where a matrix is not positive definite.
    info : Tensor of int32, (...)
        0 for a matrix that is positive definite.

    Raises
    ------
    LinAlgError
        With `check_errors`, if a matrix is not positive definite.
    """
    try:
        return CholeskyInfo(cholesky(A, upper=upper), _no_error(A))
    except LinAlgError:
        if check_errors:
            raise
    n = A.shape[-1]
    low = np.tril(to_host(A.array))
    whole = low + np.tril(low, -1).swapaxes(-1, -2).conj()
    info = np.array([_leading_part(a) for a in whole.reshape(-1, n, n)], np.int32).reshape(A.shape[:-2])
    wrong = as_tensor(info != 0, device=A.device).reshape(*A.shape[:-2], 1, 1)
    one = eye(n, dtype=A.dtype, device=A.device)
    found = cholesky(one.where(wrong, A), upper=upper)
    return CholeskyInfo(found.masked_fill(wrong, np.nan), as_tensor(info, device=A.device))


def inv_ex(A: Tensor, *, check_errors: bool = False) -> InverseInfo:
    """Return the result of `inv`, and a number instead of an error; see `inv` for the errors of shapes.

    Parameters
    ----------
    A : Tensor, (..., n, n)
    check_errors : bool
        Raise an error nevertheless.

    Returns
    -------
    inverse : Tensor, (..., n, n)
        NaN where a matrix is singular.
    info : Tensor of int32, (...)

    Raises
    ------
    LinAlgError
        With `check_errors`, if a matrix is singular.
    """
    try:
        return InverseInfo(inv(A), _no_error(A))
    except LinAlgError:
        if check_errors:
            raise
    regular, wrong, info = _regular(A)
    return InverseInfo(inv(regular).masked_fill(wrong, np.nan), info)


def solve_ex(A: Tensor, B: Tensor, *, left: bool = True, check_errors: bool = False) -> SolveInfo:
    """Return the result of `solve`, and a number instead of an error; see `solve` for the errors of shapes.

    Parameters
    ----------
    A, B : Tensor
        As in `solve`.
    left, check_errors : bool
        With `check_errors`, an error is raised nevertheless.

    Returns
    -------
    result : Tensor
        NaN where a matrix is singular.
    info : Tensor of int32, with the batch of A

    Raises
    ------
    LinAlgError
        With `check_errors`, if a matrix is singular.
    """
    try:
        return SolveInfo(solve(A, B, left=left), _no_error(A))
    except LinAlgError:
        if check_errors:
            raise
    regular, wrong, info = _regular(A)
    found = solve(regular, B, left=left)
    vector = found.ndim < A.ndim
    return SolveInfo(found.masked_fill(wrong.squeeze(-1) if vector else wrong, np.nan), info)


def _regular(A: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return A with the unit matrix for singular ones, which they are, (..., 1, 1), and the numbers of zero pivots."""
    info = lu_factor_ex(A.detach()).info
    wrong = reshape(info != 0, (*A.shape[:-2], 1, 1))
    return eye(A.shape[-1], dtype=A.dtype, device=A.device).where(wrong, A), wrong, info


def cholesky_solve(input: Tensor, input2: Tensor, upper: bool = False) -> Tensor:
    """Return X with A X = input, from the Cholesky factor L of A = L Lᴴ, or U of A = Uᴴ U.

    Parameters
    ----------
    input : Tensor, (..., n, k)
    input2 : Tensor, (..., n, n)
        L, or U with `upper`. Only this triangle is read.
    upper : bool

    Raises
    ------
    ShapeError, DTypeError, LinAlgError
        As in `solve`.
    """
    low = adjoint(input2) if upper else input2
    return solve_triangular(adjoint(low), solve_triangular(low, input, upper=False), upper=True)


def cholesky_inverse(input: Tensor, upper: bool = False) -> Tensor:
    """Return the inverse of A from its Cholesky factor: `cholesky_solve` of the unit matrix.

    Raises
    ------
    ShapeError, DTypeError, LinAlgError
        As in `solve`.
    """
    _checked("cholesky_inverse", input, square=True)
    one = broadcast_to(eye(input.shape[-1], dtype=input.dtype, device=input.device), input.shape)
    return cholesky_solve(one, input, upper)


def householder_product(A: Tensor, tau: Tensor) -> Tensor:
    """Return the first n columns of the product of the reflections I - tauᵢ vᵢ vᵢᴴ.

    Column i of A has vᵢ below the diagonal; above it vᵢ is 0, and on it 1. LAPACK stores the Q of A = Q R so.

    Parameters
    ----------
    A : Tensor, (..., m, n), m >= n
    tau : Tensor, (..., k), k <= n

    Raises
    ------
    ShapeError, DTypeError
        If the shapes or types do not fit.
    """
    _checked("householder_product", A, unsqueeze(tau, -1))
    (m, n), k = A.shape[-2:], tau.shape[-1]
    if m < n or k > n or tau.shape[:-1] != A.shape[:-2]:
        raise ShapeError(
            f"householder_product: expected A (..., m, n) and tau (..., k), k <= n <= m, got {A.shape} and {tau.shape}"
        )
    one = eye(m, n, dtype=A.dtype, device=A.device)
    vectors, found = _lower(A, 0.0) + one, broadcast_to(one, A.shape)
    for i in reversed(range(k)):
        v = getitem(vectors, (..., slice(i, i + 1)))
        found = found - reshape(getitem(tau, (..., i)), (*tau.shape[:-1], 1, 1)) * matmul(v, matmul(adjoint(v), found))
    return found


def tensorsolve(A: Tensor, B: Tensor, dims: tuple[int, ...] | None = None) -> Tensor:
    """Return X with tensordot(A, X, X.ndim) = B: a system of linear equations whose unknowns are a tensor.

    Parameters
    ----------
    A : Tensor, of the shape of B and then the shape of X, with equal numbers of elements
    B : Tensor
    dims : tuple of int, optional
        Axes of A that are moved to its end first.

    Raises
    ------
    ShapeError
        If the numbers of elements differ.
    DTypeError, LinAlgError
        As in `solve`.
    """
    moved = A.movedim(tuple(dims), tuple(range(-len(dims), 0))) if dims else A
    shape = moved.shape[B.ndim :]
    if prod(shape) != prod(moved.shape[: B.ndim]) or prod(shape) != B.numel():
        raise ShapeError(f"tensorsolve: A must be square as a matrix for B of shape {B.shape}, got {moved.shape}")
    size = B.numel()
    return reshape(solve(reshape(moved, (size, size)), reshape(B, (size,))), shape)


def tensorinv(A: Tensor, ind: int = 2) -> Tensor:
    """Return the inverse of A as a matrix whose rows are its first `ind` axes: tensordot(A⁻¹, B, ind) solves for B.

    Parameters
    ----------
    A : Tensor
        The first `ind` axes have as many elements as the others.
    ind : int

    Raises
    ------
    ShapeError
        If the numbers of elements differ, or `ind` is not positive.
    DTypeError, LinAlgError
        As in `inv`.
    """
    rows, columns = A.shape[: max(ind, 0)], A.shape[max(ind, 0) :]
    if ind <= 0 or prod(rows) != prod(columns):
        raise ShapeError(f"tensorinv: the first {ind} axes of {A.shape} must have as many elements as the others")
    return reshape(inv(reshape(A, (prod(rows), prod(columns)))), (*columns, *rows))


def vander(x: Tensor, *, N: int | None = None) -> Tensor:
    """Return the powers xᵏ of the elements along a new last axis, k = 0, ..., N - 1 (Vandermonde's matrix).

    Parameters
    ----------
    x : Tensor, (..., n)
    N : int, optional
        At least 2; n by default.

    Raises
    ------
    ShapeError
        If x has no axes, or N is too small.
    """
    if not x.ndim or (N is not None and N < 2):
        raise ShapeError(f"vander: expected x with an axis and N of at least 2, got {x.shape} and {N}")
    return _powers(x, x.shape[-1] if N is None else N)


def _powers(x: Tensor, count: int) -> Tensor:
    factors = [ones_like(x), *[x] * (count - 1)][:count]
    return cumprod(stack(factors, -1), -1) if factors else getitem(unsqueeze(x, -1), (..., slice(0)))
