"""Optimizers: LBFGS, which needs a closure, the states of all, and optimizers that users write."""

__all__ = ["CALLS", "START"]

START = """
def leaf(*values):
    return torch.tensor(values or (1.0, 2.0), dtype=torch.float64, requires_grad=True)

def rosenbrock(x):
    return ((1 - x[:-1]) ** 2 + 10 * (x[1:] - x[:-1] ** 2) ** 2).sum()

def minimum(loss, start, calls=1, **options):
    p = leaf(*start)
    optimizer = optim.LBFGS([p], **options)
    count = [0]

    def closure():
        optimizer.zero_grad()
        count[0] += 1
        value = loss(p)
        value.backward()
        return value

    losses = [optimizer.step(closure).item() for _ in range(calls)]
    return losses, p.detach(), count[0], optimizer.state[p]["n_iter"], optimizer.state[p]["func_evals"]

def state(kind, **options):
    p = leaf()
    optimizer = kind([p], **options)
    for _ in range(2):
        optimizer.zero_grad()
        (p * p).sum().backward()
        optimizer.step()
    found = optimizer.state_dict()["state"][0]
    return {name: float(torch.as_tensor(value).sum()) for name, value in sorted(found.items()) if value is not None}

def optim_shapes(shape):
    p = torch.ones(shape).requires_grad_()
    optimizer = optim.Adafactor([p])
    p.sum().backward()
    optimizer.step()
    return {k: v for k, v in optimizer.state_dict()["state"][0].items() if k != "step" and v is not None}

class Lion(optim.Optimizer):
    def __init__(self, params, lr=0.1, beta=0.9):
        super().__init__(params, dict(lr=lr, beta=beta))

    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                state = self.state[p]
                if len(state) == 0:
                    state["step"] = 0
                    state["average"] = torch.zeros_like(p)
                state["step"] += 1
                average = state["average"]
                p.add_((average * group["beta"] + p.grad * (1 - group["beta"])).sign(), alpha=-group["lr"])
                average.mul_(group["beta"]).add_(p.grad, alpha=1 - group["beta"])

def hooked(kind, changed=None):
    p, log = leaf(), []
    optimizer = kind([p])
    optimizer.register_step_pre_hook(lambda o, args, kwargs: log.append(["before", len(args), list(kwargs)]))
    handle = optimizer.register_step_post_hook(lambda o, args, kwargs: log.append(["after", args[0] is o, float(p[0])]))

    def closure():
        optimizer.zero_grad()
        loss = (p * p).sum()
        loss.backward()
        return loss

    closure()
    optimizer.step(closure)
    handle.remove()
    optimizer.step(closure=closure)
    optimizer.register_step_pre_hook(lambda o, args, kwargs: changed or (args, {"closure": closure}))
    optimizer.step()
    return log, p.detach()

def lion(steps):
    p, q = leaf(), leaf()
    optimizer, twin = Lion([p]), Lion([q])
    for k in range(steps):
        optimizer.zero_grad()
        (p * p).sum().backward()
        optimizer.step()
    twin.load_state_dict(optimizer.state_dict())
    return p.detach(), twin.state[q]["average"], twin.state[q]["step"], dict(twin.param_groups[0], params=[])

def state_hooks():
    p, seen = leaf(), []
    adam = optim.Adam([p], lr=0.1)
    p.sum().backward()
    adam.step()
    adam.register_state_dict_pre_hook(lambda o: seen.append(["a", o is adam]))
    adam.register_state_dict_pre_hook(lambda o: seen.append("b"), prepend=True)
    adam.register_state_dict_post_hook(lambda o, s: {**s, "more": 1})
    removed = adam.register_state_dict_post_hook(lambda o, s: seen.append("never"))
    removed.remove()
    adam.register_state_dict_post_hook(lambda o, s: seen.append(sorted(s)), prepend=True)
    state = adam.state_dict()
    other = optim.Adam([leaf()], lr=0.5)
    other.register_load_state_dict_pre_hook(lambda o, s: s.update(seen_by="hook"))
    quarter = lambda o, s: {"state": s["state"], "param_groups": [{**g, "lr": 0.25} for g in s["param_groups"]]}
    other.register_load_state_dict_pre_hook(quarter)
    other.register_load_state_dict_post_hook(lambda o: seen.append(o.param_groups[0]["lr"]))
    other.register_load_state_dict_post_hook(lambda o: seen.append("first"), prepend=True)
    other.load_state_dict(state)
    return seen, sorted(state), other.param_groups[0]["lr"], other.state[other.param_groups[0]["params"][0]]["exp_avg"]
"""

CALLS = (
    "minimum(rosenbrock, (-1.5, 2.0), max_iter=5, lr=0.01)",
    "minimum(rosenbrock, (-1.5, 2.0), 3, lr=0.01, max_iter=4, history_size=2)",
    "minimum(rosenbrock, (-1.5, 2.0), line_search_fn='strong_wolfe')",
    "minimum(rosenbrock, (-1.5, 2.0, 0.5, -1.0), 2, line_search_fn='strong_wolfe')",
    "minimum(rosenbrock, (0.5, -3.0, 2.0), 4, line_search_fn='strong_wolfe', max_iter=6, history_size=3)",
    "minimum(rosenbrock, (-1.5, 2.0), line_search_fn='strong_wolfe', max_eval=7)",
    "minimum(rosenbrock, (-1.5, 2.0), line_search_fn='strong_wolfe', lr=8.0)",
    "minimum(rosenbrock, (-1.5, 2.0), line_search_fn='strong_wolfe', lr=0.001)",
    "minimum(lambda p: (p**2).sum(), (3.0, 4.0), max_iter=3)",
    "minimum(lambda p: (p**4).sum(), (3.0, -4.0), line_search_fn='strong_wolfe')",
    "minimum(lambda p: (p.abs() ** 1.5).sum(), (3.0, -4.0), line_search_fn='strong_wolfe')",
    "minimum(lambda p: (p.sin() + 0.1 * p**2).sum(), (3.0, -4.0), line_search_fn='strong_wolfe')",
    "minimum(lambda p: (p.sin() + 0.1 * p**2).sum(), (6.0, -9.0), 3, line_search_fn='strong_wolfe', lr=5.0)",
    "minimum(lambda p: (-p).exp().sum(), (3.0, -4.0), line_search_fn='strong_wolfe', max_iter=4)",
    "minimum(lambda p: (p * 0).sum(), (3.0, 4.0))",
    "minimum(rosenbrock, (1.0, 1.0))",
    "optim.LBFGS([{'params': [leaf()]}, {'params': [leaf()]}])",
    "optim.LBFGS([leaf()]).step()",
    "state(optim.RMSprop)",
    "state(optim.RMSprop, momentum=0.9, centered=True)",
    "state(optim.Adagrad)",
    "state(optim.Adadelta)",
    "state(optim.Adamax)",
    "state(optim.NAdam)",
    "state(optim.RAdam)",
    "state(optim.ASGD)",
    "state(optim.Rprop)",
    "state(optim.Adafactor), optim.Adafactor([leaf()]).param_groups[0]['eps']",
    "sorted(optim.Adafactor([leaf()]).param_groups[0]), repr(optim.Adafactor([leaf()]))",
    "[[sorted([k, list(v.shape)] for k, v in optim_shapes(s).items()) for s in ((2, 3), (4,), (2, 3, 4), ())]]",
    "sorted(optim.Muon([torch.ones(1, 2)]).param_groups[0]), repr(optim.Muon([torch.ones(1, 2)]))",
    "[refused(optim.Adafactor, [leaf()], **o) for o in ({'lr': -1.0}, {'eps': (-1.0, 1e-3)}, {'eps': (None, -1.0)}, "
    "{'d': 0.5}, {'weight_decay': -1.0}, {'beta2_decay': 0.1})]",
    "[refused(optim.Muon, [torch.ones(1, 2)], **o) for o in ({'lr': -1.0}, {'momentum': -1.0}, {'weight_decay': -1.0}, "
    "{'adjust_lr_fn': 'new'})] + [refused(optim.Muon, [leaf()])]",
    "[sorted(kind([leaf()]).param_groups[0]) for kind in (optim.RMSprop, optim.Adagrad, optim.Adadelta, optim.Adamax)]",
    "[sorted(kind([leaf()]).param_groups[0]) for kind in (optim.NAdam, optim.RAdam, optim.ASGD, optim.Rprop)]",
    "sorted(optim.LBFGS([leaf()]).param_groups[0])",
    "lion(3)",
    "optim.SGD(nn.Linear(1, 1).named_parameters(), lr=0.1).param_groups[0]['param_names']",
    "optim.Adadelta([leaf()], rho=1.5)",
    "optim.Rprop([leaf()], etas=(1.5, 1.2))",
    "[repr(optim.SGD([{'params': leaf(), 'lr': 0.5}, {'params': [leaf()], 'momentum': 0.9}], lr=0.1))]",
    "[repr(k([leaf()])) for k in (optim.SGD, optim.Adam, optim.AdamW, optim.RMSprop, optim.Adagrad, optim.Adamax)]",
    "[repr(k([leaf()])) for k in (optim.NAdam, optim.RAdam, optim.ASGD, optim.Rprop, optim.Adadelta, optim.LBFGS)]",
    *(f"hooked({k})" for k in ("optim.SGD", "optim.LBFGS", "Lion")),
    "refused(hooked, optim.SGD, 3)",
    "state_hooks()",
)
