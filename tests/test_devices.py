"""Devices: found by name, printed by name."""

import numpy as np
import pytest

from minicnn.devices import CPU, Device, xp
from minicnn.errors import DeviceError


def test_found_by_name():
    assert Device.named("cpu") is CPU
    assert Device.named(CPU) is CPU
    assert "cpu" in Device.available()
    assert (str(CPU), repr(CPU), CPU.type) == ("cpu", "Device('cpu')", "cpu")


def test_a_device_that_is_not_there():
    with pytest.raises(DeviceError, match="device: there is no device 'abacus'; this build has cpu"):
        Device.named("abacus")


def test_arrays_are_not_copied_on_the_way(device):
    a = device.array(np.ones(3))
    assert device.array(a) is a
    assert xp(a) is not None
    np.testing.assert_array_equal(device.to_numpy(a), np.ones(3))


def test_the_cpu_shares_numpy_memory():
    a = np.ones(3)
    assert CPU.array(a) is a
    assert CPU.to_numpy(a) is a
    assert CPU.array([1, 2], np.float32).dtype == np.float32
