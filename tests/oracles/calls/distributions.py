"""Distributions: properties, probabilities with gradients, expanded ones, divergences of all pairs, wrong arguments."""

__all__ = ["CALLS", "START"]

MATRICES = "[[1.0, 0.0], [2.0, 3.0]], [[1.0, 2.0], [2.0, -1.0]], [[1.0, 0.0], [0.0, 0.0]]"

START = """
D = torch.distributions
nan, inf = float("nan"), float("inf")

def new(values, **options):
    return torch.tensor(values, dtype=torch.float64, **options)

a, b = new([[0.3, 1.2, 2.0], [0.5, 0.7, 1.1]]).requires_grad_(), new([0.4, 1.5, 2.2]).requires_grad_()
p = new([[0.2, 0.3, 0.5], [0.1, 0.0, 0.9]])
inner = new([[0.2, 0.3, 0.5], [0.1, 0.4, 0.5]])
t = new(0.7)
normal, laplace, log_normal = D.Normal(a, b), D.Laplace(a, b), D.LogNormal(a, b)
uniform, exponential = D.Uniform(a - 2, a + b), D.Exponential(a)
bernoulli, bernoulli_of_logits = D.Bernoulli(p), D.Bernoulli(logits=a)
categorical, categorical_of_logits = D.Categorical(2 * p), D.Categorical(logits=a)
one_hot, straight_through = D.OneHotCategorical(p), D.OneHotCategoricalStraightThrough(logits=a)
relaxed, relaxed_vector = D.RelaxedBernoulli(t, inner), D.RelaxedOneHotCategorical(t, logits=a)
independent, joint = D.Independent(normal, 1), D.Independent(normal, 2)
transformed = D.TransformedDistribution(normal, [D.AffineTransform(1.0, -2.0), D.TanhTransform()])
falling = D.TransformedDistribution(normal, [D.AffineTransform(new(1.0), -b), D.SigmoidTransform()])
cov = new([[2.0, 0.6, 0.1], [0.6, 1.5, 0.2], [0.1, 0.2, 1.0]]).requires_grad_()
low = new([[1.5, 0.0, 0.0], [0.3, 1.0, 0.0], [-0.2, 0.5, 2.0]]).requires_grad_()
vectors, roots = D.MultivariateNormal(a, cov), D.MultivariateNormal(b, scale_tril=low)
precise = D.MultivariateNormal(a, precision_matrix=cov)
gamma, beta, dirichlet = D.Gamma(a, b), D.Beta(a, b), D.Dirichlet(a)
inner_uniform, wide_uniform = D.Uniform(0 * a + b / 10, b / 10 + 0.2), D.Uniform(-a, b + 1)
number, mixed = D.Normal(0, 1), D.Normal(0.5, torch.tensor([1.0, 2.0]))

x, y, z = a.detach() - 1, new([[0.0, 1.0, 1.0], [1.0, 0.0, 0.0]]), new([[0.2, 0.3, 0.5], [0.1, 0.1, 0.8]])
k = torch.tensor([2, 1])
hot = new([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]])
ends = new([[0.0, 0.3, 0.9], [0.5, 1.0, 0.01]])

def differentiated(y, *inputs):
    inputs = [i for i in inputs if i.requires_grad]
    return y, torch.autograd.grad(y.sum(), inputs, allow_unused=True)

def second(y, *inputs):
    first = torch.autograd.grad(y.sum(), inputs, create_graph=True)
    return first, torch.autograd.grad(sum((g * g).sum() for g in first), inputs)

def expanded(d):
    d = d.expand((2, *d.batch_shape))
    return list(d.batch_shape), list(d.event_shape), list(d.sample((3,)).shape)

def drawn(d, *shape):
    y = d.sample(shape)
    return list(y.shape), str(y.dtype).replace("torch.", ""), y.requires_grad, bool(d.support.check(y).all())

def with_gradient(d):
    y = d.rsample((2,))
    return list(y.shape), y.requires_grad

class Mine(D.Normal):
    pass

def registered():
    before = D.kl_divergence(Mine(0.0, 1.0), D.Normal(1.0, 1.0))
    @D.register_kl(Mine, D.Normal)
    def formula(p, q):
        return p.loc + 7
    return before, D.kl_divergence(Mine(0.0, 1.0), D.Normal(1.0, 1.0)), D.kl_divergence(number, number)
"""

_ALL = {
    "normal": "x",
    "laplace": "x",
    "log_normal": "x + 1",
    "uniform": "x",
    "exponential": "x + 1",
    "bernoulli": "y",
    "bernoulli_of_logits": "y",
    "categorical": "k",
    "categorical_of_logits": "k",
    "one_hot": "hot",
    "straight_through": "hot",
    "relaxed": "z",
    "relaxed_vector": "z",
    "independent": "x",
    "joint": "x",
    "transformed": "z",
    "falling": "z",
    "number": "x",
    "mixed": "x[:, :2]",
}
_CONTINUOUS = ("normal", "laplace", "log_normal", "uniform", "exponential", "transformed", "falling", "number")
_DISCRETE = ("bernoulli", "bernoulli_of_logits", "categorical", "categorical_of_logits", "one_hot", "straight_through")
_MOMENTS = (*_CONTINUOUS[:5], *_DISCRETE, "independent", "joint", "number", "mixed")
_PAIRS = ("normal", "laplace", "exponential", "uniform")

CALLS = [
    *(
        f"differentiated({d}.log_prob({v}), a, b)"
        for d, v in _ALL.items()
        if d not in ("bernoulli", "categorical", "one_hot", "relaxed", "number", "mixed")
    ),
    *(f"{d}.log_prob({_ALL[d]})" for d in ("bernoulli", "categorical", "one_hot", "relaxed", "number", "mixed")),
    *(f"second({d}.log_prob({_ALL[d]}), a, b)" for d in ("normal", "laplace", "log_normal", "uniform", "transformed")),
    *(
        f"second({d}.log_prob({_ALL[d]}), a)"
        for d in ("bernoulli_of_logits", "categorical_of_logits", "relaxed_vector")
    ),
    *(f"{d}.cdf({_ALL[d]}), {d}.icdf(ends)" for d in _CONTINUOUS),
    *(f"{d}.{m}" for d in _MOMENTS for m in ("mean", "variance", "stddev", "mode")),
    *(
        f"differentiated({d}.entropy(), a, b)"
        for d in (
            "normal",
            "laplace",
            "log_normal",
            "uniform",
            "exponential",
            "bernoulli_of_logits",
            "categorical_of_logits",
            "independent",
            "joint",
        )
    ),
    *(f"{d}.entropy(), {d}.perplexity()" for d in _DISCRETE),
    *(f"{d}.enumerate_support(), {d}.enumerate_support(expand=False)" for d in _DISCRETE),
    *(f"expanded({d})" for d in _ALL),
    *(f"{d}.expand((2, *{d}.batch_shape)).log_prob({v})" for d, v in _ALL.items()),
    *(f"drawn({d}), drawn({d}, 4, 2)" for d in _ALL),
    *(f"with_gradient({d})" for d in _ALL if d not in ("relaxed", "number", "mixed")),
    *(f"list({d}.batch_shape), list({d}.event_shape), {d}.has_enumerate_support" for d in _ALL),
    *(f"differentiated(D.kl_divergence({q}, {r}), a, b)" for q in _PAIRS for r in _PAIRS),
    *(
        f"D.kl_divergence({q}, {r})"
        for q, r in (
            ("bernoulli", "bernoulli_of_logits"),
            ("bernoulli_of_logits", "bernoulli"),
            ("bernoulli", "bernoulli"),
            ("categorical", "categorical_of_logits"),
            ("categorical_of_logits", "categorical"),
            ("categorical", "categorical"),
            ("one_hot", "straight_through"),
            ("straight_through", "one_hot"),
            ("independent", "independent"),
            ("joint", "joint"),
            ("independent", "joint"),
            ("log_normal", "log_normal"),
            ("transformed", "transformed"),
            ("transformed", "falling"),
            ("normal", "bernoulli"),
            ("number", "mixed"),
            ("relaxed", "relaxed"),
            ("normal", "log_normal"),
        )
    ),
    *(f"D.kl_divergence({q}, {r})" for q in _PAIRS for r in _PAIRS),
    *(f"differentiated({d}.log_prob({v}), a, b)" for d, v in (("gamma", "x + 1"), ("beta", "z"), ("dirichlet", "z"))),
    "second(gamma.log_prob(x + 1), a, b), second(beta.log_prob(z), a, b), second(dirichlet.log_prob(z), a)",
    *(
        f"differentiated({d}.{m}, a, b)"
        for d in ("gamma", "beta", "dirichlet")
        for m in ("mean", "variance", "entropy()")
    ),
    *(f"{d}.mode, {d}.stddev, list({d}.batch_shape), list({d}.event_shape)" for d in ("gamma", "beta", "dirichlet")),
    *(
        f"drawn({d}, 2), expanded({d}), {d}.expand((4, *{d}.batch_shape)).log_prob(z)"
        for d in ("gamma", "beta", "dirichlet")
    ),
    *(
        f"D.kl_divergence({q}, {r})"
        for q in ("gamma", "beta", "dirichlet", "inner_uniform", "wide_uniform", *_PAIRS)
        for r in ("gamma", "beta", "dirichlet", "inner_uniform", "wide_uniform", *_PAIRS)
        if {q, r} - set(_PAIRS)
    ),
    "differentiated(D.kl_divergence(gamma, D.Gamma(b, a)), a, b)",
    "differentiated(D.kl_divergence(beta, D.Beta(b, a)), a, b)",
    "differentiated(D.kl_divergence(dirichlet, D.Dirichlet(b)), a, b)",
    "D.Beta(2.0, torch.tensor([1.0, 3.0])).mean, D.Gamma(2, 4).variance",
    "D.Gamma(1.0, 0.0)",
    "D.Gamma(-1.0, 1.0)",
    "D.Beta(0.0, 1.0)",
    "D.Dirichlet(torch.tensor(1.0))",
    "D.Dirichlet(torch.tensor([1.0, 0.0]))",
    "beta.log_prob(2 * z)",
    "gamma.log_prob(-z)",
    "D.Gamma(torch.tensor([1.0, 2.0, 0.5]), 1.0).log_prob(torch.zeros(3))",
    "D.Beta(torch.tensor([1.0, 2.0, 0.5]), 1.0).log_prob(torch.tensor([0.0, 1.0, 0.0]))",
    *(f"differentiated({d}.log_prob(x), a, cov)" for d in ("vectors", "precise")),
    "second(vectors.log_prob(x), a, cov)",
    "differentiated(roots.log_prob(x), b, low)",
    *(
        f"differentiated({d}.{m}, {i})"
        for d, i in (("vectors", "cov"), ("precise", "cov"), ("roots", "low"))
        for m in ("entropy()", "variance", "covariance_matrix", "precision_matrix", "scale_tril")
    ),
    *(f"list({d}.batch_shape), list({d}.event_shape), {d}.mean, {d}.mode, {d}.stddev" for d in ("vectors", "roots")),
    *(f"drawn({d}, 2), with_gradient({d}), expanded({d})" for d in ("vectors", "precise", "roots")),
    *(f"{d}.expand((4, 2)).log_prob(x)" for d in ("vectors", "precise", "roots")),
    *(f"D.kl_divergence({q}, {r})" for q in ("vectors", "roots", "precise") for r in ("vectors", "roots", "precise")),
    "differentiated(D.kl_divergence(vectors, roots), a, b, cov, low)",
    "D.constraints.positive_definite.check(torch.stack([cov, -cov, cov - cov, low @ low.T]))",
    "D.MultivariateNormal(a)",
    "D.MultivariateNormal(a, cov, cov)",
    "D.MultivariateNormal(a, low)",
    "D.MultivariateNormal(a, -cov)",
    "D.MultivariateNormal(a, scale_tril=cov)",
    "D.MultivariateNormal(a, b)",
    "D.MultivariateNormal(torch.tensor(0.0), cov)",
    "D.kl_divergence(vectors, D.MultivariateNormal(a[:, :2], cov[:2, :2]))",
    "registered()",
    # types, numbers, wrong arguments
    "D.Normal(torch.tensor(0.0), new([1.0])).log_prob(torch.tensor(1.0))",
    "D.Normal(0, 1).log_prob(torch.tensor(1.0)), D.Normal(0, 1).mean",
    "D.Bernoulli(1).probs, D.Bernoulli(0.25).logits, D.Bernoulli(logits=0).probs",
    "D.Bernoulli(torch.tensor([0.0, 1.0])).logits",
    "D.Bernoulli(torch.tensor([0.0, 1.0])).log_prob(torch.tensor([0.0, 0.0]))",
    "D.Categorical(torch.tensor([1.0, 0.0])).logits, D.Categorical(torch.tensor([1.0, 0.0])).entropy()",
    "D.Categorical(torch.tensor([0.0, 1.0, 0.0])).sample((4,))",
    "D.Categorical(torch.ones(2, 3)).log_prob(torch.tensor([[0, 1], [1, 2], [2, 2]]))",
    "D.Categorical(torch.ones(3)).log_prob(torch.tensor([0.0, 2.0]))",
    "D.Categorical(torch.ones(3)).log_prob(torch.tensor(3))",
    "D.Categorical(torch.ones(3)).log_prob(torch.tensor(0.5))",
    "D.Normal(0.0, -1.0)",
    "D.Normal(nan, 1.0)",
    "D.Normal(0.0, 0.0)",
    "D.Normal(0.0, -1.0, validate_args=False).scale",
    "D.Normal(torch.zeros(3), torch.ones(2))",
    "D.Normal([0.0], [1.0])",
    "number.log_prob(nan * x)",
    "number.log_prob(1.0)",
    "normal.log_prob(new([0.0, 1.0]))",
    "D.Uniform(1.0, 1.0)",
    "D.Uniform(0.0, 1.0).log_prob(torch.tensor([0.0, 1.0]))",
    "D.Uniform(0.0, 1.0).log_prob(torch.tensor(1.5))",
    "D.Uniform(0.0, 1.0, validate_args=False).log_prob(torch.tensor(1.5))",
    "D.Uniform(0.0, 1.0, False).cdf(torch.tensor(-0.5))",
    "D.Exponential(torch.tensor(2.0)).log_prob(torch.tensor(-1.0))",
    "D.Bernoulli(1.5)",
    "D.Bernoulli()",
    "D.Bernoulli(0.5, 0.5)",
    "D.Bernoulli(0.5).log_prob(torch.tensor(0.5))",
    "D.Categorical(torch.tensor([-1.0, 2.0]))",
    "D.Categorical(torch.tensor(1.0))",
    "D.Categorical(logits=torch.tensor([1.0, nan]))",
    "D.OneHotCategorical(p).log_prob(p)",
    "D.Independent(number, 1)",
    "D.TransformedDistribution(number, [3])",
    "D.LogNormal(0.0, 1.0).log_prob(torch.tensor(-1.0))",
    "D.RelaxedOneHotCategorical(t, p).log_prob(2 * z)",
    "D.kl_divergence(number, 3)",
    "str(number), str(D.Independent(number, 0)), str(log_normal), str(D.Bernoulli(0.5)), str(uniform.support)[:8]",
    "D.Normal(loc=0.0, scale=2.0, validate_args=True).icdf(torch.tensor([0.0, 0.25, 1.0, 2.0]))",
    # constraints and transforms
    *(
        f"D.constraints.{c}.check(torch.tensor([[-1.0, 0.0], [0.25, 0.75], [0.0, 1.0], [nan, 2.0], [1.5, inf]]))"
        for c in (
            "real",
            "positive",
            "nonnegative",
            "unit_interval",
            "boolean",
            "simplex",
            "one_hot",
            "real_vector",
            "nonnegative_integer",
            "positive_integer",
            "interval(0.0, 1.0)",
            "greater_than(0.25)",
            "greater_than_eq(0.25)",
            "less_than(0.75)",
            "half_open_interval(0.0, 1.0)",
            "integer_interval(0, 1)",
            "independent(D.constraints.positive, 1)",
        )
    ),
    *(
        f"D.constraints.{c}.check(torch.tensor([{MATRICES}]))"
        for c in ("lower_cholesky", "lower_triangular", "symmetric", "square")
    ),
    *(f"D.constraints.{c}.check(torch.ones(2, 1, 3))" for c in ("lower_triangular", "symmetric", "square")),
    "str(D.constraints.real), str(D.constraints.simplex), str(D.constraints.positive)",
    "D.constraints.is_dependent(D.constraints.dependent), D.constraints.is_dependent(D.constraints.real)",
    *(
        f"{t}(x), {t}.inv({t}(x)), {t}.log_abs_det_jacobian(x, {t}(x)), {t}.inv.log_abs_det_jacobian({t}(x), x)"
        for t in (
            "D.ExpTransform()",
            "D.SigmoidTransform()",
            "D.TanhTransform()",
            "D.AffineTransform(2.0, -3.0)",
            "D.AffineTransform(b, new([-1.0, 2.0, 3.0]))",
            "D.AffineTransform(0.0, b.detach(), event_dim=1)",
            "D.ComposeTransform([D.AffineTransform(0.0, 2.0), D.ExpTransform()])",
            "D.identity_transform",
        )
    ),
    "D.SigmoidTransform()(torch.tensor([-200.0, 200.0]))",
    "D.TanhTransform().log_abs_det_jacobian(torch.tensor([30.0]), None)",
]
