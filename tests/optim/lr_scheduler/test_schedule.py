"""Every formula against the rates that PyTorch gives; states, messages, schedules of schedules."""

import json
from pathlib import Path

import pytest

import minicnn
from minicnn import optim
from minicnn.errors import ArgumentError, CheckpointError, DTypeError
from minicnn.optim.lr_scheduler import (
    ChainedScheduler,
    ConstantLR,
    CosineAnnealingLR,
    CosineAnnealingWarmRestarts,
    CyclicLR,
    ExponentialLR,
    LambdaLR,
    LinearLR,
    LRScheduler,
    PolynomialLR,
    ReduceLROnPlateau,
    SequentialLR,
    StepLR,
)


def leaf():
    return minicnn.zeros(1, requires_grad=True)


RECORDED = json.loads((Path(__file__).parents[2] / "oracles" / "torch_optim.json").read_text())
CASES = [case for case in RECORDED["schedules"] if case["name"] != "OneCycleLR"]
IDS = [case["name"] for case in CASES]


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_every_rate_is_pytorchs(case, check_rates):
    check_rates(case)


@pytest.mark.parametrize("case", CASES, ids=IDS)
@pytest.mark.parametrize("epochs", [0, 4, 5, 17])
def test_a_state_goes_through_json_and_on(case, epochs, check_resumption):
    check_resumption(case, epochs)


def test_a_sequence_within_a_sequence(two_groups):
    optimizer = two_groups(lr=8.0)
    inner = SequentialLR(optimizer, [ConstantLR(optimizer, 0.5, 9), ConstantLR(optimizer, 0.25, 9)], [2])
    scheduler = SequentialLR(optimizer, [LinearLR(optimizer, 0.125, total_iters=9), inner], [1])
    rates = []
    for _ in range(4):
        rates.append(optimizer.param_groups[0]["lr"])
        scheduler.step()
    assert rates == [1, 4, 4, 2]


def test_a_group_that_is_added_later_keeps_its_rate(two_groups):
    optimizer = two_groups(lr=8.0)
    scheduler = LambdaLR(optimizer, lambda epoch: 0.5**epoch)
    optimizer.add_param_group({"params": [leaf()], "lr": 3.0})
    scheduler.step()
    assert scheduler.get_last_lr() == [4.0, 1.2, 3.0]


def test_a_function_for_each_group(two_groups):
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
        ("LinearLR: start_factor must be above 0, because", lambda o: LinearLR(o, start_factor=0)),
        ("PolynomialLR: total_iters must be at least 1, got 0", lambda o: PolynomialLR(o, 0)),
        ("WarmRestarts: T_0 must be an integer >= 1, got 0", lambda o: CosineAnnealingWarmRestarts(o, 0)),
        ("WarmRestarts: T_mult must be an integer >= 1, got 1.5", lambda o: CosineAnnealingWarmRestarts(o, 1, 1.5)),
        ("WarmRestarts.step: epoch must be at least 0", lambda o: CosineAnnealingWarmRestarts(o, 1).step(-1)),
        ("CyclicLR: mode must be one of 'triangular', ", lambda o: CyclicLR(o, 0.1, 1, mode="round")),
        ("CyclicLR: 1 values of base_lr for 2 parameter groups", lambda o: CyclicLR(o, [0.1], 1)),
        ("ChainedScheduler: there is no schedule; pass at least one", lambda o: ChainedScheduler([])),
        (
            "ChainedScheduler: StepLR belongs to another",
            lambda o: ChainedScheduler([StepLR(o, 1)], optim.SGD([leaf()])),
        ),
        ("SequentialLR: ReduceLROnPlateau needs a metric", lambda o: SequentialLR(o, [ReduceLROnPlateau(o)], [])),
        ("LinearLR: total_iters must be at least 1, got 0", lambda o: LinearLR(o, total_iters=0)),
        ("ConstantLR: factor must be from 0 to 1, got 3", lambda o: ConstantLR(o, factor=3)),
        ("LambdaLR: 1 values of lr_lambda for 2 parameter groups; pass 1 value, or 2", lambda o: LambdaLR(o, [abs])),
        (
            "SequentialLR: 1 schedules need 0 milestones in increasing order, got",
            lambda o: SequentialLR(o, [StepLR(o, 1)], [1]),
        ),
        (
            r"SequentialLR: 3 schedules need 2 milestones in increasing order, got \[5, 2\]",
            lambda o: SequentialLR(o, [StepLR(o, 1)] * 3, [5, 2]),
        ),
        (
            "SequentialLR: StepLR belongs to another optimizer; build all schedules",
            lambda o: SequentialLR(o, [StepLR(optim.SGD([minicnn.zeros(1)]), 1)], []),
        ),
    ],
)
def test_messages(two_groups, message, make):
    with pytest.raises(ArgumentError, match=message):
        make(two_groups())


@pytest.mark.parametrize("state", [{}, {"last_epoch": 1, "base_lrs": [0.1]}, {"best": 1.0}])
def test_a_state_of_something_else_is_refused(two_groups, state):
    scheduler = ExponentialLR(two_groups(), 0.5)
    with pytest.raises(
        CheckpointError, match=r"ExponentialLR.load_state_dict: the state {.*} does not fit this schedule"
    ):
        scheduler.load_state_dict(state)
    assert scheduler.last_epoch == 0


def test_a_schedule_must_say_its_formula(two_groups):
    with pytest.raises(NotImplementedError, match=r"LRScheduler has no get_lr\(\); define it"):
        LRScheduler(two_groups())
    with pytest.raises(DTypeError, match="StepLR: expected an Optimizer, got Linear"):
        StepLR(minicnn.nn.Linear(1, 1), 1)


def test_states_of_several_schedules_go_on(two_groups):
    def build(optimizer):
        inner = ChainedScheduler([ConstantLR(optimizer, 0.5, 3), ExponentialLR(optimizer, 0.9)])
        return SequentialLR(optimizer, [inner, CosineAnnealingLR(optimizer, 5)], [4])

    straight, resumed = two_groups(), two_groups()
    scheduler, twin = build(straight), build(resumed)
    for _ in range(3):
        scheduler.step()
    resumed.load_state_dict(straight.state_dict())
    twin.load_state_dict(json.loads(json.dumps(scheduler.state_dict())))
    for _ in range(6):
        scheduler.step()
        twin.step()
        assert twin.get_last_lr() == scheduler.get_last_lr()
    with pytest.raises(CheckpointError, match=r"SequentialLR\.load_state_dict"):
        twin.load_state_dict({})
