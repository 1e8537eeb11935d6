"""Adagrad and Adadelta against PyTorch's recorded steps, and a step by hand."""

import json
from pathlib import Path

import pytest

import minicnn
from minicnn import optim
from minicnn.errors import ArgumentError

RECORDED = json.loads((Path(__file__).parents[1] / "oracles" / "torch_optim.json").read_text())["optimizers"]
CASES = [case for case in RECORDED if case["name"] in ("Adagrad", "Adadelta")]


@pytest.mark.parametrize("backend", ["reference"], indirect=True)
@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['name']} {case['options']}")
def test_every_step_is_pytorchs(case, check_trajectory):
    check_trajectory(case, minicnn.float64, 1e-12)
    check_trajectory(case, minicnn.float32, 1e-5)


def leaf():
    return minicnn.tensor([1.0, -2.0], requires_grad=True)


@pytest.mark.parametrize("name", ["Adagrad", "Adadelta"])
def test_a_saved_state_goes_on(name, check_saved_state):
    check_saved_state(name)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("Adagrad", {"lr_decay": -1}, "Adagrad: lr_decay must be at least 0"),
        ("Adadelta", {"rho": 1.5}, "Adadelta: rho must be at least 0 and below 1, got 1.5"),
        ("Adagrad", {"initial_accumulator_value": -1}, "Adagrad: initial_accumulator_value must be at least 0"),
    ],
)
def test_options_that_are_none(name, options, message):
    with pytest.raises(ArgumentError, match=message):
        getattr(optim, name)([leaf()], **options)
