"""Arguments of `Module.state_dict` and `Module.load_state_dict`."""

__all__ = ["CALLS", "START"]

START = """
nn = torch.nn
x = torch.tensor([[1.0, 2.0], [3.0, -1.0], [0.5, 0.25]])

def net(scale=0.1):
    model = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    with torch.no_grad():
        for i, p in enumerate(model.parameters()):
            p.copy_(torch.arange(1.0, p.numel() + 1).reshape(p.shape) * (scale * (i + 1)))
    return model

def kinds(model):
    return [[n, type(p).__name__, str(p.dtype).removeprefix("torch."), p.requires_grad] for n, p in
            model.state_dict(keep_vars=True).items()]

def assigned(state, model=None, **options):
    model = net() if model is None else model
    model.load_state_dict(state, assign=True, **options)
    shared = [k for k, v in model.state_dict().items() if k in state and v.data_ptr() == state[k].data_ptr()]
    return kinds(model), shared

def trained_after_assigning():
    model = net()
    model.load_state_dict(net(0.3).state_dict(), assign=True)
    out = model(x).pow(2).sum()
    out.backward()
    return out, [p.grad for p in model.parameters()], model.state_dict()

def tied():
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    model[1].weight = model[0].weight
    return model
"""

CALLS = tuple(
    """
kinds(net())
[v.requires_grad for v in net().state_dict().values()]
[m.state_dict(keep_vars=True)["0.weight"] is m[0].weight for m in [net()]]
list(net().state_dict(prefix="net."))
[net().state_dict(destination=d, prefix="b.") is d for d in [{"a": 1}]]
[net().state_dict(destination=d, prefix="b.") and list(d) for d in [{"a": 1}]]
list(net().state_dict(None, "net.", True))
assigned(net(0.3).state_dict())
assigned(net(0.3).double().state_dict())
assigned(net(0.3).half().state_dict())
assigned(net(0.3).state_dict(keep_vars=True))
assigned(net(0.3).requires_grad_(False).state_dict(keep_vars=True))
assigned(net(0.3).state_dict(), net().requires_grad_(False))
assigned({"0.weight": x[:2]}, strict=False)
assigned({"0.weight": x[:2]})
assigned({"0.weight": x}, strict=False)
net().load_state_dict(net().state_dict(), True, True)
trained_after_assigning()
assigned(tied().state_dict(), tied())
""".strip().splitlines()
)
