"""Inverses, determinants and decompositions of matrices: the primitives and their gradients.

Each primitive takes one matrix, or a batch of them along the leading axes. The bodies are NumPy's or CuPy's. A
primitive has one output, so a decomposition returns its parts in one vector, and `_split` takes them apart. If the
matrix is complex, so is this vector. `matrices.py` has the public functions.

Aᴴ is the transpose of the conjugate of A, for real matrices the transpose. The functions of gradients below take and
return gradients as PyTorch defines them: ∂L/∂a + i ∂L/∂b for a number a + ib. `Primitive.vjp` hands over their
conjugates, so the rules at the end conjugate them.

References: Giles, "Collected matrix derivative results for forward and reverse mode algorithmic differentiation", 2008;
Golub and Pereyra, "The differentiation of pseudo-inverses", 1973; Walter and Lehmann, "Algorithmic differentiation of
linear algebra functions", 2010.
"""

from math import prod

from minicnn.autograd.primitive import primitive
from minicnn.autograd.tensor import Tensor
from minicnn.errors import AutogradError
from minicnn.ops.comparison import eq, where
from minicnn.ops.complex_numbers import adjoint, complex, conj, imag, real
from minicnn.ops.create import eye, ones_like, zeros_like
from minicnn.ops.elementwise import add, div, mul, neg, sub
from minicnn.ops.indexing import getitem
from minicnn.ops.linalg import matmul, mT
from minicnn.ops.ranges import arange
from minicnn.ops.scans import _product_of_others
from minicnn.ops.shape import reshape, unsqueeze
from minicnn.runtime.devices import Array, xp

__all__: list[str] = []


# --- the primitives -------------------------------------------------------------------------------------------


def _joined(*parts: Array) -> Array:
    """Return the parts of a decomposition, each (batch, ...), in one vector for each matrix."""
    lead = parts[1].shape[:-1] if parts[1].ndim < parts[0].ndim else parts[0].shape[:-2]
    return xp(parts[0]).concatenate([p.reshape(*lead, prod(p.shape[len(lead) :])) for p in parts], axis=-1)


def _split(y: Tensor, *shapes: tuple[int, ...]) -> list[Tensor]:
    """Take the parts of a decomposition apart."""
    found, start = [], 0
    for shape in shapes:
        end = start + prod(shape)
        found.append(reshape(getitem(y, (..., slice(start, end))), (*y.shape[:-1], *shape)))
        start = end
    return found


def _adjoint(a: Array) -> Array:
    return xp(a).conjugate(a.swapaxes(-1, -2))


def _hermitian(a: Array) -> Array:
    return (a + _adjoint(a)) / 2


@primitive
def _inv(a: Array) -> Array:
    return xp(a).linalg.inv(a)


@primitive
def _solve(a: Array, b: Array) -> Array:
    return xp(a).linalg.solve(a, b)


@primitive
def _det(a: Array) -> Array:
    return xp(a).linalg.det(a)


@primitive(residuals=("sign",))
def _slogdet(a: Array) -> tuple[Array, Array]:
    """Return log |det A|, with i times the angle of det A for complex matrices, and the sign of det A."""
    m = xp(a)
    sign, logarithm = m.linalg.slogdet(a)
    if a.dtype.kind == "c":
        logarithm = logarithm + m.log(sign)
    return m.asarray(logarithm), m.asarray(sign)


@primitive
def _cholesky(a: Array) -> Array:
    return xp(a).linalg.cholesky(_hermitian(a))


@primitive
def _pinv(a: Array, *, atol: float, rtol: float) -> Array:
    u, s, vh = xp(a).linalg.svd(a, False)
    limit = xp(a).maximum(s[..., :1] * rtol, atol)
    kept = xp(a).where(s > limit, 1 / s, s.dtype.type(0))
    return xp(a).matmul(_adjoint(vh) * kept[..., None, :], _adjoint(u))


@primitive
def _eigh(a: Array) -> Array:
    values, vectors = xp(a).linalg.eigh(_hermitian(a))
    return _joined(vectors, values)


@primitive
def _svd(a: Array, *, full: bool) -> Array:
    u, s, vh = xp(a).linalg.svd(a, full)
    return _joined(u, s, vh)


@primitive
def _qr(a: Array, *, mode: str) -> Array:
    q, r = xp(a).linalg.qr(a, mode)
    return xp(a).concatenate([p.reshape(*a.shape[:-2], prod(p.shape[-2:])) for p in (q, r)], axis=-1)


for _operation in (_inv, _solve, _det, _slogdet, _cholesky, _pinv, _eigh, _svd, _qr):
    _operation.takes_complex = True

# --- their gradients ------------------------------------------------------------------------------------------


def _lower(x: Tensor, diagonal: float = 1.0) -> Tensor:
    """Return the lower triangle of matrices, with the diagonal times a factor."""
    rows, columns = (arange(n, device=x.device) for n in x.shape[-2:])
    below = where(unsqueeze(rows, 1) > columns, ones_like(x), zeros_like(x))
    return mul(x, below if not diagonal else where(eq(unsqueeze(rows, 1), columns), diagonal, below))


def _inverse_or_zero(x: Tensor) -> Tensor:
    """Return 1 / x, and 0 where x is 0: equal singular values have no derivatives of their own vectors."""
    zero = eq(x, 0)
    return where(zero, zeros_like(x), div(1.0, where(zero, ones_like(x), x)))


def _on_diagonal(x: Tensor) -> Tensor:
    return mul(unsqueeze(x, -2), eye(x.shape[-1], dtype=x.dtype, device=x.device))


def _cofactors(a: Tensor, y: Tensor) -> Tensor:
    """Return the derivative of the determinant y: y A⁻ᵀ, or for singular matrices det(U) det(Vᴴ) Ū diag(Π other s) V̄ᴴ.

    Ū is the conjugate of U. The determinants have the absolute value 1.
    """
    if not (y.array == 0).any():
        return mul(unsqueeze(unsqueeze(y, -1), -1), mT(_inv(a)))
    u, s, vh = _svd_parts(_svd(a, full=False), a.shape, full=False)
    others = mul(_product_of_others(s, (s.ndim - 1,)), unsqueeze(mul(_det(u), _det(vh)), -1))
    return matmul(mul(conj(u), unsqueeze(others, -2)), conj(vh))


def _hermitian_part(x: Tensor) -> Tensor:
    return mul(add(x, adjoint(x)), 0.5)


def _refuse_phase(call: str, inner: Tensor) -> None:
    """Raise if a loss depends on the phases of complex vectors: its gradient along them is on the diagonal of VᴴG."""
    if inner.dtype.kind == "c" and (abs(inner.array.imag.diagonal(0, -2, -1)) > 1e-2).any():
        raise AutogradError(
            f"{call}: the loss depends on the phases of the complex vectors, which are arbitrary, so it has no "
            "gradient; use values that no phase changes, for example .abs()"
        )


def _cholesky_grad(grad: Tensor, y: Tensor) -> Tensor:
    """Return the Hermitian part of L⁻ᴴ Φ(Lᴴ G) L⁻¹; Φ keeps the lower triangle, with half the diagonal."""
    x = _solve(adjoint(y), _lower(matmul(adjoint(y), grad), 0.5))
    return _hermitian_part(_solve(adjoint(y), adjoint(x)))


def _pinv_grad(grad: Tensor, a: Tensor, y: Tensor) -> Tensor:
    """Return -Pᴴ G Pᴴ + (I - A P) Gᴴ P Pᴴ + Pᴴ P Gᴴ (I - P A)."""
    p, ph, gh = y, adjoint(y), adjoint(grad)
    left, right = matmul(matmul(gh, p), ph), matmul(matmul(ph, p), gh)
    found = sub(add(left, right), matmul(matmul(ph, grad), ph))
    return sub(sub(found, matmul(a, matmul(p, left))), matmul(matmul(right, p), a))


def _eigh_parts(y: Tensor, shape: tuple[int, ...]) -> list[Tensor]:
    n = shape[-1]
    return _split(y, (n, n), (n,))


def _eigh_grad(grad: Tensor, y: Tensor, a_shape: tuple[int, ...]) -> Tensor:
    """Return the Hermitian part of V (diag(g) + (Vᴴ G) / (w_j - w_i)) Vᴴ."""
    (v, w), (gv, gw) = _eigh_parts(y, a_shape), _eigh_parts(grad, a_shape)
    w, gw = real(w), real(gw)
    gaps = _inverse_or_zero(sub(unsqueeze(w, -2), unsqueeze(w, -1)))
    inner = matmul(adjoint(v), gv)
    _refuse_phase("eigh", inner)
    return _hermitian_part(matmul(matmul(v, add(mul(inner, gaps), _on_diagonal(gw))), adjoint(v)))


def _svd_parts(y: Tensor, shape: tuple[int, ...], full: bool) -> list[Tensor]:
    m, n = shape[-2:]
    k = min(m, n)
    u, s, vh = _split(y, (m, m if full else k), (k,), (n if full else k, n))
    return [u, real(s), vh]


def _svd_grad(grad: Tensor, y: Tensor, a_shape: tuple[int, ...], full: bool) -> Tensor:
    """Return U (skew(Uᴴ Gᵤ) / E S + S skew(Vᴴ Gᵥ) / E + diag(g)) Vᴴ with E = s_j² - s_i², and the parts outside.

    skew(X) = X - Xᴴ. A common phase of a column of U and one of V changes nothing, so their phases are no two numbers
    but one: i Im(Uᴴ Gᵤ) / s is on the diagonal. Columns of a full U or V beyond the singular values have no gradient.
    """
    m, n = a_shape[-2:]
    k = min(m, n)
    (u, s, vh), (gu, gs, gvh) = _svd_parts(y, a_shape, full), _svd_parts(grad, a_shape, full)
    u, gu = (getitem(t, (..., slice(k))) for t in (u, gu))
    vh, gvh = (getitem(t, (..., slice(k), slice(None))) for t in (vh, gvh))
    squares, inverse = mul(s, s), unsqueeze(_inverse_or_zero(s), -2)
    gaps = _inverse_or_zero(sub(unsqueeze(squares, -2), unsqueeze(squares, -1)))
    of_u, of_v = matmul(adjoint(u), gu), matmul(vh, adjoint(gvh))
    _refuse_phase("svd", add(of_u, of_v))
    inner = mul(mul(sub(of_u, adjoint(of_u)), gaps), unsqueeze(s, -2))
    inner = add(inner, mul(mul(sub(of_v, adjoint(of_v)), gaps), unsqueeze(s, -1)))
    inner = add(inner, _on_diagonal(gs))
    if of_u.dtype.kind == "c":
        turn = mul(mul(imag(of_u), inverse), eye(k, dtype=s.dtype, device=s.device))
        inner = add(inner, complex(zeros_like(turn), turn))
    found = matmul(matmul(u, inner), vh)
    if m > k:
        found = add(found, matmul(mul(sub(gu, matmul(u, of_u)), inverse), vh))
    if n > k:
        found = add(found, matmul(mul(u, inverse), sub(gvh, matmul(adjoint(of_v), vh))))
    return found


def _qr_parts(y: Tensor, shape: tuple[int, ...], mode: str) -> list[Tensor]:
    m, n = shape[-2:]
    k = m if mode == "complete" else min(m, n)
    return _split(y, (m, k), (k, n))


def _qr_grad(grad: Tensor, a: Tensor, y: Tensor, mode: str) -> Tensor:
    """Return (G_Q + Q C) R⁻ᴴ with C = Φ + Φᴴ; wide matrices: Q from the left part.

    Φ is the lower triangle of R G_Rᴴ - G_Qᴴ Q, with half the diagonal.
    """
    m, n = a.shape[-2:]
    if mode == "complete" and m > n:
        raise AutogradError(
            "qr: mode='complete' has no gradient for matrices with more rows than columns; use 'reduced'"
        )
    (q, r), (gq, gr) = _qr_parts(y, a.shape, mode), _qr_parts(grad, a.shape, mode)
    if m < n:
        rest = getitem(gr, (..., slice(m, None)))
        gq = add(gq, matmul(getitem(a, (..., slice(m, None))), adjoint(rest)))
        r, gr = (getitem(t, (..., slice(m))) for t in (r, gr))
    half = _lower(sub(matmul(r, adjoint(gr)), matmul(adjoint(gq), q)), 0.5)
    left = adjoint(_solve(r, adjoint(add(gq, matmul(q, add(half, adjoint(half)))))))
    if m >= n:
        return left
    from_left, from_rest = (matmul(t, _columns(t, n, start)) for t, start in ((left, 0), (matmul(q, rest), m)))
    return add(from_left, from_rest)


def _columns(t: Tensor, n: int, start: int) -> Tensor:
    """Return the matrix that puts the columns of t among n columns, from `start` on."""
    whole = eye(n, dtype=t.dtype, device=t.device)
    return getitem(whole, (slice(start, start + t.shape[-1]),))


_inv.gradient(a=lambda grad, y: neg(matmul(matmul(mT(y), grad), mT(y))))
_solve.gradient(
    grad_b=lambda grad, a: _solve(mT(a), grad),
    a=lambda grad_b, y: neg(matmul(grad_b, mT(y))),
    b=lambda grad_b: grad_b,
)
_det.gradient(a=lambda grad, a, y: mul(unsqueeze(unsqueeze(grad, -1), -1), _cofactors(a, y)))
_slogdet.gradient(a=lambda grad, a: mul(unsqueeze(unsqueeze(grad, -1), -1), mT(_inv(a))))
_cholesky.gradient(a=lambda grad, y: conj(_cholesky_grad(conj(grad), y)))
_pinv.gradient(a=lambda grad, a, y: conj(_pinv_grad(conj(grad), a, y)))
_eigh.gradient(a=lambda grad, y, a_shape: conj(_eigh_grad(conj(grad), y, a_shape)))
_svd.gradient(a=lambda grad, y, a_shape, full: conj(_svd_grad(conj(grad), y, a_shape, full)))
_qr.gradient(a=lambda grad, a, y, mode: conj(_qr_grad(conj(grad), a, y, mode)))
