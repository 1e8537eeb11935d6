"""Lazy layers: the first input decides the shapes; states before and after it."""

__all__ = ["CALLS", "START"]

START = """
import copy

def new(shape, seed=0):
    n = 1
    for s in shape:
        n *= s
    values = [((7 * i + 3 + seed) * (i + 5 + 2 * seed) % 23) / 12 - 0.9 for i in range(n)]
    return torch.tensor(values, dtype=torch.float64).reshape(shape)

def filled(module):
    for i, (_, p) in enumerate(sorted(module.named_parameters())):
        p.data = new(tuple(p.shape), i)
    return module

def kinds(module):
    lazy = (nn.UninitializedParameter, nn.UninitializedBuffer)
    state = [[n, "lazy" if isinstance(v, lazy) else list(v.shape)] for n, v in module.state_dict().items()]
    return str(module), type(module).__name__, state

def life(module, *shape):
    module = module.double()
    before = kinds(module), module.has_uninitialized_params(), len(list(module.parameters()))
    parameters = list(module.parameters())
    y = module(new(shape))
    same = [a is b for a, b in zip(parameters, module.parameters())]
    return before, kinds(module), list(y.shape), same, [type(p).__name__ for p in parameters]

def trained(module, *shape):
    module = module.double()
    x = new(shape).requires_grad_()
    module(x)
    y = filled(module)(x)
    parameters = [p for _, p in sorted(module.named_parameters())]
    return y, gradients(y * y, x, *parameters)

def loaded(module, other, **options):
    result = repr(module.load_state_dict(other.state_dict(), **options))
    return result, kinds(module)

def after_loading(module, other, x):
    module.load_state_dict(other.state_dict())
    first = kinds(module)
    y = module(x)
    return first, kinds(module), bool((y == other(x)).all())

def stepped(kind, **options):
    module = nn.Sequential(nn.LazyLinear(2), nn.ReLU(), nn.LazyLinear(1)).double()
    optimizer = kind(module.parameters(), lr=0.1, **options)
    optimizer.step()
    x = new((4, 3))
    module(x)
    filled(module)
    module(x).square().sum().backward()
    optimizer.step()
    return [p for p in module.parameters()], kinds(module)

class LazyScale(nn.modules.lazy.LazyModuleMixin, nn.Module):
    def __init__(self):
        super().__init__()
        self.scale = nn.UninitializedParameter()
        self.shift = nn.UninitializedBuffer()
    def initialize_parameters(self, x, offset=0):
        if self.has_uninitialized_params():
            self.scale.materialize(x.shape[-1])
            self.shift.materialize((1, x.shape[-1]))
            with torch.no_grad():
                self.scale.fill_(2.0)
                self.shift.fill_(offset)
    def forward(self, x, offset=0):
        return x * self.scale + self.shift

def scaled():
    module = LazyScale()
    return module(torch.ones(2, 3), offset=3), module(torch.ones(2, 3)), type(module).__name__

def what(action):
    p = nn.LazyLinear(3).weight
    return action(p)
"""

_LAYERS = (
    ("LazyLinear(3)", "2, 4"),
    ("LazyLinear(3, bias=False)", "4"),
    ("LazyLinear(2, True)", "2, 1, 3"),
    ("LazyConv1d(4, 2, padding=1)", "2, 3, 4"),
    ("LazyConv2d(4, 2, groups=2)", "1, 2, 3, 4"),
    ("LazyConv2d(2, 3, 2, 1, 2, padding_mode='replicate')", "3, 5, 5"),
    ("LazyConv3d(2, (1, 2, 1), bias=False)", "1, 2, 2, 3, 2"),
    ("LazyConvTranspose1d(4, 2, stride=2)", "2, 3, 4"),
    ("LazyConvTranspose2d(4, 3, 2, 1, 1, 2)", "2, 2, 3, 2"),
    ("LazyConvTranspose3d(1, 2, bias=False)", "1, 2, 2, 1, 2"),
    ("LazyBatchNorm1d()", "4, 3"),
    ("LazyBatchNorm1d(affine=False)", "4, 3, 2"),
    ("LazyBatchNorm2d(0.1, None, bias=False)", "2, 3, 2, 2"),
    ("LazyBatchNorm3d(track_running_stats=False)", "2, 1, 2, 2, 1"),
    ("LazyInstanceNorm1d()", "2, 3, 4"),
    ("LazyInstanceNorm2d(affine=False, track_running_stats=False)", "2, 3, 2, 3"),
    ("LazyInstanceNorm3d(momentum=0.5)", "2, 1, 2, 2, 1"),
)

CALLS = [
    # without parameters and statistics PyTorch's layer keeps num_features=0
    *(f"life(nn.{layer}, {shape})" for layer, shape in _LAYERS if "affine=False, track" not in layer),
    *(f"trained(nn.{layer}, {shape})" for layer, shape in _LAYERS),
    "loaded(nn.LazyLinear(3), nn.Linear(2, 3))",
    "loaded(nn.LazyLinear(3), nn.Linear(2, 3), assign=True)",
    "loaded(nn.LazyLinear(3), nn.LazyLinear(3))",
    "loaded(nn.Linear(2, 3), nn.LazyLinear(3))",
    "loaded(nn.LazyLinear(3), nn.Linear(2, 3, bias=False))",
    "loaded(nn.LazyLinear(3), nn.Linear(2, 3, bias=False), strict=False)",
    "loaded(nn.LazyBatchNorm2d(), nn.BatchNorm2d(3))",
    "after_loading(nn.LazyLinear(3), nn.Linear(2, 3), torch.ones(4, 2))",
    # here PyTorch's layers keep in_channels=0 and num_features=0
    "after_loading(nn.LazyConv2d(3, 2), nn.Conv2d(2, 3, 2), torch.ones(4, 2, 3, 3))[2]",
    "after_loading(nn.LazyBatchNorm1d(), nn.BatchNorm1d(2), torch.ones(4, 2))[2]",
    "stepped(optim.SGD, momentum=0.9)",
    "stepped(optim.Adam)",
    "scaled()",
    "kinds(copy.deepcopy(nn.LazyConv2d(3, 2))), life(copy.deepcopy(nn.LazyLinear(3)), 2, 4)",
    "kinds(nn.Sequential(nn.LazyLinear(3), nn.LazyBatchNorm1d())[0])",
    "str(nn.LazyLinear(3).weight), str(nn.LazyBatchNorm1d().running_mean), str(nn.UninitializedBuffer())",
    "what(lambda p: (p.requires_grad, p.is_leaf, p.grad, p.dtype == torch.float32, isinstance(p, nn.Parameter)))",
    "nn.UninitializedParameter(False).requires_grad, nn.UninitializedParameter(dtype=torch.float64).data",
    "[[p.materialize((2, 3)), p.shape, type(p).__name__, p.requires_grad] for p in [nn.UninitializedParameter()]]",
    "[[p.materialize(2, dtype=torch.float64), p * 0, type(p).__name__] for p in [nn.UninitializedParameter(False)]]",
    "nn.LazyLinear(3).zero_grad(), nn.LazyLinear(3).reset_parameters(), nn.LazyConv1d(2, 2).reset_parameters()",
    "nn.LazyLinear(3).in_features, nn.LazyConv2d(3, 2).in_channels, nn.LazyBatchNorm1d().num_features",
    "nn.LazyLinear(3).cls_to_become.__name__, nn.LazyConv1d(3, 2).double().weight.dtype == torch.float64",
    "what(lambda p: p.shape)",
    "what(lambda p: p + 1)",
    "what(lambda p: p.sum())",
    "what(lambda p: p.numel())",
    "what(lambda p: len(p))",
    "what(lambda p: p.detach())",
    "what(lambda p: p.zero_())",
    "what(lambda p: nn.init.ones_(p))",
    "nn.utils.parameters_to_vector(nn.LazyLinear(3).parameters())",
    "nn.LazyConv2d(3, 3)(torch.zeros(2, 3))",
    "nn.LazyConv2d(4, 3, groups=2)(torch.zeros(1, 3, 4, 4))",
    "nn.LazyBatchNorm2d()(torch.zeros(2, 3))",
    "nn.LazyInstanceNorm1d()(torch.zeros(2, 3, 4, 5))",
    "nn.LazyConvTranspose2d(3, 3, padding_mode='reflect')",
]
