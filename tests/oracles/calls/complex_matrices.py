"""torch.linalg of complex matrices: values, gradients of both orders, phases; vectors in batches; NaN and infinity.

Phases of vectors are arbitrary, so calls compare absolute values and products.
"""

__all__ = ["CALLS", "START"]

START = """
L = torch.linalg
inf, nan = float("inf"), float("nan")

def new(*shape):
    n = 1
    for s in shape:
        n *= s
    values = [((7 * i + 3) * (i + 5) % 23) / 8 - 1.5 + 1j * (((5 * i + 1) * (i + 2) % 19) / 8 - 1) for i in range(n)]
    return torch.tensor(values, dtype=torch.complex128).reshape(shape).requires_grad_()

def weighted(outputs):
    total = 0.0
    for y in outputs if isinstance(outputs, tuple | list) else [outputs]:
        if y.requires_grad:
            weights = torch.arange(y.numel(), dtype=torch.float64).reshape(y.shape) * 0.25 - 0.6
            total = total + (y * (weights * (1 - 0.5j))).real.sum() + y.abs().square().sum() / 8
    return total

def of(y, *inputs):
    first = torch.autograd.grad(weighted(y), inputs, create_graph=True)
    second = torch.autograd.grad(sum((g.abs() ** 2).sum() for g in first), inputs, allow_unused=True)
    return y, first, second

def once(y, *inputs):
    return y, torch.autograd.grad(weighted(y), inputs)

a, b, wide, tall, one = new(3, 3), new(2, 3, 3), new(2, 4), new(4, 3), new(1, 1)
eye = torch.eye(3, dtype=torch.float64)
spd = (b @ b.mH + eye).detach().requires_grad_()
u, v = new(3, 2), new(3)
no, nothing = new(0, 0), new(0, 3)
flat = torch.tensor([[1.0, 2j, 3.0], [2.0, 4j, 6.0], [1j, 0.0, 1.0]], dtype=torch.complex128).requires_grad_()
zero = torch.zeros(3, 3, dtype=torch.complex128)

def sym(x):
    return x + x.mH

def eigh(x, *args):
    w, q = L.eigh(x, *args)
    return w, q.abs(), (q * w.unsqueeze(-2).exp()) @ q.mH

def svd(x):
    p, s, q = L.svd(x, full_matrices=False)
    return p.abs(), s, q.abs(), (p * s.square().unsqueeze(-2)) @ q

def sizes(parts):
    return [list(p.shape) for p in parts]

def with_one(value, i=1, j=1, dtype=torch.float64):
    x = torch.eye(3, dtype=dtype) * 2
    x[i, j] = value
    return x

batch = (torch.arange(36.0) ** 2).reshape(4, 3, 3).sin()
ones = torch.ones
"""

_MATRICES = ("a", "b", "wide", "tall")
_ORDERS = ("'fro'", "'nuc'", "inf", "-inf", "1", "-1", "2", "-2")
_BAD = ("nan", "-inf", "nan, 1, 0", "inf, 1, 0", "nan, 0, 1", "nan, 2, 1", "nan, 2, 0", "-inf, 2, 0", "inf, 2, 2")

CALLS = [
    *(f"of(svd({m}), {m})" for m in _MATRICES),
    *(f"of(L.svdvals({m}), {m})" for m in (*_MATRICES, "one")),
    *(f"sizes(L.svd({m})), sizes(torch.svd({m}, some=False))" for m in ("b", "wide", "nothing")),
    "(lambda p, s, q: (p * s) @ q.mH)(*torch.svd(tall)), torch.svd(wide, compute_uv=False)",
    "once(L.svd(a).U.real, a)",
    "once(L.svd(a)[::2], a)",
    *(f"of(eigh(sym({m})), {m})" for m in ("a", "b", "one")),
    *(f"of(L.eigvalsh(sym({m})), {m})" for m in ("a", "b")),
    "L.eigvalsh(a), L.eigvalsh(a, 'U'), L.eigvalsh(no), eigh(a, 'U')",
    "once(eigh(a), a)",
    "once(eigh(a, 'U'), a)",
    "once(L.eigh(sym(a)).eigenvectors, a)",
    *(f"of(L.qr({m}), {m})" for m in _MATRICES),
    *(f"L.qr({m}, {mode!r})" for m in ("wide", "tall") for mode in ("complete", "r")),
    "of(L.cholesky(sym(spd)), spd)",
    "of(L.cholesky(sym(spd), upper=True), spd)",
    "once(L.cholesky(spd).abs(), spd)",
    "L.cholesky(spd * (torch.arange(3).unsqueeze(1) >= torch.arange(3))), torch.cholesky(spd, True)",
    "L.cholesky(a + 40 * eye), L.cholesky(no), L.cholesky_ex(spd), L.cholesky_ex(-spd).info",
    "L.cholesky_ex(torch.stack([spd.detach()[0], zero, spd.detach()[0] - 9 * eye])).info",
    "of(torch.cholesky_solve(u, L.cholesky(spd)), spd)",
    "torch.cholesky_solve(u, L.cholesky(spd, upper=True), upper=True)",
    "torch.cholesky_inverse(L.cholesky(spd)), torch.cholesky_inverse(L.cholesky(spd, upper=True), True)",
    *(f"of(L.pinv({m}), {m})" for m in _MATRICES),
    "L.pinv(flat), L.pinv(zero), L.pinv(nothing), torch.pinverse(tall), L.pinv(b, rtol=0.3), L.pinv(b, atol=1.0)",
    "L.pinv(sym(a), hermitian=True), L.pinv(a, hermitian=True)",
    "once(L.pinv(sym(a), hermitian=True), a)",
    *(f"of(L.slogdet({m}), {m})" for m in ("a", "b", "one")),
    *(f"of(torch.logdet({m}), {m})" for m in ("a", "b", "spd")),
    "L.slogdet(zero), L.slogdet(no), torch.logdet(no), torch.logdet(-eye + 0j), L.slogdet(b.to(torch.complex64))",
    "of(L.det(b), b)",
    *(f"of(L.matrix_norm({m}, {o}), {m})" for m in ("a", "b") for o in ("'fro'", "'nuc'", "2", "-2")),
    *(f"once(L.matrix_norm({m}, {o}), {m})" for m in ("a", "b") for o in ("inf", "-inf", "1", "-1")),
    *(f"L.norm(b, {o}, dim=(1, 2)), L.norm(wide, {o}, keepdim=True)" for o in _ORDERS),
    *(f"L.cond(b, {o}), L.cond(a, {o}), L.cond(no, {o})" for o in ("None", *_ORDERS)),
    "of(L.cond(a), a)",
    "L.cond(zero, 1), L.cond(zero)",
    "L.matrix_rank(flat), L.matrix_rank(b), L.matrix_rank(zero), L.matrix_rank(sym(b), hermitian=True)",
    "L.matrix_rank(b, 1.0), L.matrix_rank(b, rtol=0.3)",
    *(f"L.lstsq(tall.detach(), new(4, 2).detach(), driver={d!r})[:4]" for d in ("gelsy", "gels", "gelsd", "gelss")),
    "of(L.lstsq(tall, new(4, 2)).solution, tall)",
    "once(L.lstsq(b, new(2, 3, 2)).solution, b)",
    *(
        f"of(L.{f}(a, {'u' if left else 'u.T'}, left={left}{extra}), a)"
        for f, extra in (("solve", ""), ("solve_triangular", ", upper=True"))
        for left in (True, False)
    ),
    # vectors
    *(
        f"L.{f}(batch, {x}).{{}}".replace(".{}", ".solution" if f == "lstsq" else "")
        for f in ("lstsq", "solve")
        for x in ("ones(4, 3)", "ones(3)", "ones(1, 3)", "ones(3, 3)", "ones(2, 4, 3)", "ones(1, 3, 2)")
    ),
    *(f"L.lstsq(batch[0], {x}).solution" for x in ("ones(3)", "ones(4, 3)", "ones(4, 3, 2)")),
    "sizes(L.lstsq(batch[:, :, :2], ones(4, 3), driver='gelsd')), sizes(L.lstsq(batch[0, :, :2], ones(3)))",
    "L.lstsq(batch[:, :, :2], ones(4, 3), driver='gelsd')",
    "once(L.lstsq(tall, new(4)).solution, tall)",
    *(
        f"L.solve({x})"
        for x in ("batch[None], ones(1, 4, 3)", "batch[None], ones(4, 3)", "batch, ones(4, 3), left=False")
    ),
    *(
        f"L.solve_triangular({x}, upper=True)"
        for x in ("batch, ones(4, 3)", "batch, ones(3)", "batch[0], ones(3)", "batch[1:], ones(3, 3)")
    ),
    "L.lu_solve(*L.lu_factor(batch), ones(4, 3))",
    "L.lu_solve(*L.lu_factor(batch[0]), ones(3))",
    "torch.cholesky_solve(ones(3), torch.eye(3))",
    # NaN and infinity
    *(f"L.cholesky(with_one({x}))" for x in _BAD),
    *(f"L.cholesky_ex(with_one({x})).info" for x in _BAD),
    "L.cholesky(with_one(nan, dtype=torch.complex128))",
    "L.cholesky(torch.stack([with_one(2.0), with_one(nan)]))",
    "L.cholesky_ex(torch.stack([with_one(2.0), with_one(nan), with_one(-1.0, 2, 2)])).info",
    "L.cholesky(with_one(1e30, 0, 1)), L.eigvalsh(with_one(1e30, 0, 1)), L.eigvalsh(with_one(nan, 0, 1))",
    "L.svd(with_one(nan))",
    "L.matrix_norm(with_one(nan), 2)",
    "L.solve_triangular(with_one(nan, 0, 2), ones(3, 1).double(), upper=False)",
    # sums of exponentials, windows
    "of(torch.logsumexp(a, 1), a)",
    "of(torch.logsumexp(b, (0, 2), True), b)",
    "torch.logsumexp(a * 1000, 1), torch.logsumexp(nothing, 0), a.logsumexp(0), torch.special.logsumexp(a, 0)",
    "torch.logsumexp(torch.tensor([complex(inf, 0), 1]), 0), torch.logsumexp(torch.tensor([complex(inf, 1), 1]), 0)",
    "torch.logsumexp(torch.tensor([complex(-inf, 0), complex(-inf, 1)]), 0)",
    "of(F.unfold(a[None, None], 2), a)",
    "of(F.unfold(a[None, None], 2, padding=1, stride=2), a)",
    "of(F.fold(wide.T[None], (2, 3), 2), wide)",
]
