"""Eigenvalues and eigenvectors of square matrices that need not be symmetric. They are complex.

An eigenvector times any number is one too. The primitive divides each by its largest element, which is 1 then and has
no derivative. `eig` divides the result by its length, so its vectors have the length 1, and so do their derivatives.

Reference: Boeddeker et al., "On the computation of complex-valued gradients with application to statistically optimum
beamforming", 2017.
"""

from typing import NamedTuple

from minicnn.autograd.primitive import primitive
from minicnn.autograd.tensor import Tensor
from minicnn.dtypes import complex_type
from minicnn.ops.comparison import where
from minicnn.ops.create import zeros_like
from minicnn.ops.decompositions import _eigh_parts, _inverse_or_zero, _joined, _on_diagonal, _solve
from minicnn.ops.elementwise import add, mul, sub
from minicnn.ops.linalg import matmul, mT
from minicnn.ops.matrices import _checked, _run
from minicnn.ops.matrix_norms import vector_norm
from minicnn.ops.ranges import arange
from minicnn.ops.shape import unsqueeze
from minicnn.runtime.devices import Array, xp

__all__ = ["EigResult", "eig", "eigvals"]


class EigResult(NamedTuple):
    """The result of `eig`: A V = V diag(w)."""

    eigenvalues: Tensor
    eigenvectors: Tensor


@primitive
def _eig(a: Array) -> Array:
    values, vectors = xp(a).linalg.eig(a)
    vectors = vectors / xp(a).take_along_axis(vectors, _largest(vectors), -2)
    return _joined(vectors.astype(a.dtype), values.astype(a.dtype))


def _largest(vectors: Array) -> Array:
    """Return the row of the largest element of each column, (..., 1, n)."""
    return abs(vectors).argmax(-2)[..., None, :] if vectors.size else vectors[..., :1, :].real.astype(int)


def _eig_grad(grad: Tensor, y: Tensor, a_shape: tuple[int, ...]) -> Tensor:
    """Return V⁻ᵀ (diag(g) + (Vᵀ G') / (w_j - w_i)) Vᵀ.

    G' is G without the part along V: from the largest element of each column, that of Vᵀ G on the diagonal is taken.
    """
    (v, w), (gv, gw) = _eigh_parts(y, a_shape), _eigh_parts(grad, a_shape)
    rows = arange(a_shape[-1], device=y.device).unsqueeze(-1).eq(Tensor._wrap(_largest(v.array), y.device))
    gv = sub(gv, where(rows, unsqueeze((v * gv).sum(-2), -2), zeros_like(gv)))
    gaps = _inverse_or_zero(sub(unsqueeze(w, -2), unsqueeze(w, -1)))
    inner = add(mul(matmul(mT(v), gv), gaps), _on_diagonal(gw))
    return _solve(mT(v), matmul(inner, mT(v)))


_eig.gradient(a=lambda grad, y, a_shape: _eig_grad(grad, y, a_shape))
_eig.takes_complex = True


def eig(A: Tensor) -> EigResult:
    """Return the eigenvalues, in any order, and the eigenvectors of square matrices: A V = V diag(w).

    The vectors are the columns of V, with the length 1. Their phase is arbitrary, so a loss must not depend on it. The
    vectors of equal eigenvalues have no gradient.

    Parameters
    ----------
    A : Tensor, (..., n, n)

    Returns
    -------
    eigenvalues : Tensor of complex numbers, (..., n)
    eigenvectors : Tensor of complex numbers, (..., n, n)

    Raises
    ------
    ShapeError, DTypeError
        If A is not square, or not floating point or complex.
    LinAlgError
        If the iteration does not converge.
    """
    _checked("eig", A, square=True)
    y = _run("eig", "no convergence", _eig, A if A.dtype.kind == "c" else A.to(complex_type(A.dtype)))
    vectors, values = _eigh_parts(y, A.shape)
    return EigResult(values, vectors / vector_norm(vectors, dim=-2, keepdim=True))


def eigvals(A: Tensor) -> Tensor:
    """Return the eigenvalues of square matrices as complex numbers, (..., n, n) -> (..., n); see `eig` for errors."""
    return eig(A).eigenvalues
