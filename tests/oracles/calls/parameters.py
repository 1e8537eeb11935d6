"""nn.utils: weights that are computed from other parameters, folded batch norms, clipping, vectors; names of states."""

__all__ = ["CALLS", "START"]

START = """
U, P, parametrizations = nn.utils, nn.utils.parametrize, nn.utils.parametrizations
new_weight_norm = parametrizations.weight_norm

def new(shape, seed=0):
    n = 1
    for s in shape:
        n *= s
    values = [((7 * i + 3 + seed) * (i + 5 + 2 * seed) % 23) / 12 - 0.9 for i in range(n)]
    return torch.tensor(values, dtype=torch.float64).reshape(shape)

def filled(module, unit=False):
    module = module.double()
    for i, (_, p) in enumerate(sorted(module.named_parameters())):
        p.data = new(tuple(p.shape), i)
    for i, (name, b) in enumerate(sorted(module.named_buffers())):
        if b.ndim == 1 and not name.startswith("running"):
            value = new(tuple(b.shape), i)
            b.copy_(value / value.square().sum().sqrt() if unit else value)
    return module

def names(module):
    return [[n, list(p.shape)] for n, p in module.state_dict().items()]

def trained(module, x):
    y = module(x)
    loss = (y * y).sum()
    parameters = [p for _, p in sorted(module.named_parameters())]
    first = torch.autograd.grad(loss, parameters, create_graph=True)
    second = torch.autograd.grad(sum((g * g).sum() for g in first), parameters, allow_unused=True)
    return y, first, second, str(module)

def once(module, x):  # PyTorch's second gradients of weight_norm are wrong: they take the norm for a constant
    y, first, _, text = trained(module, x)
    return y, first, text

x, image = new((3, 4)), new((2, 2, 4, 5))
linear = lambda: nn.Linear(4, 3)
conv, back = lambda: nn.Conv2d(2, 3, 2), lambda: nn.ConvTranspose2d(2, 3, 2)

class Symmetric(nn.Module):
    def forward(self, w):
        return (w + w.T) / 2

class Twice(nn.Module):
    def forward(self, w):
        return 2 * w
    def right_inverse(self, w):
        return w / 2

class Product(nn.Module):
    def forward(self, a, b):
        return a @ b
    def right_inverse(self, w):
        return w[:, :1] + 0, w[:1] + 0

class Wide(nn.Module):
    def forward(self, w):
        return torch.cat([w, w])

class Number(nn.Module):
    def forward(self, w):
        return 1.0

class Same(nn.Module):
    def forward(self, w):
        return w
    def right_inverse(self, w):
        raise NotImplementedError

def parametrized(*modules, layer=None, name="weight", **options):
    layer = filled(nn.Linear(4, 4)) if layer is None else layer
    for m in modules:
        P.register_parametrization(layer, name, m, **options)
    return layer

def assigned(layer, value):
    layer.weight = value
    return layer.weight, dict(layer.state_dict())["parametrizations.weight.original"]

def removed(layer, **options):
    original = layer.parametrizations.weight.original if layer.parametrizations.weight.is_tensor else None
    P.remove_parametrizations(layer, "weight", **options)
    same = layer.weight is original
    return names(layer), layer.weight, same, type(layer).__name__, P.is_parametrized(layer)

def counted():
    calls = []
    class Count(nn.Module):
        def forward(self, w):
            calls.append(1)
            return w
    layer = parametrized(Count())
    before = len(calls)
    layer.weight, layer.weight
    with P.cached():
        layer.weight, layer.weight
        with P.cached():
            layer.weight
        layer.weight
    layer.weight
    return len(calls) - before

orthogonal = parametrizations.orthogonal

def orthogonal_with_signs(layer):  # the parameter's diagonal has the numbers of `filled`, which are no signs
    layer = orthogonal(filled(layer), orthogonal_map="householder", use_trivialization=False)
    with torch.no_grad():
        original = layer.parametrizations.weight.original
        n = min(original.shape)
        original[range(n), range(n)] = torch.tensor([1.0, -1.0, 1.0, 1.0][:n], dtype=torch.float64)
    return layer

def reached(layer):
    turn = torch.tensor([[0.6, -0.8, 0.0], [0.8, 0.6, 0.0], [0.0, 0.0, -1.0]], dtype=torch.float64)
    layer.weight = turn
    return layer.weight, layer.parametrizations.weight.original

def transferred():
    a, b = parametrized(Twice()), filled(nn.Linear(4, 4))
    P.transfer_parametrizations_and_params(a, b)
    return names(b), b.weight, b.parametrizations.weight.original is a.parametrizations.weight.original

def clipped(*gradients, **options):
    parameters = [nn.Parameter(torch.zeros(len(g))) for g in gradients]
    for p, g in zip(parameters, gradients):
        p.grad = torch.tensor(g)
    total = U.clip_grad_norm_(parameters, **options)
    return total, [p.grad for p in parameters]

def limited(g, v):
    p = nn.Parameter(torch.zeros(len(g)))
    p.grad = torch.tensor(g)
    return U.clip_grad_value_(p, v), p.grad

def by_norm(g, m, total):
    p = nn.Parameter(torch.zeros(len(g)))
    p.grad = torch.tensor(g)
    return U.clip_grads_with_norm_(p, m, torch.tensor(total)), p.grad

def norm_layer(kind, n, **options):
    made = filled(kind(n, **options)).eval()
    if made.running_mean is not None:
        made.running_mean.copy_(new((n,), 3))
        made.running_var.copy_(new((n,), 4).abs() + 0.5)
    return made

def folded(layer, bn, inputs, **options):
    fuse = U.fuse_linear_bn_eval if isinstance(layer, nn.Linear) else U.fuse_conv_bn_eval
    fused = fuse(layer.eval(), bn, **options)
    return fused(inputs), bn(layer(inputs)), names(fused), str(fused), fused.weight, fused.bias
"""

CALLS = [
    # the older hooks
    *(
        f"once(filled(U.weight_norm({m}(){d})), {x})"
        for m, x in (("linear", "x"), ("conv", "image"), ("back", "image"))
        for d in ("", ", dim=1", ", dim=None", ", dim=-1")
    ),
    "names(U.weight_norm(conv(), 'bias')), names(U.weight_norm(conv(), name='weight', dim=3))",
    "names(U.remove_weight_norm(U.weight_norm(filled(conv()))))",
    "U.remove_weight_norm(U.weight_norm(filled(linear()))).weight",
    "U.weight_norm(filled(linear())).weight, U.weight_norm(filled(linear())).weight_g",
    "U.weight_norm(U.weight_norm(linear()))",
    "U.weight_norm(linear(), 'weights')",
    "U.remove_weight_norm(linear())",
    "trained(filled(U.spectral_norm(linear()), unit=True), x)",
    "trained(filled(U.spectral_norm(back()), unit=True).eval(), image)",
    "trained(filled(U.spectral_norm(conv(), n_power_iterations=3, dim=1), unit=True), image)",
    "trained(filled(U.spectral_norm(conv(), dim=2), unit=True), image)",
    "names(U.spectral_norm(conv()))",
    # parametrizations
    *(
        f"once(filled(parametrizations.weight_norm({m}(){d})), {x})"
        for m, x in (("linear", "x"), ("conv", "image"), ("back", "image"))
        for d in ("", ", dim=1", ", dim=None")
    ),
    "names(new_weight_norm(conv(), 'bias')), names(new_weight_norm(back(), name='weight', dim=0))",
    "new_weight_norm(filled(conv())).weight",
    "trained(filled(parametrizations.spectral_norm(linear()), unit=True), x)",
    "trained(filled(parametrizations.spectral_norm(conv(), n_power_iterations=3), unit=True), image)",
    "trained(filled(parametrizations.spectral_norm(back()), unit=True), image)",
    "trained(filled(parametrizations.spectral_norm(conv(), dim=2), unit=True).eval(), image)",
    "trained(filled(parametrizations.spectral_norm(linear(), 'bias')), x)",
    "names(parametrizations.spectral_norm(conv())), names(parametrizations.spectral_norm(linear(), 'bias'))",
    "parametrizations.spectral_norm(linear(), n_power_iterations=0)",
    "parametrizations.spectral_norm(linear(), 'weights')",
    "parametrizations.weight_norm(linear(), 'weights')",
    "removed(new_weight_norm(filled(linear())))",
    "removed(new_weight_norm(filled(linear())), leave_parametrized=False)",
    "removed(filled(parametrizations.spectral_norm(linear()), unit=True).eval())",
    "removed(filled(parametrizations.spectral_norm(linear()), unit=True), leave_parametrized=False)",
    "trained(parametrized(Symmetric()), x)",
    "trained(parametrized(Symmetric(), Twice()), x)",
    "trained(parametrized(Twice()), x)",
    "trained(parametrized(Product()), x)",
    "trained(parametrized(Same()), x)",
    "names(parametrized(Symmetric(), Twice()))",
    "names(parametrized(Twice(), name='bias'))",
    "names(parametrized(Twice(), name='running_mean', layer=nn.BatchNorm1d(2)))",
    "parametrized(Twice(), name='running_mean', layer=nn.BatchNorm1d(2)).running_mean",
    "parametrized(Wide())",
    "parametrized(Wide(), unsafe=True).weight",
    "parametrized(Number())",
    "parametrized(Twice(), Wide())",
    "parametrized(Twice(), name='weights')",
    "parametrized(Twice(), name='in_features')",
    "parametrized(Twice(), layer=filled(nn.Linear(4, 4, bias=False)), name='bias')",
    "assigned(parametrized(Twice()), new((4, 4), 5))",
    "assigned(parametrized(Twice(), Twice()), new((4, 4), 5))",
    "assigned(parametrized(Symmetric()), new((4, 4), 5))",
    "assigned(parametrized(Twice()), new((4, 3), 5))",
    "removed(parametrized(Twice()))",
    "removed(parametrized(Twice()), leave_parametrized=False)",
    "removed(parametrized(Product()))",
    "P.remove_parametrizations(linear(), 'weight')",
    "P.remove_parametrizations(parametrized(Twice()), 'bias')",
    "P.is_parametrized(linear()), P.is_parametrized(parametrized(Twice()))",
    "P.is_parametrized(parametrized(Twice()), 'bias')",
    "P.is_parametrized(parametrized(Twice()), 'weight'), P.is_parametrized(nn.ReLU(), 'weight')",
    "P.type_before_parametrizations(parametrized(Twice())) is nn.Linear",
    "P.type_before_parametrizations(linear()) is nn.Linear",
    "isinstance(parametrized(Twice()), nn.Linear), len(parametrized(Twice(), Twice()).parametrizations.weight)",
    "isinstance(parametrized(Twice()).parametrizations['weight'], P.ParametrizationList)",
    "parametrized(Twice()).parametrizations.weight.original",
    "counted()",
    "transferred()",
    # orthogonal matrices; the base of others than square ones is random
    *(
        f"trained(orthogonal(filled(nn.Linear(4, 4)){o}), x), list(orthogonal(nn.Linear(4, 4){o}).state_dict())"
        for o in ("", ", 'weight', 'cayley'", ", orthogonal_map='householder'")
    ),
    *(
        f"trained(orthogonal(filled({m}){o}, use_trivialization=False), {x})"
        for m, x in (("nn.Linear(4, 3)", "x"), ("nn.Linear(4, 4)", "x"), ("nn.Linear(2, 5)", "x[:, :2]"))
        for o in (", orthogonal_map='matrix_exp'", ", orthogonal_map='cayley'")
    ),
    *(
        f"trained(orthogonal_with_signs({m}), {x})"
        for m, x in (("nn.Linear(4, 3)", "x"), ("nn.Linear(4, 4)", "x"), ("nn.Linear(2, 5)", "x[:, :2]"))
    ),
    "trained(orthogonal(filled(nn.Conv2d(2, 3, 2)), use_trivialization=False, orthogonal_map='cayley'), image)",
    "names(orthogonal(filled(nn.Linear(4, 3)))), orthogonal(filled(nn.Linear(4, 3))).parametrizations.weight.original",
    "[reached(orthogonal(filled(nn.Linear(3, 3)), 'weight', 'householder', use_trivialization=t)) for t in (1, 0)]",
    "reached(orthogonal(filled(nn.Linear(3, 3)), 'weight', 'matrix_exp')), "
    "refused(lambda: reached(orthogonal(nn.Linear(3, 3), use_trivialization=False)))",
    "[refused(orthogonal, nn.Linear(4, 4), *a) for a in (('bias',), ('other',), ('weight', 'euler'))]",
    # folded batch norms
    "folded(filled(conv()), norm_layer(nn.BatchNorm2d, 3), image)",
    "folded(filled(nn.Conv2d(2, 3, 2, bias=False)), norm_layer(nn.BatchNorm2d, 3), image)",
    "folded(filled(conv()), norm_layer(nn.BatchNorm2d, 3, affine=False), image)",
    "folded(filled(back()), norm_layer(nn.BatchNorm2d, 3), image, transpose=True)",
    "folded(filled(linear()), norm_layer(nn.BatchNorm1d, 3), x)",
    "folded(filled(nn.Linear(4, 3, bias=False)), norm_layer(nn.BatchNorm1d, 3, eps=0.1), x)",
    "folded(filled(linear()), norm_layer(nn.BatchNorm1d, 2), x)",
    "U.fuse_conv_bn_eval(conv(), nn.BatchNorm2d(3))",
    "folded(filled(conv()), norm_layer(nn.BatchNorm2d, 3, track_running_stats=False), image)",
    "U.fuse_conv_bn_weights(new((3, 2, 1, 1)), None, new((3,), 1), new((3,), 2).abs(), 0.1, None, None)",
    "U.fuse_linear_bn_weights(new((3, 2)), new((3,)), new((3,), 1), new((3,), 2).abs(), 0.1, new((3,), 4), new((3,)))",
    "U.fuse_conv_bn_weights(conv_w=new((3, 2, 1)), conv_b=None, bn_rm=new((2,)), bn_rv=new((2,)).abs(), bn_eps=0.1,"
    " bn_w=new((2,)), bn_b=None, transpose=True)",
    # gradients
    *(
        f"clipped([3.0], [0.0, -4.0], max_norm={m}, norm_type={p})"
        for m in (1, 10.0)
        for p in (1, 2, 2.0, 3.5, "float('inf')")
    ),
    "clipped([3.0, float('nan')], max_norm=1.0)",
    "clipped([3.0, float('inf')], max_norm=1.0)",
    "clipped([3.0, float('inf')], max_norm=1.0, error_if_nonfinite=True)",
    "clipped([0.0, 0.0], max_norm=1.0)",
    "clipped(max_norm=1.0)",
    "clipped([3.0], [1.0], max_norm=0.0)",
    "limited([3.0, -0.5, float('nan'), float('inf')], 1)",
    "by_norm([3.0, 4.0], 1.0, 5.0)",
    "by_norm([3.0, 4.0], 10, 5.0)",
    "U.get_total_norm([torch.tensor([3.0]), torch.tensor([[4.0]])])",
    "U.get_total_norm(torch.tensor([3.0, -4.0]), 1)",
    "U.get_total_norm([])",
    "U.get_total_norm([torch.tensor([3.0]), torch.tensor(4.0)], norm_type=float('inf'), error_if_nonfinite=True)",
    "U.clip_grad_norm_([], 1.0)",
    # vectors
    "U.parameters_to_vector(filled(linear()).parameters())",
    "U.parameters_to_vector([])",
    "U.parameters_to_vector(iter([torch.zeros(2, 2), torch.ones(3)]))",
    "[U.vector_to_parameters(torch.arange(3.0), p) or p for p in [[torch.zeros(1, 2), torch.zeros(1)]]]",
    "[U.vector_to_parameters([1.0, 2.0], p) or p for p in [[torch.zeros(2)]]]",
    "names(U.skip_init(nn.Linear, 3, out_features=2)), names(U.skip_init(nn.Conv2d, 1, 2, 3, bias=False))",
    "U.skip_init(3)",
]
