"""Record the results of PyTorch's optimizers and schedules, for the tests in tests/optim.

Run by hand with PyTorch 2.13, which the project itself does not need:

    python tests/oracles/record_torch_optim.py

It writes torch_optim.json in this folder: for each optimizer case its arguments, the gradients, and two float64
parameters after every step; and for each schedule its arguments and the learning rate in every epoch.
"""

import json
from pathlib import Path

import torch

STEPS = 20
EPOCHS = 30
SHAPES = [(2, 3), (4,)]

OPTIMIZERS = [
    ("SGD", {"lr": 0.1}),
    ("SGD", {"lr": 0.1, "weight_decay": 0.05}),
    ("SGD", {"lr": 0.05, "momentum": 0.9}),
    ("SGD", {"lr": 0.05, "momentum": 0.9, "dampening": 0.3}),
    ("SGD", {"lr": 0.05, "momentum": 0.8, "nesterov": True}),
    ("SGD", {"lr": 0.05, "momentum": 0.8, "nesterov": True, "weight_decay": 0.1}),
    ("SGD", {"lr": 0.05, "momentum": 0.8, "dampening": 0.5, "weight_decay": 0.1}),
    ("Adam", {}),
    ("Adam", {"lr": 0.02}),
    ("Adam", {"lr": 0.02, "betas": [0.5, 0.9]}),
    ("Adam", {"lr": 0.02, "betas": [0.0, 0.0]}),
    ("Adam", {"lr": 0.02, "eps": 0.1}),
    ("Adam", {"lr": 0.02, "weight_decay": 0.1}),
    ("Adam", {"lr": 0.02, "amsgrad": True}),
    ("Adam", {"lr": 0.02, "betas": [0.8, 0.7], "amsgrad": True, "weight_decay": 0.1}),
    ("AdamW", {}),
    ("AdamW", {"lr": 0.02, "weight_decay": 0.3}),
    ("AdamW", {"lr": 0.02, "weight_decay": 0.0}),
    ("AdamW", {"lr": 0.02, "betas": [0.8, 0.7], "amsgrad": True}),
    ("RMSprop", {}),
    ("RMSprop", {"lr": 0.05, "alpha": 0.8, "weight_decay": 0.1}),
    ("RMSprop", {"lr": 0.02, "momentum": 0.9, "eps": 1e-3}),
    ("RMSprop", {"lr": 0.02, "momentum": 0.5, "centered": True}),
    ("RMSprop", {"centered": True, "maximize": True}),
    ("Adagrad", {}),
    ("Adagrad", {"lr": 0.1, "lr_decay": 0.2, "weight_decay": 0.1, "initial_accumulator_value": 0.5, "maximize": True}),
    ("Adadelta", {}),
    ("Adadelta", {"lr": 0.5, "rho": 0.7, "eps": 1e-3, "weight_decay": 0.1}),
    ("Adamax", {}),
    ("Adamax", {"lr": 0.05, "betas": [0.8, 0.7], "eps": 1e-2, "weight_decay": 0.1}),
    ("NAdam", {}),
    ("NAdam", {"lr": 0.05, "betas": [0.8, 0.7], "weight_decay": 0.1, "momentum_decay": 0.1}),
    ("NAdam", {"weight_decay": 0.1, "decoupled_weight_decay": True, "maximize": True}),
    ("RAdam", {"lr": 0.02}),
    ("RAdam", {"lr": 0.05, "betas": [0.8, 0.9], "weight_decay": 0.1, "eps": 1e-3}),
    ("RAdam", {"lr": 0.05, "betas": [0.8, 0.5], "weight_decay": 0.1, "decoupled_weight_decay": True}),
    ("ASGD", {}),
    ("ASGD", {"lr": 0.1, "lambd": 0.1, "alpha": 0.5, "t0": 5, "weight_decay": 0.1}),
    ("Rprop", {}),
    ("Rprop", {"lr": 0.1, "etas": [0.3, 1.5], "step_sizes": [0.01, 0.2], "maximize": True}),
    ("Adafactor", {}),
    ("Adafactor", {"lr": 0.5, "beta2_decay": -0.5, "eps": [1e-3, 0.1], "d": 1.5, "weight_decay": 0.1}),
    ("Adafactor", {"lr": 0.1, "maximize": True}),
    ("Muon", {"lr": 0.05}),
    ("Muon", {"lr": 0.1, "momentum": 0.5, "nesterov": False, "weight_decay": 0.0, "adjust_lr_fn": "match_rms_adamw"}),
    ("Muon", {"lr": 0.1, "ns_coefficients": [2.0, -1.5, 0.5], "eps": 10.0, "ns_steps": 3, "adjust_lr_fn": "original"}),
]

# (name, arguments); a list under "schedulers" is built first, a lambda is given as text
SCHEDULES = [
    ("StepLR", {"step_size": 7}),
    ("StepLR", {"step_size": 1, "gamma": 0.9}),
    ("MultiStepLR", {"milestones": [3, 11, 11, 20], "gamma": 0.5}),
    ("ExponentialLR", {"gamma": 0.93}),
    ("ConstantLR", {}),
    ("ConstantLR", {"factor": 0.25, "total_iters": 9}),
    ("LinearLR", {}),
    ("LinearLR", {"start_factor": 0.01, "end_factor": 0.7, "total_iters": 12}),
    ("CosineAnnealingLR", {"T_max": 30}),
    ("CosineAnnealingLR", {"T_max": 8, "eta_min": 0.01}),
    ("LambdaLR", {"lr_lambda": "0.95 ** epoch / (1 + epoch)"}),
    ("MultiplicativeLR", {"lr_lambda": "0.95 + 0.01 * (epoch % 3)"}),
    ("PolynomialLR", {}),
    ("PolynomialLR", {"total_iters": 20, "power": 2.5}),
    ("CosineAnnealingWarmRestarts", {"T_0": 5}),
    ("CosineAnnealingWarmRestarts", {"T_0": 3, "T_mult": 2, "eta_min": 0.01}),
    ("CyclicLR", {"base_lr": 0.01, "max_lr": 0.1, "step_size_up": 4}),
    (
        "CyclicLR",
        {"base_lr": [0.01, 0.02], "max_lr": 0.1, "step_size_up": 3, "step_size_down": 5, "mode": "triangular2"},
    ),
    (
        "CyclicLR",
        {"base_lr": 0.01, "max_lr": 0.1, "step_size_up": 4, "mode": "exp_range", "gamma": 0.97, "base_momentum": 0.5},
    ),
    ("CyclicLR", {"base_lr": 0.01, "max_lr": 0.1, "step_size_up": 4, "cycle_momentum": False}),
    ("OneCycleLR", {"max_lr": 0.5, "total_steps": 30}),
    ("OneCycleLR", {"max_lr": [0.5, 0.2], "epochs": 5, "steps_per_epoch": 6, "pct_start": 0.4}),
    ("OneCycleLR", {"max_lr": 0.5, "total_steps": 31, "anneal_strategy": "linear", "div_factor": 10.0}),
    (
        "OneCycleLR",
        {"max_lr": 0.5, "total_steps": 40, "three_phase": True, "final_div_factor": 100.0, "base_momentum": 0.7},
    ),
    ("OneCycleLR", {"max_lr": 0.5, "total_steps": 30, "cycle_momentum": False, "pct_start": 0.25}),
    (
        "SequentialLR",
        {
            "schedulers": [
                ["LinearLR", {"start_factor": 0.1, "total_iters": 5}],
                ["CosineAnnealingLR", {"T_max": 25}],
            ],
            "milestones": [5],
        },
    ),
    (
        "SequentialLR",
        {
            "schedulers": [
                ["ConstantLR", {"factor": 0.5, "total_iters": 3}],
                ["ExponentialLR", {"gamma": 0.8}],
                ["StepLR", {"step_size": 4, "gamma": 0.5}],
            ],
            "milestones": [4, 12],
        },
    ),
]

# Metrics that fall, stall, rise and fall again
METRICS = [1.0, 0.8, 0.7, 0.69995, 0.6999, 0.71, 0.72, 0.5, 0.5, 0.5, 0.51, 0.52, 0.53, 0.4, 0.41] * 2
PLATEAUS = [
    {"patience": 1},
    {"patience": 0, "factor": 0.5, "cooldown": 2},
    {"patience": 2, "mode": "max", "threshold": 0.1, "factor": 0.7},
    {"patience": 1, "threshold_mode": "abs", "threshold": 0.05, "min_lr": [0.001, 0.02]},
    {"patience": 1, "mode": "max", "threshold_mode": "abs", "eps": 0.01},
]


def gradients() -> list[list[torch.Tensor]]:
    torch.manual_seed(0)
    return [[torch.randn(shape, dtype=torch.float64) for shape in SHAPES] for _ in range(STEPS)]


def trajectory(name: str, options: dict) -> list[list[list[float]]]:
    parameters = [torch.linspace(-1, 1, torch.Size(s).numel(), dtype=torch.float64).reshape(s) for s in SHAPES]
    parameters = [p.requires_grad_() for p in parameters if name != "Muon" or p.ndim == 2]
    optimizer = getattr(torch.optim, name)(parameters, **({} if name == "Muon" else {"foreach": False}), **options)
    path = []
    for step, grads in enumerate(gradients()):
        for i, (p, g) in enumerate(zip(parameters, grads, strict=False)):
            p.grad = None if i == 1 and step % 5 == 2 else g.clone()  # some steps lack the second gradient
        optimizer.step()
        path.append([p.detach().flatten().tolist() for p in parameters])
    return path


def build(name: str, options: dict, optimizer: torch.optim.Optimizer) -> object:
    options = dict(options)
    if "schedulers" in options:
        options["schedulers"] = [build(n, o, optimizer) for n, o in options["schedulers"]]
    if "lr_lambda" in options:
        options["lr_lambda"] = eval(f"lambda epoch: {options['lr_lambda']}")
    return getattr(torch.optim.lr_scheduler, name)(optimizer, **options)


def two_groups(kind: str) -> torch.optim.Optimizer:
    groups = [{"params": [torch.zeros(1)]}, {"params": [torch.zeros(1)], "lr": 0.03}]
    return torch.optim.SGD(groups, lr=0.1, momentum=0.9) if kind == "SGD" else torch.optim.Adam(groups, lr=0.1)


def rates(name: str, options: dict, kind: str) -> dict:
    optimizer = two_groups(kind)
    scheduler = build(name, options, optimizer)
    lrs, momenta = [], []
    for _ in range(EPOCHS):
        lrs.append([group["lr"] for group in optimizer.param_groups])
        momenta.append([group["momentum"] if kind == "SGD" else group["betas"][0] for group in optimizer.param_groups])
        optimizer.step()
        scheduler.step()
    return {"name": name, "options": options, "optimizer": kind, "lrs": lrs, "momenta": momenta}


def plateau(options: dict) -> dict:
    optimizer = two_groups("SGD")
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, **options)
    lrs = []
    for metric in METRICS:
        scheduler.step(metric)
        lrs.append([group["lr"] for group in optimizer.param_groups])
    return {"options": options, "lrs": lrs}


def main() -> None:
    torch.Tensor.bfloat16 = torch.Tensor.clone  # Muon's products in float64, as the others
    recorded = {
        "torch": torch.__version__,
        "shapes": SHAPES,
        "gradients": [[g.flatten().tolist() for g in grads] for grads in gradients()],
        "optimizers": [{"name": n, "options": o, "path": trajectory(n, o)} for n, o in OPTIMIZERS],
        "schedules": [
            rates(name, options, kind)
            for name, options in SCHEDULES
            for kind in (["SGD", "Adam"] if name in ("OneCycleLR", "CyclicLR") else ["SGD"])
        ],
        "metrics": METRICS,
        "plateaus": [plateau(options) for options in PLATEAUS],
    }
    Path(__file__).with_name("torch_optim.json").write_text(json.dumps(recorded) + "\n")


if __name__ == "__main__":
    main()
