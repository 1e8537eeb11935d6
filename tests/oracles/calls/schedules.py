"""Schedules that are combined, changed by hand, or written by users."""

__all__ = ["CALLS", "START"]

START = """
L = optim.lr_scheduler

def leaf():
    return torch.tensor([1.0, 2.0], requires_grad=True)

def rates(build, epochs=6, by_hand=None, add=None, lr=1.0):
    optimizer = optim.SGD([leaf()], lr=lr, momentum=0.9)
    schedules = build(optimizer)
    schedules = schedules if isinstance(schedules, tuple) else (schedules,)
    found = []
    for epoch in range(epochs):
        if by_hand and epoch in by_hand:
            optimizer.param_groups[0]["lr"] = by_hand[epoch]
        if epoch == add:
            optimizer.add_param_group({"params": [leaf()], "lr": 0.5})
        optimizer.step()
        for schedule in schedules:
            schedule.step()
        found.append([group["lr"] for group in optimizer.param_groups])
    return found

class Own(L._LRScheduler):
    def __init__(self, optimizer, warm, last_epoch=-1):
        self.warm = warm
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        return [base * min(1, (self.last_epoch + 1) / self.warm) for base in self.base_lrs]

class Nothing:
    pass
"""

SCHEDULES = (
    "L.StepLR(o, 2, 0.5)",
    "L.MultiStepLR(o, [1, 3, 3], 0.5)",
    "L.ExponentialLR(o, 0.9)",
    "L.ConstantLR(o, 0.5, 3)",
    "L.LinearLR(o, 0.25, 1.0, 4)",
    "L.CosineAnnealingLR(o, 3)",
    "L.CosineAnnealingLR(o, 4, 0.1)",
    "L.PolynomialLR(o, 4, 2.0)",
    "L.MultiplicativeLR(o, lambda e: 0.9)",
    "L.LambdaLR(o, lambda e: 0.9**e)",
    "L.CosineAnnealingWarmRestarts(o, 2, 2)",
    "L.CyclicLR(o, 0.1, 1.0, 2)",
    "Own(o, 3)",
)

RESUMED = (
    "L.StepLR(o, 2, 0.5, 3)",
    "L.StepLR(o, 2, 0.5, 2)",
    "L.MultiStepLR(o, [1, 3, 4], 0.5, 2)",
    "L.ExponentialLR(o, 0.9, 3)",
    "L.ConstantLR(o, 0.5, 3, 2)",
    "L.LinearLR(o, 0.25, 1.0, 4, 1)",
    "L.CosineAnnealingLR(o, 5, 0.1, 1)",
    "L.PolynomialLR(o, 9, 2.0, 2)",
    "L.MultiplicativeLR(o, lambda e: 0.9, 4)",
    "L.LambdaLR(o, lambda e: 0.9**e, 4)",
    "L.CosineAnnealingWarmRestarts(o, 3, 2, 0.0, 4)",
)

CALLS = (
    *(f"rates(lambda o: {schedule}, 10)" for schedule in SCHEDULES),
    *(f"rates(lambda o: {schedule}, by_hand={{2: 7.0}})" for schedule in SCHEDULES),
    *(f"rates(lambda o: {schedule}, add=2)" for schedule in (*SCHEDULES[:5], "L.PolynomialLR(o, 4, 2.0)")),
    *(f"rates(lambda o: ({schedule}, L.ExponentialLR(o, 0.5)))" for schedule in SCHEDULES),
    *(f"rates(lambda o: L.ChainedScheduler([{schedule}, L.ExponentialLR(o, 0.5)]))" for schedule in SCHEDULES[:10]),
    *(f"rates(lambda o: L.SequentialLR(o, [L.ExponentialLR(o, 0.5), {schedule}], [2]))" for schedule in SCHEDULES),
    *(f"rates(lambda o: L.SequentialLR(o, [{schedule}, L.ExponentialLR(o, 0.5)], [3]))" for schedule in SCHEDULES[:10]),
    *(
        f"rates(lambda o: [o.param_groups[0].setdefault('initial_lr', 1.0), {schedule}][1], lr=0.7)"
        for schedule in RESUMED
    ),
    "[s.step(e) or s.get_last_lr() for s in [L.CosineAnnealingWarmRestarts(optim.SGD([leaf()], 1.0), 2, 2)] "
    "for e in (0, 0.5, 1.75, 2, 2.5, 6, 13.25)]",
    "[s.step(e) or s.get_last_lr() for s in [L.CosineAnnealingWarmRestarts(optim.SGD([leaf()], 1.0), 3)] "
    "for e in (0, 0.5, 2.75, 3, 7.5)]",
    "L.CosineAnnealingWarmRestarts(optim.SGD([leaf()], 1.0), 0)",
    "L.CosineAnnealingWarmRestarts(optim.SGD([leaf()], 1.0), 2).step(-1)",
    "L.StepLR(Nothing(), 1)",
    "L.LinearLR(optim.SGD([leaf()], 1.0), 0.0)",
    "L.ConstantLR(optim.SGD([leaf()], 1.0), 1.5)",
    "L.ChainedScheduler([])",
    "L.CyclicLR(optim.SGD([leaf()], 1.0), 0.1, 1.0, mode='other')",
    "rates(lambda o: L.CyclicLR(o, 0.1, 1.0, 2, 3, scale_fn=lambda x: 1 / x, scale_mode='cycle'), 12)",
    "rates(lambda o: L.CyclicLR(o, 0.1, 1.0, 2, 1, mode='exp_range', gamma=0.9), 8)",
    "isinstance(L.ReduceLROnPlateau(optim.SGD([leaf()], 1.0)), L.LRScheduler)",
    "[p.step(m) or p.get_last_lr() for p in [L.ReduceLROnPlateau(optim.SGD([leaf()], 1.0), patience=0)] "
    "for m in (1, 2, 3)]",
    "L.StepLR(optim.SGD([leaf()], 1.0), 2, last_epoch=3)",
    "[o.param_groups[0].get(k) for o in [optim.SGD([leaf()], 1.0, momentum=0.9)] "
    "for s in [L.OneCycleLR(o, 0.5, 10)] for k in ('lr', 'initial_lr', 'max_lr', 'min_lr', 'max_momentum', "
    "'base_momentum')]",
    "[g.get(k) for o in [optim.SGD([{'params': [leaf()]}, {'params': [leaf()], 'lr': 3.0}], 1.0)] "
    "for s in [L.OneCycleLR(o, [0.5, 5.0], 10, cycle_momentum=False, div_factor=5.0, final_div_factor=8.0)] "
    "for g in o.param_groups for k in ('lr', 'initial_lr', 'max_lr', 'min_lr', 'max_momentum')]",
    "[L.OneCycleLR(o, 0.5, 10).step() or L.CosineAnnealingLR(o, 4).base_lrs for o in [optim.Adam([leaf()], 1.0)]]",
    "sorted(k for k in L.StepLR(optim.SGD([leaf()], 1.0), 2).state_dict() if k[0] != '_')",
    "sorted(k for k in L.LinearLR(optim.SGD([leaf()], 1.0)).state_dict() if k[0] != '_')",
    "sorted(k for k in L.CosineAnnealingLR(optim.SGD([leaf()], 1.0), 3).state_dict() if k[0] != '_')",
    "sorted(k for k in L.PolynomialLR(optim.SGD([leaf()], 1.0), 3).state_dict() if k[0] != '_')",
    "sorted(k for k in L.CosineAnnealingWarmRestarts(optim.SGD([leaf()], 1.0), 3).state_dict() if k[0] != '_')",
)
