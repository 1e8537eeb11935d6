"""Devices: where arrays live, which array module handles them, and which kernels may run on them."""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType
from typing import Any, TypeAlias

import numpy as np

from minicnn.errors import DeviceError

__all__ = ["CPU", "Array", "Device", "xp"]

Array: TypeAlias = Any  # numpy.ndarray, or the array class of the device's own module


@dataclass(frozen=True)
class Device:
    """A place for arrays; `kernel_tags` names the backends tried there, in order, before the reference.

    Examples
    --------
    >>> Device.named("cpu")
    Device('cpu')
    """

    name: str
    kernel_tags: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Device({self.name!r})"

    def __str__(self) -> str:
        return self.name

    @property
    def type(self) -> str:
        """PyTorch's word for the name."""
        return self.name

    @staticmethod
    def named(device: str | Device) -> Device:
        """Return the device of that name.

        Raises
        ------
        DeviceError
            If there is no such device on this machine.
        """
        if isinstance(device, Device):
            return device
        if device not in _devices:
            raise DeviceError(f"device: there is no device {device!r}; this build has {', '.join(_devices)}")
        return _devices[device]

    @staticmethod
    def available() -> list[str]:
        """Return the names of the devices that work on this machine."""
        return list(_devices)

    def array(self, data: Any, dtype: Any = None) -> Array:
        """Return `data` as an array of this device, without a copy where none is needed."""
        return np.asarray(data, dtype=dtype)

    def to_numpy(self, array: Array) -> np.ndarray[Any, Any]:
        """Return an array of this device as NumPy's, without a copy where none is needed."""
        return np.asarray(array)


CPU = Device("cpu", kernel_tags=("numpy",))
_devices = {CPU.name: CPU}


def xp(array: Array) -> ModuleType:
    """Return the array module that handles `array`; a reference kernel calls its functions only through it."""
    return np
