"""An optimizer to schedule, and checks of a schedule against the rates that PyTorch's gave."""

import json
from collections.abc import Callable
from typing import Any

import pytest

import minicnn
from minicnn import optim
from minicnn.optim import lr_scheduler


def make_optimizer(kind: str = "SGD", lr: float = 0.1) -> optim.Optimizer:
    groups: list[dict[str, Any]] = [{"params": minicnn.zeros(1, requires_grad=True)} for _ in range(2)]
    groups[1]["lr"] = 0.3 * lr
    return optim.SGD(groups, lr=lr, momentum=0.9) if kind == "SGD" else optim.Adam(groups, lr=lr)


def build(name: str, options: dict[str, Any], optimizer: optim.Optimizer) -> Any:
    options = dict(options)
    if "schedulers" in options:
        options["schedulers"] = [build(n, o, optimizer) for n, o in options["schedulers"]]
    if "lr_lambda" in options:
        formula = options["lr_lambda"]
        options["lr_lambda"] = lambda epoch: eval(formula, {"epoch": epoch})
    return getattr(lr_scheduler, name)(optimizer, **options)


def rates_and_momenta(optimizer: optim.Optimizer) -> tuple[list[float], list[float]]:
    groups = optimizer.param_groups
    return [group["lr"] for group in groups], [group.get("momentum") or group["betas"][0] for group in groups]


@pytest.fixture(scope="session")
def two_groups() -> Callable[..., optim.Optimizer]:
    """Make an optimizer with rates lr and 0.3 lr."""
    return make_optimizer


@pytest.fixture(scope="session")
def check_rates() -> Callable[[dict[str, Any]], None]:
    """Compare every rate and momentum with the recorded ones."""

    def check(case: dict[str, Any]) -> None:
        optimizer = make_optimizer(case["optimizer"])
        scheduler = build(case["name"], case["options"], optimizer)
        for expected_rates, expected_momenta in zip(case["lrs"], case["momenta"], strict=True):
            rates, momenta = rates_and_momenta(optimizer)
            assert rates == pytest.approx(expected_rates, rel=1e-12)
            assert momenta == pytest.approx(expected_momenta, rel=1e-12)
            assert scheduler.get_last_lr() == rates
            scheduler.step()

    return check


@pytest.fixture(scope="session")
def check_resumption() -> Callable[[dict[str, Any], int], None]:
    """Take the states through JSON into a new optimizer and schedule, which must go on like the old ones."""

    def check(case: dict[str, Any], epochs: int) -> None:
        straight, resumed = make_optimizer(case["optimizer"]), make_optimizer(case["optimizer"])
        scheduler = build(case["name"], case["options"], straight)
        for _ in range(epochs):
            scheduler.step()
        twin = build(case["name"], case["options"], resumed)
        resumed.load_state_dict(json.loads(json.dumps(straight.state_dict())))
        twin.load_state_dict(json.loads(json.dumps(scheduler.state_dict())))
        for _ in range(5):
            scheduler.step()
            twin.step()
            assert rates_and_momenta(resumed) == rates_and_momenta(straight)

    return check
