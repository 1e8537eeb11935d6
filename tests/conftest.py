"""Settings and fixtures for all tests: Hypothesis profiles, and the devices on which a test runs."""

import os
import signal
from collections.abc import Iterator
from contextlib import nullcontext

import pytest
from hypothesis import HealthCheck, Phase, settings

from minicnn.autograd import primitive
from minicnn.runtime import dispatch
from minicnn.runtime.devices import CPU, CUDA, CUDASIM, Device
from tests import standin_cupy

# No deadline, because a slow machine is not a bug. CI is derandomized: the same commit draws the same examples.
PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("dev", PATIENT, max_examples=20)
settings.register_profile("ci", PATIENT, max_examples=50, derandomize=True, database=None, print_blob=True)
settings.register_profile("thorough", PATIENT, max_examples=1000)
# A fault that is noticed needs no smallest example: this is for tests/mutants.
NOTICED = {"derandomize": True, "database": None, "phases": [Phase.explicit, Phase.generate]}
settings.register_profile("mutants", PATIENT, max_examples=25, **NOTICED)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if os.environ.get("CI") else "dev"))


MISSING = Device.reasons()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip doctests that use the simulator if it cannot be built. Put long tests first, so that no process waits."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)
    for item in items if MISSING["cudasim"] else ():
        if isinstance(item, pytest.DoctestItem) and item.dtest and "cudasim" in (item.dtest.docstring or ""):
            item.add_marker(pytest.mark.skip(reason=MISSING["cudasim"]))


@pytest.fixture(scope="session", params=[CPU, CUDASIM, CUDA], ids=str)
def device(request: pytest.FixtureRequest) -> Device:
    """Run the test on every device. On a machine without a GPU, `cuda` uses the stand-in for CuPy.

    Without a compiler, neither the simulator nor the stand-in can run a kernel, so the test is skipped.
    """
    found: Device = request.param
    if found is not CPU and MISSING[found.name] and MISSING["cudasim"]:
        pytest.skip(MISSING["cudasim"])
    return found


@pytest.fixture
def gpu() -> Device:
    """The device `cuda`: a real GPU, or the stand-in for CuPy."""
    if MISSING["cuda"] and MISSING["cudasim"]:
        pytest.skip(MISSING["cudasim"])
    return CUDA


@pytest.fixture(autouse=True)
def _cupy(request: pytest.FixtureRequest) -> Iterator[None]:
    """Without a GPU, replace CuPy by the stand-in during a test on `cuda`."""
    asked = "gpu" in request.fixturenames or (
        "device" in request.fixturenames and request.getfixturevalue("device") is CUDA
    )
    with standin_cupy.installed() if asked and MISSING["cuda"] else nullcontext():
        yield


@pytest.fixture
def own_primitives(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Remove the primitives and kernels that a test registers when it ends."""
    for name in Device.available():
        dispatch.kernels("conv", Device.named(name))  # loads the backends, so their kernels are kept
    monkeypatch.setattr(dispatch, "_table", {name: list(kernels) for name, kernels in dispatch._table.items()})
    monkeypatch.setattr(dispatch, "_order", dict(dispatch._order))
    monkeypatch.setattr(primitive, "_table", primitive.primitives())
    dispatch._forget()
    yield
    dispatch._forget()


@pytest.fixture
def ctrl_c() -> Iterator[None]:
    """Let Ctrl-C raise KeyboardInterrupt, also in tests that a shell runs in the background, where it is ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
