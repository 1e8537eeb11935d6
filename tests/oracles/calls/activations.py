"""Activations and dropout: values at kinks, NaN and infinities, gradients to second order, integers, layers."""

__all__ = ["CALLS", "START"]

START = """
inf, nan = float("inf"), float("nan")
x = torch.tensor([-inf, -7.0, -3.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.5, 3.0, 6.0, 7.0, inf, nan])
k = torch.tensor([[-4.0, -2.5, -0.25, 0.75], [1.5, 3.5, 5.0, 8.0]], dtype=torch.float64, requires_grad=True)
i, u, b = torch.tensor([-7, 0, 1, 9]), torch.tensor([0, 3, 9], dtype=torch.uint8), torch.tensor([True, False])
w, v = torch.tensor([0.25, -1.0, 2.0, 0.5], dtype=torch.float64, requires_grad=True), torch.tensor([0.5])
empty = torch.zeros(0, 4)

def first(function, *arguments):
    y = x.clone().requires_grad_()
    z = function(y, *arguments)
    return z, torch.autograd.grad(z[1:-2].sum(), y)[0]

def second(function, *arguments):
    y = function(k, *arguments)
    return y, gradients((y * y).sum(), k)

def written(function, *arguments, **options):
    y = k * 1.5
    z = function(y, *arguments, **options)
    return z is y, y, torch.autograd.grad(y.sum(), k)
"""

CALLS = (
    *(
        f"{test}({function})"
        for test in ("first", "second")
        for function in (
            "F.relu6",
            "F.hardswish",
            "F.hardtanh",
            "F.hardtanh, -2, 0.5",
            "F.mish",
            "F.selu",
            "F.celu",
            "F.celu, 2.0",
            "F.celu, -0.5",
            "F.elu, 0.5",
            "F.leaky_relu, 0.3",
            "F.softsign",
            "F.softshrink",
            "F.softshrink, 0",
            "F.softshrink, 2",
            "F.hardshrink",
            "F.hardshrink, -1",
            "torch.hardshrink, 3.0",
            "F.tanhshrink",
            "F.threshold, 1.0, 9.0",
            "F.rrelu",
            "F.rrelu, 0.1, 0.4",
        )
    ),
    "first(F.hardsigmoid)",
    "torch.autograd.grad(F.hardsigmoid(k).sum(), k)",
    "F.hardswish(torch.tensor([-inf, inf, nan], requires_grad=True)).isnan()",
    "[F.mish(torch.tensor([-100.0, 100.0])), F.tanhshrink(torch.tensor([1e-3, 30.0]))]",
    # in place
    "written(F.relu_)",
    "written(F.relu6, True)",
    "written(F.leaky_relu_, 0.3)",
    "written(F.elu_, 2.0)",
    "written(F.hardtanh_, -1.5, 2.5)",
    "written(F.celu_, 2.0)",
    "written(F.selu_)",
    "written(F.threshold_, 1.0, 9.0)",
    "written(F.rrelu_, 0.1, 0.4)",
    "written(F.rrelu_, 0.25, 0.25, True)",
    "written(F.hardswish, inplace=True)",
    "written(F.hardsigmoid, inplace=True)",
    "written(F.mish, inplace=True)",
    "written(F.celu, inplace=True)",
    "written(F.selu, inplace=True)",
    "written(F.hardtanh, inplace=True)",
    "written(F.threshold, 1.0, 9.0, True)",
    "written(F.dropout1d, 0.0, inplace=True)",
    "written(nn.ReLU6(True))",
    "written(nn.Hardtanh(-1.5, 2.5, True))",
    "written(nn.CELU(2.0, True))",
    "written(nn.SELU(True))",
    "written(nn.Threshold(1.0, 9.0, True))",
    "written(nn.Mish(True))",
    "written(nn.Hardswish(True))",
    "written(nn.Hardsigmoid(True))",
    "written(nn.RReLU(0.1, 0.4, True).eval())",
    "written(torch.celu_, 2.0)",
    "written(torch.relu_)",
    "F.hardtanh_(k)",
    "F.selu(k, inplace=True)",
    # integers, bools, no elements, no axes, views
    "[F.relu6(i), F.hardtanh(i), F.hardtanh(i, -1.5, 2.5), F.threshold(i, 1.5, 2.5), F.threshold(i, 0, 9)]",
    "[F.relu6(u), F.hardtanh(u, 1, 5), F.threshold(u, 3, 1)]",
    "[F.softsign(i), F.softsign(u), F.tanhshrink(i), F.tanhshrink(u)]",
    "[refused(f, i) for f in (F.hardswish, F.hardsigmoid, F.mish, F.selu, F.celu, F.softshrink, F.hardshrink)]",
    "[refused(f, i) for f in (F.rrelu, F.glu, F.gumbel_softmax)]",
    "[refused(f, b) for f in (F.hardtanh, F.relu6, F.softsign, F.tanhshrink)]",
    "[refused(F.hardtanh, u), refused(F.threshold, b, 0, 1), refused(F.softmin, i, 0)]",
    "refused(F.alpha_dropout, i, 0.5, True)",
    "[f(empty) for f in (F.relu6, F.hardswish, F.mish, F.selu, F.celu, F.softsign, F.softshrink, F.hardshrink)]",
    "[f(torch.tensor(-1.5)) for f in (F.relu6, F.hardswish, F.mish, F.selu, F.celu, F.softsign, F.softshrink)]",
    "[f(k.T.flip(0)[::2]) for f in (F.relu6, F.hardswish, F.mish, F.selu, F.celu, F.softsign, F.hardshrink)]",
    "[refused(F.hardtanh, x, 2, 1), refused(F.celu, x, 0), refused(F.softshrink, x, -1), refused(F.rrelu, x, 1, 0.2)]",
    # prelu
    "gradients((F.prelu(k, w) ** 2).sum(), k, w)",
    "gradients((F.prelu(k, w[:1]) ** 2).sum(), k, w)",
    "gradients((F.prelu(k, w[1]) ** 2).sum(), k, w)",
    "gradients((torch.prelu(k.reshape(2, 2, 2), w[:2]) ** 2).sum(), k, w)",
    "gradients((k.T.reshape(1, 4, 2).prelu(weight=w) ** 2).sum(), k, w)",
    "[x.prelu(v), torch.tensor(-2.0).prelu(v), F.prelu(empty, torch.ones(4))]",
    "F.prelu(torch.ones(3), torch.ones(3))",
    "F.prelu(torch.tensor(1.0), torch.ones(2))",
    "F.prelu(torch.ones(2, 3), torch.ones(2))",
    "F.prelu(torch.ones(2, 3), torch.ones(1, 1))",
    "F.prelu(k, v)",
    "F.prelu(i, i[:1])",
    "[nn.PReLU().weight, nn.PReLU(3, 0.5).weight, nn.PReLU(2, dtype=torch.float64).weight]",
    "[nn.PReLU(4, 0.5)(k.detach().float()), list(nn.PReLU().state_dict())]",
    # gates and softmax
    "gradients((F.glu(k) ** 2).sum(), k)",
    "gradients((F.glu(k, 0) ** 2).sum(), k)",
    "gradients((F.glu(k.T, dim=-2) ** 2).sum(), k)",
    "[F.glu(empty), F.glu(torch.zeros(3, 0)), nn.GLU(0)(k)]",
    "F.glu(torch.ones(3))",
    "F.glu(torch.tensor(1.0))",
    "gradients((F.softmin(k, 1) ** 2).sum(), k)",
    "[F.softmin(k), F.softmin(k[0], 0), F.softmin(i, 0, dtype=torch.float64), F.softmin(k, dim=0, dtype=torch.float)]",
    "[nn.Softmin(0)(k), nn.Softmin()(k)]",
    "[nn.Softmax2d()(k.reshape(2, 2, 2)), nn.Softmax2d()(k.reshape(1, 2, 2, 2))]",
    "nn.Softmax2d()(k)",
    "nn.LogSigmoid()(k)",
    "[F.gumbel_softmax(k.detach(), dim=d).sum(d) for d in (0, 1)]",
    "[F.gumbel_softmax(k, hard=True, dim=d).sum(d) for d in (0, 1)]",
    "F.gumbel_softmax(torch.tensor([[0.0, 200.0, 0.0]]), 0.5, True)",
    "F.gumbel_softmax(torch.tensor([0.0, 200.0]), tau=0.1, hard=False, eps=1e-10, dim=-1)",
    # layers
    "[nn.ReLU6()(k), nn.Hardtanh(-2, 3)(k), nn.Hardsigmoid()(k), nn.Hardswish()(k), nn.CELU(0.5)(k), nn.SELU()(k)]",
    "[nn.Mish()(k), nn.Softsign()(k), nn.Softshrink(1.0)(k), nn.Hardshrink(1.0)(k), nn.Tanhshrink()(k)]",
    "[nn.Threshold(1.0, 9.0)(k), nn.RReLU().eval()(k), nn.RReLU(0.25, 0.25)(k)]",
    "nn.Hardtanh(min_value=-2, max_value=3)(k)",
    "nn.Hardtanh(1, 1)",
    "[repr(m) for m in (nn.ReLU6(True), nn.ReLU6(), nn.Hardtanh(), nn.Hardtanh(-2, 3, True), nn.PReLU(3), nn.GLU())]",
    "[repr(m) for m in (nn.RReLU(0.1, 0.2, True), nn.CELU(2, True), nn.SELU(True), nn.Threshold(1, 2, True))]",
    "[repr(m) for m in (nn.Softshrink(), nn.Hardshrink(1), nn.Softmin(), nn.Mish(True), nn.Hardswish(True))]",
    "[repr(m) for m in (nn.Softsign(), nn.Tanhshrink(), nn.Softmax2d(), nn.LogSigmoid(), nn.Hardsigmoid())]",
    "[repr(m) for m in (nn.Dropout1d(), nn.Dropout3d(0.2, True), nn.AlphaDropout(), nn.FeatureAlphaDropout(0.1))]",
    "[torch.selu(k), torch.celu(k, 2.0), torch.rrelu(k), torch.threshold(k, 1.0, 9.0), torch.hardshrink(k, 1.0)]",
    # dropout
    "[f(torch.ones(2, 3), 1.0, True) for f in (F.dropout, F.dropout1d, F.alpha_dropout, F.feature_alpha_dropout)]",
    "[f(x, 1.0, True) for f in (F.dropout, F.alpha_dropout)]",
    "[f(k, 0.0, True) for f in (F.dropout, F.dropout1d, F.dropout2d, F.alpha_dropout, F.feature_alpha_dropout)]",
    "[f(k, 0.5, False) for f in (F.dropout, F.dropout1d, F.dropout2d, F.alpha_dropout, F.feature_alpha_dropout)]",
    "[f(k) for f in (F.alpha_dropout, F.feature_alpha_dropout)]",
    "sorted({round(v, 4) for v in F.alpha_dropout(torch.ones(999), 0.3, True).tolist()})",
    "sorted({round(v, 4) for v in F.feature_alpha_dropout(torch.ones(99, 9), 0.3, True).flatten().tolist()})",
    "sorted({len(set(c)) for c in F.feature_alpha_dropout(torch.ones(99, 4, 5), 0.5, True).flatten(0, 1).tolist()})",
    "sorted({len(set(c)) for c in F.dropout1d(torch.ones(99, 4, 5)).flatten(0, 1).tolist()})",
    "sorted({len(set(c)) for c in F.dropout1d(torch.ones(99, 5)).tolist()})",
    "sorted({len(set(c)) for c in F.dropout2d(torch.ones(99, 4, 5)).flatten(0, 1).tolist()})",
    "sorted({len(set(c)) for c in F.dropout3d(torch.ones(9, 9, 2, 1, 2)).flatten(2).flatten(0, 1).tolist()})",
    "sorted({len(set(c)) for c in F.dropout3d(torch.ones(99, 2, 1, 2)).flatten(1).tolist()})",
    "sorted({len(set(c)) for c in F.dropout3d(torch.ones(99, 5)).tolist()})",
    "F.dropout2d(torch.ones(3, 3), 0.0)",
    "[refused(F.dropout1d, torch.ones(n)) for n in ((3,), (2, 2, 2, 3))]",
    "[refused(f, torch.ones(3), 0.5, True) for f in (F.dropout2d, F.dropout3d, F.feature_alpha_dropout, F.dropout)]",
    "[refused(F.alpha_dropout, x, p) for p in (-0.5, 1.5, 0.0, 1.0)]",
    "nn.AlphaDropout(2.0)",
    "[nn.Dropout1d(1.0)(k), nn.Dropout3d(0.3).eval()(k), nn.AlphaDropout(0.3).eval()(k)]",
)
