"""Averaged weights: optim.swa_utils."""

__all__ = ["CALLS", "START"]

START = """
S = optim.swa_utils

def net():
    model = nn.Sequential(nn.Linear(1, 2), nn.BatchNorm1d(2))
    fill(model, 0)
    return model

def fill(model, k):
    for i, t in enumerate([*model.parameters(), *model.buffers()]):
        t.data.copy_(torch.full(t.shape, 1.0 + i + 0.5 * k * k).to(t.dtype))

def averaged(updates=4, **options):
    model = net()
    average = S.AveragedModel(model, **options)
    for k in range(updates):
        fill(model, k + 1)
        average.update_parameters(model)
    return dict(average.state_dict()), average.eval()(torch.tensor([[2.0], [-1.0]]))

def rates(build, epochs=6, lr=(1.0,), before=None):
    o = optim.SGD([{"params": [torch.zeros(1, requires_grad=True)], "lr": v} for v in lr])
    s = build(o)
    found = [[g["lr"] for g in o.param_groups]]
    for epoch in range(epochs):
        o.step()
        if before and epoch in before:
            o.param_groups[0]["lr"] = before[epoch]
        s.step()
        found.append([g["lr"] for g in o.param_groups])
    return found, s.get_last_lr(), s.last_epoch

def statistics(batches, training=True, **options):
    model = net().train(training)
    model[1].momentum = 0.3
    S.update_bn(batches, model, **options)
    return dict(model.state_dict()), model.training, model[1].training, model[1].momentum

batches = [torch.arange(4.0).reshape(4, 1), torch.tensor([[2.0], [7.0]]), -torch.arange(6.0).reshape(6, 1) ** 2]
"""

CALLS = (
    "averaged()",
    "averaged(0)",
    "averaged(1)",
    "averaged(use_buffers=True)",
    "averaged(avg_fn=lambda a, w, n: 0.5 * a + w * n)",
    "averaged(avg_fn=S.get_swa_avg_fn())",
    "averaged(avg_fn=S.get_ema_avg_fn(0.75))",
    "averaged(avg_fn=S.get_ema_avg_fn(), use_buffers=True)",
    "averaged(multi_avg_fn=S.get_ema_multi_avg_fn(0.75))",
    "averaged(multi_avg_fn=S.get_ema_multi_avg_fn(0.75), use_buffers=True)",
    "averaged(multi_avg_fn=S.get_swa_multi_avg_fn())",
    "averaged(device='cpu')",
    "averaged(avg_fn=S.get_swa_avg_fn(), multi_avg_fn=S.get_swa_multi_avg_fn())",
    "list(S.AveragedModel(net()).state_dict())",
    "[n for n, _ in S.AveragedModel(net()).named_parameters()]",
    "S.get_ema_avg_fn(1.5)",
    "S.get_ema_multi_avg_fn(-0.5)",
    "S.get_ema_avg_fn(0.75)(batches[0], batches[0] + 4, 3)",
    "S.get_swa_avg_fn()(batches[0], batches[0] + 4, 3)",
    "S.get_swa_avg_fn()(batches[0], batches[0] + 4, torch.tensor(3))",
    "rates(lambda o: S.SWALR(o, 0.05, 4))",
    "rates(lambda o: S.SWALR(o, 0.05, 4, 'linear'))",
    "rates(lambda o: S.SWALR(o, swa_lr=0.05))",
    "rates(lambda o: S.SWALR(o, 0.05, 0))",
    "rates(lambda o: S.SWALR(o, 0.05, 1, 'linear'))",
    "rates(lambda o: S.SWALR(o, [0.05, 3.0], 4), lr=(1.0, 2.0))",
    "rates(lambda o: S.SWALR(o, 0.05, 4), before={1: 0.5, 5: 0.7})",
    "rates(lambda o: S.SWALR(o, 0.05, 4, 'linear'), before={1: 0.5, 4: 0.7})",
    "rates(lambda o: S.SWALR(o, 0.05, 4, 'other'))",
    "rates(lambda o: S.SWALR(o, 0.05, -1))",
    "rates(lambda o: S.SWALR(o, 0.05, 1.5))",
    "rates(lambda o: S.SWALR(o, [0.05, 3.0]))",
    "statistics(batches)",
    "statistics(batches, False)",
    "statistics([(b, 0) for b in batches])",
    "statistics([[b, 0] for b in batches[:1]], device='cpu')",
    "statistics([])",
    "S.update_bn(None, nn.Linear(1, 1))",
)
