"""Inverses, determinants and decompositions of matrices: the public functions.

Each function takes one matrix, or a batch of them along the leading axes. `decompositions.py` has the primitives.
"""

from math import nan
from typing import Any, NamedTuple

import numpy as np

from minicnn.autograd.tensor import Tensor
from minicnn.errors import ArgumentError, DTypeError, LinAlgError, ShapeError
from minicnn.ops.comparison import where
from minicnn.ops.create import eye, full_like
from minicnn.ops.decompositions import (
    _cholesky,
    _det,
    _eigh,
    _eigh_parts,
    _inv,
    _lower,
    _pinv,
    _qr,
    _qr_parts,
    _slogdet,
    _solve,
    _svd,
    _svd_parts,
)
from minicnn.ops.elementwise import add, sub
from minicnn.ops.indexing import getitem
from minicnn.ops.linalg import mT
from minicnn.ops.shape import broadcast_to, reshape, squeeze, unsqueeze
from minicnn.ops.triangles import tril

__all__ = [
    "EighResult",
    "QRResult",
    "SVDResult",
    "SlogdetResult",
    "cholesky",
    "det",
    "eigh",
    "eigvalsh",
    "inv",
    "logdet",
    "pinv",
    "qr",
    "slogdet",
    "solve",
    "solve_triangular",
    "svd",
    "svdvals",
]


class SVDResult(NamedTuple):
    """The result of `svd`: A = U diag(S) Vh."""

    U: Tensor
    S: Tensor
    Vh: Tensor


class EighResult(NamedTuple):
    """The result of `eigh`: A = V diag(w) Vᵀ."""

    eigenvalues: Tensor
    eigenvectors: Tensor


class QRResult(NamedTuple):
    """The result of `qr`: A = Q R."""

    Q: Tensor
    R: Tensor


class SlogdetResult(NamedTuple):
    """The result of `slogdet`: det A = sign exp(logabsdet)."""

    sign: Tensor
    logabsdet: Tensor


def _checked(call: str, *tensors: Tensor, square: bool = False, kinds: str = "f") -> None:
    """Check that tensors are matrices of one floating-point type, and that the first is square."""
    for t in tensors:
        if not isinstance(t, Tensor) or t.dtype.kind not in kinds or t.dtype != tensors[0].dtype:
            got = ", ".join(str(getattr(t, "dtype", type(t).__name__)) for t in tensors)
            raise DTypeError(f"{call}: expected tensors of one floating-point type, got {got}; convert with .to()")
    shape = tensors[0].shape
    if len(shape) < 2 or (square and shape[-1] != shape[-2]):
        raise ShapeError(f"{call}: expected {'square ' if square else ''}matrices, (..., n, m), got {shape}")


def _run(call: str, reason: str, function: Any, *tensors: Tensor, **params: Any) -> Any:
    """Call a primitive, and raise LinAlgError where the array module refuses the matrix."""
    try:
        return function(*tensors, **params)
    except np.linalg.LinAlgError as error:
        raise LinAlgError(f"{call}: {reason} ({error})") from error


def inv(A: Tensor) -> Tensor:
    """Return the inverse of square matrices, (..., n, n).

    Raises
    ------
    ShapeError, DTypeError
        If A is not square, or not floating point.
    LinAlgError
        If a matrix is singular. On a GPU, the result is NaN or infinite then.

    Examples
    --------
    >>> import minicnn
    >>> inv(minicnn.tensor([[2.0, 0.0], [0.0, 4.0]])).tolist()
    [[0.5, 0.0], [0.0, 0.25]]
    """
    _checked("inv", A, square=True, kinds="fc")
    y: Tensor = _run("inv", "a matrix is singular", _inv, A)
    return y


def solve(A: Tensor, B: Tensor, *, left: bool = True) -> Tensor:
    """Return X with A X = B, or with X A = B for left=False.

    Parameters
    ----------
    A : Tensor, (..., n, n)
    B : Tensor, (..., n, k), or (n,) or (..., n) with the batch of A: vectors
    left : bool

    Returns
    -------
    Tensor, with the shape of B; the batches broadcast

    Raises
    ------
    ShapeError, DTypeError
        If the shapes do not fit, or the types are not one floating-point type.
    LinAlgError
        If a matrix is singular.
    """
    _checked("solve", *((A, B) if B.ndim != 1 else (A,)), square=True, kinds="fc")
    vector = B.ndim == 1 or (A.ndim - 1 == B.ndim and B.shape == A.shape[:-1])
    if vector:
        if not left:
            raise ShapeError("solve: left=False needs matrices B, got vectors")
        return squeeze(solve(A, unsqueeze(B, -1)), -1)
    if not left:
        return mT(solve(mT(A), mT(B)))
    if B.shape[-2] != A.shape[-1]:
        raise ShapeError(
            f"solve: A is {A.shape}, so B needs {A.shape[-1]} rows (columns for left=False), got {B.shape}"
        )
    try:
        lead = np.broadcast_shapes(A.shape[:-2], B.shape[:-2])
    except ValueError:
        raise ShapeError(f"solve: the batches of {A.shape} and {B.shape} do not broadcast") from None
    a, b = (t if t.shape[:-2] == lead else broadcast_to(t, (*lead, *t.shape[-2:])) for t in (A, B))
    y: Tensor = _run("solve", "a matrix is singular", _solve, a, b)
    return y


def solve_triangular(
    A: Tensor,
    B: Tensor,
    *,
    upper: bool,
    left: bool = True,
    unitriangular: bool = False,
) -> Tensor:
    """Return X with A X = B (X A = B for left=False), where only one triangle of A counts.

    Parameters
    ----------
    A : Tensor, (..., n, n)
    B : Tensor, (..., n, k)
    upper : bool
        The upper triangle counts; otherwise the lower one.
    left : bool
    unitriangular : bool
        The diagonal counts as ones.

    Raises
    ------
    ShapeError, DTypeError, LinAlgError
        As in `solve`.
    """
    _checked("solve_triangular", A, B, square=True, kinds="fc")
    triangle = mT(_lower(mT(A))) if upper else _lower(A)
    if unitriangular:
        diagonal = eye(A.shape[-1], dtype=A.dtype, device=A.device)
        triangle = where(diagonal != 0, diagonal, triangle)
    return solve(triangle, B, left=left)


def det(A: Tensor) -> Tensor:
    """Return the determinants of square matrices, (..., n, n) -> (...).

    Raises
    ------
    ShapeError, DTypeError
        If A is not square, or not floating point.
    """
    _checked("det", A, square=True, kinds="fc")
    return _det(A)


def slogdet(A: Tensor) -> SlogdetResult:
    """Return the sign and the logarithm of the absolute value of determinants, without overflow.

    Raises
    ------
    ShapeError, DTypeError
        If A is not square, or not floating point.
    """
    _checked("slogdet", A, square=True)
    logarithm, sign = _slogdet(A)
    return SlogdetResult(sign, logarithm)


def logdet(input: Tensor) -> Tensor:
    """Return the logarithm of determinants: NaN for a negative one, -inf for 0; errors as in `slogdet`."""
    sign, logarithm = slogdet(input)
    return where(sign < 0, full_like(logarithm, nan), logarithm)


def cholesky(A: Tensor, *, upper: bool = False) -> Tensor:
    """Return the lower triangular L with A = L Lᵀ; with `upper`, Lᵀ. Only the lower triangle of A is read.

    Raises
    ------
    ShapeError, DTypeError
        If A is not square, or not floating point.
    LinAlgError
        If a matrix is not positive definite. On a GPU, the result is NaN then.
    """
    _checked("cholesky", A, square=True)
    lower: Tensor = _run("cholesky", "a matrix is not positive definite", _cholesky, _mirrored(A, "L"))
    return mT(lower) if upper else lower


def _mirrored(a: Tensor, uplo: str) -> Tensor:
    """Return a symmetric matrix whose values come from one triangle; the gradient is that of the whole matrix."""
    fixed = a.detach()
    lower = _lower(fixed) if uplo == "L" else _lower(mT(fixed))
    return add(a, sub(add(lower, mT(_lower(lower, 0.0))), fixed))


def eigh(A: Tensor, UPLO: str = "L") -> EighResult:
    """Return the eigenvalues, in rising order, and the eigenvectors of symmetric matrices: A = V diag(w) Vᵀ.

    The sign of an eigenvector is arbitrary. So are the vectors of equal eigenvalues; their gradient counts as 0.

    Parameters
    ----------
    A : Tensor, (..., n, n)
    UPLO : "L" or "U"
        The triangle that is read.

    Raises
    ------
    ShapeError, DTypeError
        If A is not square, or not floating point.
    ArgumentError
        If UPLO is neither "L" nor "U".
    LinAlgError
        If the iteration does not converge.
    """
    _checked("eigh", A, square=True)
    if UPLO.upper() not in ("L", "U"):
        raise ArgumentError(f"eigh: UPLO must be 'L' or 'U', got {UPLO!r}")
    y = _run("eigh", "no convergence", _eigh, _mirrored(A, UPLO.upper()))
    vectors, values = _eigh_parts(y, A.shape)
    return EighResult(values, vectors)


def eigvalsh(A: Tensor, UPLO: str = "L") -> Tensor:
    """Return the eigenvalues of symmetric matrices in rising order, (..., n, n) -> (..., n); see `eigh` for errors."""
    return eigh(A, UPLO).eigenvalues


def svd(A: Tensor, full_matrices: bool = True, *, driver: str | None = None) -> SVDResult:
    """Return the singular value decomposition A = U diag(S) Vh; S falls.

    The signs of the vectors are arbitrary. The vectors of equal singular values have no gradient, and the columns that
    only `full_matrices` adds have none.

    Parameters
    ----------
    A : Tensor, (..., m, n)
    full_matrices : bool
        U is (m, m) and Vh (n, n); otherwise (m, k) and (k, n) with k = min(m, n).
    driver
        No effect.

    Raises
    ------
    ShapeError, DTypeError
        If A is no matrix, or not floating point.
    LinAlgError
        If the iteration does not converge.
    """
    _checked("svd", A)
    y = _run("svd", "no convergence", _svd, A, full=full_matrices)
    return SVDResult(*_svd_parts(y, A.shape, full_matrices))


def svdvals(A: Tensor, *, driver: str | None = None) -> Tensor:
    """Return the singular values in falling order, (..., m, n) -> (..., min(m, n)); see `svd` for errors."""
    return svd(A, full_matrices=False).S


def qr(A: Tensor, mode: str = "reduced") -> QRResult:
    """Return an orthogonal Q and an upper triangular R with A = Q R.

    Parameters
    ----------
    A : Tensor, (..., m, n)
    mode : "reduced", "complete" or "r"
        "complete": Q is (m, m). "r": Q is empty.

    Raises
    ------
    ShapeError, DTypeError
        If A is no matrix, or not floating point.
    ArgumentError
        If the mode is another one.
    """
    _checked("qr", A)
    if mode not in ("reduced", "complete", "r"):
        raise ArgumentError(f"qr: mode must be 'reduced', 'complete' or 'r', got {mode!r}")
    kind = "reduced" if mode == "r" else mode
    q, r = _qr_parts(_qr(A, mode=kind), A.shape, kind)
    return QRResult(reshape(getitem(q, (..., slice(0, 0))), (0,)) if mode == "r" else q, r)


def pinv(
    A: Tensor,
    *,
    atol: float | None = None,
    rtol: float | None = None,
    hermitian: bool = False,
) -> Tensor:
    """Return the pseudo-inverse (Moore and Penrose) of matrices, (..., m, n) -> (..., n, m).

    Parameters
    ----------
    A : Tensor, (..., m, n)
    atol, rtol : float, optional
        Singular values below the larger of atol and rtol times the largest one count as 0. Default: rtol is the larger
        size times the precision of the type, or 0 if atol is given.
    hermitian : bool
        Take A to be symmetric: read its lower triangle only.

    Raises
    ------
    ShapeError, DTypeError
        If A is no matrix, or not floating point.
    LinAlgError
        If the iteration does not converge.
    """
    _checked("pinv", A)
    if hermitian:
        if A.shape[-1] != A.shape[-2]:
            raise ShapeError(f"pinv: with hermitian=True the matrices must be square, got {A.shape}")
        A = add(tril(A), mT(tril(A, -1)))
    if rtol is None:
        rtol = 0.0 if atol else max(A.shape[-2:]) * float(np.finfo(A.dtype).eps)
    y: Tensor = _run("pinv", "no convergence", _pinv, A, atol=float(atol or 0.0), rtol=float(rtol))
    return y
