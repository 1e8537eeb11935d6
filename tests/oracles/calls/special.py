"""The module `special`, covariance, `asarray` and `fork_rng`."""

__all__ = ["CALLS", "START"]

START = """
t, S = torch.tensor, torch.special
nan, inf = float("nan"), float("inf")
x = t([-1.5, -0.3, 0.0, 0.4, 2.0, 7.5])
u = t([0.1, 0.5, 0.9])
q = t([0.2, 0.5, 3.0], dtype=torch.float64, requires_grad=True)
r = t([0.3, 2.0, 0.7], dtype=torch.float64, requires_grad=True)
m = t([[1.0, 2.0, 4.0], [0.5, -1.0, 3.0]])
d = m.double().requires_grad_()
z = torch.complex(m, m.flip(1))
f, a = t([1, 2, 1]), t([0.5, 1.0, 0.25])
array = torch.zeros(3).numpy()
wild = t([-inf, -50.0, -0.0, 0.0, 1e-30, 8.0, 1000.0, nan])
large, ends = t([5.0, 50.0, 1000.0]), t([0.0, 0.0, 1.0, inf, -1.0, 2.0, inf, nan, 0.5])
e = t([-2.5, -0.5, 0.3, 4.0, 12.0], dtype=torch.float64, requires_grad=True)
polynomials = [getattr(S, name) for name in (
    *(f"{kind}chebyshev_polynomial_{letter}" for letter in "tuvw" for kind in ("", "shifted_")),
    "hermite_polynomial_h", "hermite_polynomial_he", "laguerre_polynomial_l", "legendre_polynomial_p",
)]

def once(function, *inputs):
    return torch.autograd.grad(function(*inputs).sum(), inputs)

def g(out, *inputs):
    first = torch.autograd.grad(out.pow(2).sum(), inputs, create_graph=True)
    return out, first, torch.autograd.grad(sum(v.pow(2).sum() for v in first), inputs)

def forked(enabled=True):
    torch.manual_seed(3)
    with torch.random.fork_rng(enabled=enabled):
        first = torch.rand(3)
    return torch.equal(torch.rand(3), first)

def shared(**options):
    made = torch.asarray(array, **options)
    array[0] = 5.0
    return made
"""

CALLS = tuple(
    """
S.digamma(u), S.psi(u), S.erf(x), S.erfc(x), S.erfinv(u), S.exp2(x), S.expit(x), S.expm1(x), S.gammaln(u)
S.log1p(u), S.logit(u), S.logit(x, 0.1), S.polygamma(1, u), S.sinc(x), S.xlogy(x, u[:1]), S.round(x)
S.softmax(x, 0), S.log_softmax(x, 0), S.logsumexp(m, 1)
S.entr(t([-1.0, 0.0, 0.5, 1.0, 3.0, inf, nan]))
S.entr(t([0, 1, 2]))
g(S.entr(q), q)
S.ndtr(x), S.ndtr(t([-20.0, -inf, inf, nan])), S.ndtr(t([0, 1]))
g(S.ndtr(q), q)
S.ndtri(u), S.ndtri(t([0.0, 1.0, 2.0]))
S.xlog1py(t([0.0, 0.0, 2.0, 0.0]), t([-1.0, 3.0, 0.5, nan]))
S.xlog1py(2.0, u), S.xlog1py(u, 0.5), S.xlog1py(t([0, 1]), t([1, 2]))
g(S.xlog1py(q, r), q, r)
S.multigammaln(t([2.5, 3.0, 10.0]), 3), S.multigammaln(t([2.5]), 1)
S.multigammaln(t([2.5]), 0)
g(S.multigammaln(q + 2, 2), q)
torch.cov(m), m.cov(), torch.cov(m[0]), torch.cov(t(2.0)), torch.cov(m.int())
torch.cov(m, correction=0), torch.cov(m, correction=2)
torch.cov(m, fweights=f), torch.cov(m, aweights=a), torch.cov(m, fweights=f, aweights=a, correction=0)
torch.cov(m, fweights=f, aweights=a)
torch.cov(m[:, :1])
torch.cov(torch.zeros(2, 2, 2))
torch.cov(m, fweights=a)
torch.cov(m, aweights=f)
torch.cov(m, fweights=f[:2])
torch.cov(m, fweights=-f)
torch.cov(z)
g(torch.cov(d), d)
g(torch.cov(d, aweights=a.double()), d)
torch.corrcoef(m), m.corrcoef(), torch.corrcoef(m[0]), torch.corrcoef(m[0] * 0)
torch.corrcoef(z)
g(torch.corrcoef(d), d)
forked(), forked(False)
torch.asarray([1, 2.5]), torch.asarray(3), torch.asarray(m) is m, torch.asarray(m, dtype=torch.float64)
torch.asarray(array), torch.asarray(m, copy=True) is m, torch.asarray(m, copy=False) is m
torch.asarray([1.0], copy=False)
torch.asarray([1.0], requires_grad=True), torch.asarray(d, requires_grad=True)
shared()
shared(copy=True)
shared(dtype=torch.float64)
torch.asarray(m, dtype=torch.float64, copy=False)
[torch.logaddexp(t(p, dtype=torch.float64), t(0.0, dtype=torch.float64)) for p in (-1000.0, 0.0, 1000.0)]
g(torch.logaddexp(q, r), q, r)
g(torch.logaddexp2(q, r), q, r)
torch.cov(torch.empty(3, 0)), torch.cov(torch.empty(0, 3)).shape == (0, 0)
(lambda x: torch.autograd.grad(S.xlog1py(x, 1.0).sum(), x))(torch.zeros(2, requires_grad=True))
S.i0(e.detach()), S.i0e(x), S.i1(e.detach()), S.i1e(x), S.modified_bessel_i0(u)
S.modified_bessel_i1(u), torch.i0(u), u.i0()
S.i0(wild[2:].double()), S.i0e(wild), S.i1(wild[2:].double()), S.i1e(wild), S.i0(f), S.i0(x.half())
g(S.i0(e), e), g(S.i0e(e), e), g(S.i1(e), e), g(S.i1e(e), e)
S.modified_bessel_k0(x), S.modified_bessel_k1(x), S.scaled_modified_bessel_k0(x), S.scaled_modified_bessel_k1(x)
S.modified_bessel_k0(wild), S.modified_bessel_k1(wild), S.scaled_modified_bessel_k0(wild)
S.bessel_j0(x), S.bessel_j1(x), S.bessel_y0(x), S.bessel_y1(x), S.bessel_j0(f), S.bessel_y1(large), S.bessel_j1(-large)
S.spherical_bessel_j0(x), S.spherical_bessel_j0(wild), S.spherical_bessel_j0(f), S.airy_ai(x), S.airy_ai(f)
S.erfcx(x), S.erfcx(wild), S.log_ndtr(x), S.log_ndtr(wild), S.erfcx(f), S.log_ndtr(f)
g(S.erfcx(e), e), g(S.log_ndtr(e), e)
S.gammainc(u, r.detach()), S.gammaincc(r.detach(), u), torch.igamma(u, u + 1), torch.igammac(u, u + 1), u.igamma(u)
S.gammainc(ends, ends.flip(0)), S.gammaincc(ends, ends.flip(0)), S.gammainc(ends, 2 * ends), S.gammaincc(ends, ends)
S.gammainc(30 * u, 28 * u), S.gammaincc(300 * u[:, None], 290 * u)
g(S.gammainc(q.detach(), r), r), g(S.gammaincc(r.detach(), q), q), g(S.gammainc(40 * r.detach(), q + 30), q)
refused(once, S.gammainc, q, r), refused(once, S.zeta, q + 1, r)
S.zeta(u + 1.5, q.detach()), S.zeta(2, u), S.zeta(t([2.0, 3.0, 30.0]), 1), S.zeta(u * 20 + 1, r.detach())
S.zeta(t([1.0, 0.5, 2, 2, 2.5, 3, 2, nan]), t([1.0, 1, 0, -1.5, -1.5, -1.5, 1, 1]))
g(S.zeta(q.detach() + 1.5, r), r)
torch.mvlgamma(u + 1, 2), (u + 1).mvlgamma(3), (u + 1).mvlgamma_(2), (u * 2).i0_(), u.clone().igammac_(u)
[p(x, n) for p in polynomials for n in (-1, 0, 1, 2, 5)]
[p(x, t([0.0, 1.0, 2.0, 3.0, -1.0, 4.0])) for p in polynomials]
[p(0.5, t([1, 2])) for p in polynomials], [p(f, 2) for p in polynomials], [p(x[:, None], f).shape for p in polynomials]
S.chebyshev_polynomial_t(x, 2.7), S.legendre_polynomial_p(t([1.0, -1.0]), 3), S.hermite_polynomial_h(m, 3)
""".strip().splitlines()
)
