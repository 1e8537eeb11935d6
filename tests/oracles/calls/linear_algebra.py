"""torch.linalg and its older names: values, gradients of both orders, batches, empty and singular matrices, mistakes.

Signs of vectors are arbitrary, so calls compare absolute values and products.
"""

__all__ = ["CALLS", "START"]

START = """
L = torch.linalg
inf, nan = float("inf"), float("nan")

def new(*shape):
    n = 1
    for s in shape:
        n *= s
    values = [((7 * i + 3) * (i + 5) % 23) / 8 - 1.5 for i in range(n)]
    return torch.tensor(values, dtype=torch.float64).reshape(shape).requires_grad_()

def weighted(outputs):
    total = 0.0
    for y in outputs if isinstance(outputs, tuple | list) else [outputs]:
        if y.requires_grad:
            total = total + (y * (torch.arange(y.numel(), dtype=y.dtype).reshape(y.shape) * 0.25 - 0.6)).sum()
    return total

def of(y, *inputs):
    first = torch.autograd.grad(weighted(y), inputs, create_graph=True)
    second = torch.autograd.grad(sum((g * g).sum() for g in first), inputs, allow_unused=True)
    return y, first, second

def once(y, *inputs):
    return y, torch.autograd.grad(weighted(y), inputs)

a, b, wide, tall, one = new(3, 3), new(2, 3, 3), new(2, 4), new(4, 3), new(1, 1)
eye = torch.eye(3, dtype=torch.float64)
spd = (b @ b.transpose(-1, -2) + eye).detach().requires_grad_()
u, v = new(3, 2), new(3)
no, none, nothing = new(0, 0), new(0, 2, 2), new(0, 3)
flat = torch.tensor([[1.0, 2.0, 3.0], [2.0, 4.0, 6.0], [1.0, 0.0, 1.0]], dtype=torch.float64)
zero = torch.zeros(3, 3, dtype=torch.float64)
holes = torch.tensor([0.0, 0.0, 3.0, -1.0], dtype=torch.float64).requires_grad_()

def sym(x):
    return x + x.transpose(-1, -2)

def eigh(x, *args):
    w, q = L.eigh(x, *args)
    return w, q.abs(), (q * w.unsqueeze(-2).exp()) @ q.transpose(-1, -2)

def svd(x):
    p, s, q = L.svd(x, full_matrices=False)
    return p.abs(), s, q.abs(), (p * s.square().unsqueeze(-2)) @ q

def qr(x, *args):
    q, r = L.qr(x, *args)
    return q.abs(), r.abs()

def spectrum(w):
    # The power sums of eigenvalues do not depend on their order.
    return [torch.view_as_real((w**k).sum(-1)) for k in (1, 2, 3)] + [w.abs().square().sum(-1)]

def invariant(x):
    # Values that do not depend on the phase of an eigenvector, and on the order.
    w, q = L.eig(x)
    return (q.abs() ** 4 * w.abs().unsqueeze(-2)).sum(-1)

def sizes(parts):
    return [list(p.shape) for p in parts]
"""

_SQUARE = ("a", "b", "none")
_ORDERS = ("'fro'", "'nuc'", "inf", "-inf", "1", "-1", "2", "-2")

CALLS = [
    *(
        f"of({f}({m}), {m})"
        for f in ("L.inv", "L.det", "L.matrix_exp", "torch.inverse", "torch.det")
        for m in _SQUARE
        if m != "none"
    ),
    *(f"once(L.slogdet({m})[1], {m}), L.slogdet({m})[0].detach()" for m in _SQUARE),
    "L.det(no), L.inv(no), L.slogdet(no)[1], L.matrix_exp(no), L.cholesky(no), L.det(none)",
    "of(L.det(flat.requires_grad_()), flat)",
    "once(L.det(zero.requires_grad_()), zero)",
    "L.slogdet(zero), torch.logdet(zero), torch.logdet(flat)",
    "once(torch.logdet(b), b)",
    "of(torch.logdet(spd), spd)",
    "L.inv(zero)",
    "L.inv(wide)",
    "L.inv(v)",
    "L.inv(torch.eye(2).long())",
    "L.det(torch.eye(2).long())",
    "L.det(wide)",
    "L.inv(b.float()), L.det(b.float()), L.inv(a.T), L.inv(b.flip(1)[:, ::1])",
    *(f"of(L.matrix_power({m}, {n}), {m})" for m in ("a", "b") for n in (2, 3, 5, -1, -2)),
    "L.matrix_power(b, 0), torch.matrix_power(a, 3), L.matrix_power(zero + 1, 2)",
    "L.matrix_power(zero, -1)",
    "L.matrix_power(wide, 2)",
    "L.matrix_exp(10 * a), torch.matrix_exp(zero), L.matrix_exp(a.float())",
    # equations
    "of(L.solve(a, u), a, u)",
    "of(L.solve(a, v), a, v)",
    "of(L.solve(b, u), b, u)",
    "of(L.solve(b, new(2, 3)), b)",
    "of(L.solve(b, new(4, 1, 3, 2)), b)",
    "of(L.solve(a, new(2, 3), left=False), a)",
    "L.solve(b, v), L.solve(no, new(0, 2)), L.solve(a, u[:, :0])",
    "L.solve(zero, u)",
    "L.solve(a, wide)",
    "L.solve(a, u.float())",
    "L.solve(wide, wide)",
    *(
        f"of(L.solve_triangular(a, {'u' if left else 'u.T'}, upper={upper}, left={left}, unitriangular={unit}), a, u)"
        for upper in (True, False)
        for left in (True, False)
        for unit in (True, False)
    ),
    "L.lstsq(tall, new(4, 2))[:3]",
    *(f"L.lstsq(tall.detach(), new(4, 2).detach(), driver={d!r})[:4]" for d in ("gelsy", "gels", "gelsd", "gelss")),
    "L.lstsq(tall, new(4, 2), driver='what')",
    "L.lstsq(b, new(2, 3, 2)).solution",
    "once(L.lstsq(tall, new(4, 2)).solution, tall)",
    "L.lstsq(tall, v)",
    # decompositions
    "of(L.cholesky(sym(spd)), spd)",
    "of(L.cholesky(sym(spd), upper=True), spd)",
    "once(L.cholesky(spd), spd)",
    "L.cholesky(spd * (torch.arange(3).unsqueeze(1) >= torch.arange(3)))",
    "torch.cholesky(spd), torch.cholesky(spd, True), spd.cholesky()",
    "L.cholesky(-spd)",
    "L.cholesky(wide)",
    *(f"of(eigh(sym({m})), {m})" for m in ("a", "b", "one")),
    *(f"of(L.eigvalsh(sym({m})), {m})" for m in ("a", "b", "one")),
    "L.eigvalsh(a), L.eigvalsh(a, 'U'), L.eigvalsh(a, UPLO='L'), L.eigvalsh(no)",
    "L.eigvalsh(eye)",
    "L.eigh(a, 'X')",
    "L.eigh(wide)",
    *(f"of(svd({m}), {m})" for m in ("a", "b", "wide", "tall")),
    *(f"of(L.svdvals({m}), {m})" for m in ("a", "b", "wide", "tall")),
    *(
        f"sizes(L.svd({m})), sizes(torch.svd({m})), sizes(torch.svd({m}, some=False))"
        for m in ("b", "wide", "tall", "nothing")
    ),
    "L.svd(tall).S, torch.svd(wide, compute_uv=False), L.svd(wide)[2][:2].abs()",
    "L.svd(v)",
    "L.svd(torch.ones(2, 2).long())",
    *(f"of(qr({m}), {m})" for m in ("a", "b", "wide", "tall")),
    *(f"qr({m}, {mode!r})" for m in ("wide", "tall", "b") for mode in ("complete", "r", "reduced")),
    "sizes(torch.qr(tall)), sizes(torch.qr(tall, some=False)), sizes(L.qr(nothing))",
    "once(L.qr(tall, 'complete'), tall)",
    "L.qr(a, 'raw')",
    *(f"of(L.pinv({m}), {m})" for m in ("a", "b", "wide", "tall")),
    "L.pinv(flat), L.pinv(zero), L.pinv(nothing), torch.pinverse(tall), torch.pinverse(flat, 0.1)",
    "L.pinv(a, hermitian=True)",
    "L.pinv(tall, hermitian=True)",
    "L.pinv(b, rtol=0.3), L.pinv(b, atol=1.0), L.pinv(b, atol=0.5, rtol=0.3), L.pinv(sym(a), hermitian=True)",
    "L.matrix_rank(flat), L.matrix_rank(b), L.matrix_rank(zero), L.matrix_rank(nothing), L.matrix_rank(none)",
    "L.matrix_rank(b, 1.0), L.matrix_rank(b, rtol=0.3), L.matrix_rank(b, atol=0.5, rtol=0.3)",
    "L.matrix_rank(sym(b), hermitian=True), L.matrix_rank(b, atol=torch.tensor([0.1, 5.0]))",
    # norms
    *(f"of(L.matrix_norm({m}, {o}), {m})" for m in ("a", "b") for o in ("'fro'", "'nuc'", "2", "-2")),
    *(f"once(L.matrix_norm({m}, {o}), {m})" for m in ("a", "b", "wide") for o in ("inf", "-inf", "1", "-1")),
    *(f"L.matrix_norm(b, {o}, dim=(0, 2), keepdim=True)" for o in _ORDERS),
    *(f"L.matrix_norm(nothing, {o})" for o in _ORDERS),
    *(f"L.norm(b, {o}, dim=(1, 2)), L.norm(a, {o}), L.norm(wide, {o}, keepdim=True)" for o in _ORDERS),
    *(f"L.norm(b, {o}, dim=1), L.norm(v, {o})" for o in ("inf", "-inf", "1", "-1", "2", "0", "3.5")),
    "L.norm(b), L.norm(b, dim=1), L.norm(b, dim=(0, 2)), L.norm(b, keepdim=True), L.norm(torch.tensor(-2.0))",
    "L.norm(b, dim=(0, 1, 2))",
    *(f"L.norm({x})" for x in ("b, 2", "v, 'fro'", "b, 'nuc', dim=1", "b, 'what', dim=(0, 1)", "a.long()", "a, 3")),
    *(
        f"of(L.vector_norm({m}, {o}), {m})"
        for m in ("a", "v")
        for o in ("2", "3", "2.5", "0.5", "-1", "-2")
        if not (m == "a" and o in ("0.5", "-1", "-2", "2.5"))
    ),
    *(
        f"once(L.vector_norm(b, {o}, {d}), b)"
        for o in ("1", "inf", "-inf", "2", "3")
        for d in ("0", "(0, 2)", "None, True")
    ),
    *(f"once(L.vector_norm(holes, {o}), holes)" for o in ("2", "1", "3", "0.5", "1.5", "inf", "-inf", "-1")),
    *(f"once(L.vector_norm(holes * 0, {o}), holes)" for o in ("2", "1", "3", "0.5", "1.5", "inf", "-inf", "-1")),
    *(
        f"L.vector_norm(holes, {o}), L.vector_norm(nothing, {o}, 1), L.vector_norm(torch.tensor([nan, 1.0]), {o})"
        for o in ("0", "1", "2", "3", "inf", "-1")
    ),
    *(
        f"L.vector_norm(nothing, {o}), L.vector_norm(torch.tensor(-2.0), {o})"
        for o in ("0", "1", "2", "3", "inf", "-1")
    ),
    "L.vector_norm(a.float(), 3, dtype=torch.float64), L.norm(a.float(), dtype=torch.float64)",
    "L.vector_norm(a, dtype=torch.float32)",
    "L.vector_norm(torch.arange(3))",
    *(f"L.cond(b, {o}), L.cond(a, {o}), L.cond(no, {o})" for o in ("None", *_ORDERS)),
    *(f"of(L.cond(a, {o}), a)" for o in ("None", "2", "-2")),
    "L.cond(tall), L.cond(wide, -2), L.cond(zero, 1), L.cond(zero)",
    "L.cond(tall, 1)",
    # products and parts
    "of(L.multi_dot([wide, new(4, 1), new(1, 5)]), wide)",
    "L.multi_dot([v, a, u, new(2)]), L.multi_dot([v, v]), L.multi_dot((a, u))",
    *(f"L.multi_dot({x})" for x in ("[a]", "[]", "[a, wide]", "[b, a]", "[a, v, a]")),
    "of(L.cross(a, a.flip(0)), a)",
    "L.cross(b, a.unsqueeze(0)), L.cross(u, u * 2 + 1, dim=0), L.cross(v, v + 1)",
    *(f"L.cross({x})" for x in ("wide, wide", "a, v", "a, a, dim=5", "u, u")),
    *(f"once(L.diagonal(b, offset={o}), b)" for o in (-2, -1, 0, 1, 2)),
    "L.diagonal(a, offset=5), L.diagonal(b, dim1=0, dim2=1), L.diagonal(nothing)",
    "L.diagonal(b, dim1=2, dim2=0, offset=1)",
    "L.diagonal(b, dim1=1, dim2=-2)",
    "L.diagonal(v)",
    "of(L.vecdot(a, a.T), a)",
    "L.vecdot(a, v), L.vecdot(a, a, dim=0), L.matmul(a, u)",
    "a.det(), a.inverse(), a.slogdet()[1], a.logdet(), a.pinverse(), a.matrix_power(2), a.matrix_exp()",
    "[x.abs() for x in a.qr()], a.svd()[1], sizes(tall.svd(False)), tall.pinverse(0.5)",
    # LU factorisation, eigenvalues, tensors as matrices
    *(f"of(L.lu({m}), {m})" for m in ("a", "b", "one", "wide", "tall")),
    *(f"of(L.lu_factor({m}).LU, {m}), L.lu_factor({m}).pivots" for m in ("a", "b", "one", "wide", "tall")),
    *(f"L.lu_factor_ex({m})" for m in ("flat", "zero", "a.detach()", "none.detach()")),
    "L.lu_factor(zero)",
    "L.lu_factor_ex(zero, check_errors=True)",
    "L.lu_factor(a, pivot=False)",
    "L.lu(zero), L.lu(no.detach())",
    "L.lu(v)",
    "L.lu(a.long())",
    "torch.lu_unpack(*L.lu_factor(b.detach())), torch.lu_unpack(*L.lu_factor(tall.detach()))",
    "torch.lu_unpack(*L.lu_factor(b.detach()), unpack_data=False)",
    "torch.lu_unpack(*L.lu_factor(b.detach()), unpack_pivots=False)",
    "torch.lu_unpack(a, a)",
    "torch.lu(a.detach())[1], a.detach().lu()[0], len(torch.lu(a.detach(), get_infos=True))",
    *(
        f"of(L.lu_solve(*L.lu_factor({m}), {'u' if left else 'u.T'}, left={left}, adjoint={adjoint}), {m}, u)"
        for m in ("a", "b")
        for left in (True, False)
        for adjoint in (True, False)
    ),
    "torch.lu_solve(u, *L.lu_factor(a)), u.lu_solve(*L.lu_factor(a))",
    "L.lu_solve(*L.lu_factor(a), wide)",
    "L.lu_solve(*L.lu_factor(a + 1j * a.T), u + 2j * u, left=True, adjoint=True)",
    "L.lu(a + 1j * a.T)",
    *(f"of(spectrum(L.eigvals({m})), {m})" for m in ("a", "b", "one")),
    *(f"of(invariant({m}), {m})" for m in ("a", "b")),
    "spectrum(L.eigvals(a + 1j * a.T)), L.eigvals(no.detach()), L.eig(b)[1].abs().square().sum(-2)",
    "str(L.eigvals(a.float()).dtype)[-9:]",
    "L.eig(wide)",
    "L.eigvals(a.long())",
    "L.cholesky_ex(spd), L.cholesky_ex(-spd).info, L.cholesky_ex(spd, upper=True)",
    "L.cholesky_ex(torch.stack([spd.detach()[0], zero, spd.detach()[0] - 2 * eye])).info",
    "L.cholesky_ex(torch.stack([spd.detach()[0], zero]))[0][0]",
    "L.cholesky_ex(-spd, check_errors=True)",
    "L.cholesky_ex(wide)",
    "of(L.inv_ex(b).inverse, b), L.inv_ex(b).info",
    "L.inv_ex(zero).info, L.inv_ex(torch.stack([zero, eye])).info, L.inv_ex(torch.stack([zero, eye])).inverse[1]",
    "L.inv_ex(zero, check_errors=True)",
    "of(L.solve_ex(a, u).result, a, u), L.solve_ex(a, u).info",
    "L.solve_ex(zero, u).info, L.solve_ex(torch.stack([zero, eye]), u).result[1]",
    "L.solve_ex(zero, u, check_errors=True)",
    "of(torch.cholesky_solve(new(2, 3, 1), L.cholesky(spd)), spd)",
    "torch.cholesky_solve(u, L.cholesky(spd, upper=True), upper=True), u.cholesky_solve(L.cholesky(spd))",
    "torch.cholesky_inverse(L.cholesky(spd)), L.cholesky(spd, upper=True).cholesky_inverse(True)",
    "of(L.householder_product(tall, new(3)), tall)",
    "L.householder_product(b, new(2, 2)), L.householder_product(tall.detach(), new(0).detach())",
    "L.householder_product(wide, new(2))",
    "L.householder_product(tall, new(4))",
    "once(L.tensorsolve(torch.stack([a, a.T, a * a]).reshape(3, 3, 3)[:, 0] + eye, v), a)",
    "L.tensorsolve(new(6, 2, 3), new(6)), L.tensorsolve(new(2, 6, 3), new(6), dims=(0,))",
    "L.tensorsolve(new(2, 2), new(3))",
    "L.tensorinv(new(4, 2, 2), ind=1), L.tensorinv(new(2, 3, 6))",
    "L.tensorinv(new(2, 3, 5))",
    "L.tensorinv(new(2, 2), ind=0)",
    "of(L.vander(v), v), L.vander(v, N=5), L.vander(a, N=2), L.vander(torch.arange(3))",
    "L.vander(v, N=1)",
    "L.vander(torch.tensor(1.0))",
    "torch.vander(v), torch.vander(v, 2), torch.vander(v, N=4, increasing=True), torch.vander(v, 1)",
    "torch.vander(a)",
]
