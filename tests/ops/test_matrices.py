"""Tests of inverses and decompositions: laws and mistakes. oracles/calls/linear_algebra.py has PyTorch's results.

test_primitives.py tests the gradients of the primitives.
"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minicnn
from minicnn import ArgumentError, AutogradError, DTypeError, ShapeError
from minicnn.autograd import gradcheck, gradgradcheck
from minicnn.errors import LinAlgError
from minicnn.ops import matrices as L

EYE = np.eye(3)
sizes = st.integers(0, 5)


TYPES = [minicnn.float64, minicnn.complex128]


def draw(*shape, dtype=minicnn.float64):
    return minicnn.randn(*shape, dtype=dtype).requires_grad_()


@given(sizes, sizes, st.booleans(), st.sampled_from(TYPES))
def test_singular_value_decomposition(m, n, full, dtype):
    a = draw(2, m, n, dtype=dtype)
    u, s, vh = (x.detach().numpy() for x in L.svd(a, full))
    k = min(m, n)
    np.testing.assert_allclose((u[..., :k] * s[:, None]) @ vh[:, :k], a.detach().numpy(), atol=1e-10)
    np.testing.assert_allclose(
        np.swapaxes(u, 1, 2).conj() @ u, np.broadcast_to(np.eye(u.shape[-1]), (2, *[u.shape[-1]] * 2)), atol=1e-10
    )
    np.testing.assert_allclose(
        vh @ np.swapaxes(vh, 1, 2).conj(), np.broadcast_to(np.eye(len(vh[0])), (2, *[len(vh[0])] * 2)), atol=1e-10
    )
    assert (np.diff(s) <= 0).all()
    np.testing.assert_allclose(L.svdvals(a).detach().numpy(), s, atol=1e-12)


@given(sizes, sizes, st.sampled_from(["reduced", "complete"]), st.sampled_from(TYPES))
def test_orthogonal_and_triangular(m, n, mode, dtype):
    a = draw(m, n, dtype=dtype)
    q, r = (x.detach().numpy() for x in L.qr(a, mode))
    np.testing.assert_allclose(q @ r, a.detach().numpy(), atol=1e-10)
    np.testing.assert_allclose(q.T.conj() @ q, np.eye(q.shape[1]), atol=1e-10)
    np.testing.assert_array_equal(r, np.triu(r))


@given(sizes, st.sampled_from(TYPES))
def test_eigenvectors_and_the_triangular_root(n, dtype):
    a = draw(n, n, dtype=dtype)
    s = a @ a.mH + minicnn.eye(n, dtype=minicnn.float64)
    w, v = (x.detach().numpy() for x in L.eigh(s))
    np.testing.assert_allclose((v * w) @ v.T.conj(), s.detach().numpy(), atol=1e-9)
    root = L.cholesky(s).detach().numpy()
    np.testing.assert_allclose(root @ root.T.conj(), s.detach().numpy(), atol=1e-9)
    np.testing.assert_array_equal(root, np.tril(root))
    np.testing.assert_allclose(L.logdet(s).item(), np.log(w).sum(), atol=1e-9)


@given(sizes, sizes, st.sampled_from(TYPES))
def test_the_pseudo_inverse_has_the_four_properties_of_penrose(m, n, dtype):
    a = draw(m, n, dtype=dtype)
    p, a = L.pinv(a).detach().numpy(), a.detach().numpy()
    for x, y in ((a @ p @ a, a), (p @ a @ p, p), ((a @ p).T.conj(), a @ p), ((p @ a).T.conj(), p @ a)):
        np.testing.assert_allclose(x, y, atol=1e-9)


@pytest.mark.parametrize("dtype", TYPES)
def test_determinants_and_their_logarithms(dtype):
    a = draw(4, 3, 3, dtype=dtype).detach()
    det, (sign, size) = L.det(a).numpy(), L.slogdet(a)
    assert size.dtype == minicnn.float64
    np.testing.assert_allclose((sign * size.exp()).numpy(), det, rtol=1e-10)
    logarithms = L.logdet(a).numpy()
    exists = ~np.isnan(logarithms)
    assert exists.tolist() == [dtype != minicnn.float64 or d > 0 for d in det]
    np.testing.assert_allclose(np.exp(logarithms[exists]), det[exists], rtol=1e-10)


def test_only_one_triangle_is_read():
    a = draw(3, 3).detach()
    lower = minicnn.tensor(np.tril(a.numpy()))
    np.testing.assert_allclose(L.eigvalsh(a).numpy(), L.eigvalsh(lower).numpy(), rtol=1e-12)
    np.testing.assert_allclose(L.eigvalsh(a.T, "U").numpy(), L.eigvalsh(lower).numpy(), rtol=1e-12)
    for other in (1e300, np.nan, np.inf):
        wrong = lower + minicnn.full((3, 3), other, dtype=minicnn.float64).triu(1)
        np.testing.assert_array_equal(L.eigvalsh(wrong).numpy(), L.eigvalsh(lower).numpy())


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("rank", [0, 1, 2, 3])
def test_the_gradient_of_a_determinant_is_the_matrix_of_cofactors(rank, dtype):
    minicnn.manual_seed(rank)
    a = (minicnn.randn(3, rank, dtype=dtype) @ minicnn.randn(rank, 3, dtype=dtype)).requires_grad_()
    (g,) = minicnn.autograd.grad(L.det(a).real, a)
    minor = lambda i, j: np.delete(np.delete(a.detach().numpy(), i, 0), j, 1)  # noqa: E731
    expected = [[(-1) ** (i + j) * np.linalg.det(minor(i, j)) for j in range(3)] for i in range(3)]
    np.testing.assert_allclose(g.numpy().conj(), expected, atol=1e-9)


def test_gradients_of_equal_singular_values_are_finite():
    for a in (minicnn.eye(3, dtype=minicnn.float64), minicnn.zeros(3, 2, dtype=minicnn.float64)):
        a.requires_grad_()
        (g,) = minicnn.autograd.grad(L.svdvals(a).sum() + L.pinv(a).sum(), a)
        assert np.isfinite(g.numpy()).all()


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("name", ["inv", "det", "slogdet", "logdet", "svdvals", "pinv", "eigvalsh", "cholesky"])
def test_gradients_of_public_functions(name, dtype):
    minicnn.manual_seed(0)
    b = draw(2, 3, 3, dtype=dtype)

    def function(b):
        s = b @ b.mH + minicnn.eye(3, dtype=minicnn.float64)
        return getattr(L, name)(s)

    assert gradcheck(function, (b,))
    assert gradgradcheck(function, (b,))


def of_eigenvectors(a):
    """Values of the eigenvectors of a Hermitian matrix that do not depend on their phases."""
    w, v = L.eigh(a + a.mH)
    return w, v.abs(), (v * w.exp().unsqueeze(-2)) @ v.mH


def of_singular_vectors(a):
    u, s, vh = L.svd(a, full_matrices=False)
    return u.abs(), s, vh.abs(), u @ vh


@pytest.mark.parametrize(
    ("function", "shapes"),
    [
        (of_eigenvectors, [(2, 3, 3)]),
        (of_singular_vectors, [(3, 3), (4, 2), (2, 2, 3)]),
        (L.qr, [(2, 3, 3), (4, 2), (2, 4)]),
        (L.pinv, [(3, 2), (2, 2, 3)]),
        (L.slogdet, [(2, 3, 3)]),
    ],
)
def test_gradients_of_complex_matrices(function, shapes):
    minicnn.manual_seed(1)
    for shape in shapes:
        a = draw(*shape, dtype=minicnn.complex128)
        assert gradcheck(function, (a,))
        assert gradgradcheck(function, (a,))


def test_a_loss_must_not_depend_on_a_phase():
    a = draw(3, 3, dtype=minicnn.complex128)
    for call, y in (("svd", L.svd(a).U), ("svd", L.svd(a).Vh), ("eigh", L.eigh(a + a.mH).eigenvectors)):
        with pytest.raises(AutogradError, match=f"{call}: the loss depends on the phases of the complex vectors"):
            y.real.sum().backward()
    u, _, vh = L.svd(a)
    (u @ vh).real.sum().backward()  # a common phase of a column and a row changes nothing


def test_gradients_of_equations():
    minicnn.manual_seed(0)
    a, b = draw(2, 3, 3), draw(3, 2)
    for options in ({"upper": True}, {"upper": False, "unitriangular": True}):
        assert gradcheck(
            lambda a, b, o=options: L.solve_triangular(a + 3 * minicnn.eye(3, dtype=minicnn.float64), b, **o), (a, b)
        )
    assert gradcheck(lambda a, b: L.solve(a, b), (a, b))
    assert gradgradcheck(lambda a, b: L.solve(a, b.T, left=False), (a, draw(3, 4)))


def test_they_run_on_every_device(device):
    a = minicnn.tensor([[4.0, 1.0, 0.5], [1.0, 3.0, 0.25], [0.5, 0.25, 2.0]])
    for name in ("inv", "det", "slogdet", "cholesky", "eigh", "svd", "qr", "pinv"):
        here, there = getattr(L, name)(a), getattr(L, name)(a.to(device))
        pairs = zip(here, there, strict=True) if isinstance(here, tuple) else [(here, there)]
        for x, y in pairs:
            assert y.device is device
            np.testing.assert_allclose(np.abs(y.cpu().numpy()), np.abs(x.numpy()), atol=1e-5)


def test_mistakes():
    a = minicnn.ones(2, 2)
    with pytest.raises(ShapeError, match=r"inv: expected square matrices, \(..., n, m\), got \(2, 3\)"):
        L.inv(minicnn.ones(2, 3))
    with pytest.raises(ShapeError, match=r"svd: expected matrices, .* got \(3,\)"):
        L.svd(minicnn.ones(3))
    with pytest.raises(DTypeError, match="det: expected tensors of one floating-point type, got int64"):
        L.det(a.long())
    with pytest.raises(DTypeError, match="got float32, float64"):
        L.solve(a, a.double())
    with pytest.raises(LinAlgError, match="inv: a matrix is singular"):
        L.inv(a)
    with pytest.raises(LinAlgError, match="solve: a matrix is singular"):
        L.solve(a, a)
    with pytest.raises(LinAlgError, match="cholesky: a matrix is not positive definite"):
        L.cholesky(-a)
    with pytest.raises(LinAlgError, match=r"cholesky: a matrix is not positive definite \(its factor has NaN"):
        L.cholesky(a * minicnn.nan)
    with pytest.raises(ShapeError, match=r"solve_triangular: expected square matrices, .* got \(2, 2\) and \(2,\)"):
        L.solve_triangular(a, a[0], upper=True)
    with pytest.raises(ShapeError, match="solve: left=False needs matrices B"):
        L.solve(a, a[0], left=False)
    with pytest.raises(ShapeError, match=r"B needs 2 rows .* got \(3, 1\)"):
        L.solve(a, minicnn.ones(3, 1))
    with pytest.raises(ShapeError, match=r"the batches of .* do not broadcast"):
        L.solve(minicnn.ones(2, 1, 1), minicnn.ones(3, 1, 1))
    with pytest.raises(ArgumentError, match="UPLO must be 'L' or 'U', got 'X'"):
        L.eigh(a, "X")
    with pytest.raises(ArgumentError, match="mode must be 'reduced', 'complete' or 'r', got 'raw'"):
        L.qr(a, "raw")
    tall = minicnn.randn(3, 2, requires_grad=True)
    with pytest.raises(AutogradError, match="mode='complete' has no gradient for matrices with more rows"):
        L.qr(tall, "complete").Q.sum().backward()


def test_pivots_of_complex_matrices_are_the_ones_of_lapack():
    """LAPACK compares |re| + |im|: here the second row is larger, though its absolute value is smaller."""
    a = minicnn.tensor([[1.45 + 0j, 0.1], [1.0 + 1.0j, 0.5]])
    assert minicnn.linalg.lu_factor(a)[1].tolist() == [2, 2]
