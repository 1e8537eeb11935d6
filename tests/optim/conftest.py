"""The backends that take steps, and PyTorch's steps from tests/oracles/torch_optim.json as a check for any of them."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minicnn
from minicnn import optim
from minicnn.backends.native import library
from minicnn.backends.numpy import optim as numpy_steps
from minicnn.runtime import dispatch

RECORDED = json.loads((Path(__file__).parents[1] / "oracles" / "torch_optim.json").read_text())


@pytest.fixture(params=["reference", "numpy", "native"])
def backend(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Each way to take a step: the reference, NumPy in threads (however small the parameters are), native."""
    if request.param == "native" and not library.usable():
        pytest.skip(library.missing())
    monkeypatch.setattr(numpy_steps, "LARGE", 0)
    monkeypatch.setattr(numpy_steps, "PIECE", 4)
    with dispatch.use_backends(*[] if request.param == "reference" else [request.param]):
        yield


@pytest.fixture
def check_trajectory(backend: None) -> Callable[..., None]:
    """Take the recorded steps with the recorded gradients, and compare every parameter after each."""

    def check(case: dict[str, Any], dtype: Any, tolerance: float) -> None:
        shapes = [tuple(shape) for shape in RECORDED["shapes"]][: len(case["path"][0])]
        starts = [np.linspace(-1, 1, int(np.prod(shape))).reshape(shape) for shape in shapes]
        parameters = [minicnn.tensor(start, dtype=dtype, requires_grad=True) for start in starts]
        optimizer = getattr(optim, case["name"])(parameters, **case["options"])
        for step, (gradients, expected) in enumerate(zip(RECORDED["gradients"], case["path"], strict=True)):
            for i, (p, g) in enumerate(zip(parameters, gradients, strict=False)):
                p.grad = None if i == 1 and step % 5 == 2 else minicnn.tensor(np.reshape(g, p.shape), dtype=dtype)
            optimizer.step()
            for p, values in zip(parameters, expected, strict=True):
                np.testing.assert_allclose(p.detach().numpy().ravel(), values, rtol=tolerance, atol=tolerance)

    return check


@pytest.fixture
def check_saved_state() -> Callable[[str], None]:
    """Save the state after three steps; an optimizer that loads it goes on like the old one."""

    def check(name: str) -> None:
        def train(p: minicnn.Tensor, optimizer: optim.Optimizer) -> None:
            for _ in range(3):
                optimizer.zero_grad()
                (p**2).sum().backward()
                optimizer.step()

        p, q = (minicnn.tensor([1.0, -2.0], requires_grad=True) for _ in range(2))
        optimizer, twin = (getattr(optim, name)([t], lr=0.1) for t in (p, q))
        train(p, optimizer)
        q.data.copy_(p.detach())
        twin.load_state_dict(optimizer.state_dict())
        train(p, optimizer)
        train(q, twin)
        assert q.tolist() == p.tolist()

    return check
