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
""".strip().splitlines()
)
