"""Older names of the functions of `minicnn.linalg`, which PyTorch has as `torch.svd` and as methods of tensors."""

from typing import Any, NamedTuple

from minicnn.autograd.tensor import Tensor
from minicnn.errors import ShapeError
from minicnn.ops import linear_systems, matrices, matrix_products
from minicnn.ops import lu as factors
from minicnn.ops.complex_numbers import adjoint
from minicnn.ops.linear_systems import cholesky_inverse, cholesky_solve
from minicnn.ops.lu import lu_unpack
from minicnn.ops.matrices import QRResult, SlogdetResult
from minicnn.ops.shape import flip

__all__ = [
    "cholesky",
    "cholesky_inverse",
    "cholesky_solve",
    "det",
    "inverse",
    "lu",
    "lu_solve",
    "lu_unpack",
    "matrix_power",
    "pinverse",
    "qr",
    "slogdet",
    "svd",
    "vander",
]


class _SVDResult(NamedTuple):
    """The result of `svd`: input = U diag(S) Vᴴ."""

    U: Tensor
    S: Tensor
    V: Tensor


def det(input: Tensor) -> Tensor:
    """Return the determinants of square matrices; see `linalg.det`."""
    return matrices.det(input)


def slogdet(input: Tensor) -> SlogdetResult:
    """Return the sign and the logarithm of the absolute value of determinants; see `linalg.slogdet`."""
    return matrices.slogdet(input)


def matrix_power(input: Tensor, n: int) -> Tensor:
    """Return the n-th power of square matrices; see `linalg.matrix_power`."""
    return matrix_products.matrix_power(input, n)


def inverse(input: Tensor) -> Tensor:
    """Return the inverse of square matrices; see `linalg.inv`."""
    return matrices.inv(input)


def pinverse(input: Tensor, rcond: float = 1e-15) -> Tensor:
    """Return the pseudo-inverse; singular values below rcond times the largest count as 0. See `linalg.pinv`."""
    return matrices.pinv(input, rtol=rcond)


def cholesky(input: Tensor, upper: bool = False) -> Tensor:
    """Return the lower triangular L with input = L Lᴴ; with `upper`, Lᴴ. See `linalg.cholesky`."""
    return matrices.cholesky(input, upper=upper)


def qr(input: Tensor, some: bool = True) -> QRResult:
    """Return an orthogonal Q and an upper triangular R with input = Q R; with some=False, Q is square."""
    return matrices.qr(input, "reduced" if some else "complete")


def svd(input: Tensor, some: bool = True, compute_uv: bool = True) -> _SVDResult:
    """Return the singular value decomposition input = U diag(S) Vᴴ; `linalg.svd` returns Vᴴ instead of V.

    Parameters
    ----------
    input : Tensor, (..., m, n)
    some : bool
        U and V have only as many columns as there are singular values.
    compute_uv : bool
        False: U and V are zeros of full size, without a gradient.
    """
    if not compute_uv:
        m, n = input.shape[-2:]
        zeros = (input.detach().new_zeros((*input.shape[:-2], size, size)) for size in (m, n))
        first, second = zeros
        return _SVDResult(first, matrices.svdvals(input), second)
    u, s, vh = matrices.svd(input, full_matrices=not some)
    return _SVDResult(u, s, adjoint(vh))


def lu(A: Tensor, pivot: bool = True, get_infos: bool = False) -> tuple[Any, ...]:
    """Return the factors and the pivots of `linalg.lu_factor`; with `get_infos`, those of `linalg.lu_factor_ex`."""
    found = factors.lu_factor_ex(A, pivot=pivot)
    return tuple(found) if get_infos else tuple(found[:2])


def lu_solve(input: Tensor, LU_data: Tensor, LU_pivots: Tensor) -> Tensor:
    """Return X with A X = input, from the factors of A; see `linalg.lu_solve`."""
    return factors.lu_solve(LU_data, LU_pivots, input)


def vander(x: Tensor, N: int | None = None, increasing: bool = False) -> Tensor:
    """Return the powers of the elements of a vector, by default from the highest to 1; see `linalg.vander`.

    Raises
    ------
    ShapeError
        If x is no vector, or N is negative.
    """
    count = x.numel() if N is None else N
    if x.ndim != 1 or count < 0:
        raise ShapeError(f"vander: expected a vector and N of at least 0, got {x.shape} and {N}")
    powers = linear_systems._powers(x, count)
    return powers if increasing else flip(powers, (-1,))
