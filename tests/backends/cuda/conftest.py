"""Skip these tests without a C++ compiler: every kernel here runs in the simulator, which it builds."""

import pytest

from minicnn.runtime.devices import Device

MISSING = Device.reasons()["cudasim"]


@pytest.fixture(autouse=True)
def _compiler() -> None:
    if MISSING:
        pytest.skip(MISSING)
