"""SGD against PyTorch's recorded steps, and a step by hand.

Groups, state and closures are tested in test_optimizer.py, and kernels against the reference in tests/backends.
"""

import json
from pathlib import Path

import pytest

import minicnn
from minicnn import optim

RECORDED = json.loads((Path(__file__).parents[1] / "oracles" / "torch_optim.json").read_text())["optimizers"]
CASES = [case for case in RECORDED if case["name"] == "SGD"]

pytestmark = pytest.mark.usefixtures("backend")


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["options"]))
def test_every_step_is_pytorchs(case, check_trajectory):
    check_trajectory(case, minicnn.float64, 1e-12)
    check_trajectory(case, minicnn.float32, 1e-6)


def test_two_steps_by_hand():
    p = minicnn.tensor([1.0], dtype=minicnn.float64, requires_grad=True)
    optimizer = optim.SGD([p], lr=0.1, momentum=0.5)
    for expected in (1 - 0.1 * 2, 0.8 - 0.1 * (0.5 * 2 + 1.6)):  # the gradient of p² is 2 p
        optimizer.zero_grad()
        (p * p).sum().backward()
        optimizer.step()
        assert p.item() == pytest.approx(expected, abs=1e-15)
