"""`func.functional_call`: modules with other parameters and buffers."""

__all__ = ["CALLS", "START"]

START = """
functional_call = torch.func.functional_call
nn = torch.nn
t = torch.tensor
x = t([[1.0, 2.0], [3.0, -1.0]])
w = t([[0.5, -2.0]]).requires_grad_()
b = t([0.25]).requires_grad_()

def linear():
    torch.manual_seed(0)
    return nn.Linear(2, 1)

def net():
    model = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2), nn.Tanh(), nn.Linear(2, 1))
    with torch.no_grad():
        for i, p in enumerate(model.parameters()):
            p.copy_(torch.arange(1.0, p.numel() + 1).reshape(p.shape) * (0.1 * (i + 1)))
    return model

class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Parameter(torch.ones(1))
        self.b = self.a
    def forward(self):
        return self.a + 2 * self.b

def restored(model, *arguments, **options):
    before = [id(p) for p in model.parameters()], list(model.state_dict())
    try:
        functional_call(model, *arguments, **options)
    except Exception:
        pass
    return before == ([id(p) for p in model.parameters()], list(model.state_dict()))

def inner_steps(model):
    values = dict(model.named_parameters())
    for _ in range(2):
        loss = functional_call(model, values, (x,)).pow(2).mean()
        grads = torch.autograd.grad(loss, list(values.values()), create_graph=True)
        values = {k: p - 0.1 * g for (k, p), g in zip(values.items(), grads)}
    functional_call(model, values, (x,)).pow(2).mean().backward()
    return [p.grad for p in model.parameters()]

def buffers(model):
    mean, var = torch.zeros(2), torch.ones(2)
    out = functional_call(model, {"1.running_mean": mean, "1.running_var": var}, (x,))
    return out, mean, var, model[1].running_mean, model[1].running_var
"""

CALLS = tuple(
    """
functional_call(linear(), {"weight": w, "bias": b}, (x,))
gradients(functional_call(linear(), {"weight": w, "bias": b}, (x,)).pow(2).sum(), w, b)
functional_call(linear(), [{"weight": w}, {"bias": b}], x)
functional_call(linear(), ({"weight": w}, {"bias": b}), args=None, kwargs={"input": x})
functional_call(linear(), {"weight": w, "bias": b}, (x,), strict=True)
functional_call(linear(), {"weight": w}, (x,), strict=True)
functional_call(linear(), {"weight": w, "bias": b, "other": b}, (x,), strict=True)
functional_call(linear(), {"weight": w, "bias": b, "other": b}, (x,))
functional_call(linear(), ({"weight": w}, {"weight": w}), (x,))
functional_call(linear(), {"weight": 3}, (x,))
functional_call(linear(), {"in_features": w}, (x,))
functional_call(linear(), {"a.weight": w}, (x,))
functional_call(linear(), {"weight": x[:, :1]}, (x,))
functional_call(net(), {"3.weight": w, "3.bias": b}, (x,))
functional_call(net().eval(), {"0.weight": x, "1.running_mean": x[0]}, (x,))
functional_call(Tied(), {"a": b})
functional_call(Tied(), {"b": b})
functional_call(Tied(), {"a": b}, tie_weights=False)
functional_call(Tied(), {"a": b, "b": b * 2}, tie_weights=False)
functional_call(Tied(), {"a": b, "b": b * 2})
functional_call(Tied(), {"a": b, "b": b})
functional_call(Tied(), {"a": b}, strict=True)
restored(net(), {"3.weight": w, "0.bias": x[0]}, (x,))
restored(net(), {"3.weight": x}, (x,))
restored(Tied(), {"a": b})
restored(linear(), {"other": b}, (x,))
inner_steps(net())
buffers(net())
""".strip().splitlines()
)
