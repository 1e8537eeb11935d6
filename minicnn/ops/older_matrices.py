"""Older names of the functions of `minicnn.linalg`, which PyTorch has as `torch.svd` and as methods of tensors."""

from typing import NamedTuple

from minicnn.autograd.tensor import Tensor
from minicnn.ops import matrices, matrix_products
from minicnn.ops.linalg import mT
from minicnn.ops.matrices import QRResult, SlogdetResult

__all__ = ["cholesky", "det", "inverse", "matrix_power", "pinverse", "qr", "slogdet", "svd"]


class _SVDResult(NamedTuple):
    """The result of `svd`: input = U diag(S) Vᵀ."""

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
    """Return the lower triangular L with input = L Lᵀ; with `upper`, Lᵀ. See `linalg.cholesky`."""
    return matrices.cholesky(input, upper=upper)


def qr(input: Tensor, some: bool = True) -> QRResult:
    """Return an orthogonal Q and an upper triangular R with input = Q R; with some=False, Q is square."""
    return matrices.qr(input, "reduced" if some else "complete")


def svd(input: Tensor, some: bool = True, compute_uv: bool = True) -> _SVDResult:
    """Return the singular value decomposition input = U diag(S) Vᵀ; `linalg.svd` returns Vᵀ instead of V.

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
    return _SVDResult(u, s, mT(vh))
