"""Adam and AdamW against PyTorch's recorded steps, and a step by hand.

Groups, state and closures are tested in test_optimizer.py, and kernels against the reference in tests/backends.
"""

import json
from pathlib import Path

import numpy as np
import pytest

import minicnn
from minicnn import optim

RECORDED = json.loads((Path(__file__).parents[1] / "oracles" / "torch_optim.json").read_text())["optimizers"]
CASES = [case for case in RECORDED if case["name"] in ("Adam", "AdamW")]

pytestmark = pytest.mark.usefixtures("backend")


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['name']} {case['options']}")
def test_every_step_is_pytorchs(case, check_trajectory):
    check_trajectory(case, minicnn.float64, 1e-12)
    check_trajectory(case, minicnn.float32, 1e-6)


def test_the_first_step_is_of_size_lr_whatever_the_gradient():
    p = minicnn.zeros(3, dtype=minicnn.float64, requires_grad=True)
    optimizer = optim.Adam([p], lr=0.1, eps=0.0)
    p.grad = minicnn.tensor([1e-6, -1.0, 1e6], dtype=minicnn.float64)
    optimizer.step()
    np.testing.assert_allclose(p.detach(), [-0.1, 0.1, -0.1], rtol=1e-12)


def test_adamw_decays_without_a_gradient_of_the_loss():
    p = minicnn.ones(2, dtype=minicnn.float64, requires_grad=True)
    optimizer = optim.AdamW([p], lr=0.1, weight_decay=0.5)
    p.grad = minicnn.zeros(2, dtype=minicnn.float64)
    optimizer.step()
    np.testing.assert_allclose(p.detach(), 0.95, rtol=1e-15)
