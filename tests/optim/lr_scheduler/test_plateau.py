"""The schedule that looks at a metric, against PyTorch's."""

import json
from pathlib import Path

import pytest

import minicnn
from minicnn.errors import ArgumentError, CheckpointError
from minicnn.optim.lr_scheduler import ReduceLROnPlateau

RECORDED = json.loads((Path(__file__).parents[2] / "oracles" / "torch_optim.json").read_text())
METRICS = RECORDED["metrics"]


@pytest.mark.parametrize("case", RECORDED["plateaus"], ids=lambda case: str(case["options"]))
def test_every_reduction_is_pytorchs(two_groups, case):
    scheduler = ReduceLROnPlateau(two_groups(), **case["options"])
    for metric, expected in zip(METRICS, case["lrs"], strict=True):
        scheduler.step(minicnn.tensor(metric, dtype=minicnn.float64))
        assert scheduler.get_last_lr() == pytest.approx(expected, rel=1e-12)


def test_nan_is_never_better(two_groups):
    scheduler = ReduceLROnPlateau(two_groups(), patience=1)
    for metric in (float("nan"), float("nan"), 1.0, 0.5):
        scheduler.step(metric)
    assert scheduler.get_last_lr()[0] == pytest.approx(0.01)
    assert scheduler.best == 0.5


def test_a_state_goes_through_json_and_on(two_groups):
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


@pytest.mark.parametrize(
    ("message", "options"),
    [
        ("ReduceLROnPlateau: mode must be 'min' or 'max' and threshold_mode 'rel' or 'abs'", {"mode": "least"}),
        ("got 'min' and 'relative'", {"threshold_mode": "relative"}),
        ("ReduceLROnPlateau: factor must be at least 0 and below 1, got 1.5", {"factor": 1.5}),
        ("ReduceLROnPlateau: 1 values of min_lr for 2 parameter groups", {"min_lr": [0.1]}),
    ],
)
def test_messages(two_groups, message, options):
    with pytest.raises(ArgumentError, match=message):
        ReduceLROnPlateau(two_groups(), **options)


@pytest.mark.parametrize("state", [{}, {"last_epoch": 1, "base_lrs": [0.1]}, {"best": 1.0}])
def test_a_state_of_something_else_is_refused(two_groups, state):
    scheduler = ReduceLROnPlateau(two_groups())
    with pytest.raises(
        CheckpointError, match=r"ReduceLROnPlateau.load_state_dict: the state {.*} does not fit this schedule"
    ):
        scheduler.load_state_dict(state)
    assert scheduler.last_epoch == 0
