"""Distributions of counts, of extremes and tails, made of gamma distributions, mixtures; transforms of vectors."""

__all__ = ["CALLS", "START"]

START = """
D = torch.distributions
nan, inf = float("nan"), float("inf")

def new(values, **options):
    return torch.tensor(values, dtype=torch.float64, **options)

a, b = new([[0.3, 1.2, 2.0], [0.5, 0.7, 1.1]]).requires_grad_(), new([0.4, 1.5, 2.2]).requires_grad_()
p = new([[0.2, 0.3, 0.5], [0.1, 0.4, 0.9]])
x, z, k = a.detach() + 0.5, new([[0.2, 0.3, 0.5], [0.1, 0.1, 0.8]]), new([[0.0, 2.0, 1.0], [1.0, 0.0, 5.0]])
w = new([[1.0, 0.5], [0.2, 2.0], [0.3, -0.4]]).requires_grad_()
v = new([-1.0, 0.25, 2.0])
m = new([[1.0, 2.0], [-0.5, 0.3]])

gumbel, weibull, pareto, cauchy = D.Gumbel(a, b), D.Weibull(a, b), D.Pareto(a / 10, b), D.Cauchy(a, b)
general = D.GeneralizedPareto(a.float() - 1, b.float(), torch.tensor([-0.3, 0.0, 0.4]))
kumaraswamy = D.Kumaraswamy(a, b)
half_normal, half_cauchy = D.HalfNormal(a), D.HalfCauchy(a)
chi2, inverse_gamma, ratio, student = D.Chi2(a + 3), D.InverseGamma(a + 1, b), D.FisherSnedecor(a + 3, b + 4), \
    D.StudentT(a + 1.5, b, a)
geometric, geometric_of_logits = D.Geometric(p), D.Geometric(logits=a)
binomial, binomial_of_logits = D.Binomial(5, p), D.Binomial(new([5.0, 6.0, 7.0]), logits=a)
negative, negative_of_logits = D.NegativeBinomial(b, p), D.NegativeBinomial(3, logits=a - 1)
poisson = D.Poisson(a)
multinomial, multinomial_of_logits = D.Multinomial(5, z), D.Multinomial(4, logits=a)
grey, grey_of_logits = D.ContinuousBernoulli(p), D.ContinuousBernoulli(logits=a - 0.7)
angles = D.VonMises(a, b)
low_rank = D.LowRankMultivariateNormal(a, w, b)
mixture = D.MixtureSameFamily(D.Categorical(z), D.Normal(a, b))
vectors = D.MixtureSameFamily(D.Categorical(z), D.Independent(D.Normal(w + new([[[0.0]], [[1.0]]]), 2 + w.exp()), 1))
gammas = D.MixtureSameFamily(D.Categorical(logits=a + b), D.Gamma(a, b))
simplex = D.LogisticNormal(a, b)
normal, uniform, exponential, gamma, beta = D.Normal(a, b), D.Uniform(a - 2, a + b), D.Exponential(a), D.Gamma(a, b), \
    D.Beta(a, b)
laplace, inner, bernoulli = D.Laplace(a, b), D.Uniform(a / 10, a / 10 + 0.3), D.Bernoulli(p)
roots = (new([[[1.0, 0.0], [0.5, 0.8]], [[2.0, 0.0], [-0.3, 0.4]]])).requires_grad_()
df = new([2.5, 4.0]).requires_grad_()
wishart, covariance = D.Wishart(df, scale_tril=roots.tril()), roots @ roots.mT
many = new([[[2.0, 0.3], [0.3, 1.5]], [[1.0, -0.9], [-0.9, 3.0]]])
other = D.Wishart(b[:2] + 3, covariance_matrix=many)
lkj = D.LKJCholesky(3, a)
corners = D.CorrCholeskyTransform()(new([[0.3, -0.4, 1.2], [0.1, 2.0, 0.0]]))
full = D.MultivariateNormal(a, torch.eye(3, dtype=torch.float64) * 1.5)

def differentiated(y, *inputs):
    inputs = [i for i in inputs if i.requires_grad]
    return y, torch.autograd.grad(y.sum(), inputs, allow_unused=True)

def expanded(d):
    d = d.expand((2, *d.batch_shape))
    return list(d.batch_shape), list(d.event_shape), list(d.sample((3,)).shape)

def drawn(d, *shape):
    y = d.sample(shape)
    return list(y.shape), str(y.dtype).replace("torch.", ""), y.requires_grad, bool(d.support.check(y).all())

def with_gradient(d):
    y = d.rsample((2,))
    return list(y.shape), y.requires_grad

def there_and_back(t, x):
    y = t(x)
    return y, t._inv_call(y), list(t.forward_shape(x.shape)), list(t.inverse_shape(y.shape)), t.bijective

def to(constraint, x):
    found = []
    for registry in (D.transform_to, D.biject_to):
        t = registry(constraint)
        found += [t(x), t.inv(t(x)), bool(constraint.check(t(x)).all())]
    return found
"""

_CONTINUOUS = {
    "gumbel": "x",
    "weibull": "x",
    "pareto": "x",
    "cauchy": "x",
    "general": "x.float() - 0.5",
    "kumaraswamy": "z",
    "half_normal": "x",
    "half_cauchy": "x",
    "chi2": "x",
    "inverse_gamma": "x",
    "ratio": "x",
    "student": "x",
    "grey": "z",
    "grey_of_logits": "z",
    "angles": "x",
    "simplex": "new([0.1, 0.2, 0.3, 0.4])",
    "low_rank": "x",
    "mixture": "x[:, 0]",
    "vectors": "new([[0.3, 0.2], [1.0, 2.0]])",
    "gammas": "x[:, 0]",
}
_COUNTS = {
    "geometric": "k",
    "geometric_of_logits": "k",
    "binomial": "k",
    "binomial_of_logits": "k",
    "negative": "k",
    "negative_of_logits": "k",
    "poisson": "k",
    "multinomial": "new([[1.0, 2.0, 2.0], [0.0, 1.0, 4.0]])",
    "multinomial_of_logits": "new([[1.0, 2.0, 1.0], [0.0, 0.0, 4.0]])",
}
_ALL = _CONTINUOUS | _COUNTS
_CONSTANT = ("grey", "geometric", "binomial", "multinomial")  # their parameters have no gradient
_WITHOUT_ENTROPY = ("ratio", "negative", "negative_of_logits", "poisson", "angles", "simplex", "mixture", "vectors")
_WITHOUT_MODE = ("grey", "grey_of_logits", "multinomial", "multinomial_of_logits", "kumaraswamy", "simplex", "mixture")
_WITHOUT_MODE = (*_WITHOUT_MODE, "vectors", "gammas")
_NO_MOMENTS = ("simplex",)
_QUANTILES = ("gumbel", "weibull", "pareto", "cauchy", "general", "kumaraswamy", "half_normal", "half_cauchy")
_PAIRS = ("normal", "uniform", "inner", "exponential", "gamma", "beta", "laplace", "gumbel", "pareto", "grey_of_logits")
_OLD = ("normal", "uniform", "inner", "exponential", "gamma", "beta", "laplace")

CALLS = [
    *"""
differentiated(wishart.log_prob(many), df, roots)
differentiated(D.Wishart(df, covariance_matrix=covariance).log_prob(many), df, roots)
differentiated(D.Wishart(df, precision_matrix=covariance).log_prob(many), df, roots)
D.Wishart(new(5.0), many[0]).log_prob(many)
D.Wishart(5, many).log_prob(many[0])
D.Wishart(7.5, many[0]).mean, D.Wishart(7.5, many[0]).entropy()
wishart.mean, wishart.variance, wishart.stddev
wishart.mode.nan_to_num(-7.0), other.mode
differentiated(wishart.entropy(), df, roots)
wishart.scale_tril, wishart.covariance_matrix, wishart.precision_matrix, other.precision_matrix, other.scale_tril
expanded(wishart), wishart.expand((2, 2)).log_prob(many), wishart.expand((2, 2)).covariance_matrix
drawn(other), drawn(other, 4, 2), with_gradient(other)
list(wishart.batch_shape), list(wishart.event_shape), wishart.has_rsample, wishart.has_enumerate_support
[D.kl_divergence(D.Wishart(n, many[0]), D.Wishart(7.0, v)).detach() for n, v in ((3.5, many[1]), (7.0, many[0]))]
[refused(D.Wishart, *c) for c in ((1.0, many), (3.0, new([1.0])), (3.0,), (3.0, many, many))]
[refused(D.Wishart, 3.0, -many), refused(wishart.log_prob, -many), refused(D.Wishart, new([1.0, 2.0, 3.0]) + 2, many)]
differentiated(lkj.log_prob(corners[:1, None]), a)
D.LKJCholesky(3).log_prob(corners), D.LKJCholesky(2, 0.5).log_prob(corners[:, :2, :2])
D.LKJCholesky(3, new([0.5, 1.0])).log_prob(corners)
expanded(lkj), lkj.expand((2, 2, 3)).log_prob(corners[0])
drawn(lkj), drawn(lkj, 4, 2), lkj.has_rsample, list(lkj.batch_shape), list(lkj.event_shape), lkj.dim
[refused(D.LKJCholesky, *c) for c in ((1,), (3, -1.0))] + [refused(lkj.log_prob, corners * 2)]
there_and_back(D.CorrCholeskyTransform(), new([[0.3, -0.4, 1.2], [0.1, 2.0, 0.0]]))
there_and_back(D.CorrCholeskyTransform(), new([0.7])), corners @ corners.mT
differentiated(D.CorrCholeskyTransform()(w[:, 0] + w[:, 1]), w)
[t.log_abs_det_jacobian(i, t(i)) for t in [D.CorrCholeskyTransform()] for i in (x, new([0.3, -0.4, 1.2, 0.5, 0.1, -2]))]
[refused(D.CorrCholeskyTransform(), new([0.3] * n)) for n in (2, 4, 5)]
to(D.constraints.corr_cholesky, x)
[D.constraints.corr_cholesky.check(i) for e in [torch.eye(2)] for i in (e, torch.ones(2, 2).tril(), -e, e * 1.001)]
D.constraints.corr_cholesky.event_dim
[D.constraints.positive_semidefinite.check(new(i)) for i in ([[1.0, 2], [2, 1]], [[0.0, 1], [0, 0]], [[2.0]])]
""".strip().splitlines(),
    *(f"differentiated({d}.log_prob({v}), a, b, w)" for d, v in _ALL.items() if d not in _CONSTANT),
    *(f"{d}.log_prob({_ALL[d]})" for d in _CONSTANT),
    *(f"{d}.mean, {d}.variance, {d}.stddev" for d in _ALL if d not in _NO_MOMENTS),
    *(f"{d}.mode" for d in _ALL if d not in _WITHOUT_MODE),
    *(f"{d}.entropy()" for d in _ALL if d not in (*_WITHOUT_ENTROPY, "gammas")),
    *(f"{d}.entropy()" for d in _WITHOUT_ENTROPY if d not in ("poisson",)),
    *(f"{d}.cdf({_ALL[d]})" for d in (*_QUANTILES, "grey_of_logits", "mixture")),
    *(f"differentiated({d}.icdf(z), a, b)" for d in (*_QUANTILES, "grey_of_logits")),
    *(f"expanded({d})" for d in _ALL),
    *(f"{d}.expand((2, *{d}.batch_shape)).log_prob({v})" for d, v in _ALL.items()),
    *(f"drawn({d}), drawn({d}, 4, 2)" for d in _ALL),
    *(f"with_gradient({d})" for d in _CONTINUOUS if d not in ("grey", "angles", "mixture", "vectors", "gammas")),
    *(f"list({d}.batch_shape), list({d}.event_shape), {d}.has_enumerate_support, {d}.has_rsample" for d in _ALL),
    *(f"with_gradient({d})" for d in ("gamma", "beta", "D.Dirichlet(a)")),
    "binomial.enumerate_support(), binomial.enumerate_support(False)",
    "binomial_of_logits.enumerate_support()",
    *(
        f"D.kl_divergence({q}, {r})"
        for q in _PAIRS
        for r in _PAIRS
        if (q not in _OLD or r not in _OLD) and (q, r) != ("grey_of_logits", "uniform")
    ),
    "D.kl_divergence(grey_of_logits, D.Uniform(a - 2.1, b + 1))",
    *(
        f"D.kl_divergence({q}, {r})"
        for q, r in (
            ("geometric", "geometric_of_logits"),
            ("binomial", "D.Binomial(5, p / 2)"),
            ("binomial", "D.Binomial(4, p / 2)"),
            ("binomial", "D.Binomial(6, p / 2)"),
            ("poisson", "D.Poisson(b)"),
            ("poisson", "bernoulli"),
            ("poisson", "binomial"),
            ("bernoulli", "poisson"),
            ("half_normal", "D.HalfNormal(b)"),
            ("cauchy", "D.Cauchy(b, a)"),
            ("gumbel", "D.Gumbel(b, a)"),
            ("pareto", "D.Pareto(a, b / 2)"),
            ("grey_of_logits", "grey"),
            ("low_rank", "D.LowRankMultivariateNormal(b, w / 2, a)"),
            ("low_rank", "full"),
            ("full", "low_rank"),
            ("chi2", "gamma"),
            ("student", "student"),
            ("half_cauchy", "half_cauchy"),
        )
    ),
    "[str(d) for d in (D.Weibull(1.0, 2.0), D.StudentT(2.0), D.Poisson(3.0))]",
    "low_rank.covariance_matrix, low_rank.scale_tril, low_rank.precision_matrix",
    "D.Geometric(0.0)",
    "D.Geometric(torch.tensor([1.0, 0.5])).log_prob(torch.tensor([0.0, 2.0]))",
    "D.Geometric(0.5, 0.5)",
    "D.Binomial(3)",
    "D.Binomial(-1, 0.5)",
    "D.Binomial(3, torch.tensor([0.0, 1.0])).log_prob(torch.tensor([0.0, 3.0]))",
    "D.NegativeBinomial(2, 1.0)",
    "D.NegativeBinomial(torch.tensor([0.0, 1.0]), torch.tensor(0.5)).log_prob(torch.tensor([0.0, 0.0]))",
    "D.Poisson(-1.0)",
    "D.Poisson(torch.tensor([0.0, 1.0])).log_prob(torch.tensor([0.0, 0.0]))",
    "D.Multinomial(1.5, z)",
    "multinomial.log_prob(k)",
    "D.Weibull(0.0, 1.0)",
    "pareto.log_prob(a / 20)",
    "D.FisherSnedecor(torch.tensor([1.0, 3.0]), torch.tensor([2.0, 5.0])).mean",
    "D.FisherSnedecor(torch.tensor([1.0, 3.0]), torch.tensor([2.0, 5.0])).variance",
    "D.StudentT(torch.tensor([0.5, 1.5, 3.0])).variance, D.StudentT(torch.tensor([0.5, 1.5, 3.0])).mean",
    "D.ContinuousBernoulli(torch.tensor([0.5, 0.4995, 0.45, 0.0])).mean",
    "D.ContinuousBernoulli(torch.tensor([0.5, 0.4995, 0.45], dtype=torch.float64)).variance",
    "D.ContinuousBernoulli(new([0.5, 0.4995, 0.45, 1.0])).log_prob(new([0.3, 0.4, 0.5, 1.0]))",
    "D.MixtureSameFamily(D.Normal(a, b), D.Normal(a, b))",
    "D.MixtureSameFamily(D.Categorical(z), 3)",
    "D.MixtureSameFamily(D.Categorical(z[:, :2]), D.Normal(a, b))",
    "D.MixtureSameFamily(D.Categorical(new([0.5, 0.5])), D.Normal(0.0, 1.0))",
    "D.LowRankMultivariateNormal(a, w[:2], b)",
    "D.LowRankMultivariateNormal(torch.tensor(1.0), w, b)",
    "D.LowRankMultivariateNormal(a, b, b)",
    "D.VonMises(0.0, new([1.0, 50.0, 499.0, 600.0, 1e4])).log_prob(new(0.1))",
    "D.VonMises(0.0, new([1.0, 50.0, 600.0])).variance",
    *(
        f"there_and_back({t}, {i})"
        for t, i in (
            ("D.AbsTransform()", "v"),
            ("D.PowerTransform(2.0)", "b"),
            ("D.PowerTransform(new([[-1.0], [0.5]]))", "b"),
            ("D.SoftplusTransform()", "v"),
            ("D.SoftmaxTransform()", "v"),
            ("D.StickBreakingTransform()", "v"),
            ("D.StickBreakingTransform()", "a"),
            ("D.LowerCholeskyTransform()", "m"),
            ("D.PositiveDefiniteTransform()", "m"),
            ("D.IndependentTransform(D.ExpTransform(), 1)", "m"),
            ("D.ReshapeTransform((2, 2), (4,))", "torch.stack([m, m])"),
            ("D.CumulativeDistributionTransform(D.Normal(new(0.5), new(2.0)))", "v"),
            ("D.StackTransform([D.ExpTransform(), D.AffineTransform(1.0, 2.0)], 0)", "m"),
            ("D.StackTransform([D.ExpTransform(), D.AffineTransform(1.0, 2.0)], -1)", "m"),
            ("D.CatTransform([D.ExpTransform(), D.SigmoidTransform()], 0, [1, 2])", "v"),
            ("D.CatTransform([D.ExpTransform(), D.SigmoidTransform()], 1)", "m"),
        )
    ),
    *(
        f"{t}.log_abs_det_jacobian({i}, {t}({i}))"
        for t, i in (
            ("D.PowerTransform(2.0)", "b"),
            ("D.SoftplusTransform()", "v"),
            ("D.StickBreakingTransform()", "a"),
            ("D.IndependentTransform(D.ExpTransform(), 1)", "m"),
            ("D.ReshapeTransform((2, 2), (4,))", "torch.stack([m, m])"),
            ("D.CumulativeDistributionTransform(D.Normal(new(0.5), new(2.0)))", "v"),
            ("D.StackTransform([D.ExpTransform(), D.AffineTransform(1.0, 2.0)], -1)", "m"),
            ("D.CatTransform([D.ExpTransform(), D.SigmoidTransform()], 0, [1, 2])", "v"),
            ("D.ComposeTransform([D.ExpTransform(), D.AffineTransform(0.0, 2.0, event_dim=1)])", "m"),
            ("D.AbsTransform()", "v"),
            ("D.SoftmaxTransform()", "v"),
        )
    ),
    *(
        f"to(D.constraints.{c}, {i})"
        for c, i in (
            ("real", "v"),
            ("positive", "v"),
            ("nonnegative", "v"),
            ("greater_than(2.0)", "v"),
            ("greater_than_eq(2.0)", "v"),
            ("less_than(2.0)", "v"),
            ("unit_interval", "v"),
            ("interval(-1.0, 3.0)", "v"),
            ("half_open_interval(-1.0, 3.0)", "v"),
            ("real_vector", "v"),
            ("independent(D.constraints.positive, 1)", "m"),
        )
    ),
    "D.transform_to(D.constraints.simplex)(v), D.biject_to(D.constraints.simplex)(v)",
    "D.transform_to(D.constraints.lower_cholesky)(m), D.transform_to(D.constraints.positive_definite)(m)",
    "D.transform_to(D.constraints.boolean)",
    *(
        f"D.{call}"
        for call in (
            "Poisson(torch.tensor(2.0)).log_prob(torch.tensor([0, 1, 2]))",
            "Binomial(4, torch.tensor(0.3)).log_prob(torch.tensor([0, 1, 2]))",
            "NegativeBinomial(torch.tensor(4.0), torch.tensor(0.3)).log_prob(torch.tensor([0, 1, 2]))",
            "Multinomial(4, probs=torch.tensor([0.2, 0.7, 0.5])).log_prob(torch.tensor([1, 2, 1]))",
            "Beta(torch.tensor([2]), torch.tensor([3])).log_prob(torch.tensor(0.5))",
            "Gamma(torch.tensor([3, 4]), torch.tensor([1, 2])).entropy()",
            "Dirichlet(torch.tensor([3, 4])).entropy()",
            "Kumaraswamy(torch.tensor([2]), torch.tensor([3])).mean",
            "SigmoidTransform().inv(torch.tensor([0.0, 1e-30, 1.0]))",
        )
    ),
    *(
        f"D.kl_divergence(D.{name}({one}), D.{name}({two}))"
        for name, one, two in (
            ("Gamma", "torch.tensor([2]), torch.tensor([3])", "torch.tensor([1]), torch.tensor([2])"),
            ("Beta", "torch.tensor([2]), torch.tensor([3])", "torch.tensor([1]), torch.tensor([2])"),
            ("Dirichlet", "torch.tensor([2, 3])", "torch.tensor([1, 2])"),
        )
    ),
    "D.constraints.multinomial(3).check(new([[1.0, 2.0], [2.0, 2.0], [-1.0, 1.0]]))",
    "D.ReshapeTransform((2, 2), (3,))",
    "D.TransformedDistribution(D.Normal(0.0, 1.0), D.AffineTransform(new([1.0, 2.0]), 2.0)).batch_shape[0]",
    "D.TransformedDistribution(normal, D.StickBreakingTransform()).log_prob(new([0.1, 0.2, 0.3, 0.4]))",
    "list(D.TransformedDistribution(normal, D.StickBreakingTransform()).event_shape)",
]
