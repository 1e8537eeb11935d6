"""The one-cycle schedule against PyTorch's rates and momenta."""

import json
from pathlib import Path

import pytest

import minicnn
from minicnn import optim
from minicnn.errors import ArgumentError
from minicnn.optim.lr_scheduler import OneCycleLR

RECORDED = json.loads((Path(__file__).parents[2] / "oracles" / "torch_optim.json").read_text())
CASES = [case for case in RECORDED["schedules"] if case["name"] == "OneCycleLR"]
IDS = [f"{case['optimizer']} {case['options']}" for case in CASES]


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_every_rate_and_momentum_is_pytorchs(case, check_rates):
    check_rates(case)


@pytest.mark.parametrize("case", CASES, ids=IDS)
@pytest.mark.parametrize("steps", [0, 4, 17])
def test_a_state_goes_through_json_and_on(case, steps, check_resumption):
    check_resumption(case, steps)


@pytest.mark.parametrize(
    ("message", "make"),
    [
        (r"OneCycleLR: total_steps \(or epochs · steps_per_epoch\) must be at least 1", lambda o: OneCycleLR(o, 1.0)),
        (r"OneCycleLR: total_steps .* must be at least 1", lambda o: OneCycleLR(o, 1.0, steps_per_epoch=9)),
        (r"OneCycleLR: total_steps .* must be at least 1", lambda o: OneCycleLR(o, 1.0, epochs=9)),
        ("OneCycleLR: pct_start must be from 0 to 1, got 30", lambda o: OneCycleLR(o, 1.0, 9, pct_start=30)),
        ("OneCycleLR: anneal_strategy must be 'cos' or", lambda o: OneCycleLR(o, 1.0, 9, anneal_strategy="sin")),
        ("OneCycleLR: 3 values of max_lr for 2 parameter groups", lambda o: OneCycleLR(o, [1.0, 2.0, 3.0], 9)),
    ],
)
def test_messages(two_groups, message, make):
    with pytest.raises(ArgumentError, match=message):
        make(two_groups())


def test_it_ends(two_groups):
    scheduler = OneCycleLR(two_groups(), max_lr=1.0, total_steps=3)
    for _ in range(3):
        scheduler.step()
    with pytest.raises(ArgumentError, match="OneCycleLR: step 4 is beyond total_steps=3; call step"):
        scheduler.step()


def test_it_needs_momentum_to_cycle_it():
    class Plain(optim.Optimizer):
        def check_options(self, options):
            pass

    optimizer = Plain([minicnn.zeros(1, requires_grad=True)], {"lr": 1.0})
    with pytest.raises(ArgumentError, match="OneCycleLR: this optimizer has no momentum to cycle; pass cycle_momentum"):
        OneCycleLR(optimizer, 1.0, 9)
    OneCycleLR(optimizer, 1.0, 9, cycle_momentum=False).step()


def test_a_rise_of_no_length_starts_at_the_top(two_groups):
    scheduler = OneCycleLR(two_groups(), max_lr=1.0, total_steps=10, pct_start=0.1)
    assert scheduler.get_last_lr() == [1.0, 1.0]


def test_the_last_phase_of_three_goes_on_for_one_step(two_groups):
    """The last corner of the curve is at total_steps - 1."""
    scheduler = OneCycleLR(two_groups(), 1.0, 10, pct_start=0.3, anneal_strategy="linear", three_phase=True)
    rates = []
    for _ in range(10):
        rates += scheduler.get_last_lr()[:1]
        scheduler.step()
    assert rates[4] == pytest.approx(1 / 25)
    assert scheduler.get_last_lr()[0] == pytest.approx(rates[4] + 6 * (rates[9] - rates[8]))
