"""Shared by all tests: how hard Hypothesis tries, and the devices that a test runs on."""

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from minicnn import dispatch, primitive
from minicnn.devices import Device

# No time limits: a slow machine is not a bug. In CI the same commit draws the same cases and so gets the same verdict.
PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("dev", PATIENT, max_examples=25)
settings.register_profile("ci", PATIENT, max_examples=50, derandomize=True, database=None, print_blob=True)
settings.register_profile("thorough", PATIENT, max_examples=1000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if os.environ.get("CI") else "dev"))


@pytest.fixture(scope="session", params=Device.available())
def device(request: pytest.FixtureRequest) -> Device:
    """Each device of this machine in turn: a test that asks for it runs once on every one."""
    return Device.named(request.param)


@pytest.fixture
def own_primitives(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Primitives and kernels that a test makes are gone after it."""
    for name in Device.available():
        dispatch.kernels("conv", Device.named(name))  # loads the backends, whose kernels are to stay
    monkeypatch.setattr(dispatch, "_table", {name: list(kernels) for name, kernels in dispatch._table.items()})
    monkeypatch.setattr(primitive, "_table", primitive.primitives())
    dispatch.kernels.cache_clear()
    yield
    dispatch.kernels.cache_clear()
