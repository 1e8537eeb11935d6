"""Muon against PyTorch's recorded steps (with its products in float64), and its direction."""

import json
from pathlib import Path

import pytest

import minicnn
from minicnn import nn, optim
from minicnn.errors import ArgumentError, DTypeError, ShapeError

RECORDED = json.loads((Path(__file__).parents[1] / "oracles" / "torch_optim.json").read_text())["optimizers"]
CASES = [case for case in RECORDED if case["name"] == "Muon"]


@pytest.mark.parametrize("backend", ["reference"], indirect=True)
@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["options"]))
def test_every_step_is_pytorchs(case, check_trajectory):
    assert len(CASES) == 3
    check_trajectory(case, minicnn.float64, 1e-12)
    check_trajectory(case, minicnn.float32, 1e-4)


@pytest.mark.parametrize("shape", [(5, 3), (3, 5)])
def test_a_step_is_nearly_orthogonal(shape):
    minicnn.manual_seed(0)
    p = minicnn.randn(*shape, requires_grad=True)
    optimizer = optim.Muon([p], lr=1.0, weight_decay=0.0)
    (p * minicnn.randn(*shape)).sum().backward()
    before = p.detach().clone()
    optimizer.step()
    sizes = minicnn.linalg.svdvals(before - p.detach()) / max(1, shape[0] / shape[1]) ** 0.5
    assert 0.6 < sizes.min() <= sizes.max() < 1.25


def test_a_saved_state_goes_on():
    p, q = (minicnn.ones(2, 3, requires_grad=True) for _ in range(2))
    optimizer, twin = optim.Muon([p]), optim.Muon([q])
    p.grad = q.grad = minicnn.arange(6.0).reshape(2, 3)
    optimizer.step()
    q.data.copy_(p.detach())
    twin.load_state_dict(optimizer.state_dict())
    optimizer.step()
    twin.step()
    assert q.tolist() == p.tolist()


def test_other_parameters_are_refused():
    model = nn.Linear(2, 3)
    optimizer = optim.Muon([model.weight])
    with pytest.raises(ShapeError, match=r"Muon: parameters must be matrices, got \(3,\); give the others to AdamW"):
        optimizer.add_param_group({"params": model.bias})
    assert len(optimizer.param_groups) == 1


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        (
            {"adjust_lr_fn": "new"},
            ArgumentError,
            "adjust_lr_fn must be one of None, 'original', 'match_rms_",
        ),
        ({"ns_coefficients": (1.0, 2.0)}, DTypeError, r"ns_coefficients must be three numbers, got \(1.0, 2.0\)"),
        ({"ns_steps": 100}, ArgumentError, "ns_steps must be at least 0 and below 100, got 100"),
    ],
)
def test_options_that_are_none(options, error, message):
    with pytest.raises(error, match=f"Muon: {message}"):
        optim.Muon([minicnn.ones(2, 2, requires_grad=True)], **options)
