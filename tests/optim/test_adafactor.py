"""Adafactor against PyTorch's recorded steps, and a step by hand."""

import json
from pathlib import Path

import pytest

import minicnn
from minicnn import optim
from minicnn.errors import ArgumentError, CheckpointError, DTypeError

RECORDED = json.loads((Path(__file__).parents[1] / "oracles" / "torch_optim.json").read_text())["optimizers"]
CASES = [case for case in RECORDED if case["name"] == "Adafactor"]


@pytest.mark.parametrize("backend", ["reference"], indirect=True)
@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["options"]))
def test_every_step_is_pytorchs(case, check_trajectory):
    assert len(CASES) == 3
    check_trajectory(case, minicnn.float64, 1e-12)
    check_trajectory(case, minicnn.float32, 1e-5)


def test_the_first_step_by_hand():
    """The first update is g / √(r c / mean r) = the signs of g here, and rms p = 1, so the step is lr."""
    p = minicnn.tensor([[1.0, -1.0], [1.0, 1.0]], requires_grad=True)
    optimizer = optim.Adafactor([p], lr=0.25)
    (p * minicnn.tensor([[2.0, -2.0], [-2.0, 2.0]])).sum().backward()
    optimizer.step()
    assert p.tolist() == [[0.75, -0.75], [1.25, 0.75]]
    assert optimizer.state[p]["row_var"].tolist() == [[4.0], [4.0]]
    assert optimizer.state[p]["col_var"].tolist() == [[4.0, 4.0]]


def test_a_saved_state_goes_on(check_saved_state):
    check_saved_state("Adafactor")


def test_a_state_of_another_shape_is_refused():
    p, q = (minicnn.ones(*shape, requires_grad=True) for shape in ((2, 3), (3, 3)))
    optimizers = [optim.Adafactor([t]) for t in (p, q)]
    p.sum().backward()
    optimizers[0].step()
    with pytest.raises(CheckpointError, match=r"row_var has shape \(2, 1\), the parameter \(3, 3\)"):
        optimizers[1].load_state_dict(optimizers[0].state_dict())


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"d": 0.5}, ArgumentError, "Adafactor: d must be at least 1, got 0.5"),
        ({"beta2_decay": 0.5}, ArgumentError, "Adafactor: beta2_decay must be at most 0, got 0.5"),
        ({"eps": (None, -1.0)}, ArgumentError, r"Adafactor: eps\[1\] must be at least 0, got -1"),
        ({"eps": (None, None)}, DTypeError, r"Adafactor: eps\[1\] must be a number, got None"),
        ({"eps": 1e-3}, DTypeError, "Adafactor: eps must be two numbers, the first may be None; got 0.001"),
    ],
)
def test_options_that_are_none(options, error, message):
    with pytest.raises(error, match=message):
        optim.Adafactor([minicnn.ones(2, requires_grad=True)], **options)
