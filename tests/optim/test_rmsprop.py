"""RMSprop against PyTorch's recorded steps, and a step by hand."""

import json
from pathlib import Path

import pytest

import minicnn
from minicnn import optim
from minicnn.errors import ArgumentError

RECORDED = json.loads((Path(__file__).parents[1] / "oracles" / "torch_optim.json").read_text())["optimizers"]
CASES = [case for case in RECORDED if case["name"] in ("RMSprop",)]


@pytest.mark.parametrize("backend", ["reference"], indirect=True)
@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['name']} {case['options']}")
def test_every_step_is_pytorchs(case, check_trajectory):
    check_trajectory(case, minicnn.float64, 1e-12)
    check_trajectory(case, minicnn.float32, 1e-5)


def leaf():
    return minicnn.tensor([1.0, -2.0], requires_grad=True)


@pytest.mark.parametrize("name", ["RMSprop"])
def test_a_saved_state_goes_on(name, check_saved_state):
    check_saved_state(name)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("RMSprop", {"alpha": -1}, "RMSprop: alpha must be at least 0, got -1"),
        ("RMSprop", {"momentum": -1}, "RMSprop: momentum must be at least 0"),
        ("RMSprop", {"differentiable": True}, "RMSprop: differentiable=True is not supported"),
    ],
)
def test_options_that_are_none(name, options, message):
    with pytest.raises(ArgumentError, match=message):
        getattr(optim, name)([leaf()], **options)
