"""nn.utils.prune: masks of all methods, pruning again, removing, names of the state."""

__all__ = ["CALLS", "START"]

START = """
import importlib
P = importlib.import_module(f"{torch.__name__}.nn.utils.prune")

def new(shape, seed=0):
    n = 1
    for s in shape:
        n *= s
    values = [((7 * i + 3 + seed) * (i + 5 + 2 * seed) % 23) / 12 - 0.9 + i / 1000 for i in range(n)]
    return torch.tensor(values, dtype=torch.float64).reshape(shape)

def linear():
    module = nn.Linear(4, 3).double()
    for i, p in enumerate(module.parameters()):
        p.data = new(tuple(p.shape), i)
    return module

def conv():
    module = nn.Conv2d(2, 3, 2).double()
    for i, p in enumerate(module.parameters()):
        p.data = new(tuple(p.shape), i)
    return module

def state(module):
    hooks = [type(h).__name__ for h in module._forward_pre_hooks.values()]
    return {n: v for n, v in module.state_dict().items()}, hooks, [n for n, _ in module.named_parameters()]

def pruned(function, module, *args, **options):
    same = function(module, *args, **options) is module
    original = getattr(module, args[0] + "_orig")
    module(new((2, 4)) if isinstance(module, nn.Linear) else new((1, 2, 3, 3))).sum().backward()
    return state(module), getattr(module, args[0]), original.grad, same

def again(module, *calls):
    for function, *args in calls:
        function(module, *args)
    return state(module), module.weight, [type(m).__name__ for m in next(iter(module._forward_pre_hooks.values()))]

def trained():
    module = linear()
    p = module.weight
    P.l1_unstructured(module, "weight", 0.5)
    optimizer = optim.SGD(module.parameters(), lr=0.1)
    for _ in range(2):
        optimizer.zero_grad()
        module(new((2, 4))).square().sum().backward()
        optimizer.step()
    kept = module.weight_orig is p
    P.remove(module, "weight")
    return state(module), module.weight is p, kept, module.weight.requires_grad

def everywhere(amount, **options):
    a, b = linear(), conv()
    P.global_unstructured([(a, "weight"), (b, "weight"), (a, "bias")], P.L1Unstructured, amount=amount, **options)
    return state(a), state(b)

def counted(function, *args):
    module = linear()
    function(module, "weight", *args)
    mask = module.weight_mask
    return mask.sum(), mask.sum(0).unique(), mask.sum(1).unique()

scores = torch.arange(12.0, dtype=torch.float64).reshape(3, 4)
half = torch.tensor([[1.0, 0.0, 1.0, 1.0], [0.0, 0.0, 1.0, 0.0], [1.0, 1.0, 1.0, 0.0]])
"""

CALLS = [
    "pruned(P.identity, linear(), 'weight')",
    *(f"pruned(P.l1_unstructured, linear(), 'weight', {a})" for a in (5, 0.25, 0, 1.0, 12)),
    "pruned(P.l1_unstructured, linear(), 'bias', 1)",
    "pruned(P.l1_unstructured, conv(), 'weight', 0.5)",
    "pruned(P.l1_unstructured, linear(), 'weight', 3, importance_scores=scores)",
    *(f"pruned(P.ln_structured, linear(), 'weight', {a}, {n}, {d})" for a, n, d in ((1, 2, 0), (0.5, 1, 1))),
    "pruned(P.ln_structured, conv(), 'weight', 1, float('inf'), 0)",
    "pruned(P.ln_structured, conv(), 'weight', 0.5, 2, -1)",
    "pruned(P.ln_structured, linear(), 'weight', 1, 2, 0, importance_scores=-scores)",
    "pruned(P.custom_from_mask, linear(), 'weight', half)",
    "counted(P.random_unstructured, 5)[0], counted(P.random_unstructured, 0.25)[0]",
    "[sorted(counted(P.random_structured, a, d)[1 + d].tolist()) for a, d in ((1, 0), (0.5, 1))]",
    "again(linear(), (P.l1_unstructured, 'weight', 3), (P.l1_unstructured, 'weight', 0.5))",
    "again(linear(), (P.ln_structured, 'weight', 1, 2, 0), (P.l1_unstructured, 'weight', 3))",
    "again(linear(), (P.l1_unstructured, 'weight', 3), (P.ln_structured, 'weight', 1, 2, 1))",
    "again(linear(), (P.ln_structured, 'weight', 1, 2, 0), (P.ln_structured, 'weight', 1, 1, 0))",
    "again(linear(), (P.identity, 'weight'), (P.custom_from_mask, 'weight', half), (P.l1_unstructured, 'weight', 2))",
    "trained()",
    "[everywhere(a) for a in (7, 0.3, 0.0)]",
    "[P.is_pruned(m) for m in (linear(), P.identity(linear(), 'bias'), nn.Sequential(P.identity(linear(), 'bias')))]",
    "P.L1Unstructured(3).prune(torch.tensor([1.0, -2, 0.5, 3, 4]))",
    "P.L1Unstructured(2).prune(scores[0] + 1, default_mask=torch.tensor([1.0, 1, 0, 1]))",
    "P.L1Unstructured(2).prune(scores[0] + 1, importance_scores=-scores[0])",
    "P.LnStructured(1, 2, 0).prune(scores), P.Identity().prune(scores), P.CustomFromMask(half).prune(scores)",
    "[k.PRUNING_TYPE for k in (P.Identity, P.RandomUnstructured, P.L1Unstructured, P.RandomStructured, P.LnStructured, "
    "P.CustomFromMask)]",
    "[len(P.PruningContainer()), refused(P.PruningContainer, 3), refused(P.BasePruningMethod)]",
    "[refused(P.l1_unstructured, linear(), 'weight', a) for a in (1.5, 13, -1, 'a')]",
    "refused(P.l1_unstructured, linear(), 'other', 1)",
    "refused(P.l1_unstructured, linear(), 'weight', 1, scores[0])",
    "[refused(P.ln_structured, linear(), *a) for a in (('bias', 1, 2, 0), ('weight', 1, 2, 2), ('weight', 4, 2, 0))]",
    "[refused(P.custom_from_mask, linear(), 'weight', half[0]), refused(P.remove, linear(), 'weight')]",
    "[refused(P.global_unstructured, [(linear(), 'weight')], k, **o) for k, o in "
    "((P.LnStructured, {'amount': 1, 'n': 2}), (P.L1Unstructured, {'amount': 1, 'importance_scores': 3}))]",
]
