"""Every formula against the rates that PyTorch gives; states, messages, schedules of schedules."""

import json
from pathlib import Path

import pytest

import minicnn
from minicnn import optim
from minicnn.errors import ArgumentError, CheckpointError
from minicnn.optim.lr_scheduler import (
    ConstantLR,
    CosineAnnealingLR,
    ExponentialLR,
    LambdaLR,
    LinearLR,
    LRScheduler,
    SequentialLR,
    StepLR,
)

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
    with pytest.raises(NotImplementedError):
        LRScheduler(two_groups())
