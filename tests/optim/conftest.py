"""The steps that PyTorch took, from tests/oracles/torch_optim.json, as a check for any optimizer."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minicnn
from minicnn import optim

RECORDED = json.loads((Path(__file__).parents[1] / "oracles" / "torch_optim.json").read_text())


@pytest.fixture
def check_trajectory() -> Callable[..., None]:
    """Take the recorded steps with the recorded gradients, and compare every parameter after each."""

    def check(case: dict[str, Any], dtype: Any, tolerance: float) -> None:
        shapes = [tuple(shape) for shape in RECORDED["shapes"]]
        starts = [np.linspace(-1, 1, int(np.prod(shape))).reshape(shape) for shape in shapes]
        parameters = [minicnn.tensor(start, dtype=dtype, requires_grad=True) for start in starts]
        optimizer = getattr(optim, case["name"])(parameters, **case["options"])
        for step, (gradients, expected) in enumerate(zip(RECORDED["gradients"], case["path"], strict=True)):
            for i, (p, g) in enumerate(zip(parameters, gradients, strict=True)):
                p.grad = None if i == 1 and step % 5 == 2 else minicnn.tensor(np.reshape(g, p.shape), dtype=dtype)
            optimizer.step()
            for p, values in zip(parameters, expected, strict=True):
                np.testing.assert_allclose(p.detach().numpy().ravel(), values, rtol=tolerance, atol=tolerance)

    return check
