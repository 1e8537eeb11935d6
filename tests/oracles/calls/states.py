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

class Counted(nn.Module):
    _version = 3

    def __init__(self, count):
        super().__init__()
        self.count, self.seen = count, None
        self.w = nn.Parameter(torch.ones(2) * count)

    def get_extra_state(self):
        return {"count": self.count}

    def set_extra_state(self, state):
        self.count = state["count"]

class Renaming(nn.Linear):
    def _load_from_state_dict(self, state_dict, prefix, local_metadata, *args):
        if prefix + "kernel" in state_dict:
            state_dict[prefix + "weight"] = state_dict.pop(prefix + "kernel")
        self.version = local_metadata.get("version")
        super()._load_from_state_dict(state_dict, prefix, local_metadata, *args)

class Halved(nn.Linear):
    def _save_to_state_dict(self, destination, prefix, keep_vars):
        super()._save_to_state_dict(destination, prefix, keep_vars)
        destination[prefix + "weight"] = destination[prefix + "weight"] / 2

    def _load_from_state_dict(self, *args):
        super()._load_from_state_dict(*args)
        with torch.no_grad():
            self.weight.mul_(2)

def renaming(state, **options):
    model = nn.Sequential(Renaming(2, 2))
    return model.load_state_dict(state, **options), model.state_dict(), model[0].version

def halved():
    one, two = Halved(2, 2), Halved(2, 2)
    with torch.no_grad():
        one.weight.copy_(x[:2])
    two.load_state_dict(one.state_dict())
    return one.state_dict()["weight"], two.weight

def counted(state=None, **options):
    model = nn.Sequential(Counted(1), nn.Linear(1, 1, bias=False))
    keys = model.load_state_dict(nn.Sequential(Counted(7)).state_dict() if state is None else state, **options)
    return keys, model[0].count, model[0].w, model.state_dict()["0._extra_state"]

def saving_hooks():
    model, seen = net(), []
    one = model.register_state_dict_pre_hook(lambda m, prefix, keep: seen.append([type(m).__name__, prefix, keep]))
    model[0].register_state_dict_pre_hook(lambda m, prefix, keep: seen.append([type(m).__name__, prefix, keep]))
    model[0].register_state_dict_post_hook(lambda m, s, prefix, about: s.update({prefix + "b": s.pop(prefix + "bias")}))
    model[1].register_state_dict_post_hook(lambda m, s, prefix, about: seen.append([prefix, dict(about), list(s)]))
    keys = list(model.state_dict(prefix="p."))
    one.remove()
    model._register_state_dict_hook(lambda m, s, prefix, about: {"only": s["0.b"]})
    return keys, model.state_dict(), seen

def a_post_hook_that_returns():
    model = net()
    model.register_state_dict_post_hook(lambda *a: {})
    return refused(model.state_dict)

def loading_hooks(**options):
    model, seen = net(), []
    model._register_load_state_dict_pre_hook(lambda s, prefix, about, strict, *_: seen.append([list(s), strict]))
    model[0]._register_load_state_dict_pre_hook(lambda m, s, prefix, *_: seen.append([m is model[0], prefix]), True)
    model.register_load_state_dict_pre_hook(lambda m, s, *_: s.update({"0.weight": s.pop("old")}))
    model.register_load_state_dict_post_hook(lambda m, keys: seen.append([list(keys.missing_keys), m[0].bias.tolist()]))
    model[1].register_load_state_dict_post_hook(lambda m, keys: keys.missing_keys.clear())
    state = {("old" if k == "0.weight" else k): v * 2 for k, v in net().state_dict().items() if k != "1.bias"}
    return model.load_state_dict(state, **options), seen, model.state_dict()

def a_hook_forgives(forgive):
    model = net()
    model.register_load_state_dict_post_hook(lambda m, keys: [k.clear() for k in keys] and None if forgive else None)
    keys = model.load_state_dict({"0.bias": torch.ones(2), "more": torch.ones(2)})
    return keys, model[0].bias

def without_a_layer():
    model = net()
    state = model.state_dict()
    model[1] = None
    return nn.Sequential.load_state_dict(model, state)

def applied():
    class Anchored(nn.Module):
        def __init__(self):
            super().__init__()
            self.anchors, self.inner = torch.ones(2), nn.Linear(1, 1)

        def _apply(self, fn, *args):
            super()._apply(fn, *args)
            self.anchors = fn(self.anchors)
            return self

    model = nn.Sequential(Anchored())
    model.double()
    return [str(t.dtype).removeprefix("torch.") for t in (model[0].anchors, model[0].inner.weight)]

def everywhere(call):
    at, seen = nn.modules.module, []
    model = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
    with torch.no_grad():
        model[0].weight.copy_(x[:2])
        model[0].bias.zero_()
    model[1].register_forward_hook(lambda m, a, out: seen.append("own"))
    handles = [
        at.register_module_forward_pre_hook(lambda m, a: seen.append("before " + type(m).__name__)),
        at.register_module_forward_hook(lambda m, a, out: out * 2 if isinstance(m, nn.ReLU) else None),
        at.register_module_full_backward_pre_hook(lambda m, g: seen.append(g[0].tolist())),
        at.register_module_full_backward_hook(lambda m, g, h: seen.append([i if i is None else [*i] for i in g])),
    ]
    try:
        y = model(x)
        y.sum().backward()
    finally:
        [h.remove() for h in handles]
    return y, model[0].weight.grad, seen, model(x)
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
net().state_dict()._metadata
counted(None, strict=False)
counted({"0.w": x[0], "1.weight": x[:1, :1]}, strict=False)
counted({"0.w": x[0], "1.weight": x[:1, :1], "1._extra_state": 3}, strict=False)
counted()
nn.Sequential(Counted(1)).state_dict()._metadata["0"]
refused(nn.Linear(1, 1).get_extra_state)
refused(nn.Linear(1, 1).set_extra_state, 1)
renaming({"0.kernel": x[:2], "0.bias": x[0]})
renaming(nn.Sequential(Renaming(2, 2)).state_dict())[2]
renaming({"0.kernel": x[:2], "0.weight": x[:2], "0.odd": x[0], "0.bias": x[0]}, strict=False)
halved()
saving_hooks()
a_post_hook_that_returns()
loading_hooks()
a_hook_forgives(True)
a_hook_forgives(False)
without_a_layer()
applied()
everywhere(1)
[list(m.to_empty(device="cpu").state_dict()) for m in [net()]]
[m.to_empty(device="cpu")[0].weight is w for m in [net()] for w in [m[0].weight]]
[m.share_memory() is m and [p.is_shared() for p in m.parameters()] for m in [net()]]
[t.is_shared() for t in (torch.ones(2), torch.ones(2).share_memory_(), torch.arange(6.0).share_memory_()[2:])]
torch.arange(6.0).reshape(2, 3).share_memory_() + 1
net().compile()
[[v.share_memory_(), b.is_shared(), v.zero_(), b] for b in [torch.arange(6.0)] for v in [b[2:4]]]
net().load_state_dict({k: v for k, v in net().state_dict().items() if k != "1.num_batches_tracked"})
[net().load_state_dict(s, strict=False) for s in [net().state_dict()] if s.pop("1.num_batches_tracked") is not None]
[refused(net().load_state_dict, s) for s in [net().state_dict()] if s.pop("1.num_batches_tracked") is not None]
assigned(tied().state_dict(), tied())
""".strip().splitlines()
)
