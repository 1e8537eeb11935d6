"""Every schedule against the rates that PyTorch's gives, their states, and their messages."""

import json
from pathlib import Path

import pytest

import minicnn
from minicnn import optim
from minicnn.errors import CheckpointError, ShapeError
from minicnn.optim import lr_scheduler
from minicnn.optim.lr_scheduler import (
    ConstantLR,
    CosineAnnealingLR,
    ExponentialLR,
    LambdaLR,
    LinearLR,
    LRScheduler,
    OneCycleLR,
    ReduceLROnPlateau,
    SequentialLR,
    StepLR,
)

RECORDED = json.loads((Path(__file__).parents[1] / "oracles" / "torch_optim.json").read_text())
SCHEDULES, PLATEAUS, METRICS = RECORDED["schedules"], RECORDED["plateaus"], RECORDED["metrics"]


def two_groups(kind="SGD", lr=0.1):
    groups = [{"params": minicnn.zeros(1, requires_grad=True)} for _ in range(2)]
    groups[1]["lr"] = 0.3 * lr
    return optim.SGD(groups, lr=lr, momentum=0.9) if kind == "SGD" else optim.Adam(groups, lr=lr)


def build(name, options, optimizer):
    options = dict(options)
    if "schedulers" in options:
        options["schedulers"] = [build(n, o, optimizer) for n, o in options["schedulers"]]
    if "lr_lambda" in options:
        formula = options["lr_lambda"]
        options["lr_lambda"] = lambda epoch: eval(formula, {"epoch": epoch})
    return getattr(lr_scheduler, name)(optimizer, **options)


def rates_and_momenta(optimizer):
    groups = optimizer.param_groups
    return [group["lr"] for group in groups], [group.get("momentum") or group["betas"][0] for group in groups]


@pytest.mark.parametrize("case", SCHEDULES, ids=lambda case: f"{case['name']}-{case['optimizer']}")
def test_every_rate_is_pytorchs(case):
    optimizer = two_groups(case["optimizer"])
    scheduler = build(case["name"], case["options"], optimizer)
    for expected_rates, expected_momenta in zip(case["lrs"], case["momenta"], strict=True):
        rates, momenta = rates_and_momenta(optimizer)
        assert rates == pytest.approx(expected_rates, rel=1e-12)
        assert momenta == pytest.approx(expected_momenta, rel=1e-12)
        assert scheduler.get_last_lr() == rates
        scheduler.step()


@pytest.mark.parametrize("case", PLATEAUS, ids=lambda case: str(case["options"]))
def test_every_reduction_is_pytorchs(case):
    optimizer = two_groups()
    scheduler = ReduceLROnPlateau(optimizer, **case["options"])
    for metric, expected in zip(METRICS, case["lrs"], strict=True):
        scheduler.step(minicnn.tensor(metric, dtype=minicnn.float64))
        assert scheduler.get_last_lr() == pytest.approx(expected, rel=1e-12)


def test_a_plateau_of_nan_is_one():
    scheduler = ReduceLROnPlateau(two_groups(), patience=1)
    for metric in (float("nan"), float("nan"), 1.0, 0.5):
        scheduler.step(metric)
    assert scheduler.get_last_lr()[0] == pytest.approx(0.01)
    assert scheduler.best == 0.5


@pytest.mark.parametrize("case", SCHEDULES, ids=lambda case: case["name"])
@pytest.mark.parametrize("epochs", [0, 4, 5, 17])
def test_a_state_goes_through_json_and_on(case, epochs):
    straight = two_groups(case["optimizer"])
    scheduler = build(case["name"], case["options"], straight)
    for _ in range(epochs):
        scheduler.step()
    resumed = two_groups(case["optimizer"])
    twin = build(case["name"], case["options"], resumed)
    twin.load_state_dict(json.loads(json.dumps(scheduler.state_dict())))
    for _ in range(5):
        scheduler.step()
        twin.step()
        assert rates_and_momenta(resumed) == rates_and_momenta(straight)


def test_the_state_of_a_plateau_goes_through_json_and_on():
    straight, resumed = two_groups(), two_groups()
    scheduler, twin = ReduceLROnPlateau(straight, patience=1), ReduceLROnPlateau(resumed, patience=1)
    for metric in METRICS[:9]:
        scheduler.step(metric)
    twin.load_state_dict(json.loads(json.dumps(scheduler.state_dict())))
    resumed.load_state_dict(straight.state_dict())
    for metric in METRICS[9:]:
        scheduler.step(metric)
        twin.step(metric)
        assert twin.get_last_lr() == scheduler.get_last_lr()


def test_a_sequence_within_a_sequence():
    optimizer = two_groups(lr=8.0)
    inner = SequentialLR(optimizer, [ConstantLR(optimizer, 0.5, 9), ConstantLR(optimizer, 0.25, 9)], [2])
    scheduler = SequentialLR(optimizer, [LinearLR(optimizer, 0.125, total_iters=9), inner], [1])
    rates = []
    for _ in range(4):
        rates.append(optimizer.param_groups[0]["lr"])
        scheduler.step()
    assert rates == [1, 4, 4, 2]


def test_a_function_for_each_group():
    optimizer = two_groups(lr=1.0)
    LambdaLR(optimizer, [lambda epoch: 0.5, lambda epoch: 2]).step()
    assert [group["lr"] for group in optimizer.param_groups] == [0.5, 0.6]


@pytest.mark.parametrize(
    ("message", "make"),
    [
        ("StepLR: step_size must be at least 1, got 0", lambda o: StepLR(o, 0)),
        ("CosineAnnealingLR: T_max must be at least 1, got 0", lambda o: CosineAnnealingLR(o, 0)),
        ("LinearLR: start_factor must be from 0 to 1, got 2", lambda o: LinearLR(o, start_factor=2)),
        ("LinearLR: end_factor must be from 0 to 1, got -1", lambda o: LinearLR(o, end_factor=-1)),
        ("LinearLR: total_iters must be at least 1, got 0", lambda o: LinearLR(o, total_iters=0)),
        ("ConstantLR: factor must be from 0 to 1, got 3", lambda o: ConstantLR(o, factor=3)),
        ("LambdaLR: 1 values of lr_lambda for 2 parameter groups; pass one, or one for", lambda o: LambdaLR(o, [abs])),
        (r"OneCycleLR: total_steps \(or epochs · steps_per_epoch\) must be at least 1", lambda o: OneCycleLR(o, 1.0)),
        ("OneCycleLR: pct_start must be from 0 to 1, got 30", lambda o: OneCycleLR(o, 1.0, 9, pct_start=30)),
        ("OneCycleLR: anneal_strategy must be 'cos' or", lambda o: OneCycleLR(o, 1.0, 9, anneal_strategy="sin")),
        ("OneCycleLR: 3 values of max_lr for 2 parameter groups", lambda o: OneCycleLR(o, [1.0, 2.0, 3.0], 9)),
        ("SequentialLR: 1 schedules need 0 growing milestones, got", lambda o: SequentialLR(o, [StepLR(o, 1)], [1])),
        (
            r"SequentialLR: 3 schedules need 2 growing milestones, got \[5, 2\]",
            lambda o: SequentialLR(o, [StepLR(o, 1)] * 3, [5, 2]),
        ),
        (
            "SequentialLR: StepLR drives another optimizer; build all for one",
            lambda o: SequentialLR(o, [StepLR(two_groups(), 1)], []),
        ),
        ("ReduceLROnPlateau: mode must be 'min' or 'max' and", lambda o: ReduceLROnPlateau(o, mode="least")),
        ("got 'min' and 'relative'", lambda o: ReduceLROnPlateau(o, threshold_mode="relative")),
        ("ReduceLROnPlateau: factor must be at least 0 and below 1", lambda o: ReduceLROnPlateau(o, factor=1.5)),
        ("ReduceLROnPlateau: 1 values of min_lr for 2 param", lambda o: ReduceLROnPlateau(o, min_lr=[0.1])),
    ],
)
def test_messages(message, make):
    with pytest.raises(ShapeError, match=message):
        make(two_groups())


def test_one_cycle_ends():
    scheduler = OneCycleLR(two_groups(), max_lr=1.0, total_steps=3)
    for _ in range(3):
        scheduler.step()
    with pytest.raises(ShapeError, match="OneCycleLR: step 4 is beyond total_steps=3; call step"):
        scheduler.step()


def test_one_cycle_needs_momentum_to_cycle_it():
    class Plain(optim.Optimizer):
        def check_options(self, options):
            pass

    optimizer = Plain([minicnn.zeros(1, requires_grad=True)], {"lr": 1.0})
    with pytest.raises(ShapeError, match="OneCycleLR: this optimizer has no momentum to cycle; pass cycle_momentum"):
        OneCycleLR(optimizer, 1.0, 9)
    OneCycleLR(optimizer, 1.0, 9, cycle_momentum=False).step()


def test_a_rise_of_no_length_starts_at_the_top():
    scheduler = OneCycleLR(two_groups(), max_lr=1.0, total_steps=10, pct_start=0.1)
    assert scheduler.get_last_lr() == [1.0, 1.0]


@pytest.mark.parametrize("state", [{}, {"last_epoch": 1, "base_lrs": [0.1]}, {"best": 1.0}])
def test_a_state_of_something_else_is_refused(state):
    for scheduler in (ExponentialLR(two_groups(), 0.5), ReduceLROnPlateau(two_groups())):
        with pytest.raises(CheckpointError, match=r"LR\w*.load_state_dict: the state {.*} is not of a schedule"):
            scheduler.load_state_dict(state)
        assert scheduler.last_epoch == 0


def test_a_schedule_must_say_its_formula():
    with pytest.raises(NotImplementedError):
        LRScheduler(two_groups())
