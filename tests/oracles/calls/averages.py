"""optim.swa_utils: averages of models, running statistics for them, the schedule."""

__all__ = ["CALLS", "START"]

START = """
S = optim.swa_utils

def net():
    model = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    for i, p in enumerate(model.parameters()):
        p.data = torch.arange(1.0, p.numel() + 1).reshape(p.shape) * (0.1 * (i + 1))
    return model

x = torch.tensor([[1.0, 2.0], [3.0, -1.0], [0.5, 0.25]])

def averaged(steps, **options):
    model = net()
    average = S.AveragedModel(model, **options)
    for k in range(steps):
        model(x * (k + 1))
        with torch.no_grad():
            for p in model.parameters():
                p.add_(k + 1.0)
        average.update_parameters(model)
    return average.state_dict(), [p.requires_grad for p in average.parameters()], average.eval()(x), average.training

def rates(epochs, lr=0.5, last=None, **options):
    groups = [{"params": [torch.zeros(1)]}, {"params": [torch.zeros(1)], "lr": 0.1}]
    optimizer = optim.SGD(groups, lr=lr)
    scheduler = S.SWALR(optimizer, **options)
    found = []
    for _ in range(epochs):
        found.append([g["lr"] for g in optimizer.param_groups])
        optimizer.step()
        scheduler.step()
    return found, [g["swa_lr"] for g in optimizer.param_groups], scheduler.last_epoch

def renewed(batches, **options):
    model = net()
    model[1].momentum = 0.3
    model.eval()
    S.update_bn(batches, model, **options)
    return model.state_dict(), model[1].momentum, model.training

def listed(function, n):
    a, w = [torch.tensor([1.0, 2.0])], [torch.tensor([3.0, -2.0])]
    return function(a, w, n), a
"""

CALLS = [
    *(f"averaged({n})" for n in (0, 1, 3)),
    "averaged(3, use_buffers=True)",
    "averaged(3, multi_avg_fn=S.get_ema_multi_avg_fn(0.9))",
    "averaged(3, multi_avg_fn=S.get_ema_multi_avg_fn(0.9), use_buffers=True)",
    "averaged(3, avg_fn=S.get_ema_avg_fn())",
    "averaged(4, multi_avg_fn=S.get_swa_multi_avg_fn())",
    "averaged(4, avg_fn=lambda a, w, n: 0.1 * a + 0.9 * w + n)",
    "list(S.AveragedModel(net(), device='cpu').state_dict())",
    "S.get_ema_avg_fn(0.75)(torch.tensor([1.0, 2.0]), torch.tensor([3.0, -2.0]), 5)",
    "S.get_swa_avg_fn()(torch.tensor([1.0, 2.0]), torch.tensor([3.0, -2.0]), torch.tensor(3))",
    "listed(S.get_ema_multi_avg_fn(0.75), 5), listed(S.get_swa_multi_avg_fn(), 3)",
    "[refused(f, d) for f in (S.get_ema_avg_fn, S.get_ema_multi_avg_fn) for d in (-0.1, 1.1)]",
    "refused(S.AveragedModel, net(), avg_fn=S.get_ema_avg_fn(), multi_avg_fn=S.get_ema_multi_avg_fn())",
    "renewed([x, x * 2 + 1])",
    "renewed([(x, 1), [x * 3, 2]], device='cpu')",
    "renewed(iter([]))",
    "S.update_bn([x], nn.Linear(2, 2))",
    "rates(13, swa_lr=0.05)",
    "rates(7, swa_lr=[0.05, 0.4], anneal_epochs=4, anneal_strategy='linear')",
    "rates(4, swa_lr=0.05, anneal_epochs=0)",
    "rates(4, swa_lr=0.05, anneal_epochs=1, anneal_strategy='cos')",
    "refused(rates, 1, swa_lr=0.05, anneal_strategy='steps')",
    "refused(rates, 1, swa_lr=[0.05])",
    "refused(rates, 1, swa_lr=0.05, anneal_epochs=-1)",
]
