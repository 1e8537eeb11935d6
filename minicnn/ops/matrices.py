"""Inverses, determinants and decompositions of matrices: the public functions.

Each function takes one matrix, or a batch of them along the leading axes. `decompositions.py` has the primitives.
"""

from math import nan
from typing import Any, NamedTuple

import numpy as np

from minicnn.autograd.tensor import Tensor
from minicnn.errors import ArgumentError, DTypeError, LinAlgError, ShapeError
from minicnn.ops.comparison import isfinite, isnan, where
from minicnn.ops.complex_numbers import adjoint, imag, is_complex, polar, real
from minicnn.ops.create import eye, full_like, ones_like
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
from minicnn.ops.elementwise import add, mul, sub
from minicnn.ops.indexing import getitem
from minicnn.ops.linalg import mT
from minicnn.ops.masks import masked_fill
from minicnn.ops.shape import broadcast_to, reshape, squeeze, unsqueeze
from minicnn.ops.triangles import tril, triu

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
    """The result of `eigh`: A = V diag(w) Vᴴ."""

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


def _checked(call: str, *tensors: Tensor, square: bool = False) -> None:
    """Check that tensors are matrices of one floating-point or complex type, and that the first is square."""
    for t in tensors:
        if not isinstance(t, Tensor) or t.dtype.kind not in "fc" or t.dtype != tensors[0].dtype:
            got = ", ".join(str(getattr(t, "dtype", type(t).__name__)) for t in tensors)
            raise DTypeError(f"{call}: expected tensors of one floating-point type, got {got}; convert with .to()")
    shape = tensors[0].shape
    if any(t.ndim < 2 for t in tensors) or (square and shape[-1] != shape[-2]):
        got = " and ".join(str(t.shape) for t in tensors)
        raise ShapeError(f"{call}: expected {'square ' if square else ''}matrices, (..., n, m), got {got}")


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
    _checked("inv", A, square=True)
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
    if B.ndim == 1 or B.shape == A.shape[:-1]:
        if not left:
            raise ShapeError("solve: left=False needs matrices B, got vectors")
        return squeeze(_solved("solve", A, unsqueeze(B, -1), left), -1)
    return _solved("solve", A, B, left)


def _solved(call: str, a: Tensor, b: Tensor, left: bool) -> Tensor:
    """Return X with A X = B, or X A = B, for matrices B."""
    _checked(call, a, b, square=True)
    if not left:
        return mT(_solved(call, mT(a), mT(b), True))
    if b.shape[-2] != a.shape[-1]:
        raise ShapeError(
            f"{call}: A is {a.shape}, so B needs {a.shape[-1]} rows (columns for left=False), got {b.shape}"
        )
    try:
        lead = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    except ValueError:
        raise ShapeError(f"{call}: the batches of {a.shape} and {b.shape} do not broadcast") from None
    a, b = (t if t.shape[:-2] == lead else broadcast_to(t, (*lead, *t.shape[-2:])) for t in (a, b))
    y: Tensor = _run(call, "a matrix is singular", _solve, a, b)
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
        Matrices; `solve` takes vectors too.
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
    _checked("solve_triangular", A, B, square=True)
    triangle = triu(A, int(unitriangular)) if upper else tril(A, -int(unitriangular))
    if unitriangular:
        triangle = add(triangle, eye(A.shape[-1], dtype=A.dtype, device=A.device))
    return _solved("solve_triangular", triangle, B, left)


def det(A: Tensor) -> Tensor:
    """Return the determinants of square matrices, (..., n, n) -> (...).

    Raises
    ------
    ShapeError, DTypeError
        If A is not square, or not floating point.
    """
    _checked("det", A, square=True)
    return _det(A)


def slogdet(A: Tensor) -> SlogdetResult:
    """Return the sign and the logarithm of the absolute value of determinants, without overflow.

    The sign of a complex number z is z / |z|.

    Raises
    ------
    ShapeError, DTypeError
        If A is not square, or not floating point.
    """
    _checked("slogdet", A, square=True)
    logarithm, sign = _slogdet(A)
    if is_complex(logarithm):
        angle = imag(logarithm)  # it gives the sign its gradient
        sign = mul(sign, polar(ones_like(angle), sub(angle, angle.detach())))
    return SlogdetResult(sign, real(logarithm))


def logdet(input: Tensor) -> Tensor:
    """Return the logarithm of determinants: NaN for a negative one, -inf for 0.

    The logarithm of a complex determinant is complex.

    Raises
    ------
    ShapeError, DTypeError
        If the input is not square, or not floating point.
    """
    _checked("logdet", input, square=True)
    logarithm, sign = _slogdet(input)
    return logarithm if is_complex(logarithm) else where(sign < 0, full_like(logarithm, nan), logarithm)


def cholesky(A: Tensor, *, upper: bool = False) -> Tensor:
    """Return the lower triangular L with A = L Lᴴ; with `upper`, Lᴴ. Only the lower triangle of A is read.

    Raises
    ------
    ShapeError, DTypeError
        If A is not square, or not floating point.
    LinAlgError
        If a matrix is not positive definite, or its lower triangle has NaN.
    """
    _checked("cholesky", A, square=True)
    reason = "a matrix is not positive definite"
    lower: Tensor = _run("cholesky", reason, _cholesky, _mirrored(A, "L"))
    if bool(isnan(lower.detach()).any()):
        raise LinAlgError(f"cholesky: {reason} (its factor has NaN)")
    return adjoint(lower) if upper else lower


def _mirrored(a: Tensor, uplo: str) -> Tensor:
    """Return a Hermitian matrix whose values come from one triangle; the gradient is that of the whole matrix."""
    fixed = a.detach()
    half = _lower(tril(fixed if uplo == "L" else adjoint(fixed)), 0.5)
    return add(add(half, adjoint(half)), masked_fill(sub(a, fixed), ~isfinite(fixed), 0))


def eigh(A: Tensor, UPLO: str = "L") -> EighResult:
    """Return the eigenvalues, in rising order, and the eigenvectors of Hermitian matrices: A = V diag(w) Vᴴ.

    Real Hermitian matrices are symmetric. The sign of an eigenvector is arbitrary, and for complex matrices its phase;
    if a loss depends on a phase, the backward pass raises an AutogradError. The vectors of equal eigenvalues are
    arbitrary too; their gradient counts as 0.

    Parameters
    ----------
    A : Tensor, (..., n, n)
    UPLO : "L" or "U"
        The triangle that is read; others are an ArgumentError.

    Raises
    ------
    ShapeError, DTypeError, ArgumentError
        If A is not square, or not floating point.
    LinAlgError
        If the iteration does not converge.
    """
    _checked("eigh", A, square=True)
    if UPLO.upper() not in ("L", "U"):
        raise ArgumentError(f"eigh: UPLO must be 'L' or 'U', got {UPLO!r}")
    y = _run("eigh", "no convergence", _eigh, _mirrored(A, UPLO.upper()))
    vectors, values = _eigh_parts(y, A.shape)
    return EighResult(real(values), vectors)


def eigvalsh(A: Tensor, UPLO: str = "L") -> Tensor:
    """Return the eigenvalues of Hermitian matrices in rising order, (..., n, n) -> (..., n); see `eigh` for errors."""
    return eigh(A, UPLO).eigenvalues


def svd(A: Tensor, full_matrices: bool = True, *, driver: str | None = None) -> SVDResult:
    """Return the singular value decomposition A = U diag(S) Vh; S falls.

    The signs of the vectors are arbitrary. So is the phase of a complex column of U, with its row of Vh; if a loss
    depends on a phase, the backward pass raises an AutogradError. The vectors of equal singular values have no
    gradient, and the columns that only `full_matrices` adds have none.

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
    """Return an orthogonal (complex: unitary) Q and an upper triangular R with A = Q R.

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
        Take A to be Hermitian: read its lower triangle only.

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
        A = _mirrored(A, "L")
    if rtol is None:
        rtol = 0.0 if atol else max(A.shape[-2:]) * float(np.finfo(A.dtype).eps)
    y: Tensor = _run("pinv", "no convergence", _pinv, A, atol=float(atol or 0.0), rtol=float(rtol))
    return y
